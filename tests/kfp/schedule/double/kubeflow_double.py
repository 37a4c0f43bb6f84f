"""What lies behind the API: a dictionary with the server's own rules, and what can go wrong with it."""

from __future__ import annotations

import json
import threading
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any

from .published_api import Refused, Route, checked

CHANGES = ("create_experiment", "create_recurring_run", "enable_recurring_run", "disable_recurring_run", "delete_recurring_run")
SPEC = {
    "pipelineInfo": {"name": "taxi"},
    "root": {
        "dag": {"tasks": {"train": {"cachingOptions": {}}}},
        "inputDefinitions": {
            "parameters": {
                "n": {"parameterType": "NUMBER_INTEGER", "defaultValue": 1},
                "rate": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.1},
                "until": {"parameterType": "STRING", "isOptional": True},
                "flags": {"parameterType": "STRUCT", "defaultValue": {}},
            }
        },
    },
}
"""A pipeline as the server has it: `PipelineSpec`, as JSON."""


class Dropped(Exception):
    """The connection is closed without an answer."""


@dataclass
class Fault:
    """What goes wrong with the next calls of an operation (`*`: any that changes something)."""

    operation: str
    status: int = 0
    drop: str = ""
    """`before`: closed with nothing done; `after`: done, but never answered."""
    delay: float = 0
    skip: int = 0
    """Calls that pass before the fault begins."""
    times: int = 1_000_000


