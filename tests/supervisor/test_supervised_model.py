from __future__ import annotations

import pytest

from tfx_rollout.errors import StorageFault
from tfx_rollout.gateway import Gateway, GatewaySettings
from tfx_rollout.model_store import ModelStore
from tfx_rollout.serving import free_port
from tfx_rollout.supervisor.supervised_model import SupervisedModel
from tfx_rollout.supervisor.traffic_link import TrafficLink


@pytest.fixture
def model(tmp_path):
    """A model of which nothing is asked, behind a gateway that does not run."""
    settings = GatewaySettings(port=free_port(), admin_port=free_port(), access_log=tmp_path / "access")
    base = ModelStore(tmp_path).model("m")
    base.write_desired(base.desired(), expected=0)

    def no_server(_base, name):
        raise AssertionError(f"nobody asked for server {name}")

    return SupervisedModel(base, TrafficLink(Gateway(tmp_path / "gateway", settings)), "127.0.0.1:8500", no_server)


def test_a_desired_state_that_is_lost_stops_nothing(model):
    model.take_step()
    (model.base.control / "desired.json").rename(model.base.control / "elsewhere.json")
    with pytest.raises(StorageFault, match="went back from generation 1 to 0; what serves goes on"):
        model.take_step()
    (model.base.control / "elsewhere.json").rename(model.base.control / "desired.json")
    model.take_step()


def test_a_generation_counts_as_applied_only_when_the_gateway_confirms(model):
    model.take_step()
    model.publish(100.0)
    assert model.settled
    assert model.base.observed() is None
