"""Many streams of one caller ask at once, and the files are looked at once."""

from __future__ import annotations

import asyncio
import threading

from tfx_rollout.control.documents import Role
from tfx_rollout.control.http.callers import Caller
from tfx_rollout.control.http.watching import Welcome
from tfx_rollout.control.http.watching.welcome import FRESH_S
from tfx_rollout.errors import StorageFault

ANN, BEN = Caller("ann", Role.READ), Caller("ben", Role.READ)


class Door:
    """Lets in who is not shut out, and counts how often it is asked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.shut_out: set[str] = set()
        self.asked: list[str] = []

    def clock(self) -> float:
        return self.now

    def is_open_to(self, caller: Caller) -> bool:
        self.asked.append(caller.name)
        return caller.name not in self.shut_out


def test_it_is_looked_up_once_for_all_who_ask_at_a_time_and_for_each_caller():
    async def ask() -> None:
        door = Door()
        welcome = Welcome(door.is_open_to, clock=door.clock)
        door.shut_out.add("ben")
        found = await asyncio.gather(*(welcome.of(caller) for caller in (ANN, BEN) for _ in range(50)))
        assert found == [True] * 50 + [False] * 50
        assert sorted(door.asked) == ["ann", "ben"]

    asyncio.run(ask())


def test_who_is_shut_out_is_told_so_soon():
    async def ask() -> None:
        door = Door()
        welcome = Welcome(door.is_open_to, clock=door.clock)
        assert await welcome.of(ANN)
        door.shut_out.add("ann")
        door.now += FRESH_S
        assert not await welcome.of(ANN)

    asyncio.run(ask())


def test_one_who_leaves_while_it_is_looked_up_takes_nobody_along():
    async def ask() -> None:
        release = threading.Event()
        welcome = Welcome(lambda _: release.wait(30))
        first, second = asyncio.create_task(welcome.of(ANN)), asyncio.create_task(welcome.of(ANN))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        release.set()
        assert await second
        assert first.cancelled()

    asyncio.run(ask())


def test_where_it_cannot_be_told_the_caller_is_let_go(caplog):
    def refuse(_: Caller) -> bool:
        raise StorageFault("tokens.json", "cannot be read", "see to its permissions")

    assert asyncio.run(Welcome(refuse).of(ANN)) is False
    assert "ann is let go" in caplog.text
