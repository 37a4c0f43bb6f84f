"""Between the models and the gateway: one configuration for all, and what of it is in force."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from tfx_rollout.errors import CorruptState, RolloutError
from tfx_rollout.gateway import Gateway, GatewayConfig
from tfx_rollout.supervisor.backoff import Backoff
from tfx_rollout.supervisor.gateway_config import ModelTraffic, gateway_config
from tfx_rollout.supervisor.traffic_record import Told, TrafficRecord, read_record, write_record
from tfx_rollout.traffic import DesiredState, Route, Split, Track

log = logging.getLogger("tfx_rollout.supervisor")

APPLY_WITHIN_S = 3.0
"""How long one turn waits for the gateway to confirm; typically it takes some 10 ms."""
ROTATE_EVERY_S = 10.0
ACCESS_LOG_BYTES = 16 * 1024 * 1024
"""A larger part of the access log is put aside. Small enough that reading all parts anew holds nobody up."""
RETRY_AFTER_S = 5.0
"""When a configuration that the gateway did not take is offered again, unless it changes before."""


@dataclass(frozen=True)
class InForce:
    """What the gateway confirmed for one model, and since when: in seconds since the epoch, as in the access log,
    and on the monotonic clock, which no setting of the time moves."""

    split: Split
    routes: Mapping[Track, Route]
    since: float
    since_monotonic: float


class TrafficLink:
    """Collects what each model wants, renders it for the gateway, and knows what it confirmed.

    It also starts a gateway that died again; that one has its last configuration from the
    start, so what was in force still is as soon as it listens. For a gateway that outlived
    its supervisor `recover` finds out what is in force.
    """

    def __init__(
        self,
        gateway: Gateway,
        *,
        server_host: str = "127.0.0.1",
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gateway = gateway
        self._host = server_host
        self._clock, self._monotonic = clock, monotonic
        self._record_file = gateway.directory / "traffic.json"
        self._told = Told()
        self._wanted: dict[str, ModelTraffic] = {}
        self._addresses: dict[str, tuple[str, int, int]] = {}
        self._applied: GatewayConfig | None = None
        self._refused: GatewayConfig | None = None
        self._retry_at = 0.0
        self._in_force: dict[str, InForce] = {}
        self._unnumbered_since: dict[tuple[str, Track], float] = {}
        self._known_since = -math.inf
        self._backoff = Backoff()
        self._next_start = 0.0
        self._rotate_at = 0.0
        self.fault: str | None = None
        """Why the gateway does not do what it is told, if so."""

    def recover(self) -> None:
        """Takes up what an adopted gateway was told before; where nobody knows, all is set anew. Raises `StorageFault`."""
        try:
            record = read_record(self._record_file)
        except CorruptState as error:
            log.warning("%s", error)
            return
        for told in filter(None, (record.offered, record.in_force)):
            if not self._gateway.routes_by(gateway_config(told.traffic, told.addresses)):
                continue
            self._told, self._wanted, self._addresses = told, dict(told.traffic), dict(told.addresses)
            now = self._known_since = self._monotonic()
            for model, traffic in told.traffic.items():
                self._in_force[model] = InForce(traffic.split, traffic.routes, told.since[model], now)
            return
        log.warning("what the gateway has in force is not what %s says; it is set anew", self._record_file)

    def give_back(self) -> None:
        """Lets every model's requests go to stable alone from the next `sync` on."""
        for model, traffic in self._wanted.items():
            self._wanted[model] = replace(traffic, split=Split(), mirror=0)

    def route(self, model: str, split: Split, routes: Mapping[Track, Route]) -> None:
        """Lets this model's requests go this way from the next `sync` on; forgotten if that one fails."""
        old = self._wanted.get(model, ModelTraffic())
        self._wanted[model] = replace(old, split=split, routes=dict(routes))

    def shape(self, model: str, desired: DesiredState, numbers: Mapping[Track, int]) -> None:
        """Sets what does not depend on the safe order: mirrored share, assignment by a header, and the tracks' numbers,
        which have an order of their own (`traffic.numbering`).

        Who was assigned stays so until the split that it was by is gone, or users would be drawn anew in between.
        """
        old = self._wanted.get(model, ModelTraffic())
        sticky = old.sticky if desired.sticky is None and old.split != desired.split else desired.sticky
        self._wanted[model] = replace(old, mirror=desired.mirror, sticky=sticky, numbers=dict(numbers))

    def locate(self, server: str, ports: tuple[int, int] | None) -> None:
        """Says where a server listens. Between two processes of it (None) the last address stays."""
        if ports is not None:
            self._addresses[server] = (self._host, *ports)

    def forget(self, server: str) -> None:
        """Says that a server is gone for good."""
        self._addresses.pop(server, None)

    def in_force(self, model: str) -> InForce | None:
        """What the gateway confirmed for this model; None before the first time."""
        return self._in_force.get(model)

    def in_force_for(self, model: str) -> float:
        """For how many seconds that has been so, by the monotonic clock; since it was recovered if that is later."""
        found = self._in_force.get(model)
        return math.inf if found is None else self._monotonic() - found.since_monotonic

    def numbers(self, model: str) -> Mapping[Track, int]:
        """The version numbers of this model's tracks that the gateway confirmed last."""
        return self._told.traffic.get(model, ModelTraffic()).numbers

    def unnumbered_for(self, model: str, track: Track) -> float:
        """For how many seconds the gateway has surely had no number for this track, by the monotonic clock."""
        if self._applied is None or track in self.numbers(model):
            return 0.0
        return self._monotonic() - self._unnumbered_since.get((model, track), self._known_since)

    @property
    def confirmed(self) -> bool:
        """Whether all that was asked for is in force."""
        return self._applied == self._config() and self._gateway.alive()

    def sync(self) -> None:
        """One turn: revive the gateway, and apply what changed. Raises `GatewayFailed`, `PortInUse`, `StorageFault`."""
        try:
            self._revive()
            self._apply()
            self._rotate()
        except RolloutError as error:
            self.fault = str(error)
            raise
        finally:
            self._forget_unapplied()

    def _revive(self) -> None:
        now = self._monotonic()
        if self._gateway.alive() or now < self._next_start:
            return
        log.warning("the gateway died and is started again")
        self._backoff = self._backoff.died(now - self._gateway.started_at)
        self._next_start = now + self._backoff.delay_s
        self._gateway.start()
        self.fault = None

    def _apply(self) -> None:
        config = self._config()
        if config == self._applied or not self._wanted or not self._gateway.alive():
            return
        if config == self._refused and self._monotonic() < self._retry_at:
            return
        offered = self._offer()
        write_record(self._record_file, TrafficRecord(self._told, offered))
        try:
            self._gateway.apply(config, timeout_s=APPLY_WITHIN_S)
        except RolloutError:
            self._refused, self._retry_at = config, self._monotonic() + RETRY_AFTER_S
            # It may come into force yet, so that what was confirmed before has to be confirmed again.
            self._applied = None
            raise
        self._applied, self._refused, self.fault = config, None, None
        self._confirm(offered)

    def _offer(self) -> Told:
        """What is wanted now, in force from now on where it changes a model's split or routes."""
        now = self._clock()
        since = {}
        for model, traffic in self._wanted.items():
            before = self._in_force.get(model)
            same = before is not None and (before.split, before.routes) == (traffic.split, traffic.routes)
            since[model] = before.since if before is not None and same else now
        return Told(dict(self._wanted), dict(self._addresses), since)

    def _confirm(self, offered: Told) -> None:
        """Takes note of what came into force just now."""
        now, monotonic = self._clock(), self._monotonic()
        since = dict(offered.since)
        for model, traffic in offered.traffic.items():
            for track in self.numbers(model).keys() - traffic.numbers.keys():
                self._unnumbered_since[model, track] = monotonic
            before = self._in_force.get(model)
            if before is not None and (before.split, before.routes) == (traffic.split, traffic.routes):
                continue
            since[model] = now
            self._in_force[model] = InForce(traffic.split, traffic.routes, now, monotonic)
            if traffic.routes:
                log.info("traffic of %s: %s", model, traffic.split)
        self._told = replace(offered, since=since)
        write_record(self._record_file, TrafficRecord(self._told))

    def _forget_unapplied(self) -> None:
        """Goes back to what is in force, so that the next step is decided from that and no late change surprises it."""
        for model, traffic in self._wanted.items():
            now = self._in_force.get(model, InForce(Split(), {}, 0.0, 0.0))
            self._wanted[model] = replace(traffic, split=now.split, routes=now.routes)

    def _rotate(self) -> None:
        now = self._monotonic()
        if now >= self._rotate_at:
            self._rotate_at = now + ROTATE_EVERY_S
            self._gateway.rotate_access_log(ACCESS_LOG_BYTES)

    def _config(self) -> GatewayConfig:
        return gateway_config(self._wanted, self._addresses)
