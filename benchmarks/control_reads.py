"""How long the local control takes to read a model: twenty versions, a running rollout with hundreds of windows, many that ended.

make bench NAME=control-reads
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Figure, finish

from tfx_rollout.control.documents import OrderWanted, RolloutWanted
from tfx_rollout.control.local import LocalControl
from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout import await_rollout
from tfx_rollout.supervisor.presence import SupervisorInfo, announce, presence
from tfx_rollout.testing import ServedRoot
from tfx_rollout.traffic import Label

VERSIONS, WINDOWS, ENDED, READS = 20, 300, 30, 300
MODEL_BAR_MS = 3.0
PLAN = {
    "name": "long",
    "stages": [{"share": 0.5, "min_seconds": 1_000_000, "max_seconds": 2_000_000}],
    "window_seconds": 5,
    "waiting_seconds": 2,
}


def prepared(folder: Path) -> tuple[LocalControl, str]:
    """A root with all of it, and the id of the running rollout."""
    base = ModelStore(folder / "root").model("m")
    for number in range(VERSIONS):
        source = folder / str(number)
        (source / "variables").mkdir(parents=True)
        (source / "saved_model.pb").write_bytes(b"%d" % number)
        (source / "variables" / "variables.index").write_bytes(b"x" * 1000)
        base.publish(source)
    base.write_desired(base.desired().change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    control = LocalControl(base.store, by="bench")
    with ServedRoot(base):
        for _ in range(ENDED):
            ended = control.start_rollout("m", RolloutWanted(version=2, plan=PLAN)).id
            control.order("m", ended, OrderWanted(kind="abort"))
            await_rollout(base, ended, until=lambda state: state.finished, timeout=60, poll=0.01)
        running = control.start_rollout("m", RolloutWanted(version=2, plan=PLAN)).id
        await_rollout(base, running, until=lambda state: state.windows >= WINDOWS, timeout=600)
    return control, running


def milliseconds(read: Callable[[], Any]) -> float:
    """The median of many readings, after one that fills the cache."""
    read()
    times = []
    for _ in range(READS):
        began = time.perf_counter()
        read()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def main() -> int:
    """Measure the readings that are asked for often, and hold that of a model against its bar."""
    with tempfile.TemporaryDirectory() as folder:
        control, running = prepared(Path(folder))
        root = Path(folder) / "root"
        with presence(root):
            announce(root, SupervisorInfo(os.getpid(), "127.0.0.1:8500", "127.0.0.1:9901", time.time()))
            figures = [
                Figure("model(), median", milliseconds(lambda: control.model("m")), "ms", bar=MODEL_BAR_MS),
                Figure("models() as JSON, median", milliseconds(lambda: control.models().model_dump_json()), "ms"),
                Figure("rollout(), median", milliseconds(lambda: control.rollout("m", running)), "ms"),
                Figure("rollout_report(), median", milliseconds(lambda: control.rollout_report("m", running)), "ms"),
                Figure("rollouts(), all, median", milliseconds(lambda: control.rollouts("m")), "ms"),
                Figure("configuration(), median", milliseconds(lambda: control.configuration("m")), "ms"),
                Figure("history(), median", milliseconds(lambda: control.history("m")), "ms"),
            ]
    what = f"{VERSIONS} versions, a rollout with {WINDOWS} windows, {ENDED} that ended; {READS} readings each"
    return finish("control-reads", what, figures)


if __name__ == "__main__":
    sys.exit(main())
