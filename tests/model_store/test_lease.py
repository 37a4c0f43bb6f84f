"""Who may write to a root that several hosts share, by clocks that the tests move."""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.errors import LostLease, StaleGeneration, StorageFault
from tfx_rollout.model_store import Lease, ModelStore
from tfx_rollout.model_store.lease import Holder
from tfx_rollout.traffic import ObservedState

TTL = 15.0


@dataclass
class Clock:
    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lease_on(tmp_path, clock):
    """Makes the lease of a supervisor on a host of that name."""
    return lambda host, own_clock=clock: lease_of(tmp_path / ".lease", host, own_clock)


def lease_of(folder: Path, host: str, clock: Clock) -> Lease:
    return Lease(folder, ttl_s=TTL, holder=replace(Holder.this_process(), host=host, boot=host), monotonic=clock)


def test_the_first_to_ask_gets_it_and_renews_it(lease_on, clock):
    lease = lease_on("a")
    assert lease.attempt(alone_on_host=True)
    for _ in range(10):
        clock.now += TTL / 3
        lease.renew()
    lease.check()
    assert lease.fence == 1


@pytest.mark.parametrize(
    ("happens", "lives"),
    [("it renews", True), ("it is silent", False), ("it gives back", False), ("another one takes over", True)],
)
def test_who_only_watches_learns_whether_a_holder_elsewhere_lives(lease_on, clock, happens, lives):
    holder, watcher = lease_on("a"), lease_on("b")
    assert not watcher.holder_elsewhere_lives(), "nobody has it"
    holder.attempt(alone_on_host=True)

    def pause(seconds: float) -> None:
        clock.now += seconds
        if clock.now < 100 + TTL / 3:
            return
        if happens == "it renews":
            holder.renew()
        elif happens == "it gives back":
            holder.release()
        elif happens == "another one takes over":
            lease_on("a").attempt(alone_on_host=True)

    assert watcher.holder_elsewhere_lives(pause) is lives
    assert not lease_on("a").holder_elsewhere_lives(pause), "on one host the lock tells"


def test_another_host_takes_over_only_what_it_has_itself_seen_unrenewed_for_the_whole_time(lease_on, clock):
    a, b = lease_on("a"), lease_on("b")
    a.attempt(alone_on_host=True)
    clock.now += 100 * TTL
    # How long ago the last renewal was does not matter: nobody watched.
    assert not b.attempt(alone_on_host=True)
    assert (str(b.other_holder), b.is_renewed) == (f"process {os.getpid()} on a", False)
    clock.now += TTL - 0.001
    assert not b.attempt(alone_on_host=True)
    clock.now += 0.001
    assert b.attempt(alone_on_host=True)
    assert b.fence == 2
    with pytest.raises(LostLease, match=r"nobody since it ran out; this process may not write"):
        a.check()


def test_a_holder_that_renews_keeps_it_and_is_seen_to_be_alive(lease_on, clock):
    a, b = lease_on("a"), lease_on("b")
    a.attempt(alone_on_host=True)
    for _ in range(20):
        assert not b.attempt(alone_on_host=True)
        clock.now += TTL / 3
        a.renew()
    b.attempt(alone_on_host=True)
    assert b.is_renewed
    a.check()


def test_after_its_death_on_the_same_kernel_the_next_one_need_not_wait(lease_on):
    first, second = lease_on("a"), lease_on("a")
    first.attempt(alone_on_host=True)
    assert not second.attempt(alone_on_host=False)
    assert second.attempt(alone_on_host=True)
    with pytest.raises(LostLease, match=f"is held by process {os.getpid()} on a; this process may not write"):
        first.check()


def test_what_was_given_back_can_be_had_at_once(lease_on):
    a, b = lease_on("a"), lease_on("b")
    a.attempt(alone_on_host=True)
    a.release()
    assert b.attempt(alone_on_host=True)
    assert b.fence == 2
    a.release()
    b.check()
    with pytest.raises(LostLease):
        a.check()


