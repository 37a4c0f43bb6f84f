"""What it costs those who are served that others watch, and what those who watch get.

make bench NAME=control                      ten minutes of load
make bench NAME=control ARGS="--minutes 1"   to try it

A supervisor serves a small model while a rollout runs, under a steady load of REST and gRPC requests whose rate does not
depend on the answers. Blocks without and with watchers alternate, in pairs of random order, so that what else happens on
the machine meets both alike: in a block with, 50 clients follow server-sent events and 20 requests a second read the API.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from control_page import PageLoad, measure_page
from control_root import MODEL, Root, served_root, steady_load
from control_watchers import READS_PER_SECOND, WATCHERS, Watchers, every
from harness import Figure, finish
from paired import rise

RATE = 100
"""Requests a second of the load, half over gRPC: far from what the servers can take, as in a sound serving."""
BLOCK_S, SETTLE_S = 10.0, 1.0
"""Length of a block; and the pause before it, as well as how much of its beginning counts for neither kind."""
WARM_UP = 0.25
"""Share of the run after which memory is looked at."""
RISE_BAR, READ_BAR_MS, MEMORY_BAR, MEMORY_BAR_MB, PAGE_BAR_MB, PAINT_BAR_S = 5.0, 20.0, 0.05, 5.0, 1.5, 1.0
HOW = (
    f"{RATE} requests/s on two cores shared with the clients, blocks of {BLOCK_S:g} s without and with {WATCHERS} watchers"
    f" and {READS_PER_SECOND} reads/s; rises are Hodges-Lehmann estimates over pairs of blocks"
)


@dataclass(frozen=True)
class Block:
    """A span of time (epoch seconds), and whether somebody watched."""

    start: float
    end: float
    watched: bool


@dataclass(frozen=True)
class Measured:
    """All that was measured while the load ran."""

    pairs: Sequence[tuple[Block, Block]]
    """Without, with."""
    memory_mb: Sequence[tuple[float, float]]
    """When (seconds), and the resident memory of the API's process."""
    read_ms: Mapping[str, Sequence[float]]
    """By path."""
    events: int
    api_cpu: Mapping[bool, Sequence[float]]
    """Without watchers and with them, by block: how much of a processor the API's process used."""


def main() -> int:
    """Measures everything and holds it against the bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10.0, help="How long the load runs.")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    pairs = max(1, round(given.minutes * 60 / (2 * (BLOCK_S + SETTLE_S))))
    with tempfile.TemporaryDirectory() as name, served_root(Path(name)) as root:
        with steady_load(root, Path(name), rate=RATE, seconds=pairs * 2 * (BLOCK_S + SETTLE_S + 1) + 60) as answers:
            measured = asyncio.run(alternate(root, pairs, random.Random(given.seed)))
        latencies = read_latencies(answers)
        if not root.still_rolls_out():
            raise SystemExit("the rollout ended while it was to be watched")
        page = measure_page(f"http://{root.api}/")
    return finish("control", HOW, figures(measured, latencies, page), details(measured, latencies, given.minutes))


async def alternate(root: Root, pairs: int, chance: random.Random) -> Measured:
    """Blocks without and with watchers, in pairs of random order, and the API's memory meanwhile."""
    # Who watches is elsewhere, in earnest: what reading an event costs must not be taken from those who are served.
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    watchers = Watchers(root.api, MODEL, root.rollout)
    process, memory = api_process(root), []
    sampling = asyncio.create_task(every(1.0, lambda: memory.append((time.monotonic(), resident_mb(process)))))
    found, api_cpu = [], {False: [], True: []}
    for _ in range(pairs):
        halves = {}
        for watched in chance.sample((False, True), 2):
            # Those of the block before have to be gone at the server, too: it takes so many and no more.
            await asyncio.sleep(SETTLE_S)
            start, used = time.time(), processor_seconds(process)
            await (watchers.watch(BLOCK_S) if watched else asyncio.sleep(BLOCK_S))
            api_cpu[watched].append((processor_seconds(process) - used) / (time.time() - start))
            halves[watched] = Block(start + SETTLE_S, start + BLOCK_S, watched)
        found.append((halves[False], halves[True]))
    sampling.cancel()
    watchers.close()
    if watchers.faults:
        raise SystemExit(f"{len(watchers.faults)} requests to the API failed; the first: {watchers.faults[0]}")
    return Measured(found, memory, watchers.read_ms, watchers.events, api_cpu)


