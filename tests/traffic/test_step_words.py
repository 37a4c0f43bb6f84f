"""Steps in words."""

from __future__ import annotations

from tfx_rollout.traffic import (
    Await,
    Configure,
    Label,
    Route,
    ServerSpec,
    Settled,
    SetTraffic,
    Split,
    StartServer,
    StopServer,
    Stuck,
    Track,
    in_words,
)


def test_each_step_says_what_it_does():
    spec = ServerSpec((1, 2), {Label.STABLE: 1, "eu": 2})
    assert in_words(StartServer("m", spec)) == "start server m with versions [1, 2] and labels eu 2, stable 1"
    assert in_words(Configure("m", ServerSpec())) == "configure server m with versions []"
    split = SetTraffic(Split(500), {Track.STABLE: Route("m", Label.STABLE)})
    assert in_words(split) == "set the split to stable 95 % · canary 5 %"
    assert in_words(SetTraffic(Split(), {})) == "send no requests to any server"
    assert in_words(StopServer("m~canary")) == "stop server m~canary"
    assert in_words(Await("version 2 to load on m")) == "wait for version 2 to load on m"
    assert in_words(Stuck("version 2 does not load on m: no SavedModel")) == "version 2 does not load on m: no SavedModel"
    assert in_words(Settled()) == ""
