"""`tfx-rollout ab-test`: the live version against others, over days, judged by a metric of one's own."""

from __future__ import annotations

import click

from tfx_rollout.cli.lazy import LazyGroup

_PLAN, _TEST = "tfx_rollout.cli.ab_test_plan", "tfx_rollout.cli.ab_test_run"


@click.group(
    "ab-test",
    cls=LazyGroup,
    table={
        "check": (f"{_PLAN}:check", "Check a plan, and show it with every default filled in."),
        "schema": (f"{_PLAN}:schema", "Print the JSON Schema of a plan."),
        "start": (f"{_TEST}:start", "Start an A/B test of the live version against others."),
        "watch": (f"{_TEST}:watch", "Follow an A/B test to its end."),
        "list": (f"{_TEST}:list_", "List all A/B tests of a model, newest first."),
        "show": (f"{_TEST}:show", "Show how an A/B test stands, and what may be ordered of it."),
        "report": (f"{_TEST}:report", "Report on an A/B test: outcome, reason, evidence per arm."),
        "stop": (f"{_TEST}:stop", "End it: the live version gets all traffic back."),
        "promote": (f"{_TEST}:promote", "End it: a variant becomes live."),
    },
    sections={
        "Plan": ("check", "schema"),
        "Carry out": ("start", "watch", "list", "show", "report"),
        "Steer": ("stop", "promote"),
    },
)
def ab_test() -> None:
    """Split the users of a model between its live version and others, until one is proven better, or to a date.

    Where ID is left out it is the test that runs; for `watch`, `show` and `report` the newest one when none runs.
    """
