"""The command `tfx-rollout`. Only `main` is for importing; its sub-commands load themselves when they are called."""

from __future__ import annotations

__all__ = ["main"]


def main() -> None:
    """Runs the command with this process's arguments and exits."""
    from tfx_rollout.cli.app import app

    app(prog_name="tfx-rollout")
