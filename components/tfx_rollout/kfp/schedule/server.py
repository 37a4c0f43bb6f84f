"""A Kubeflow Pipelines server through `kfp.Client`: its answers as our values, its faults as our errors.

Of the client it takes the services that are generated from the published API, rather than the
convenient methods over them: these know no time limit, cannot follow the latest version of a
pipeline, and print. The two lines of kfp name the services' methods differently; `_call` knows both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import import_module
from typing import Any

from tfx_rollout.errors import KubeflowFault, KubeflowRefused, NotFound
from tfx_rollout.kfp.schedule.found import Found
from tfx_rollout.kfp.schedule.wanted import LATEST, Form, PipelineChoice, unmarked
from tfx_rollout.schedule import Trigger

TIMEOUT = (5.0, 30.0)
"""Seconds to connect, and to wait for an answer."""
_PAGE = 100
_EQUALS = "EQUALS"


@dataclass(frozen=True)
class ResolvedPipeline:
    """A pipeline and, where it is pinned, a version, by their ids; and the compiled form that runs, today's where it is not."""

    pipeline_id: str
    version_id: str | None
    spec: Mapping[str, Any]


class RecurringRuns:
    """The recurring runs of one namespace, and what they refer to. `client` is a `kfp.Client`."""

    def __init__(self, client: Any, *, host: str, namespace: str | None = None) -> None:
        self.host = host
        self._client = client
        self.namespace = namespace or client.get_user_namespace() or None

    # What is there

    def all(self) -> list[Found]:
        """All recurring runs of the namespace, also those that are not ours."""
        return [
            self._found(run) for run in self._listed("recurring_runs", "list_recurring_runs", "recurring_runs", self._scope())
        ]

    def named(self, name: str) -> list[Found]:
        """Those of this display name. Asks for all: how names are filtered differs between servers."""
        return [found for found in self.all() if found.form.name == name]

    def get(self, id: str) -> Found:
        """One by its id."""
        return self._found(self._call("recurring_runs", "get_recurring_run", recurring_run_id=id))

    def experiment_id(self, name: str) -> str | None:
        """The id of the experiment of this name; None when there is none."""
        query = {**self._scope(), "filter": _named(name)}
        found = [e for e in self._listed("experiments", "list_experiments", "experiments", query) if e.display_name == name]
        return found[0].experiment_id if found else None

    def resolve(self, choice: PipelineChoice) -> ResolvedPipeline:
        """The pipeline that a schedule names. `NotFound` where it, or its version, is not there."""
        pipeline = self._pipeline(choice)
        query = {"pipeline_id": pipeline.pipeline_id, "sort_by": "created_at desc"}
        versions = list(self._listed("pipelines", "list_pipeline_versions", "pipeline_versions", query))
        version = self._version(choice, pipeline, versions)
        pinned = choice.version != LATEST
        spec = version.pipeline_spec if isinstance(version.pipeline_spec, Mapping) else {}
        return ResolvedPipeline(pipeline.pipeline_id, version.pipeline_version_id if pinned else None, spec)

    def _pipeline(self, choice: PipelineChoice) -> Any:
        if choice.id is not None:
            try:
                return self._call("pipelines", "get_pipeline", pipeline_id=choice.id)
            except KubeflowFault as fault:
                if fault.status != 404:
                    raise
                raise NotFound("pipeline with the id", choice.id, self.host) from None
        query = {**self._scope(), "filter": _named(choice.name or "")}
        found = [p for p in self._listed("pipelines", "list_pipelines", "pipelines", query) if p.display_name == choice.name]
        if not found and self.namespace is not None:  # pipelines may be shared by all namespaces
            query = {"filter": _named(choice.name or "")}
            found = [p for p in self._listed("pipelines", "list_pipelines", "pipelines", query) if p.display_name == choice.name]
        if not found:
            known = [p.display_name for p in self._listed("pipelines", "list_pipelines", "pipelines", self._scope())]
            raise NotFound("pipeline", choice.name, self.host, sorted(known))
        return found[0]

    def _version(self, choice: PipelineChoice, pipeline: Any, versions: list[Any]) -> Any:
        if choice.version == LATEST and versions:
            return max(versions, key=lambda version: version.created_at)
        for version in versions:
            if choice.version_id == version.pipeline_version_id or (
                choice.version_id is None and choice.version == version.display_name
            ):
                return version
        place = f"pipeline {pipeline.display_name} at {self.host}"
        raise NotFound("version", choice.version_id or choice.version, place, [version.display_name for version in versions])

    # What changes something

    def create_experiment(self, name: str) -> str:
        """Makes an experiment; its id."""
        models = self._client.api_models
        made = self._call(
            "experiments", "create_experiment", models.V2beta1Experiment(display_name=name, namespace=self.namespace)
        )
        return str(made.experiment_id)

    def create_disabled(self, form: Form) -> Found:
        """Makes a recurring run that starts nothing yet."""
        return self._found(self._call("recurring_runs", "create_recurring_run", self._body(form)))

    def enable(self, id: str) -> None:
        """Lets it start runs."""
        self._call("recurring_runs", "enable_recurring_run", recurring_run_id=id)

    def disable(self, id: str) -> None:
        """Lets it start no more runs; those that run go on."""
        self._call("recurring_runs", "disable_recurring_run", recurring_run_id=id)

    def delete(self, id: str) -> None:
        """Removes it for good. One that is gone already is no fault."""
        try:
            self._call("recurring_runs", "delete_recurring_run", recurring_run_id=id)
        except KubeflowFault as fault:
            if fault.status != 404:
                raise

    # Forms

    def _body(self, form: Form) -> Any:
        models, trigger = self._client.api_models, form.trigger
        times = {"start_time": trigger.start, "end_time": trigger.end}
        if trigger.cron is not None:
            when = models.V2beta1Trigger(cron_schedule=models.V2beta1CronSchedule(cron=trigger.cron, **times))
        else:
            periodic = models.V2beta1PeriodicSchedule(interval_second=str(trigger.interval_seconds), **times)
            when = models.V2beta1Trigger(periodic_schedule=periodic)
        return models.V2beta1RecurringRun(
            display_name=form.name,
            description=form.marked_description,
            experiment_id=form.experiment_id,
            namespace=self.namespace,
            pipeline_version_reference=models.V2beta1PipelineVersionReference(
                pipeline_id=form.pipeline_id, pipeline_version_id=form.version_id
            ),
            runtime_config=models.V2beta1RuntimeConfig(parameters=dict(form.parameters), pipeline_root=form.pipeline_root),
            service_account=form.service_account,
            max_concurrency=str(form.max_concurrency),
            no_catchup=form.no_catchup,
            trigger=when,
            mode=models.RecurringRunMode.DISABLE,
        )

    def _found(self, run: Any) -> Found:
        """A server's answer as a value. What it leaves out is what its defaults are."""
        description, ours, servers_account = unmarked(run.description or "")
        reference, config = run.pipeline_version_reference, run.runtime_config
        form = Form(
            name=run.display_name or "",
            experiment_id=run.experiment_id or "",
            pipeline_id=(reference.pipeline_id if reference else None) or "",
            version_id=(reference.pipeline_version_id if reference else None) or None,
            pipeline_root=(config.pipeline_root if config else None) or "",
            parameters=(config.parameters if config else None) or {},
            trigger=_trigger(run.trigger),
            description=description,
            service_account=run.service_account or None,
            max_concurrency=int(run.max_concurrency or 0),
            no_catchup=bool(run.no_catchup),
            embedded=run.pipeline_spec is not None,
        )
        return Found(run.recurring_run_id, form, run.mode == "ENABLE", run.created_at, ours, servers_account)

    # Calls

    def _scope(self) -> dict[str, Any]:
        return {} if self.namespace is None else {"namespace": self.namespace}

    def _listed(self, service: str, method: str, field: str, query: Mapping[str, Any]) -> Iterator[Any]:
        token = ""
        while True:
            page = self._call(service, method, page_size=_PAGE, page_token=token, **query)
            yield from getattr(page, field) or ()
            token = page.next_page_token or ""
            if not token:
                return

    def _call(self, service: str, method: str, *body: Any, **query: Any) -> Any:
        api = getattr(self._client, service)
        # Newer generated packages put the service's name first.
        call = getattr(api, method, None) or getattr(api, f"{service[:-1]}_service_{method}")
        refused, unheard = import_module("kfp_server_api").ApiException, import_module("urllib3.exceptions").HTTPError
        try:
            return call(*body, **query, _request_timeout=TIMEOUT)
        except refused as fault:
            raise _refusal(self.host, fault) from fault
        except unheard as fault:
            said = f"did not answer ({_short(fault)})"
            raise KubeflowFault(self.host, said, "see that it runs and can be reached, then do this again") from fault
        except (ValueError, TypeError, AttributeError) as fault:
            said = f"answered something that is no answer of Kubeflow Pipelines ({_short(fault)})"
            raise KubeflowFault(self.host, said, "see to the address") from fault


