"""What every benchmark ends with: a table of figures against their bars, a JSON file, an exit code."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Figure:
    """One measured figure; with a `bar` it decides the exit code."""

    name: str
    value: float
    unit: str = ""
    bar: float | None = None
    sense: Literal["at least", "at most"] = "at most"

    @property
    def met(self) -> bool:
        if self.bar is None:
            return True
        return self.value >= self.bar if self.sense == "at least" else self.value <= self.bar


def finish(name: str, how: str, figures: Sequence[Figure], details: Mapping[str, Any] | None = None) -> int:
    """Print the table, write `results/<name>.json`, and return 1 where a bar is missed.

    `how` says in a sentence how the figures were measured.
    """
    table = Table(title=f"{name}: {how}", title_justify="left")
    for column in ("figure", "value", "bar", "met"):
        table.add_column(column)
    for figure in figures:
        bar = "" if figure.bar is None else f"{figure.sense} {figure.bar:g} {figure.unit}".rstrip()
        table.add_row(
            figure.name,
            f"{figure.value:g} {figure.unit}".rstrip(),
            bar,
            "" if figure.bar is None else ("yes" if figure.met else "NO"),
        )
    Console().print(table)
    RESULTS.mkdir(exist_ok=True)
    result = {
        "benchmark": name,
        "how": how,
        "machine": {"cpus": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "figures": [{**asdict(figure), "met": figure.met} for figure in figures],
        "details": dict(details or {}),
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")
    return 0 if all(figure.met for figure in figures) else 1
