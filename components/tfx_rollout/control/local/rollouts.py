"""Rollouts: started, steered, told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from tfx_rollout.control.documents import Order, OrderWanted, PlanDocument, Plans, Rollout, Rollouts, RolloutWanted
from tfx_rollout.control.local.part import Part
from tfx_rollout.control.local.rollout_documents import order_document
from tfx_rollout.control.local.rollout_tail import RolloutTail
from tfx_rollout.errors import NotFound
from tfx_rollout.rollout.operations import send_order, start_rollout
from tfx_rollout.rollout.plan import Plan, built_in_plans, load_plan, plan_from_dict


class RolloutsPart(Part):
    """The methods of `Control` about plans and rollouts."""

    def plans(self) -> Plans:
        return Plans(plans=[self.plan(name) for name in built_in_plans()])

    def plan(self, name: str) -> PlanDocument:
        # A name only: what looks like a path would be read from the disk of whoever answers.
        if name not in built_in_plans():
            raise NotFound("plan", name, "the plans that ship with tfx-rollout", built_in_plans())
        return _plan_document(_shipped(name))

    def check_plan(self, document: Mapping[str, Any]) -> PlanDocument:
        return _plan_document(plan_from_dict(document))

    def rollouts(self, model: str, *, limit: int = 100, offset: int = 0) -> Rollouts:
        files = self._root.files(model).rollouts
        ids = files.ids()[::-1]
        page = [files.document(rollout) for rollout in ids[offset : offset + limit]]
        return Rollouts(model=model, rollouts=page, total=len(ids))

    def rollout(self, model: str, rollout: str) -> Rollout:
        return self._root.files(model).rollouts.document(rollout)

    def start_rollout(self, model: str, wanted: RolloutWanted) -> Rollout:
        facts = {"version": wanted.version, "plan": wanted.plan if isinstance(wanted.plan, str) else None, "why": wanted.why}
        with self._recorded("start a rollout", model, **facts) as say:
            files = self._root.files(model)
            plan = _shipped(self.plan(wanted.plan).name) if isinstance(wanted.plan, str) else plan_from_dict(wanted.plan)
            versions = list(files.versions())
            if wanted.version is None and not versions:
                raise NotFound("version", "to roll out", f"model {model!r}")
            version = versions[-1] if wanted.version is None else wanted.version
            started = start_rollout(files.base, version, plan, by=self.by, why=wanted.why)
            say(f"rollout {started} of version {version} by plan {plan.name}")
        return files.rollouts.document(started)

    def order(self, model: str, rollout: str, wanted: OrderWanted, *, expected: str | None = None) -> Order:
        facts = {"rollout": rollout, "why": wanted.why, "now": wanted.now or None, "expected": expected}
        with self._recorded(f"order to {wanted.kind}", model, **facts) as say:
            files = self._root.files(model)
            journal = files.rollouts.journal(rollout)
            sent = send_order(files.base, rollout, wanted.kind, by=self.by, why=wanted.why, now=wanted.now, revision=expected)
            say(f"order {sent.number} of rollout {rollout}")
        return order_document(files.rollouts.state(journal), sent)

    def rollout_report(self, model: str, rollout: str) -> dict[str, Any]:
        return self._root.files(model).rollouts.report(rollout)

    def follow_rollout(self, model: str, rollout: str) -> Iterator[dict[str, Any]]:
        return self.tail_rollout(model, rollout).follow()

    def tail_rollout(self, model: str, rollout: str) -> RolloutTail:
        """What `follow_rollout` tells, for who does the waiting himself."""
        files = self._root.files(model).rollouts
        return RolloutTail(files, files.journal(rollout))


@cache
def _shipped(name: str) -> Plan:
    """A plan that ships with the program, and so is the same as long as it runs."""
    return load_plan(name)


def _plan_document(plan: Plan) -> PlanDocument:
    return PlanDocument(name=plan.name, document=plan.to_json())
