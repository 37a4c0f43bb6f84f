"""One model server that should run: its configuration, its process, and what is seen of it."""

from __future__ import annotations

import logging
import math
import signal
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from pathlib import Path

from tfx_rollout.serving import Launcher, ModelServerProcess
from tfx_rollout.supervisor.backoff import Backoff
from tfx_rollout.supervisor.load_failures import load_failures
from tfx_rollout.supervisor.probe import Answers, Probe
from tfx_rollout.supervisor.process_folder import Survivor
from tfx_rollout.supervisor.server_config import read_spec, write_spec
from tfx_rollout.traffic import ServerObservation, VersionState
from tfx_rollout.traffic.placement import ServerSpec

log = logging.getLogger("tfx_rollout.supervisor")

PATIENCE_S = 3.0
"""A server whose last answer is older is not ready: too short would take a busy one's traffic away."""
HANGS_AFTER_S = 30.0
"""A server that once answered and has been silent for this long is killed and started again."""
STOP_GRACE_S = 15.0
"""What a server gets to end by itself; the embedded one gives running requests 10 s of it."""
READ_WITHIN_S = 3.0
"""Within how many seconds a running server has surely read a new configuration, which it polls every second."""
HOPELESS_AFTER = 3
"""Deaths in a row, without one answer in between, after which they are reported as a fault."""


