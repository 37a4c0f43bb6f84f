from __future__ import annotations

from pathlib import Path

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.gateway import GatewayConfig, GatewaySettings, ModelRoutes, Upstream
from tfx_rollout.traffic import Split, Sticky, Track

SERVER = Upstream("127.0.0.1", 8500, 8501, "stable")
STABLE = {Track.STABLE: SERVER}
BOTH = {**STABLE, Track.CANARY: Upstream("127.0.0.1", 8600, 8601, "canary")}


@pytest.mark.parametrize("name", ["", "a b", "a/b", "a~b", "a:b", "x" * 65, "a\nb", 'a"]]b', "é"])
def test_a_name_that_could_break_out_of_what_is_rendered_is_refused(name):
    with pytest.raises(InvalidInput, match="model name"):
        ModelRoutes(name, STABLE)
    with pytest.raises(InvalidInput, match="label"):
        Upstream("127.0.0.1", 1, 2, name)
    with pytest.raises(InvalidInput, match="salt"):
        ModelRoutes("m", STABLE, sticky=Sticky("x-user", name))


@pytest.mark.parametrize("header", ["", "X-User", "x user", "x:user", ":path"])
def test_a_sticky_header_must_be_a_name_of_a_header(header):
    with pytest.raises(InvalidInput, match="sticky header"):
        ModelRoutes("m", STABLE, sticky=Sticky(header, "salt"))


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        ({"tracks": {}}, "no stable track"),
        ({"tracks": {**STABLE, Track.PINNED: SERVER}}, "pinned"),
        ({"split": Split(1)}, "canary track that it lacks"),
        ({"mirror": 1}, "shadow track that it lacks"),
        ({"mirror": 10_001}, "mirrored share"),
    ],
)
def test_routes_that_contradict_themselves_are_refused(wrong, fault):
    with pytest.raises(InvalidInput, match=fault):
        ModelRoutes(**{"model": "m", "tracks": STABLE, **wrong})


def test_an_upstream_is_an_address_and_two_ports():
    for wrong in (("localhost", 1, 2), ("127.0.0.1", 0, 2), ("127.0.0.1", 1, 65536)):
        with pytest.raises(InvalidInput):
            Upstream(*wrong)


def test_a_model_is_routed_once():
    with pytest.raises(InvalidInput, match="m more than once"):
        GatewayConfig((ModelRoutes("m", STABLE), ModelRoutes("m", BOTH)))


def test_the_primary_server_is_the_stable_one_unless_told_and_never_labels():
    other = Upstream("127.0.0.1", 9500, 9501, "x")
    assert ModelRoutes("m", BOTH).primary == Upstream("127.0.0.1", 8500, 8501)
    assert ModelRoutes("m", BOTH, pinned=other).primary == Upstream("127.0.0.1", 9500, 9501)


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "localhost"},
        {"admin_port": 80},
        {"request_timeout_s": 0},
        {"request_timeout_s": 3601},
        {"drain_s": -1},
        {"max_request_bytes": 2**31},
        {"concurrency": 0},
    ],
)
def test_settings_that_envoy_could_not_keep_are_refused(wrong):
    with pytest.raises(InvalidInput):
        GatewaySettings(**{"port": 80, "admin_port": 81, "access_log": Path("x"), **wrong})
