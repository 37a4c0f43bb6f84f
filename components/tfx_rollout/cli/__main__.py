"""`python -m tfx_rollout.cli`."""

from __future__ import annotations

from tfx_rollout.cli import main

main()
