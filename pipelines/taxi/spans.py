"""Cuts the real taxi trips into spans of time: some to train on, the last one held back to be replayed.

The trips come from the installed tfx wheel (`find_spec`, which finds a package without
importing it: importing TFX takes half a minute). What is written:

    <destination>/
      span-1/trips.csv     the oldest trips: raw columns and the label, for CsvExampleGen
      span-2/trips.csv     …
      held-back/trips.jsonl   the newest trips as requests: one JSON object of the named raw columns a line

Cutting by time and not at random is what makes the held-back trips live traffic: they
have companies that no span knew. This module decides nothing about the model.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

from taxi.features import BIG_TIP, COLUMNS, INTEGERS, LABEL, STRINGS, TIMESTAMP
from tfx_rollout.errors import NotFound

SPANS = 3
HELD_BACK = 0.25
"""Share of the trips, the newest, that no pipeline sees."""

_IN_THE_WHEEL = Path("examples/chicago_taxi_pipeline/data/simple/data.csv")

Trip = Mapping[str, str]
"""One row as the city's file has it: every value a string, "" where it is missing."""


@dataclass(frozen=True)
class Spans:
    """What was written: one CSV file a span, oldest first, and the held-back trips."""

    folder: Path
    trainable: tuple[Path, ...]
    held_back: Path


def recorded_trips() -> Path:
    """The trips in the installed tfx wheel. Raises NotFound where TFX is not installed."""
    found = find_spec("tfx")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / _IN_THE_WHEEL
        if path.is_file():
            return path
    raise NotFound("file", _IN_THE_WHEEL, "the tfx package of this Python (install tfx-rollout with its extra 'tfx')")


def read_trips(path: Path) -> list[Trip]:
    """The rows of the city's file, oldest first; trips of the same time keep the order of the file."""
    with path.open(newline="", encoding="utf-8") as lines:
        return sorted(csv.DictReader(lines), key=_time)


def cut(trips: Sequence[Trip], spans: int = SPANS, held_back: float = HELD_BACK) -> list[Sequence[Trip]]:
    """Parts of `trips` (sorted by time): `spans` of equal size, then the last share of `held_back`.

    A cut never runs through one time: the trips that start at the time of a cut are all
    in the later part. So every trip is in exactly one part, and no two parts share a time.
    """
    train = len(trips) * (1 - held_back)
    wanted = [round(train * i / spans) for i in range(1, spans + 1)]
    cuts = [0, *(_first_of_its_time(trips, at) for at in wanted), len(trips)]
    return [trips[begin:end] for begin, end in pairwise(cuts)]


def is_big_tipper(trip: Trip) -> bool:
    """The label. A trip without a fare has a big tip when it has any."""
    return float(trip["tips"] or 0) > BIG_TIP * float(trip["fare"] or 0)


def as_request(trip: Trip) -> dict[str, str | int | float]:
    """The named raw columns of one trip, as a client sends them: missing values are 0 or ""."""
    return {column: _value(column, trip[column]) for column in COLUMNS}


def unseen(trips: Iterable[Trip], trained_on: Iterable[Trip], column: str = "company") -> float:
    """Share of `trips` whose value of `column` is none of those in `trained_on`."""
    known = {trip[column] for trip in trained_on}
    strange = [trip[column] not in known for trip in trips]
    return sum(strange) / len(strange)


def write_spans(destination: Path, *, source: Path | None = None, spans: int = SPANS, held_back: float = HELD_BACK) -> Spans:
    """Cuts the trips of `source` (default: those of the wheel) and writes every part. Same input, same bytes."""
    *trainable, last = cut(read_trips(source or recorded_trips()), spans, held_back)
    paths = tuple(destination / f"span-{number}" / "trips.csv" for number in range(1, spans + 1))
    for path, trips in zip(paths, trainable, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_csv(path, trips)
    replayed = destination / "held-back" / "trips.jsonl"
    replayed.parent.mkdir(parents=True, exist_ok=True)
    replayed.write_text("".join(json.dumps(as_request(trip)) + "\n" for trip in last), encoding="utf-8")
    return Spans(destination, paths, replayed)


def _write_csv(path: Path, trips: Sequence[Trip]) -> None:
    names = [TIMESTAMP, *COLUMNS, LABEL]
    with path.open("w", newline="", encoding="utf-8") as lines:
        rows = csv.writer(lines, lineterminator="\n")
        rows.writerow(names)
        rows.writerows([trip[TIMESTAMP], *(trip[c] for c in COLUMNS), int(is_big_tipper(trip))] for trip in trips)


def _time(trip: Trip) -> int:
    return int(trip[TIMESTAMP])


def _first_of_its_time(trips: Sequence[Trip], at: int) -> int:
    while 0 < at < len(trips) and _time(trips[at - 1]) == _time(trips[at]):
        at -= 1
    return at


def _value(column: str, text: str) -> str | int | float:
    if column in STRINGS:
        return text
    return (int if column in INTEGERS else float)(float(text or 0))


def main() -> None:
    """`python -m taxi.spans DESTINATION`: writes the spans and says what is in them."""
    parser = argparse.ArgumentParser(description="Cut the Chicago taxi trips into spans of time.")
    parser.add_argument("destination", type=Path)
    parser.add_argument("--spans", type=int, default=SPANS)
    parser.add_argument("--held-back", type=float, default=HELD_BACK)
    options = parser.parse_args()
    written = write_spans(options.destination, spans=options.spans, held_back=options.held_back)
    *trainable, last = cut(read_trips(recorded_trips()), options.spans, options.held_back)
    for number, trips in enumerate(trainable, start=1):
        print(f"span {number}: {len(trips)} trips; companies unknown to it have {unseen(last, trips):.2%} of the held-back ones")
    print(f"held back: {len(last)} trips in {written.held_back}")


if __name__ == "__main__":
    main()
