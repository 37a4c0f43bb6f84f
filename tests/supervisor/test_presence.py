from __future__ import annotations

import errno
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from tfx_rollout.errors import Busy
from tfx_rollout.model_store import Lease, ModelStore
from tfx_rollout.model_store.lease import TTL_S, Holder
from tfx_rollout.supervisor.presence import SupervisorInfo, announce, is_served, presence, running_supervisor, withdraw

INFO = SupervisorInfo(4242, "127.0.0.1:8500", "127.0.0.1:9901", 1.5)


def test_a_root_that_is_served_names_its_supervisor_and_refuses_a_second_one(tmp_path):
    assert running_supervisor(tmp_path) is None
    with presence(tmp_path):
        announce(tmp_path, INFO)
        assert running_supervisor(tmp_path) == INFO
        with (
            pytest.raises(Busy, match=r"held by the supervisor with pid 4242 at 127\.0\.0\.1:8500; use that one"),
            presence(tmp_path),
        ):
            pytest.fail("two supervisors serve one root")
        assert running_supervisor(tmp_path) == INFO
        # What another host's supervisor wrote since is not taken away.
        withdraw(tmp_path, replace(INFO, pid=1))
        assert running_supervisor(tmp_path) == INFO
        withdraw(tmp_path, INFO)
        assert not (tmp_path / "supervisor.json").exists()
    assert running_supervisor(tmp_path) is None


def test_the_address_of_the_api_is_told_and_files_of_before_it_are_read(tmp_path):
    with presence(tmp_path):
        announce(tmp_path, replace(INFO, api_address="127.0.0.1:8600"))
        assert running_supervisor(tmp_path) == replace(INFO, api_address="127.0.0.1:8600")
        announce(tmp_path, INFO)
        assert "api_address" not in (tmp_path / "supervisor.json").read_text()
        assert running_supervisor(tmp_path) == INFO


def test_a_supervisor_that_was_killed_leaves_the_root_free(tmp_path):
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from tfx_rollout.supervisor.presence import SupervisorInfo, announce, presence\n"
        "root = Path(sys.argv[1])\n"
        "with presence(root):\n"
        "    announce(root, SupervisorInfo(os.getpid(), 'a', 'b', 0.0)); os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)]).returncode == -9
    assert (tmp_path / "supervisor.json").exists()
    assert running_supervisor(tmp_path) is None
    with presence(tmp_path) as alone:
        assert alone


def test_a_root_that_does_not_exist_is_served_by_nobody(tmp_path):
    assert running_supervisor(tmp_path / "none") is None
    assert not is_served(ModelStore(tmp_path / "none"))


def test_a_root_is_served_where_its_lock_is_held_or_a_holder_elsewhere_renews_its_lease(tmp_path):
    store = ModelStore(tmp_path)
    with presence(tmp_path):
        announce(tmp_path, INFO)
        assert is_served(store)
    assert not is_served(store)
    there, clock = replace(Holder.this_process(), host="b", boot="another kernel"), [0.0]
    elsewhere = Lease(store.lease_dir, holder=there, monotonic=lambda: clock[0])
    assert elsewhere.attempt(alone_on_host=True)
    ended = threading.Event()

    def renew() -> None:
        while not ended.wait(0.05):
            clock[0] += TTL_S / 2
            elsewhere.renew()

    renewing = threading.Thread(target=renew)
    renewing.start()
    try:
        assert is_served(store)
    finally:
        ended.set()
        renewing.join()
    elsewhere.release()
    assert not is_served(store)


def test_where_the_file_system_knows_no_locks_only_the_lease_can_tell(tmp_path, monkeypatch):
    def refuse(_descriptor, _operation):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with presence(tmp_path) as alone:
        assert not alone
        announce(tmp_path, INFO)
        assert running_supervisor(tmp_path) == INFO
