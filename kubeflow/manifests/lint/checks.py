"""All rules, in one call."""

from __future__ import annotations

from collections.abc import Sequence

from manifests.lint import access, commands, pods, wiring
from manifests.lint.documents import Document, Finding, Manifests, Rule
from manifests.lint.schema import schema

RULES: tuple[Rule, ...] = (*wiring.RULES, *pods.RULES, *commands.RULES, *access.RULES)


def lint(documents: Sequence[Document]) -> list[Finding]:
    """Everything that is wrong with these documents. Where the schema has something to say, the rules do not go on."""
    manifests = Manifests(documents)
    against_schema = list(schema(manifests))
    if against_schema:
        return against_schema
    return [finding for rule in RULES for finding in rule(manifests)]
