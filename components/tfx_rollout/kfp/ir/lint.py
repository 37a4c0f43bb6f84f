"""Everything in a compiled pipeline that open-source KFP v2 would refuse, or silently drop, at once.

`RULES` is the list of rules; each looks at one thing and yields what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir.document import Documents
from tfx_rollout.kfp.ir.finding import Finding
from tfx_rollout.kfp.ir.pipeline_rules import PIPELINE_RULES
from tfx_rollout.kfp.ir.schema_rules import SCHEMA_RULES
from tfx_rollout.kfp.ir.task_rules import TASK_RULES

Rule = Callable[[Documents], Iterator[Finding]]

RULES: tuple[Rule, ...] = (*PIPELINE_RULES, *TASK_RULES, *SCHEMA_RULES)


def lint(documents: Documents, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """What open-source KFP would not take or not do, in the order of the rules; empty where there is nothing."""
    return tuple(finding for rule in rules for finding in rule(documents))


def refuse(documents: Documents, rules: Sequence[Rule] = RULES) -> None:
    """`InvalidPlan` with all findings, where there is one."""
    findings = lint(documents, rules)
    if findings:
        raise InvalidPlan(f"the compiled pipeline {documents.name}", [str(finding) for finding in findings])
