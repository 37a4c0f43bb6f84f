"""Every error that tfx-rollout raises on purpose.

An exception here means *could not decide* or *could not do*. Outcomes, such as
"the model is not blessed" or "the canary was rolled back", are values.

    RolloutError                     one sentence: the fault, the place, the mend
    ├── InvalidInput                 what was given is wrong; nothing was changed
    │   ├── InvalidPlan              a plan, policy or other configuration, all faults at once
    │   ├── InvalidModel             a SavedModel that cannot be what it should be
    │   └── InvalidState             a desired state that breaks its own invariants
    ├── NotFound                     a model, version or rollout that is not there
    ├── Conflict                     somebody else was first; read again and retry
    │   ├── StaleGeneration          a compare-and-set that lost
    │   ├── StaleRevision            an order about a rollout or A/B test that went on meanwhile
    │   ├── OrderWaiting             a second order, while the one before it was not taken up yet
    │   ├── RolloutInProgress        a second rollout of a model that has one
    │   ├── ExperimentInProgress     a rollout or an A/B test of a model that has an A/B test running
    │   ├── RetrainingOverlap        a retraining that would run beside a rollout, or beside another retraining
    │   └── Busy                     a lock or a lease that another process holds
    │       └── LostLease            the lease on the root that this process held: what it wanted to write was not written
    ├── StorageFault                 the disk or the folder refused (full, read-only, a file in the way)
    │   └── CorruptState             a control file that does not say what it must
    ├── KubeflowFault                Kubeflow Pipelines is not there, or did not do what it was asked
    │   ├── KubeflowRefused          it did not take the token, or the token does not suffice
    │   └── HalfApplied              some schedules of a file were applied, and then one could not be
    ├── TaskFault                    what fails a task of a compiled pipeline, here as on a cluster
    │   └── TaskFailed               the task that failed a run, and where its log is
    ├── ApiFault                     the HTTP API of a root did not answer as agreed; see `control.remote`
    │   ├── ApiUnreachable           nothing answers at its address, or not in time
    │   ├── ApiUntrusted             its certificate is not trusted, or it does not speak TLS
    │   ├── ApiRefused               it did not take the token, or the token's role does not suffice
    │   ├── ApiBusy                  it was asked too often, and will answer again soon
    │   └── ApiDiffers               what answers is of another version, or something else altogether
    └── ServingFault                 a process of the serving setup did not do its part
        ├── PortInUse                an address that another process listens on
        ├── ServerFailed             a model server that did not start, died or did not load
        └── GatewayFailed            the gateway did not start, or refused what was rendered

The command maps them to exit codes (`exit_code`); the TFX executors let them pass,
so that the pipeline's run fails with the sentence.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar


class RolloutError(Exception):
    """The root of the tree. `str(error)` is one sentence fit to show to a person."""

    exit_code: ClassVar[int] = 1

    def __reduce__(self) -> tuple[Any, ...]:
        # The constructors take facts, not the sentence, so that pickle could not call them;
        # and an error must come back whole from another process.
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[RolloutError], arguments: tuple[Any, ...], facts: dict[str, Any]) -> RolloutError:
    error = kind.__new__(kind, *arguments)
    error.__dict__.update(facts)
    return error


class InvalidInput(RolloutError):
    """What was given is wrong. Nothing was changed."""

    exit_code = 2


class InvalidPlan(InvalidInput):
    """A configuration with faults; all of them are reported at once.

    `what` names the document ("plan demo.yaml"), `faults` has one line per fault,
    each starting with the field it is about.
    """

    def __init__(self, what: str, faults: Sequence[str]) -> None:
        self.what = what
        self.faults = tuple(faults)
        super().__init__(f"{what} is not valid: " + "; ".join(self.faults))


class InvalidModel(InvalidInput):
    """A folder that is no SavedModel, or one without what the task needs."""

    def __init__(self, path: str, fault: str, mend: str) -> None:
        self.path = path
        super().__init__(f"The model at {path} {fault}; {mend}.")


class InvalidState(InvalidInput):
    """A desired state that contradicts itself (a label without its version, say)."""

    def __init__(self, model: str, fault: str) -> None:
        self.model = model
        super().__init__(f"The desired state of model {model!r} is refused: {fault}.")


class NotFound(RolloutError):
    """A model, version or rollout that is not there. `known` lists what is."""

    exit_code = 4

    def __init__(self, kind: str, name: object, place: str, known: Sequence[object] = ()) -> None:
        self.kind, self.name, self.place = kind, name, place
        there = ", ".join(str(k) for k in known) or "none"
        super().__init__(f"There is no {kind} {name!s} in {place}; known: {there}.")


class Conflict(RolloutError):
    """Somebody else was first. Read the state again and decide anew."""

    exit_code = 3


class StaleGeneration(Conflict):
    """A compare-and-set named a generation that is no longer the current one."""

    def __init__(self, model: str, expected: int, found: int) -> None:
        self.model, self.expected, self.found = model, expected, found
        super().__init__(
            f"The desired state of model {model!r} is at generation {found}, not {expected}: "
            "another change came first; read it again and repeat yours if it still applies."
        )


class StaleRevision(Conflict):
    """An order named a revision of a rollout or A/B test that is no longer the current one."""

    def __init__(self, what: str, expected: str, found: str) -> None:
        self.what, self.expected, self.found = what, expected, found
        super().__init__(f"{what} is at revision {found}, not {expected}: it went on meanwhile; look again, then order anew.")


class OrderWaiting(Conflict):
    """An order was given while another one of the same rollout or A/B test waits to be taken up: the first one counts.

    `number` is that of the waiting one; `what` says what it is, by whom and of when. `title` goes before the id.
    """

    def __init__(self, rollout: str, number: int, what: str, *, title: str = "rollout") -> None:
        self.rollout, self.number, self.what = rollout, number, what
        super().__init__(
            f"Another order of {title} {rollout} came first and was not taken up yet: {what}; "
            "see what comes of it, then order anew."
        )


class RolloutInProgress(Conflict):
    """A rollout was asked for while another one of the same model runs."""

    def __init__(self, model: str, running: str, version: int) -> None:
        self.model, self.running, self.version = model, running, version
        super().__init__(
            f"Rollout {running} of model {model!r} (version {version}) is still running; "
            "wait for it, or abort it (a rollout may also wait behind it or take its place: on_running in its plan)."
        )


class ExperimentInProgress(Conflict):
    """A model has one rollout or A/B test at a time, and an A/B test runs."""

    def __init__(self, model: str, running: str) -> None:
        self.model, self.running = model, running
        super().__init__(f"The A/B test {running} of model {model!r} is still running; wait for it, or stop it first.")


class RetrainingOverlap(Conflict):
    """A retraining that would run beside a rollout of its model, or beside another retraining. It was not begun."""

    def __init__(self, model: str, what: str, mend: str) -> None:
        self.model, self.what = model, what
        super().__init__(f"The retraining of model {model!r} was not begun: {what}; {mend}.")


class Busy(Conflict):
    """A lock or lease that another process holds."""

    def __init__(self, what: str, holder: str, mend: str) -> None:
        self.holder = holder
        super().__init__(f"{what} is held by {holder}; {mend}.")


class LostLease(Busy):
    """The lease on a root that this process acted under. What it wanted to write was not written.

    `holder` is who has it now ("nobody" when it only ran out).
    """

    def __init__(self, root: str, holder: str) -> None:
        self.root, self.holder = root, holder
        super().__init__(f"The lease on {root}", holder, "this process may not write there until it has the lease again")


class StorageFault(RolloutError):
    """The disk or the folder refused."""

    exit_code = 5

    def __init__(self, path: str, fault: str, mend: str) -> None:
        self.path = path
        super().__init__(f"{path} {fault}; {mend}.")


class CorruptState(StorageFault):
    """A control file that does not say what it must."""

    def __init__(self, path: str, fault: str) -> None:
        super().__init__(path, f"cannot be used ({fault})", "restore it from a copy")


class KubeflowFault(RolloutError):
    """Kubeflow Pipelines is not there, is something else, or did not do what it was asked. `status` is HTTP's, 0 without one."""

    exit_code = 7

    def __init__(self, host: str, fault: str, mend: str, *, status: int = 0) -> None:
        self.host, self.status = host, status
        super().__init__(f"Kubeflow Pipelines at {host} {fault}; {mend}.")


