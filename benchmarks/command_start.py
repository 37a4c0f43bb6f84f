"""How long a person waits for the command to answer, and a program for the package to be imported.

make bench NAME=command-start
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Sequence

from harness import Figure, finish

RUNS = 15
HELP = [sys.executable, "-m", "tfx_rollout.cli", "--help"]
IMPORT = [sys.executable, "-c", "import tfx_rollout"]
NOTHING = [sys.executable, "-c", "pass"]


def wall_seconds(command: Sequence[str]) -> list[float]:
    """Wall time of `RUNS` whole processes, after one that fills the caches."""
    times = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - began)
    return times[1:]


def main() -> int:
    """Measure both and hold their medians against the bars."""
    nothing, imported, helped = wall_seconds(NOTHING), wall_seconds(IMPORT), wall_seconds(HELP)
    figures = [
        Figure("tfx-rollout --help, median", statistics.median(helped), "s", bar=0.3),
        Figure("tfx-rollout --help, worst", max(helped), "s"),
        Figure("import tfx_rollout, median", statistics.median(imported), "s", bar=0.2),
        Figure("import tfx_rollout, worst", max(imported), "s"),
        Figure("an empty Python process, median", statistics.median(nothing), "s"),
    ]
    return finish("command-start", f"wall time of a whole process, {RUNS} runs after a warm-up", figures)


if __name__ == "__main__":
    sys.exit(main())
