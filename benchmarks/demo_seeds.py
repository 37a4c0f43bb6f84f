"""Is the demo luck? The demo plan on 20 seeds of the replay, a sound and a harmful model side by side.

The three models are those that `make demo` trained (it is run first where they are not
there). Per seed a fresh live setup serves version 1 as two models, `sound` and `harmful`;
both get the recorded trips at the demo's rate, and each rolls its candidate out under the
demo plan: the demo's version 2 for the one, its version 3 for the other.

    make bench NAME=demo-seeds [SEEDS=20]
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import Figure, finish

from taxi.demo.live_setup import LiveSetup
from taxi.demo.live_traffic import LiveTraffic
from taxi.demo.settings import DEMO, RATE
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.rollout import await_rollout, build_report, load_plan, read_rollout, start_rollout
from tfx_rollout.serving import free_port

CANDIDATES = {"sound": 2, "harmful": 3}
DECISION_SECONDS = 900.0


def trained_models() -> dict[int, Path]:
    """Versions 1 to 3 as the demo trained them, which is run first where they are missing."""
    folders = {version: DEMO / "serving" / "taxi" / str(version) for version in (1, 2, 3)}
    if not all(folder.is_dir() for folder in folders.values()):
        from taxi.demo.__main__ import main as demo

        if demo() != 0:
            raise SystemExit("the demo, which trains the models, has failed; see above")
    return folders


def one_seed(seed: int, models: dict[int, Path], trips: Path, root: Path) -> dict[str, dict[str, Any]]:
    """Both rollouts under this seed of the replay; their reports by model name."""
    plan = replace(load_plan("demo"), promotion="automatic")
    store = ModelStore(root)
    bases = {name: store.model(name) for name in CANDIDATES}
    traffic: list[LiveTraffic] = []
    with LiveSetup(root, free_port("127.0.0.1"), tell=lambda line: None) as live:
        for base in bases.values():
            base.create()
            base.publish(models[1])
            decide(base, 1, plan)
        try:
            for offset, name in enumerate(bases):
                sender = LiveTraffic(
                    gateway=live.gateway,
                    model=name,
                    trips=trips,
                    rate=RATE,
                    seed=2 * seed + offset,
                    answers=root / f"{name}.jsonl",
                )
                sender.start()
                traffic.append(sender)
            started = {}
            for name, base in bases.items():
                version = base.publish(models[CANDIDATES[name]]).version
                started[name] = start_rollout(base, version, plan, by="demo-seeds", why=f"seed {seed}")
            for name, base in bases.items():
                await_rollout(base, started[name], until=lambda state: state.finished, timeout=DECISION_SECONDS)
            return {name: build_report(read_rollout(base, started[name])) for name, base in bases.items()}
        finally:
            for sender in traffic:
                sender.kill()


def decide(base: BasePath, version: int, plan: Any) -> None:
    """Roll a version out and wait until it is decided."""
    rollout = start_rollout(base, version, plan, by="demo-seeds", why="the version that is live before")
    state = await_rollout(base, rollout, until=lambda state: state.finished, timeout=DECISION_SECONDS)
    if state.outcome != "first_version":
        raise SystemExit(f"version {version} of {base.name} did not go live: {state.reason}")


def median(values: Sequence[float]) -> float:
    """The median, 0 where there is none."""
    return statistics.median(values) if values else 0.0


def main() -> int:
    """Run all seeds and hold them against the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    seeds = parser.parse_args().seeds
    models, trips = trained_models(), DEMO / "data" / "held-back" / "trips.jsonl"
    runs: list[dict[str, Any]] = []
    for seed in range(1, seeds + 1):
        began = time.monotonic()
        with tempfile.TemporaryDirectory(prefix="demo-seeds-") as root:
            reports = one_seed(seed, models, trips, Path(root))
        runs.append(
            {
                name: {
                    key: report[key]
                    for key in ("outcome", "reason", "seconds_to_decision", "bad_windows", "tracks", "harmed_share")
                }
                for name, report in reports.items()
            }
        )
        words = "; ".join(
            f"{name} {report['outcome']} after {report['seconds_to_decision'] or 0:.0f} s" for name, report in reports.items()
        )
        print(f"seed {seed:2}: {words} ({time.monotonic() - began:.0f} s)", flush=True)
    harmful = [run["harmful"] for run in runs]
    sound = [run["sound"] for run in runs]
    caught = [run for run in harmful if run["outcome"] == "rolled_back"]
    figures = [
        Figure("harmful rolled back", len(caught), f"of {seeds}", bar=seeds * 19 // 20, sense="at least"),
        Figure("sound rolled back", sum(run["outcome"] == "rolled_back" for run in sound), f"of {seeds}", bar=seeds // 20),
        Figure("sound promoted", sum(run["outcome"] == "promoted" for run in sound), f"of {seeds}"),
        Figure(
            "fewest windows with failures at a rollback",
            min((len(run["bad_windows"]) for run in caught), default=0),
            "windows",
            bar=2,
            sense="at least",
        ),
        Figure("median time to rollback", median([run["seconds_to_decision"] for run in caught]), "s"),
        Figure("median requests harmed", median([run["tracks"]["canary"]["failures"] for run in caught]), "requests"),
        Figure("median share of requests harmed", 100 * median([run["harmed_share"] for run in caught]), "%"),
        Figure(
            "median time to promotion", median([run["seconds_to_decision"] for run in sound if run["seconds_to_decision"]]), "s"
        ),
    ]
    how = f"{seeds} seeds, recorded trips at {RATE:g}/s per model, plan demo, both models at once on this machine"
    return finish("demo-seeds", how, figures, {"runs": runs})


if __name__ == "__main__":
    sys.exit(main())
