"""Everything in a compiled pipeline that open-source KFP v2 would refuse, or silently drop, at once.

`RULES` is the list of rules; each looks at one thing and yields what it finds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.ir.dag_rules import DAG_RULES
from tfx_rollout.kfp.ir.document import Documents
from tfx_rollout.kfp.ir.executor_rules import EXECUTOR_RULES
from tfx_rollout.kfp.ir.finding import Finding
from tfx_rollout.kfp.ir.flow_rules import FLOW_RULES
from tfx_rollout.kfp.ir.pipeline_rules import PIPELINE_RULES
from tfx_rollout.kfp.ir.schema_rules import SCHEMA_RULES, SHAPELESS

Rule = Callable[[Documents], Iterator[Finding]]

RULES: tuple[Rule, ...] = (*SCHEMA_RULES, *PIPELINE_RULES, *EXECUTOR_RULES, *FLOW_RULES, *DAG_RULES)


def lint(documents: Documents, rules: Sequence[Rule] = RULES) -> tuple[Finding, ...]:
    """What open-source KFP would not take or not do, in the order of the rules; empty where there is nothing.

    A document that is no PipelineSpec at all gives that one finding.
    """
    findings: list[Finding] = []
    for rule in rules:
        findings += rule(documents)
        if any(finding.rule == SHAPELESS for finding in findings):
            break
    return tuple(findings)


def refuse(documents: Documents, rules: Sequence[Rule] = RULES) -> None:
    """`InvalidPlan` with all findings, where there is one."""
    findings = lint(documents, rules)
    if findings:
        raise InvalidPlan(f"the compiled pipeline {documents.name}", [str(finding) for finding in findings])
