"""Whether a holder on another host lives is told at once, and soon rightly."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tfx_rollout.model_store import Lease, LeaseWatch
from tfx_rollout.model_store.lease import Holder


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def elsewhere(tmp_path, clock) -> Lease:
    """A lease whose holder is of another kernel."""
    holder = replace(Holder.this_process(), host="other", boot="another kernel")
    return Lease(tmp_path / "lease", ttl_s=15, holder=holder, monotonic=clock)


@pytest.fixture
def watch(tmp_path, clock) -> LeaseWatch:
    return LeaseWatch(tmp_path / "lease", ttl_s=15, monotonic=clock)


def test_nobody_and_a_holder_on_this_host_are_no_holder_elsewhere(tmp_path, watch):
    assert not watch.lives()
    assert Lease(tmp_path / "lease", ttl_s=15).attempt(alone_on_host=True)
    assert not watch.lives()


def test_a_holder_elsewhere_lives_as_long_as_it_renews(watch, elsewhere, clock):
    assert elsewhere.attempt(alone_on_host=False)
    for _ in range(10):
        assert watch.lives()
        clock.now += 6
        elsewhere.renew()
    clock.now += 14
    assert watch.lives()
    clock.now += 15
    assert not watch.lives()
    assert elsewhere.attempt(alone_on_host=False)
    assert watch.lives()
    elsewhere.release()
    assert not watch.lives()
