"""One thing in a compiled pipeline that open-source KFP would refuse or drop."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """`str(finding)` is one line: the node, the fault, the mend."""

    rule: str
    """A short name, such as `resolver`; stable, so that a tool can sort by it."""
    node: str
    """The task, parameter or field that it is about."""
    fault: str
    mend: str

    def __str__(self) -> str:
        return f"{self.node}: {self.fault}; {self.mend}"