class KubeflowRefused(KubeflowFault):
    """Kubeflow Pipelines did not take the token (401), or the token does not suffice (403)."""

    def __init__(self, host: str, status: int, said: str) -> None:
        if status == 401:
            fault, mend = "did not take the token", "give one that is still valid, by --token-file or TFX_ROLLOUT_KFP_TOKEN"
        else:
            fault, mend = "does not allow this", "ask for the right to recurring runs, pipelines and experiments of the namespace"
        super().__init__(host, f"{fault} ({status}: {said.rstrip('.')})", mend, status=status)


class HalfApplied(KubeflowFault):
    """Some schedules of a file were applied, then one could not be. Applying the file again does the rest."""

    def __init__(self, host: str, done: Sequence[str], left: Sequence[str], cause: RolloutError) -> None:
        self.done, self.left = tuple(done), tuple(left)
        fault = f"is only partly as declared: applied {', '.join(done) or 'nothing'}, not applied {', '.join(left)} ({cause})"
        super().__init__(host, fault, "apply the file again, which does the rest")


class TaskFault(RolloutError):
    """What fails a task of a compiled pipeline: an input that cannot be resolved, an exit code, an output that is missing."""


class TaskFailed(TaskFault):
    """A run of a compiled pipeline that a task failed. `last_line` is what its log says last."""

    def __init__(self, task: str, reason: str, log: str | None, last_line: str = "") -> None:
        self.task, self.reason, self.log = task, reason, log
        said = f"; its log {log} ends with: {last_line}" if log else "."
        super().__init__(f"Task {task} failed: {reason}{said}")