def _refusal(host: str, fault: Any) -> KubeflowFault:
    said = _message(fault)
    if fault.status in (401, 403):
        return KubeflowRefused(host, int(fault.status), said)
    if not fault.status:
        return KubeflowFault(host, f"did not answer ({_short(fault.reason)})", "see to its address and certificate")
    mend = "correct what it names" if fault.status in (400, 404, 409) else "see to its log, then apply again"
    return KubeflowFault(host, f"answered {fault.status}: {said}", mend, status=int(fault.status))


def _message(fault: Any) -> str:
    """What the server says, out of the JSON of its error."""
    try:
        document = json.loads(fault.body or "")
        said = document.get("message") or document.get("error") or fault.reason
    except (ValueError, AttributeError):
        said = fault.reason
    return _short(said)


def _short(said: object) -> str:
    text = " ".join(str(said).split()).rstrip(".")
    return text if len(text) <= 300 else text[:297] + "..."


def _named(name: str) -> str:
    return json.dumps({"predicates": [{"operation": _EQUALS, "key": "display_name", "string_value": name}]})


def _trigger(trigger: Any) -> Trigger:
    cron = trigger.cron_schedule if trigger else None
    periodic = trigger.periodic_schedule if trigger else None
    when = cron or periodic
    return Trigger(
        cron=cron.cron if cron else None,
        interval_seconds=int(periodic.interval_second) if periodic else None,
        start=_utc(when.start_time) if when else None,
        end=_utc(when.end_time) if when else None,
    )


def _utc(time: datetime | None) -> datetime | None:
    return None if time is None else time.astimezone(timezone.utc).replace(microsecond=0)
