"""Makes the recurring runs of a Kubeflow Pipelines server what a file declares.

    python kubeflow/schedule.py apply schedules.yaml --host http://localhost:8888

The same as `tfx-rollout schedule`, for a checkout in which the command is not installed.
"""

from __future__ import annotations

import sys
from pathlib import Path

COMPONENTS = Path(__file__).resolve().parent.parent / "components"


def main() -> None:
    """Runs `tfx-rollout schedule` with the script's arguments."""
    sys.path.insert(0, str(COMPONENTS))
    from tfx_rollout.cli.app import app

    app(["schedule", *sys.argv[1:]], prog_name="schedule.py")


if __name__ == "__main__":
    main()