class ApiFault(RolloutError):
    """The HTTP API at a URL did not answer as agreed. Whether a change was made is not known, unless a kind of this says so."""

    exit_code = 8

    def __init__(self, url: str, fault: str, mend: str) -> None:
        self.url = url
        super().__init__(f"The API at {url} {fault}; {mend}.")


class ApiUnreachable(ApiFault):
    """Nothing answers at the API's address, or the connection broke, or no answer came in time."""


class ApiUntrusted(ApiFault):
    """The API's certificate is not one to trust, or it does not speak TLS. Nothing was sent."""


class ApiRefused(ApiFault):
    """No token, or one that is not valid (401), or one whose role does not suffice (403). Nothing was changed.

    `said` is the API's own sentence, which names the role that is needed.
    """

    def __init__(self, url: str, status: int, said: str, *, with_token: bool = True) -> None:
        self.status, self.with_token = status, with_token
        if status == 403:
            fault, mend = "does not allow this", "use a token with the role that is needed"
        elif with_token:
            fault, mend = "did not take the token", "give one that is valid, by TFX_ROLLOUT_TOKEN or --token-file"
        else:
            fault, mend = "asks for a token", "give one, by TFX_ROLLOUT_TOKEN or --token-file"
        super().__init__(url, f"{fault} ({status}: {said.rstrip('.')})", mend)


class ApiBusy(ApiFault):
    """The API was asked too often (429). Nothing was changed. `seconds` is how long it wants to be left alone, if it says so."""

    def __init__(self, url: str, seconds: float | None) -> None:
        self.seconds = seconds
        when = "in a while" if seconds is None else f"in {seconds:g} s"
        super().__init__(url, "was asked too often (429)", f"ask again {when}")


class ApiDiffers(ApiFault):
    """What answers there is the API in another version, or something else."""


class ServingFault(RolloutError):
    """A process of the serving setup did not do its part; says nothing about the model."""

    exit_code = 6


class PortInUse(ServingFault):
    """An address that another process listens on."""

    def __init__(self, host: str, port: int, purpose: str) -> None:
        self.host, self.port, self.purpose = host, port, purpose
        super().__init__(
            f"Port {port} on {host} ({purpose}) is in use by another process; stop that process or choose another port."
        )


class ServerFailed(ServingFault):
    """A model server that did not start, died, or did not get ready in time."""

    def __init__(self, server: str, fault: str, log: str | None = None) -> None:
        self.server, self.log = server, log
        super().__init__(f"Model server {server} {fault}" + (f"; its log is {log}." if log else "."))


class GatewayFailed(ServingFault):
    """The gateway did not start, or refused what was rendered for it."""

    def __init__(self, fault: str, log: str | None = None) -> None:
        self.log = log
        super().__init__(f"The gateway {fault}" + (f"; its log is {log}." if log else "."))
