"""Runs each task in a process of its own, from the start: the faithful way, and the slow one."""

from __future__ import annotations

import subprocess

from tfx_rollout.kfp.runner.launch import Ended, Launch
from tfx_rollout.kfp.runner.process_group import ends_within, kill_group
from tfx_rollout.serving.tether import tethered


class SubprocessLauncher:
    """A new process per attempt, in a group of its own. It ends with this process."""

    def launch(self, launch: Launch) -> Ended:
        """Runs a command to its end, or to its time limit."""
        with launch.log.open("ab") as log:
            process = subprocess.Popen(
                tethered(launch.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=launch.folder,
                env=dict(launch.environment),
                start_new_session=True,
            )
        ended = False
        try:
            ended = ends_within(process.pid, launch.timeout_s)
        finally:
            # What it left behind goes with it, as with a pod.
            kill_group(process.pid)
            code = process.wait()
        return Ended.by_code(code) if ended else Ended.by_timeout(launch.timeout_s)

    def close(self) -> None:
        """Nothing is kept."""
