"""What the gateway was told, kept in a file: by it the next supervisor knows what is in force, and since when.

It is written before a change is offered to the gateway (`offered`) and again when the gateway
has confirmed it (`in_force`). After a death between the two, the gateway says which it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tfx_rollout.errors import CorruptState, InvalidInput
from tfx_rollout.model_store.control_file import read_json, write_json
from tfx_rollout.supervisor.gateway_config import Addresses, ModelTraffic
from tfx_rollout.traffic import Label, Route, Split, Sticky, Track

SCHEMA = 1


@dataclass(frozen=True)
class Told:
    """One configuration of the gateway: each model's traffic, where the servers are, and per model since when
    (seconds since the epoch) its split and routes are those."""

    traffic: Mapping[str, ModelTraffic] = field(default_factory=dict)
    addresses: Addresses = field(default_factory=dict)
    since: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {
            "traffic": {model: _traffic_to_json(traffic) for model, traffic in self.traffic.items()},
            "addresses": {server: list(address) for server, address in self.addresses.items()},
            "since": dict(self.since),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Told:
        return cls(
            {model: _traffic_from_json(traffic) for model, traffic in data["traffic"].items()},
            {server: (host, grpc_port, rest_port) for server, (host, grpc_port, rest_port) in data["addresses"].items()},
            dict(data["since"]),
        )


@dataclass(frozen=True)
class TrafficRecord:
    """What the gateway confirmed last, and what it was offered after that, if anything."""

    in_force: Told = Told()
    offered: Told | None = None


def write_record(path: Path, record: TrafficRecord) -> None:
    """Raises `StorageFault`."""
    offered = None if record.offered is None else record.offered.to_json()
    write_json(path, {"schema": SCHEMA, "in_force": record.in_force.to_json(), "offered": offered})


def read_record(path: Path) -> TrafficRecord:
    """The record; an empty one where there is none. Raises `CorruptState`, `StorageFault`."""
    data = read_json(path)
    if data is None:
        return TrafficRecord()
    try:
        if data["schema"] != SCHEMA:
            raise ValueError(f"schema {data['schema']} is not the known schema {SCHEMA}")
        return TrafficRecord(
            Told.from_json(data["in_force"]), None if data["offered"] is None else Told.from_json(data["offered"])
        )
    except (KeyError, TypeError, ValueError, InvalidInput) as error:
        raise CorruptState(str(path), f"it is not what this version of the program wrote: {error!r}") from error


def _traffic_to_json(traffic: ModelTraffic) -> dict[str, Any]:
    return {
        "split": traffic.split.to_json(),
        "routes": {str(track): {"server": route.server, "label": str(route.label)} for track, route in traffic.routes.items()},
        "mirror": traffic.mirror,
        "sticky": None if traffic.sticky is None else vars(traffic.sticky),
        "numbers": {str(track): version for track, version in traffic.numbers.items()},
    }


def _traffic_from_json(data: Mapping[str, Any]) -> ModelTraffic:
    return ModelTraffic(
        split=Split.from_json(data["split"]),
        routes={Track(track): Route(route["server"], Label(route["label"])) for track, route in data["routes"].items()},
        mirror=data["mirror"],
        sticky=None if data["sticky"] is None else Sticky(**data["sticky"]),
        # Records of before all tracks had numbers tell the canary's alone, which was not always certain.
        numbers={Track(track): version for track, version in data.get("numbers", {}).items()},
    )