def test_a_holder_that_could_not_renew_stops_before_another_one_begins_and_may_take_it_again(lease_on, clock):
    a = lease_on("a")
    a.attempt(alone_on_host=True)
    clock.now += TTL * 2 / 3
    with pytest.raises(LostLease):
        a.renew()
    assert a.attempt(alone_on_host=True)
    assert a.fence == 2
    a.check()


def test_a_lease_whose_folder_is_away_runs_out(lease_on, clock, tmp_path):
    a = lease_on("a")
    a.attempt(alone_on_host=True)
    (tmp_path / ".lease").rename(tmp_path / "away")
    (tmp_path / ".lease").write_text("")
    clock.now += TTL / 3
    with pytest.raises(StorageFault):
        a.renew()
    clock.now += TTL / 3
    with pytest.raises(LostLease):
        a.check()


def test_a_lease_that_a_crash_of_the_machine_tore_is_taken_over_after_its_time(lease_on, clock, tmp_path):
    a, b = lease_on("a"), lease_on("b")
    a.attempt(alone_on_host=True)
    (tmp_path / ".lease" / "1.json").write_bytes(b"\0" * 512)
    assert not b.attempt(alone_on_host=True)
    clock.now += TTL
    assert b.attempt(alone_on_host=True)
    assert b.fence == 2


def test_a_holder_that_slept_through_the_takeover_writes_nothing(lease_on, clock, tmp_path):
    base = ModelStore(tmp_path).model("m")
    # Its own clock stands still while it sleeps, as that of a paused virtual machine does.
    a, b = lease_on("a", Clock()), lease_on("b")
    a.attempt(alone_on_host=True)
    state = base.write_desired(base.desired(), expected=0, guard=a.check)
    assert not b.attempt(alone_on_host=True)
    clock.now += TTL
    assert b.attempt(alone_on_host=True)
    for write in (
        lambda: base.write_desired(state, expected=1, guard=a.check),
        lambda: base.write_observed(ObservedState("m"), guard=a.check),
    ):
        with pytest.raises(LostLease):
            write()
    assert (base.desired(), base.observed()) == (state, None)
    base.write_desired(state, expected=1, guard=b.check)
    with pytest.raises(StaleGeneration):
        base.write_desired(state, expected=1, guard=b.check)


def test_who_loses_the_lease_while_waiting_for_the_lock_writes_nothing(lease_on, tmp_path):
    base = ModelStore(tmp_path).model("m")
    a, b = lease_on("a"), lease_on("a")
    a.attempt(alone_on_host=True)
    asked = []

    def guard() -> None:
        a.check()
        if not asked:
            asked.append(b.attempt(alone_on_host=True))

    with pytest.raises(LostLease):
        base.write_desired(base.desired(), expected=0, guard=guard)
    assert (asked, base.desired().generation) == ([True], 0)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(["attempt", "renew", "release", "wait"]), st.floats(0, TTL)), max_size=60
    )
)
def test_never_do_two_hold_it_and_the_fence_only_grows(deeds):
    with tempfile.TemporaryDirectory() as folder:
        clock = Clock()
        leases = [lease_of(Path(folder) / ".lease", f"host{number}", clock) for number in range(3)]
        highest = 0
        for number, deed, seconds in deeds:
            lease = leases[number]
            if deed == "attempt" and lease.fence is None:
                lease.attempt(alone_on_host=True)
            elif deed == "renew" and lease.fence is not None and holds(lease):
                lease.renew()
            elif deed == "release":
                lease.release()
            elif deed == "wait":
                clock.now += seconds
            holders = [lease.fence for lease in leases if holds(lease)]
            assert len(holders) <= 1
            assert all(fence is not None and fence >= highest for fence in holders)
            highest = max([highest, *(fence for fence in holders if fence is not None)])


def holds(lease: Lease) -> bool:
    try:
        lease.check()
    except LostLease:
        return False
    return True
