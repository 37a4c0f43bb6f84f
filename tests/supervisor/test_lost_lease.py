"""A root that several hosts share: one supervisor acts, and one that lost its lease gives the traffic back to stable."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest

from tfx_rollout.model_store import Lease, ModelStore
from tfx_rollout.model_store.lease import TTL_S, Holder
from tfx_rollout.serving import free_port
from tfx_rollout.supervisor import running_supervisor
from tfx_rollout.traffic import Label, Split

pytestmark = pytest.mark.integration


class OtherHost:
    """A supervisor on another host, as far as the lease shows it, with a clock that the test moves."""

    def __init__(self, root) -> None:
        self.now = 0.0
        holder = replace(Holder.this_process(), host="other-host", boot="other-boot")
        self.lease = Lease(ModelStore(root).lease_dir, holder=holder, monotonic=lambda: self.now)

    def take(self) -> None:
        """Takes the lease, as if its holder had been silent all the time."""
        while not self.lease.attempt(alone_on_host=False):
            self.now += TTL_S

    def renew(self) -> None:
        self.now += TTL_S / 2
        self.lease.renew()


def test_a_supervisor_that_lost_its_lease_sends_all_to_stable_and_changes_nothing_until_it_has_it_again(serving, wait_until):
    serving.go_live(1)
    canary = serving.desire(versions=(1, 2), labels={Label.STABLE: 1, Label.CANARY: 2}, split=Split.of(0.5))
    serving.in_force(canary)
    other = OtherHost(serving.root)
    with serving.load() as load:
        other.take()
        wait_until(lambda: "held by process" in serving.log_file.read_text())
        wait_until(lambda: load.await_more(20) and {a.track for a in load.answers[-20:]} == {"stable"})
        assert "Until then all requests here go to stable, and nothing else is changed." in serving.log_file.read_text()
        # What is asked for now is the other host's to apply, and so is what is said to be in force.
        state = serving.desire(split=Split.of(1.0))
        load.await_more(100)
        assert {a.track for a in load.answers[-80:]} == {"stable"}
        assert serving.observed().generation == canary.generation
        other.lease.release()
        serving.in_force(state)
        wait_until(lambda: load.await_more(20) and {a.track for a in load.answers[-20:]} == {"canary"})
    assert load.failures == []
    # A stop gives the lease back, so that the next one need not wait.
    assert serving.stop() == 0
    assert other.lease.attempt(alone_on_host=False)


def test_a_supervisor_on_another_host_is_named_and_this_one_does_not_start(tmp_path):
    other, over = OtherHost(tmp_path), threading.Event()
    other.take()

    def renew() -> None:
        while not over.wait(0.1):
            other.renew()

    renewing = threading.Thread(target=renew)
    renewing.start()
    try:
        command = [
            sys.executable,
            "-m",
            "tfx_rollout.cli",
            "serve",
            str(tmp_path),
            "--port",
            str(free_port()),
            "--tethered",
            "--no-api",
        ]
        refused = subprocess.run(command, stderr=subprocess.PIPE, text=True, timeout=60)
    finally:
        over.set()
        renewing.join()
    assert refused.returncode == 3
    assert (
        f"error: The root {tmp_path} is held by the supervisor that is process {other.lease.holder.pid} on other-host"
        in refused.stderr
    )


def test_a_lease_whose_holder_is_silent_is_taken_over_after_its_time(tmp_path, wait_until):
    OtherHost(tmp_path).take()
    program = (
        "import logging, sys; from pathlib import Path; from tfx_rollout.supervisor import Supervisor\n"
        "logging.basicConfig(level=logging.INFO)\n"
        "Supervisor(Path(sys.argv[1]), port=int(sys.argv[2]), tethered=True, lease_ttl_s=1.0).run()"
    )
    began = time.monotonic()
    supervisor = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path), str(free_port())], stderr=subprocess.PIPE, text=True
    )
    try:
        wait_until(lambda: running_supervisor(tmp_path) is not None)
        assert time.monotonic() - began > 1.0
    finally:
        supervisor.terminate()
        _, said = supervisor.communicate(timeout=30)
    assert "on other-host held the lease last; waiting 1 s for a sign of life" in said
