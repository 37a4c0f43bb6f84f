from __future__ import annotations

from collections import Counter

import pytest

from tfx_rollout.errors import GatewayFailed, InvalidInput
from tfx_rollout.replay import ReplaySettings, replay
from tfx_rollout.replay.replayer import draws
from tfx_rollout.serving import free_port


def settings(**changes):
    return ReplaySettings(**{"gateway": "127.0.0.1:1", "model": "taxi", "rate": 50, "seconds": 4, **changes})


def test_the_same_seed_draws_the_same_requests_and_another_others():
    one, again, other = (list(draws(settings(seed=seed), 30)) for seed in (1, 1, 2))
    assert one == again != other
    assert len(one) == 200


def test_every_row_is_sent_before_one_is_sent_again():
    rows = [row for _, row in draws(settings(), 60)]
    assert set(Counter(rows[:60]).values()) == set(Counter(rows[60:120]).values()) == {1}
    assert rows[:60] != rows[60:120]


@pytest.mark.parametrize(("share", "protocols"), [(0, {"rest"}), (1, {"grpc"}), (0.5, {"rest", "grpc"})])
def test_the_share_of_grpc_is_kept(share, protocols):
    assert {protocol for protocol, _ in draws(settings(grpc_share=share), 30)} == protocols


@pytest.mark.parametrize(
    "wrong", [{"gateway": "localhost"}, {"rate": 0}, {"seconds": -1}, {"grpc_share": 1.5}, {"timeout_s": 0}, {"gateway": "h:p"}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(InvalidInput):
        settings(**wrong)


def test_a_gateway_that_is_not_there_is_told_before_anything_is_sent():
    with pytest.raises(GatewayFailed, match="does not answer"):
        replay(settings(gateway=f"127.0.0.1:{free_port()}"), [{"x": 1}])
