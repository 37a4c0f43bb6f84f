"""What the application stands on: one root, who may ask, and what is kept between requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from tfx_rollout.audit import AuditLog
from tfx_rollout.control.access.names import API, NOBODY
from tfx_rollout.control.access.tokens import TokenFile
from tfx_rollout.control.documents import Role
from tfx_rollout.control.http.callers import Caller, Callers, check_role
from tfx_rollout.control.http.doors import Doors
from tfx_rollout.control.http.keeping import KeptAnswers, Slot, sameness_of
from tfx_rollout.control.http.keeping.sameness import Sources
from tfx_rollout.control.http.keeping.signs import Signs
from tfx_rollout.control.http.near_disk import lies_near
from tfx_rollout.control.http.settings import ApiOptions
from tfx_rollout.control.http.watching import Watch, Welcome
from tfx_rollout.control.interface import Control
from tfx_rollout.control.local import LocalControl
from tfx_rollout.control.local.presence import RootPresence
from tfx_rollout.experiment.progress import ExperimentProgressReader
from tfx_rollout.metrics import TrafficMetrics
from tfx_rollout.metrics.exposition import Exposition
from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout.progress import ProgressReader

P = ParamSpec("P")
T = TypeVar("T")

_CHANGES = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_TOO_MANY = 429


class Back:
    """One a process. Everything in it may be used by several requests at once."""

    def __init__(self, options: ApiOptions) -> None:
        self.options, self.limits = options, options.limits
        self.store = ModelStore(options.root, local=options.local)
        self.traffic = TrafficMetrics(self.store)
        self.own_control = LocalControl(self.store, by=API, role=Role.READ, traffic=self.traffic)
        self.presence = presence = RootPresence(self.store)
        self.signs = Signs(self.store)
        self._sources = Sources(self.signs, presence, self.traffic)
        self.exposition = Exposition(
            self.store,
            self.traffic,
            rollouts=ProgressReader(self.store),
            experiments=ExperimentProgressReader(self.store),
            supervisor_up=lambda: presence.supervisor() is not None,
        )
        self.reports, self._answers = KeptAnswers(), KeptAnswers()
        self.watch = Watch(options.limits)
        self.doors = Doors.of(options.host, options.names, any_name=not options.loopback and not options.names)
        callers = self._callers = Callers(TokenFile(self.store.access_dir), options.limits, open_to_local=options.loopback)
        self._near = lies_near(self.store.root)
        self.welcome = Welcome(callers.are_still, self.glance)
        self._audit = AuditLog(self.store.access_dir)

    async def admit(self, request: Request, role: Role | None) -> None:
        """Sees to it that the caller is known, not too often here, and allowed to. Raises `Refused`."""
        address = _address(request)
        if role is None:
            self._callers.pace(None, address)
            return
        caller = await self.glance(self._callers.identify, request.headers, address)
        request.state.caller = caller
        self._callers.pace(caller, address)
        check_role(caller, role)

    async def glance(self, look: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What `look` finds, which looks at the dates of some files.

        Where they lie on a disk of this machine that takes less than handing it to a thread and back would.
        """
        return look(*args, **named) if self._near else await run_in_threadpool(look, *args, **named)

    def slot(self, endpoint: Callable[..., Any], request: Request) -> Slot | None:
        """The place of a request among the kept answers; None where each is answered anew."""
        sameness = sameness_of(endpoint)
        return None if sameness is None else Slot(self._answers, self._sources, sameness, request)

    def control(self, request: Request) -> Control:
        """The root, in the name of who asks."""
        caller: Caller = request.state.caller
        return self.own_control.acting_as(caller.name, caller.role)

    async def record_refusal(self, request: Request, status: int, detail: str) -> None:
        """Writes down that a change was asked for and refused before it came to the root.

        Not those that came too often: they would fill the record.
        """
        if request.method not in _CHANGES or status == _TOO_MANY:
            return
        caller: Caller | None = getattr(request.state, "caller", None)
        if not self._callers.is_worth_recording(caller, _address(request)):
            return
        by, role = (NOBODY, "") if caller is None else (caller.name, str(caller.role))
        action = f"{request.method} {request.url.path}"
        await run_in_threadpool(self._audit.record_or_log, by, role, action, request.path_params.get("model"), status, detail)


def _address(request: Request) -> str:
    return request.client.host if request.client else ""
