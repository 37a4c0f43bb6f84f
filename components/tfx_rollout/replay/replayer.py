"""The open loop: requests are due at a fixed rate, whatever becomes of those before.

A closed loop, which waits for an answer before it sends the next request, would slow down
with the gateway and so hide what it is there to measure.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from tfx_rollout.errors import GatewayFailed, InvalidInput, NotFound, RolloutError, StorageFault
from tfx_rollout.replay.late_labels import LabelQueue, LateLabels
from tfx_rollout.replay.report import Answer, ReplayReport, ReplayTally
from tfx_rollout.replay.rows import Row
from tfx_rollout.replay.senders import GrpcSender, Reply, RestSender, Sender
from tfx_rollout.replay.signature import Signature

UNDER_WAY = 1000
"""Requests without an answer at once; what is due beyond that is skipped and counted."""


@dataclass(frozen=True)
class ReplaySettings:
    """What to send where: `rate` requests per second for `seconds`, a share of them over gRPC.

    The same seed sends the same rows over the same protocols in the same order.
    """

    gateway: str
    model: str
    rate: float
    seconds: float
    grpc_share: float = 0.5
    seed: int = 0
    timeout_s: float = 10.0

    def __post_init__(self) -> None:
        host, _, port = self.gateway.rpartition(":")
        if not host or not port.isdigit():
            raise InvalidInput(f"The gateway {self.gateway!r} is no HOST:PORT.")
        if self.rate <= 0 or self.seconds <= 0 or self.timeout_s <= 0:
            raise InvalidInput("The rate, the seconds and the timeout of a replay must be positive.")
        if not 0 <= self.grpc_share <= 1:
            raise InvalidInput(f"The share of gRPC requests, {self.grpc_share:g}, is not between 0 and 1.")

    @property
    def count(self) -> int:
        """How many requests are due in all."""
        return max(1, round(self.rate * self.seconds))


def replay(
    settings: ReplaySettings,
    rows: Sequence[Row],
    *,
    record: Path | None = None,
    labels: LateLabels | None = None,
    stop: threading.Event | None = None,
) -> ReplayReport:
    """Sends rows until the time is over, `stop` is set, or the process gets SIGINT or SIGTERM (in its main thread).

    What is under way then is waited for; a second signal does not wait. `record` gets one
    JSON line per answer (`Answer.to_json`). Each request has an id of its own, also among
    those of other replays. `labels` gives the labels of good answers later; the last ones
    are waited for when the time is over, and not when the replay is stopped.

    `GatewayFailed` when the gateway does not answer at all, `NotFound` for a model that is
    not behind it, `InvalidInput` for rows that the model's signature cannot take or that
    have no label where labels are to be given.
    """
    if labels is not None:
        labels.check(rows)
    signature = _signature(settings)
    for row in rows:
        signature.instance(row)
    queue = None if labels is None else LabelQueue(labels, rows)
    with _open_record(record) as lines:
        return asyncio.run(_Replayer(settings, rows, signature, lines, queue, stop or threading.Event()).run())


class _Replayer:
    def __init__(
        self,
        settings: ReplaySettings,
        rows: Sequence[Row],
        signature: Signature,
        lines: TextIO | None,
        labels: LabelQueue | None,
        stop: threading.Event,
    ) -> None:
        self._settings, self._rows, self._signature, self._lines, self._stop = settings, rows, signature, lines, stop
        self._labels = labels
        self._name = uuid.uuid4().hex[:12]
        self._tally = ReplayTally()
        self._under_way: set[asyncio.Task[None]] = set()
        self._sent = False

    async def run(self) -> ReplayReport:
        if self._labels is None:
            return self._tally.report(await self._send_rows(None))
        giving = asyncio.create_task(self._give(self._labels))
        seconds = await self._send_rows(giving)
        return self._tally.report(seconds, labels=self._labels.given, labels_left=self._labels.left)

    async def _give(self, labels: LabelQueue) -> None:
        try:
            await labels.deliver_until(lambda: self._sent and (self._stop.is_set() or not labels.left))
        except RolloutError:
            self._stop.set()
            raise

    async def _send_rows(self, giving: asyncio.Task[None] | None) -> float:
        async with contextlib.AsyncExitStack() as stack:
            encoders: dict[str, tuple[Sender, Callable[[Row], bytes]]] = {}
            address, model = self._settings.gateway, self._settings.model
            how: dict[str, Any] = {"timeout_s": self._settings.timeout_s, "predictions": self._labels is not None}
            if self._settings.grpc_share < 1:
                rest = await stack.enter_async_context(RestSender(address, model, **how))
                encoders["rest"] = (rest, self._signature.rest_body)
            if self._settings.grpc_share > 0:
                # The stubs of the extra `serving` are needed for gRPC alone.
                from tfx_rollout.serving import grpc_api

                api = grpc_api()
                grpc = await stack.enter_async_context(GrpcSender(address, api, **how))
                encoders["grpc"] = (grpc, lambda row: self._signature.grpc_message(row, api))
            with self._signals():
                began = time.monotonic()
                await self._send_all(encoders, began)
                seconds = time.monotonic() - began
                if self._under_way:
                    await asyncio.gather(*self._under_way, return_exceptions=True)
                self._sent = True
                if giving is not None:
                    await giving
        return seconds

    async def _send_all(self, encoders: dict[str, tuple[Sender, Callable[[Row], bytes]]], began: float) -> None:
        encoded: dict[tuple[str, int], bytes] = {}
        for number, (protocol, index) in enumerate(draws(self._settings, len(self._rows))):
            due = began + number / self._settings.rate
            # Short enough to see a stop soon, and long enough to cost nothing.
            while (wait := due - time.monotonic()) > 0 and not self._stop.is_set():
                await asyncio.sleep(min(wait, 0.1))
            if self._stop.is_set():
                return
            if len(self._under_way) >= UNDER_WAY:
                self._tally.skipped += 1
                await asyncio.sleep(0)
                continue
            sender, encode = encoders[protocol]
            body = encoded.get((protocol, index))
            if body is None:
                body = encoded[protocol, index] = encode(self._rows[index])
            task = asyncio.create_task(self._send(sender, body, protocol, index, due, f"replay-{self._name}-{number}"))
            self._under_way.add(task)
            task.add_done_callback(self._under_way.discard)

    async def _send(self, sender: Sender, body: bytes, protocol: str, index: int, due: float, request_id: str) -> None:
        at, begun = time.time(), time.monotonic()
        self._tally.worst_lag_ms = max(self._tally.worst_lag_ms, (begun - due) * 1000)
        try:
            reply = await sender.send(body, request_id)
        except asyncio.CancelledError:
            reply = Reply("CANCELLED")
        latency_ms = (time.monotonic() - due) * 1000
        answer = Answer(at, latency_ms, protocol, index, reply.code, reply.track, reply.version, request_id)
        self._tally.add(answer)
        if self._labels is not None and reply.code == "OK":
            self._labels.answered(request_id, index, reply.prediction)
        if self._lines is not None:
            self._lines.write(json.dumps(answer.to_json()) + "\n")

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop = asyncio.get_running_loop()
        handled = (signal.SIGINT, signal.SIGTERM)
        for number in handled:
            loop.add_signal_handler(number, self._asked_to_stop)
        try:
            yield
        finally:
            for number in handled:
                loop.remove_signal_handler(number)

    def _asked_to_stop(self) -> None:
        if self._stop.is_set():
            for task in self._under_way:
                task.cancel()
        self._stop.set()


def draws(settings: ReplaySettings, rows: int) -> Iterator[tuple[str, int]]:
    """Protocol and row of each request: all rows in random order, then all again in another."""
    chance = random.Random(settings.seed)
    order: list[int] = []
    for _ in range(settings.count):
        if not order:
            order = list(range(rows))
            chance.shuffle(order)
        yield ("grpc" if chance.random() < settings.grpc_share else "rest"), order.pop()


def _signature(settings: ReplaySettings) -> Signature:
    import httpx

    url = f"http://{settings.gateway}/v1/models/{settings.model}/metadata"
    try:
        answer = httpx.get(url, timeout=settings.timeout_s, trust_env=False)
    except httpx.HTTPError as error:
        raise GatewayFailed(f"at {settings.gateway} does not answer ({error})") from error
    if answer.status_code == 404:
        raise NotFound("model", settings.model, f"the gateway at {settings.gateway}")
    try:
        if answer.status_code != 200:
            raise ValueError(f"HTTP {answer.status_code}")
        return Signature.from_metadata(settings.model, answer.json())
    except ValueError as error:
        raise GatewayFailed(f"at {settings.gateway} does not tell the signature of model {settings.model!r} ({error})") from error


@contextlib.contextmanager
def _open_record(path: Path | None) -> Iterator[TextIO | None]:
    if path is None:
        yield None
        return
    try:
        lines = path.open("w", encoding="utf-8", buffering=1)
    except OSError as error:
        raise StorageFault(str(path), f"cannot be written ({error.strerror})", "choose another file or free space") from error
    with lines:
        yield lines
