"""The life of an Envoy process: start, refusals, restart, drain, stop."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tfx_rollout.errors import GatewayFailed, PortInUse, StorageFault
from tfx_rollout.gateway import GatewayConfig, ModelRoutes, Upstream
from tfx_rollout.gateway.admin import AdminClient
from tfx_rollout.serving import free_port
from tfx_rollout.serving.log_rotation import rotate_log
from tfx_rollout.traffic import FULL, Track

pytestmark = pytest.mark.integration


def await_that(condition, seconds=30.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.01)


def await_calls(gateway, *protocols):
    """Waits until the stable server has a call of each of these protocols under way."""
    admin = AdminClient(gateway.settings.admin_port)
    for protocol in protocols:
        active = rf"^cluster\.taxi~stable~{protocol}\.upstream_rq_active$"
        await_that(lambda active=active: "1" in admin.statistics(active).values())


def test_a_port_in_use_is_told_before_anything_starts(make_gateway):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        gateway = make_gateway(port=taken.getsockname()[1])
        with pytest.raises(PortInUse, match="the gateway"):
            gateway.start()
        assert not gateway.alive()
        gateway = make_gateway(admin_port=taken.getsockname()[1])
        with pytest.raises(PortInUse, match="admin"):
            gateway.start()


def test_two_gateways_never_share_a_port(make_gateway):
    first = make_gateway()
    first.start()
    with pytest.raises(PortInUse):
        make_gateway(port=first.settings.port).start()


def test_a_gateway_that_does_not_get_ready_is_ended_and_reported(make_gateway):
    gateway = make_gateway()
    with pytest.raises(GatewayFailed, match="was not ready after 0 s"):
        gateway.start(timeout_s=0)
    assert not gateway.alive()


def test_an_envoy_that_dies_while_it_starts_is_reported(make_gateway):
    gateway = make_gateway()

    def kill():
        while gateway.pid is None:
            time.sleep(0.001)
        os.kill(gateway.pid, 9)

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(GatewayFailed, match="ended while it started"):
        gateway.start()
    killer.join()


def test_a_file_in_the_place_of_its_folder_is_told(make_gateway):
    gateway = make_gateway()
    gateway.directory.write_text("in the way")
    with pytest.raises(StorageFault, match=r"cannot hold the gateway's files"):
        gateway.start()
    assert not gateway.alive()


def test_routing_through_a_gateway_that_does_not_run_is_refused(make_gateway, config):
    gateway = make_gateway()
    with pytest.raises(GatewayFailed, match="does not run"):
        gateway.apply(config(0))
    assert gateway.in_force() is None
    gateway.stop()


def test_a_refused_configuration_leaves_the_former_one_in_force_and_on_disk(make_gateway, config, connect):
    gateway = make_gateway()
    gateway.start()
    revision = gateway.apply(config(0))
    on_disk = {path: path.read_text() for path in gateway.directory.glob("xds/*/*.json")}
    # An address that Python takes and Envoy does not.
    strange = Upstream("fe80::1%nowhere", 1, 1, "stable")
    with pytest.raises(GatewayFailed, match=r"refused the new clusters\.json"):
        gateway.apply(GatewayConfig((ModelRoutes("taxi", {Track.STABLE: strange}),)))
    assert "fe80::1%nowhere" in gateway.rejected()
    assert gateway.in_force() == revision
    assert {path: path.read_text() for path in gateway.directory.glob("xds/*/*.json")} == on_disk
    assert connect(gateway).grpc().track == "stable"
    gateway.apply(config(FULL))
    assert gateway.rejected() is None
    assert connect(gateway).grpc().track == "canary"


def test_its_log_can_be_put_aside_while_it_goes_on_writing(make_gateway, config):
    gateway = make_gateway()
    gateway.start()
    gateway.apply(config(0))

    def refuse(address: str) -> None:
        with pytest.raises(GatewayFailed, match=f"refused .*{address}"):
            gateway.apply(GatewayConfig((ModelRoutes("taxi", {Track.STABLE: Upstream(address, 1, 1, "stable")}),)))

    refuse("fe80::1%first")
    # It writes its words now and then; these are the last ones about a refusal.
    await_that(lambda: "update rejected" in gateway.log_tail())
    assert rotate_log(gateway.log_file, over_bytes=1)
    refuse("fe80::1%second")
    said, before = gateway.log_file.read_text(), gateway.log_file.with_name("envoy.log.1").read_text()
    assert ("%first" in before, "%second" in before) == (True, False)
    assert ("%first" in said, "%second" in said) == (False, True)
    # It appends: nothing stands where it had been.
    assert "\0" not in said


def test_a_broken_file_from_elsewhere_changes_nothing(make_gateway, config, connect):
    gateway = make_gateway()
    gateway.start()
    revision = gateway.apply(config(0))
    routes = next(gateway.directory.glob("xds/routes/*.json"))
    admin, failures = AdminClient(gateway.settings.admin_port), r"\.rds\..*\.update_failure$"
    before = admin.statistics(failures)
    broken = routes.with_name("broken")
    broken.write_text('{"version_info": "x", "resources": [')
    broken.replace(routes)
    await_that(lambda: admin.statistics(failures) != before)
    assert gateway.in_force() == revision
    assert connect(gateway).rest().code == 200
    gateway.apply(config(FULL))
    assert connect(gateway).rest().track == "canary"


def test_after_its_death_a_gateway_starts_with_what_it_was_told(make_gateway, config, connect):
    gateway = make_gateway()
    gateway.start()
    revision = gateway.apply(config(FULL))
    os.kill(gateway.pid, 9)
    deadline = time.monotonic() + 30
    while gateway.alive():
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert gateway.in_force() is None
    gateway.start()
    assert gateway.in_force() == revision
    assert connect(gateway).grpc().track == "canary"


def test_a_stop_lets_a_slow_call_finish_and_takes_no_new_connection_meanwhile(make_gateway, config, connect, hold):
    gateway = make_gateway()
    gateway.start()
    gateway.apply(config(0))
    clients = connect(gateway)
    call = clients.stub.Predict.future(clients.request(hold=hold))
    rest = []
    thread = threading.Thread(target=lambda: rest.append(clients.rest(body={"hold": str(hold)})))
    thread.start()
    await_calls(gateway, "grpc", "rest")
    stopping = threading.Thread(target=gateway.stop, args=(30,))
    stopping.start()
    host, port = gateway.address.split(":")

    def refused():
        try:
            socket.create_connection((host, int(port)), timeout=30).close()
        except ConnectionRefusedError:
            return True
        return False

    await_that(refused)
    assert gateway.alive()
    assert not call.done()
    hold.release()
    assert call.result().model_spec.version.value == 1
    thread.join()
    assert rest[0].code == 200
    stopping.join()
    assert not gateway.alive()


def test_a_stop_ends_what_takes_longer_than_its_grace(make_gateway, config, connect, hold):
    gateway = make_gateway()
    gateway.start()
    gateway.apply(config(0))
    clients = connect(gateway)
    call = clients.stub.Predict.future(clients.request(hold=hold))
    await_calls(gateway, "grpc")
    gateway.stop(0.3)
    assert not gateway.alive()
    assert call.exception() is not None


def test_an_envoy_does_not_outlive_the_process_that_started_it(tmp_path):
    ports = free_port(), free_port()
    program = (
        "import sys; from pathlib import Path; from tfx_rollout.gateway import Gateway, GatewaySettings\n"
        f"root = Path({str(tmp_path)!r}); g = Gateway(root, GatewaySettings({ports[0]}, {ports[1]}, root / 'access'))\n"
        "g.start(); print(g.pid, flush=True); sys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    deadline = time.monotonic() + 30
    while Path(f"/proc/{pid}").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
