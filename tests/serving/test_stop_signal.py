from __future__ import annotations

import itertools
import signal
import sys

import pytest

from tfx_rollout.serving.stop_signal import StopSignal


@pytest.fixture
def stop():
    stop = StopSignal()
    with stop.heard():
        yield stop


def interrupted(act, at):
    """Acts while SIGTERM comes at this instant of it; False where it was over before."""
    left = [at]

    def trace(frame, event, argument):
        left[0] -= 1
        if left[0] == 0:
            signal.raise_signal(signal.SIGTERM)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    finally:
        sys.settrace(before)
    return left[0] <= 0


@pytest.mark.timeout(30)
def test_it_is_heard_at_every_instant_of_the_wait():
    for instant in itertools.count(1):
        stop = StopSignal()
        with stop.heard():
            if not interrupted(lambda stop=stop: stop.wait(0.001), instant):
                break
            assert stop.wait()
            assert stop.count == 1
    assert instant > 5


@pytest.mark.timeout(30)
def test_a_second_one_may_come_while_the_first_is_being_noted():
    for instant in itertools.count(1):
        stop = StopSignal()
        with stop.heard():
            if not interrupted(lambda: signal.raise_signal(signal.SIGINT), instant):
                break
            assert stop.count == 2
    assert instant > 3


def test_without_one_the_wait_ends_after_its_time(stop):
    assert not stop.wait(0.01)
    assert not stop
    assert stop.count == 0


def test_the_former_handlers_are_back_after_the_block():
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    with StopSignal().heard():
        assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] != before
    assert [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)] == before