class Child:
    """One model server of one model, started again with a growing delay whenever it dies.

    Every method returns at once; call `tick` often. Only the supervisor's own thread may
    use it, since a tethered process ends with the thread that started it. `environment` is
    asked at each start for what to add to the server's.
    """

    def __init__(
        self,
        model: str,
        name: str,
        base_path: Path,
        folder: Path,
        executor: Executor,
        *,
        launcher: Launcher,
        environment: Callable[[], Mapping[str, str]] = dict,
        stop_grace_s: float = STOP_GRACE_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.model, self.name = model, name
        self.spec = ServerSpec()
        self.restarts = 0
        self._base_path = base_path
        self._config_file = folder / f"{name}.config"
        self._log_file = folder / f"{name}.log"
        self._executor = executor
        self._launcher, self._environment = launcher, environment
        self._stop_grace_s = stop_grace_s
        self._clock = clock
        self._process: ModelServerProcess | None = None
        self._probe: Probe | None = None
        self._backoff = Backoff()
        self._started_at = 0.0
        self._next_start = 0.0
        self._silent_until = 0.0
        self._labels_written_at = -math.inf
        self._kill_at: float | None = None
        self._silent_deaths = 0
        self._load_errors: Mapping[int, str] = {}
        self.gone = False
        """Whether it was stopped and has ended."""

    @property
    def ports(self) -> tuple[int, int] | None:
        """The gRPC and the REST port of the process that runs, if one does."""
        return None if self._process is None else (self._process.grpc_port, self._process.rest_port)

    @property
    def answers(self) -> Answers | None:
        """What the running process said last."""
        return None if self._probe is None else self._probe.answers

    @property
    def unheard(self) -> bool:
        """Whether it was adopted, and may yet answer for the first time: nothing should be decided about it."""
        return self.answers is None and self._process is not None and self._clock() < self._silent_until

    @property
    def reading(self) -> bool:
        """Whether what it said last of its labels may be from before it read its newest configuration."""
        return self.answers is not None and self.answers.at < self._labels_written_at + READ_WITHIN_S

    @property
    def fault(self) -> str | None:
        """Why it does not get ready, if it does not and that will hardly change by itself."""
        if self.answers is not None:
            return None
        for version, error in self._load_errors.items():
            return f"version {version} does not load on {self.name}: {error}"
        if self._silent_deaths >= HOPELESS_AFTER:
            return f"model server {self.name} ended {self._silent_deaths} times in a row before it answered: see {self._log_file}"
        return None

    def adopt(self, survivor: Survivor, seen: ServerObservation | None) -> None:
        """Goes on with the process of an earlier supervisor, which saw it last as `seen`. Raises `StorageFault`.

        It keeps running as it is. One that has died since counts as any that dies.
        """
        self.spec = read_spec(self._config_file)
        if seen is not None:
            # Of a death since the last look nobody has taken note.
            died = seen.pid is not None and (seen.pid != survivor.record.pid or survivor.process is None)
            self.restarts = seen.restarts + died
        if survivor.process is None:
            log.warning("model server %s died while no supervisor ran; starting it again", self.name)
            return
        self._process = ModelServerProcess.adopt(self.name, survivor.process, survivor.record.facts)
        self._probe = Probe(self._process, self.model, self._executor)
        self._started_at = self._clock()
        # Who was here before may have written the configuration just now.
        self._labels_written_at = self._started_at
        self._silent_until = self._started_at + PATIENCE_S
        log.info("model server %s goes on (pid %d, versions %s)", self.name, self._process.pid, _listed(self.spec.versions))

    def configure(self, spec: ServerSpec) -> None:
        """Writes the configuration that the server polls. Raises `StorageFault`."""
        write_spec(self._config_file, self.model, self._base_path, spec)
        if spec.versions != self.spec.versions:
            # A server that could not load these versions gets another chance with others at once.
            self._load_errors, self._silent_deaths = {}, 0
            self._next_start = self._clock()
        if spec.labels != self.spec.labels:
            self._labels_written_at = self._clock()
        self.spec = spec

    def tick(self) -> None:
        """Notices a death, starts a process when its time has come, kills what ignores its stop or hangs."""
        now = self._clock()
        if self._process is not None and not self._process.alive():
            self._bury(now)
        if self._process is None:
            if self._kill_at is not None:
                self._launcher.forget(self.name)
                self._config_file.unlink(missing_ok=True)
                self.gone = True
            elif now >= self._next_start:
                self._start(now)
        elif self._kill_at is not None:
            if now >= self._kill_at:
                log.warning("model server %s did not stop in %g s and is killed", self.name, self._stop_grace_s)
                self._process.kill()
        elif self.answers is not None and now - self.answers.at > HANGS_AFTER_S:
            log.warning("model server %s has not answered for %g s and is killed", self.name, HANGS_AFTER_S)
            self._process.kill()
        elif self._lacks_rest(now):
            log.warning(
                "model server %s has no REST interface, since another process took port %d meanwhile; it is killed",
                self.name,
                self._process.rest_port,
            )
            self._process.kill()

    def ask(self) -> Future[Answers] | None:
        """Begins a look at the server; None when there is no process or the last look is still under way."""
        if self._probe is None:
            return None
        seen = set() if self.answers is None else set(self.answers.labels)
        return self._probe.ask({*self.spec.labels, *seen})

    def collect(self) -> None:
        """Takes over what the last look saw."""
        if self._probe is None:
            return
        before = self.answers
        self._probe.collect()
        if self.answers is not None and self.answers is not before:
            self._silent_deaths = 0
            self._report(before, self.answers)

    def stop(self) -> None:
        """Asks the process to end; `tick` sees to it, and `gone` says when."""
        if self._kill_at is None:
            self._launcher.forget(self.name)
            self._kill_at = self._clock() + self._stop_grace_s
            if self._process is not None:
                self._process.terminate()

    def observation(self) -> ServerObservation:
        """The server as it is seen now."""
        answers = self.answers
        ready = (
            self._process is not None
            and self._kill_at is None
            and self._process.alive()
            and answers is not None
            and self._clock() - answers.at <= PATIENCE_S
        )
        versions: dict[int, VersionState] = dict.fromkeys(self._load_errors, VersionState.END)
        errors, labels = dict(self._load_errors), dict[str, int]()
        if ready and answers is not None:
            versions = {version: status.state for version, status in answers.versions.items()}
            errors = {version: status.error for version, status in answers.versions.items() if status.error}
            labels = dict(answers.labels)
        return ServerObservation(
            name=self.name,
            ready=ready,
            pid=None if self._process is None else self._process.pid,
            grpc_port=None if self._process is None else self._process.grpc_port,
            rest_port=None if self._process is None else self._process.rest_port,
            restarts=self.restarts,
            configured_versions=self.spec.versions,
            configured_labels=self.spec.labels,
            versions=versions,
            labels=labels,
            errors=errors,
        )

    def _lacks_rest(self, now: float) -> bool:
        """Whether it will never be heard, though it serves: its REST port was taken between its choice and its use."""
        since = None if self._probe is None else self._probe.lacks_rest_since
        return since is not None and now - since > PATIENCE_S

    def _start(self, now: float) -> None:
        # Fresh ports each time: the former ones may belong to somebody else by now.
        self._process = ModelServerProcess.start(
            self.name, self._config_file, self._log_file, environment=self._environment(), launcher=self._launcher
        )
        self._probe = Probe(self._process, self.model, self._executor)
        self._started_at = now
        # It reads its configuration before it answers for the first time.
        self._labels_written_at = -math.inf
        log.info("model server %s started (pid %d, versions %s)", self.name, self._process.pid, _listed(self.spec.versions))

    def _bury(self, now: float) -> None:
        process, probe = self._process, self._probe
        assert process is not None
        assert probe is not None
        answered = probe.answers is not None
        probe.close()
        self._process = self._probe = None
        if self._kill_at is not None:
            log.info("model server %s stopped", self.name)
            return
        self.restarts += 1
        self._backoff = self._backoff.died(now - self._started_at)
        self._next_start = now + self._backoff.delay_s
        self._silent_deaths = 0 if answered else self._silent_deaths + 1
        if not answered:
            self._load_errors = load_failures(process.log_tail(), self.model)
        log.warning("model server %s %s; starting it again in %.1f s", self.name, _how_it_ended(process), self._backoff.delay_s)

    def _report(self, before: Answers | None, now: Answers) -> None:
        for version, status in sorted(now.versions.items()):
            if before is not None and before.versions.get(version) == status:
                continue
            if status.state is VersionState.AVAILABLE:
                log.info("version %d of %s is AVAILABLE on %s", version, self.model, self.name)
            elif status.error:
                log.warning("version %d of %s does not load on %s: %s", version, self.model, self.name, status.error)
            elif status.state is VersionState.END:
                log.info("version %d of %s is unloaded from %s", version, self.model, self.name)


def _listed(versions: tuple[int, ...]) -> str:
    return ", ".join(map(str, versions)) or "none"


def _how_it_ended(process: ModelServerProcess) -> str:
    """In words; the last line of the log explains an exit, but not a kill from outside."""
    code = process.returncode
    if code is None:
        return f"ended ({process.last_words()[:300]})"
    if code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended (code {code}: {process.last_words()[:300]})"
