"""Make the recurring runs on a server what a file declares: everything looked at first, then changed step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tfx_rollout.errors import Conflict, HalfApplied, InvalidPlan, KubeflowFault, NotFound
from tfx_rollout.kfp.schedule.found import Found, differences
from tfx_rollout.kfp.schedule.pipeline_check import pipeline_faults
from tfx_rollout.kfp.schedule.server import RecurringRuns
from tfx_rollout.kfp.schedule.steps import Action, Steps, steps_to
from tfx_rollout.kfp.schedule.wanted import Form, Wanted

Say = Callable[[str], None]
_NEW_EXPERIMENT = "(a new experiment)"


@dataclass(frozen=True)
class Change:
    """What is to be done for one schedule."""

    wanted: Wanted
    form: Form
    steps: Steps

    @property
    def new_experiment(self) -> bool:
        """Whether its experiment has to be made first."""
        return self.form.experiment_id == _NEW_EXPERIMENT

    def lines(self) -> list[str]:
        """The change in words: what happens, and why."""
        name, kind = self.wanted.name, self.steps.kind
        if kind == "unchanged":
            return [f"{name}: as declared, nothing to do"]
        lines = [f"{name}: {kind} ({self.wanted.trigger}; {self.wanted.pipeline})"]
        if self.new_experiment:
            lines.append(f"  make the experiment {self.wanted.experiment}")
        lines += [f"  {difference}" for difference in self.steps.differences]
        lines += [f"  {step.action.value} {step.target or 'the new one'}: {step.why}" for step in self.steps.steps]
        return lines


@dataclass(frozen=True)
class Applied:
    """What was done for one schedule: `kind` as in `Steps.kind`, and the id of the one that is there now."""

    name: str
    kind: str
    id: str


def plan(server: RecurringRuns, schedules: Sequence[Wanted], *, recreate: bool = False, adopt: bool = False) -> list[Change]:
    """What `apply` would do; changes nothing.

    All schedules are held against the server first: `InvalidPlan` names every pipeline, version and
    parameter that does not fit, `Conflict` every recurring run of the same name that is not ours
    (`adopt` takes them).
    """
    there = server.all()
    faults: list[str] = []
    forms = [_form(server, wanted, faults) for wanted in schedules]
    if faults:
        raise InvalidPlan(f"What is declared for {server.host}", faults)
    changes = []
    foreign = []
    for wanted, form in zip(schedules, forms, strict=True):
        assert form is not None
        named = [found for found in there if found.form.name == wanted.name]
        foreign += [f"{wanted.name} ({found.id})" for found in named if not found.ours]
        changes.append(Change(wanted, form, steps_to(form, wanted.enabled, named, recreate=recreate)))
    if foreign and not adopt:
        raise Conflict(
            f"Of the same name there are recurring runs that tfx-rollout did not make: {', '.join(foreign)}; "
            "rename the schedule, delete them, or give --adopt to replace them."
        )
    return changes


def apply(
    server: RecurringRuns,
    schedules: Sequence[Wanted],
    *,
    recreate: bool = False,
    adopt: bool = False,
    say: Say = lambda _: None,
) -> list[Applied]:
    """Make the server's recurring runs what is declared; what is so already is left alone.

    Raises as `plan` does, with nothing changed. A fault on the way is a `HalfApplied`, which says
    what was done and what was not; the next `apply` does the rest, wherever this one ended.
    """
    changes = plan(server, schedules, recreate=recreate, adopt=adopt)
    experiments: dict[str, str] = {}
    done: list[Applied] = []
    for number, change in enumerate(changes):
        for line in change.lines():
            say(line)
        try:
            if change.new_experiment:
                name = change.wanted.experiment
                experiments[name] = experiments.get(name) or server.create_experiment(name)
                change = replace(change, form=replace(change.form, experiment_id=experiments[name]))
            done.append(Applied(change.wanted.name, change.steps.kind, _carry_out(server, change)))
        except (KubeflowFault, NotFound) as fault:
            left = [later.wanted.name for later in changes[number:]]
            raise HalfApplied(server.host, [applied.name for applied in done], left, fault) from fault
    return done


def _form(server: RecurringRuns, wanted: Wanted, faults: list[str]) -> Form | None:
    try:
        pipeline = server.resolve(wanted.pipeline)
    except NotFound as fault:
        faults.append(f"{wanted.name}: {str(fault)[0].lower()}{str(fault)[1:].rstrip('.')}; upload it, or correct the name")
        return None
    said = wanted.pipeline.name or f"with the id {wanted.pipeline.id}"
    faults += [f"{wanted.name}: {fault}" for fault in pipeline_faults(pipeline.spec, wanted.parameters, said)]
    return Form(
        name=wanted.name,
        experiment_id=server.experiment_id(wanted.experiment) or _NEW_EXPERIMENT,
        pipeline_id=pipeline.pipeline_id,
        version_id=pipeline.version_id,
        pipeline_root=wanted.pipeline_root,
        parameters=wanted.parameters,
        trigger=wanted.trigger,
        description=wanted.description,
        service_account=wanted.service_account,
    )


def _carry_out(server: RecurringRuns, change: Change) -> str:
    """Does the steps; the id of the one that is there then."""
    kept = change.steps.kept.id if change.steps.kept else ""
    for step in change.steps.steps:
        if step.action is Action.CREATE:
            kept = _create(server, change.form).id
        elif step.action is Action.ENABLE:
            _refuse_newcomers(server, change, kept)
            server.enable(step.target or kept)
        elif step.action is Action.DISABLE:
            server.disable(step.target or kept)
        else:
            server.delete(step.target or kept)
    return kept


def _refuse_newcomers(server: RecurringRuns, change: Change, kept: str) -> None:
    """Two that apply at once have each made theirs before either looks here, so that at most one of them enables it."""
    known = {kept, *(step.target for step in change.steps.steps)}
    newcomers = [found.id for found in server.named(change.wanted.name) if found.id not in known]
    if newcomers:
        fault = f"got another recurring run {change.wanted.name} meanwhile ({', '.join(newcomers)}), so that none was enabled"
        raise KubeflowFault(server.host, fault, "let the other apply end")


def _create(server: RecurringRuns, form: Form) -> Found:
    """A new one, disabled, that the server has as it was meant; one that it has otherwise is taken away again."""
    created = server.create_disabled(form)
    found = server.get(created.id)
    unlike = differences(form, found)
    if unlike or found.enabled:
        server.delete(created.id)
        said = "; ".join(map(str, unlike)) or "it is enabled, though it was made disabled"
        raise KubeflowFault(
            server.host, f"keeps schedule {form.name} otherwise than it was asked to ({said})", "the new one was deleted again"
        )
    return found
