"""How far evidence is complete: as far as the log speaks, less the time for which answers are waited for."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.evidence import access_log_follower
from tfx_rollout.evidence.access_log import AccessLogSource
from tfx_rollout.traffic import Track

from ..conftest import T0
from .conftest import LAG_S, WAITING_S


def test_nothing_may_be_closed_before_the_log_speaks(source, tmp_path):
    assert source.horizon() == 0
    assert AccessLogSource(tmp_path / "missing").horizon() == 0
    with pytest.raises(ValueError, match="past the horizon"):
        source.counts("taxi", T0, T0 + 1)


def test_the_horizon_follows_the_newest_line_and_not_the_clock(log, source):
    log.heartbeat(T0 + 1)
    assert source.horizon() == pytest.approx(T0 + 1 - LAG_S)
    log.request(T0 + 5, ms=1000)
    assert source.horizon() == pytest.approx(T0 + 6 - LAG_S)


def test_the_horizon_never_goes_back(log, source):
    log.heartbeat(T0 + 10)
    before = source.horizon()
    log.start(T0 + 10.5)
    log.heartbeat(T0 + 10.6)
    assert source.horizon() >= before


def test_a_long_log_is_read_in_pieces_and_the_horizon_tells_how_far(log, monkeypatch):
    monkeypatch.setattr(access_log_follower, "READ_BYTES", 1)
    monkeypatch.setattr(access_log_follower, "_CHUNK_BYTES", 4096)
    log.heartbeat(T0)
    for second in range(60):
        log.request(T0 + second)
    log.heartbeat(T0 + 70)
    source = AccessLogSource(log.folder, waiting_s=WAITING_S, since=0)
    horizons = [source.horizon() for _ in range(20)]
    assert horizons == sorted(horizons)
    assert len(set(horizons)) > 3
    while source.horizon() < T0 + 60:
        pass
    assert source.counts("taxi", T0, T0 + 60).tracks[Track.CANARY].requests == 60


@pytest.mark.parametrize("waiting_s", [0, 0.5, 1e6])
def test_a_waiting_time_that_progress_cannot_show_is_refused(tmp_path, waiting_s):
    with pytest.raises(InvalidInput, match="waiting time"):
        AccessLogSource(tmp_path, waiting_s=waiting_s)