@dataclass
class KubeflowDouble:
    """What a server keeps, and its rules, as `backend/src/apiserver` of Kubeflow Pipelines has them.

    Among them: concurrency 1 to 10; cron of five or six fields; a mode that is not given is
    disabled; a pinned run gets a service account, one that follows the latest version does not;
    lists come in pages.
    """

    api: Any
    multi_user: bool = False
    token: str | None = None
    page: int = 2
    runs: dict[str, Any] = field(default_factory=dict)
    pipelines: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, list[Any]] = field(default_factory=dict)
    experiments: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    states: list[dict[str, list[bool]]] = field(default_factory=list)
    """After each change: by display name, which are enabled."""
    url: str = ""
    reached: threading.Event = field(default_factory=threading.Event)
    """Set when a call is held up by a fault's delay."""
    _clock: datetime = datetime(2027, 1, 1, tzinfo=timezone.utc)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    # What a test prepares and looks at

    def add_pipeline(self, name: str, *versions: str, spec: dict[str, Any] | None = None) -> str:
        with self._lock:
            id = f"pipeline-{len(self.pipelines) + 1}"
            self.pipelines[id] = self.api.V2beta1Pipeline(pipeline_id=id, display_name=name, created_at=self._now())
            self.versions[id] = []
            for version in versions:
                self.add_version(id, version, spec)
            return id

    def add_version(self, pipeline_id: str, name: str, spec: dict[str, Any] | None = None) -> None:
        self.versions[pipeline_id].append(
            self.api.V2beta1PipelineVersion(
                pipeline_id=pipeline_id,
                pipeline_version_id=f"{pipeline_id}-{name}",
                display_name=name,
                created_at=self._now(),
                pipeline_spec=spec or SPEC,
            )
        )

    def fail(self, operation: str, **how: Any) -> Fault:
        """Lets calls of an operation fail from now on, see `Fault`."""
        self.faults.append(Fault(operation, **how))
        return self.faults[-1]

    def named(self, name: str) -> list[Any]:
        with self._lock:
            return [run for run in self.runs.values() if run.display_name == name]

    def the_one(self, name: str) -> Any:
        (run,) = self.named(name)
        return run

    def changes(self) -> list[str]:
        return [call for call in self.calls if call in CHANGES]

    # Requests

    def answer(self, route: Route, path: dict[str, str], query: dict[str, str], body: Any) -> Any:
        with self._lock:
            fault = self._fault(route.operation)
        if fault and fault.delay:
            self.reached.set()
            time.sleep(fault.delay)
        with self._lock:
            if fault and fault.status:
                raise Refused(fault.status, f"the double answers {fault.status}")
            if fault and fault.drop == "before":
                raise Dropped
            handler = getattr(self, f"_{route.operation}", None)
            if handler is None:
                raise Refused(501, f"{route.operation} is not part of the double")
            self.calls.append(route.operation)
            answer = handler(path, query, body)
            if route.operation in CHANGES:
                self.states.append(
                    {n: [r.mode == "ENABLE" for r in self.named(n)] for n in {r.display_name for r in self.runs.values()}}
                )
            if fault and fault.drop == "after":
                raise Dropped
            return answer

    def _fault(self, operation: str) -> Fault | None:
        for fault in self.faults:
            if fault.operation == operation or (fault.operation == "*" and operation in CHANGES):
                if fault.skip > 0:
                    fault.skip -= 1
                elif fault.times > 0:
                    fault.times -= 1
                    return fault
        return None

    def _get_healthz(self, path, query, body):
        return self.api.V2beta1GetHealthzResponse(multi_user=self.multi_user)

    def _create_recurring_run(self, path, query, body):
        run = checked(self.api, body, "V2beta1RecurringRun")
        if not run.display_name:
            raise Refused(400, "Recurring run's name cannot be empty")
        if not 1 <= int(run.max_concurrency or 0) <= 10:
            raise Refused(
                400, f"Max concurrency of a recurring run must be at least 1 and at most 10. Received {run.max_concurrency}"
            )
        cron, periodic = run.trigger.cron_schedule, run.trigger.periodic_schedule
        if cron and not cron.cron.startswith("@") and len(cron.cron.split()) not in (5, 6):
            raise Refused(400, f"Schedule cron is not a supported format. Error: Expected 5 to 6 fields: {cron.cron}")
        if periodic and int(periodic.interval_second) < 1:
            raise Refused(400, f"Found invalid period schedule interval {periodic.interval_second}")
        if run.experiment_id not in self.experiments:
            raise Refused(404, f"Experiment {run.experiment_id} not found")
        self._check_namespace(run.namespace)
        reference = run.pipeline_version_reference
        if not self.versions.get(reference.pipeline_id):
            raise Refused(404, f"Pipeline {reference.pipeline_id} not found")
        if reference.pipeline_version_id:
            known = [version.pipeline_version_id for version in self.versions[reference.pipeline_id]]
            if reference.pipeline_version_id not in known:
                raise Refused(404, f"Pipeline version {reference.pipeline_version_id} not found")
            run.service_account = run.service_account or "pipeline-runner"
        run.recurring_run_id = str(uuid.uuid4())
        run.mode = "ENABLE" if run.mode == "ENABLE" else "DISABLE"
        run.status = "ENABLED" if run.mode == "ENABLE" else "DISABLED"
        run.created_at = run.updated_at = self._now()
        self.runs[run.recurring_run_id] = run
        return run

    def _list_recurring_runs(self, path, query, body):
        self._check_namespace(query.get("namespace"))
        found = [r for r in self.runs.values() if query.get("experiment_id") in (None, r.experiment_id)]
        page, total, token = self._page(found, query)
        return self.api.V2beta1ListRecurringRunsResponse(recurring_runs=page, total_size=total, next_page_token=token)

    def _get_recurring_run(self, path, query, body):
        return self._run(path)

    def _enable_recurring_run(self, path, query, body):
        run = self._run(path)
        run.mode, run.status = "ENABLE", "ENABLED"
        return {}

    def _disable_recurring_run(self, path, query, body):
        run = self._run(path)
        run.mode, run.status = "DISABLE", "DISABLED"
        return {}

    def _delete_recurring_run(self, path, query, body):
        del self.runs[self._run(path).recurring_run_id]
        return {}

    def _list_pipelines(self, path, query, body):
        page, total, token = self._page(list(self.pipelines.values()), query)
        return self.api.V2beta1ListPipelinesResponse(pipelines=page, total_size=total, next_page_token=token)

    def _get_pipeline(self, path, query, body):
        if path["pipeline_id"] not in self.pipelines:
            raise Refused(404, f"Pipeline {path['pipeline_id']} not found")
        return self.pipelines[path["pipeline_id"]]

    def _list_pipeline_versions(self, path, query, body):
        page, total, token = self._page(self.versions[path["pipeline_id"]], query)
        return self.api.V2beta1ListPipelineVersionsResponse(pipeline_versions=page, total_size=total, next_page_token=token)

    def _list_experiments(self, path, query, body):
        self._check_namespace(query.get("namespace"))
        page, total, token = self._page(list(self.experiments.values()), query)
        return self.api.V2beta1ListExperimentsResponse(experiments=page, total_size=total, next_page_token=token)

    def _create_experiment(self, path, query, body):
        made = checked(self.api, body, "V2beta1Experiment")
        self._check_namespace(made.namespace)
        made.experiment_id, made.created_at = str(uuid.uuid4()), self._now()
        self.experiments[made.experiment_id] = made
        return made

    def _run(self, path: dict[str, str]) -> Any:
        if path["recurring_run_id"] not in self.runs:
            raise Refused(404, f"Job {path['recurring_run_id']} not found.")
        return self.runs[path["recurring_run_id"]]

    def _check_namespace(self, namespace: str | None) -> None:
        if self.multi_user and not namespace:
            raise Refused(400, "Namespace cannot be empty in multi-user mode")

    def _page(self, found: list[Any], query: dict[str, str]) -> tuple[list[Any], int, str | None]:
        predicates = json.loads(query.get("filter") or "{}").get("predicates", [])
        for predicate in predicates:
            assert predicate["operation"] == "EQUALS", predicate
            found = [item for item in found if getattr(item, predicate["key"]) == predicate["string_value"]]
        start = int(query.get("page_token") or 0)
        size = min(int(query.get("page_size") or 20), self.page)
        end = start + size
        return found[start:end], len(found), str(end) if end < len(found) else None

    def _now(self) -> datetime:
        self._clock += timedelta(seconds=1)
        return self._clock
