"""What it costs to keep the metrics of the traffic: time of one core while it follows, and to catch up; memory; questions.

make bench NAME=traffic-metrics
"""

from __future__ import annotations

import argparse
import itertools
import multiprocessing
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness import Figure, finish

from tfx_rollout.gateway.access_log_folder import KEEP_PARTS
from tfx_rollout.gateway.log_format import FIELDS, HEARTBEAT_S
from tfx_rollout.metrics import TrafficMetrics
from tfx_rollout.metrics.cell import Key, Tally
from tfx_rollout.metrics.exposition import Exposition
from tfx_rollout.metrics.series import RESOLUTIONS, TimeSeries
from tfx_rollout.model_store import ModelStore
from tfx_rollout.rollout.progress import ProgressReader
from tfx_rollout.traffic import Track

RATE = 200
"""Requests a second."""
CAUGHT_UP_S = 900
"""Seconds of traffic that the reader finds when it starts."""
KINDS = [
    Key("taxi", track, version, protocol)
    for track, version in ((Track.STABLE, 1), (Track.CANARY, 2))
    for protocol in ("grpc", "rest")
]
QUESTIONS = 30


def resident_mb() -> float:
    """Memory of this process in megabytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 1e6


class Gateway:
    """Writes an access log as the gateway does."""

    def __init__(self, folder: Path, start: float) -> None:
        folder.mkdir(parents=True)
        for number in range(KEEP_PARTS):
            (folder / f"{round(start * 1000)}.{number + 1:04d}.log").write_text("the older parts are not read\n")
        self._path = folder / f"{round(start * 1000)}.log"
        self._path.touch()
        self._numbers, self._random = itertools.count(), random.Random(7)

    def write(self, since: float, until: float) -> None:
        """The requests that end in a stretch of time, and the heartbeats."""
        lines = [(since + n / RATE, self._request) for n in range(round((until - since) * RATE))]
        lines += [(since + n * HEARTBEAT_S, self._heartbeat) for n in range(round((until - since) / HEARTBEAT_S))]
        with self._path.open("a") as log:
            log.write("".join(make(at) for at, make in sorted(lines, key=lambda line: line[0])))

    def _request(self, at: float) -> str:
        kind = self._random.choice(KINDS)
        us = round(self._random.lognormvariate(8.5, 0.6))
        return self._line(
            at,
            us,
            route=f"draw/taxi/{kind.protocol}",
            cluster=f"taxi~{kind.track}~{kind.protocol}",
            grpc_code="0" if kind.protocol == "grpc" else "-",
            version=str(kind.version),
            request_id=f"00000000-0000-4000-8000-{next(self._numbers):012d}",
        )

    def _heartbeat(self, at: float) -> str:
        return self._line(at, 50, route="heartbeat")

    def _line(self, at: float, us: int, **fields: str) -> str:
        values = {
            "start": f"{at - us / 1e6:.6f}",
            "emitted": f"{at:.6f}",
            "kind": "DownstreamEnd",
            "connection": "17",
            "http_code": "200",
            "received_us": "20",
            "answered_us": str(us),
            "attempts": "1",
            **fields,
        }
        return " ".join(values.get(name, "-") for name, _ in FIELDS) + "\n"


def write_live(gateway: Gateway, seconds: float) -> None:
    """Writes the traffic of so many seconds as time goes by, twice a second."""
    written = time.time()
    end = written + seconds
    while written < end:
        time.sleep(0.5)
        now = time.time()
        gateway.write(written, now)
        written = now


def followed(traffic: TrafficMetrics, gateway: Gateway, seconds: float) -> float:
    """The share of one core that following takes, as the API does it: a step a second."""
    writer = multiprocessing.get_context("fork").Process(target=write_live, args=(gateway, seconds))
    writer.start()
    began, used = time.monotonic(), time.process_time()
    while writer.is_alive():
        traffic.advance()
        time.sleep(1.0)
    share = (time.process_time() - used) / (time.monotonic() - began)
    writer.join()
    return share


def asked_ms(ask: Callable[[], object]) -> float:
    """The median time of a question, in milliseconds."""
    times = []
    for _ in range(QUESTIONS):
        began = time.perf_counter()
        ask()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


def full_series_mb() -> tuple[float, int]:
    """Memory of series in which every step of every resolution has requests of every kind, and how many counts that is."""
    rng = random.Random(3)
    cells = []
    for _ in range(20):
        tally = Tally()
        for _ in range(2000):
            tally.add(rng.choice(["OK", "OK", "INTERNAL"]), rng.lognormvariate(8.5, 0.6))
        cells.append(tally.cell())
    before, count, now = resident_mb(), 0, 1_795_000_200.0
    kept = []
    for resolution in RESOLUTIONS:
        series = TimeSeries([resolution])
        for start in range(0, resolution.keep, resolution.width):
            for kind in KINDS:
                series.add(now - resolution.keep + start, kind, rng.choice(cells) + rng.choice(cells))
                count += 1
        kept.append(series)
    return resident_mb() - before, count


def main() -> int:
    """Measures, and holds the figures against their bars."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0, help="how long it follows")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        store = ModelStore(Path(folder))
        store.model("taxi").create()
        start = time.time() - CAUGHT_UP_S
        gateway = Gateway(store.gateway_dir / "access", start)
        gateway.write(start, start + CAUGHT_UP_S)
        traffic = TrafficMetrics(store)
        used, steps, longest = time.process_time(), 0, 0.0
        more = True
        while more:
            began = time.perf_counter()
            more = traffic.advance()
            longest, steps = max(longest, time.perf_counter() - began), steps + 1
        caught_up = time.process_time() - used
        share = followed(traffic, gateway, seconds)
        now = time.time()
        quarter = asked_ms(lambda: traffic.query("taxi", now - 900, now).to_json())
        exposition = Exposition(store, traffic, rollouts=ProgressReader(store), supervisor_up=lambda: True)
        scrape = asked_ms(exposition.render)
    memory, cells = full_series_mb()
    lines = CAUGHT_UP_S * (RATE + 1 / HEARTBEAT_S)
    figures = [
        Figure("following, of one core", 100 * share, "%", bar=2.0),
        Figure("catching up, a line", 1e6 * caught_up / lines, "µs"),
        Figure("catching up with an hour", caught_up * 3600 / CAUGHT_UP_S, "s of one core"),
        Figure("catching up, longest step", 1000 * longest, "ms"),
        Figure("the last quarter of an hour in JSON, median", quarter, "ms", bar=20.0),
        Figure("a scrape, median", scrape, "ms", bar=20.0),
        Figure("two weeks of two versions by two protocols", memory, "MB"),
        Figure("one count of them", 1e6 * memory / cells, "bytes"),
    ]
    how = f"{RATE} requests a second for {seconds:g} s, a step a second, {KEEP_PARTS} older parts of the log; process time"
    return finish("traffic-metrics", how, figures, {"steps to catch up": steps})


if __name__ == "__main__":
    sys.exit(main())
