"""What was asked for and when it was in force: one JSON object a line, oldest first.

    {"event": "desired", "at": …, <the desired state>}
    {"event": "applied", "at": …, "generation": …}
    {"event": "removed", "at": …, "version": …, "digest": …}

A desired state is written first and recorded after, so the history never tells of a
state that never was. A process that dies between the two leaves the line out; the state
is still in `desired.json` then, from where it is told and, by the next writer, recorded.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from tfx_rollout.errors import CorruptState
from tfx_rollout.model_store.control_file import append_line, read_lines
from tfx_rollout.model_store.faults import storage_faults
from tfx_rollout.traffic import DesiredState


def read_history(path: Path, desired_file: Path, desired: DesiredState) -> list[dict[str, Any]]:
    """All events, each generation once for each kind of event. Raises `CorruptState`, `StorageFault`."""
    events = []
    seen = set()
    for event in read_lines(path):
        if event.get("event") not in ("desired", "applied", "removed"):
            raise CorruptState(str(path), f"a line is no event: {str(event)[:100]}")
        key = (event["event"], event.get("generation"))
        if event["event"] == "removed" or key not in seen:
            events.append(event)
        seen.add(key)
    if desired.generation and ("desired", desired.generation) not in seen:
        events.append(_desired_event(desired_file, desired))
    return events


def record_desired(path: Path, desired_file: Path, desired: DesiredState) -> None:
    """Records the current desired state, unless that was done. The caller holds the lock."""
    if not desired.generation:
        return
    recorded = (event["generation"] for event in reversed(read_lines(path)) if event["event"] == "desired")
    if next(recorded, 0) < desired.generation:
        append_line(path, _desired_event(desired_file, desired))


def record_applied(path: Path, generation: int) -> None:
    """Records that a generation is in force."""
    append_line(path, {"event": "applied", "at": time.time(), "generation": generation})


def record_removed(path: Path, version: int, digest: str | None) -> None:
    """Records that a version was removed. The caller holds the lock."""
    append_line(path, {"event": "removed", "at": time.time(), "version": version, "digest": digest})


def _desired_event(desired_file: Path, desired: DesiredState) -> dict[str, Any]:
    with storage_faults(desired_file, "read"):
        at = desired_file.stat().st_mtime
    return {"event": "desired", "at": at, **desired.to_json()}