def api_process(root: Root) -> int:
    """The process of the API, by its command line."""
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0") if entry.name.isdigit() else []
            if b"tfx_rollout.control" in words and str(root.base.path.parent).encode() in words:
                return int(entry.name)
    raise SystemExit("no process of the API was found")


def resident_mb(pid: int) -> float:
    """Resident memory of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def processor_seconds(pid: int) -> float:
    """Processor time that a process has used."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def read_latencies(answers: Path) -> npt.NDArray[np.float64]:
    """When each request was sent, and how long its answer took; ends the benchmark where one failed."""
    found = [json.loads(line) for line in answers.read_text().splitlines()]
    failed = [answer for answer in found if answer["code"] != "OK"]
    if failed:
        raise SystemExit(f"{len(failed)} of {len(found)} requests failed; the first: {failed[0]}")
    return np.array([(answer["at"], answer["latency_ms"]) for answer in found])


def within(latencies: npt.NDArray[np.float64], block: Block) -> npt.NDArray[np.float64]:
    """The latencies of the requests that were sent in a block."""
    return latencies[(latencies[:, 0] >= block.start) & (latencies[:, 0] < block.end), 1]


def figures(measured: Measured, latencies: npt.NDArray[np.float64], page: PageLoad) -> list[Figure]:
    """What was measured, against the bars."""
    without, with_ = ([within(latencies, pair[kind]) for pair in measured.pairs] for kind in (0, 1))
    found = []
    for q, bar in ((0.99, RISE_BAR), (0.5, None)):
        risen = rise(without, with_, q)
        found += [
            Figure(f"rise of the load's p{100 * q:g}", risen.percent, "%", bar),
            Figure(f"… its 95 % interval, from ({risen.pairs} pairs)", risen.low, "%"),
            Figure("… to", risen.high, "%"),
        ]
    if len(without) >= 4:
        noise = rise(without[:-1:2], without[1::2], 0.99)
        found.append(Figure("the same between two blocks without (noise), half the interval", (noise.high - noise.low) / 2, "%"))
    before, growth = memory_growth(measured.memory_mb)
    reads = np.concatenate(list(measured.read_ms.values()))
    return [
        *found,
        Figure("p99 without watchers, median of blocks", float(np.median([np.quantile(x, 0.99) for x in without])), "ms"),
        Figure("an API read, p50", float(np.quantile(reads, 0.5)), "ms", READ_BAR_MS),
        Figure("an API read, p99", float(np.quantile(reads, 0.99)), "ms"),
        Figure("the API's share of a processor without watchers", 100 * float(np.mean(measured.api_cpu[False])), "%"),
        Figure("the API's share of a processor with them", 100 * float(np.mean(measured.api_cpu[True])), "%"),
        Figure("growth of the API's memory after warm-up", growth, "MB", max(MEMORY_BAR_MB, MEMORY_BAR * before)),
        Figure("the API's memory after warm-up", before, "MB"),
        Figure("the page's first load", page.megabytes, "MB", PAGE_BAR_MB),
        Figure("the page's first paint, median", page.first_paint_ms / 1000, "s", PAINT_BAR_S),
        Figure("the page's first paint, worst", page.worst_paint_ms / 1000, "s"),
    ]


def memory_growth(samples: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Memory after the warm-up, and by how much it grew from there to the end: the slope of a straight line through it."""
    at, megabytes = np.array(samples).T
    after = at >= at[0] + WARM_UP * (at[-1] - at[0])
    slope, level = np.polyfit(at[after] - at[after][0], megabytes[after], 1)
    return float(level), float(slope * (at[-1] - at[after][0]))


def details(measured: Measured, latencies: npt.NDArray[np.float64], minutes: float) -> dict[str, object]:
    """What the figures are made of."""
    blocks = [
        [round(float(np.quantile(within(latencies, block), q)), 3) for block in pair for q in (0.5, 0.99)]
        for pair in measured.pairs
    ]
    return {
        "minutes": minutes,
        "requests": len(latencies),
        "reads": sum(map(len, measured.read_ms.values())),
        "p50 and p99 of each read, ms": {
            path: [round(float(np.quantile(ms, q)), 2) for q in (0.5, 0.99)] for path, ms in measured.read_ms.items()
        },
        "events": measured.events,
        "load average of the machine": list(os.getloadavg()),
        "pairs: p50 and p99 without, p50 and p99 with, ms": blocks,
        "memory_mb": [round(megabytes, 1) for _, megabytes in measured.memory_mb[:: max(1, len(measured.memory_mb) // 60)]],
    }


if __name__ == "__main__":
    sys.exit(main())
