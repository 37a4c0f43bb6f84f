"""What the demo is run with."""

from __future__ import annotations

from pathlib import Path

DEMO = Path(__file__).parents[3] / ".demo"
"""Everything the demo writes: data, pipeline root, serving root, logs. Made anew at each run."""
MODEL = "taxi"
PLAN = "demo"
RATE = 120.0
"""Replayed trips per second."""
SEED = 1
HARMFUL = 3
"""The version with the fault."""
