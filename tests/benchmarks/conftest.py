"""Benchmarks are scripts beside the package: their folder is made importable for the tests of what they are built of."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
