"""The supervisor is killed, and nobody notices: same processes, no request lost, the next one goes on where it was."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from tfx_rollout.evidence import Window
from tfx_rollout.model_store import ModelStore, read_json
from tfx_rollout.rollout import Phase, list_rollouts, running_rollout
from tfx_rollout.rollout.journal import Journal
from tfx_rollout.supervisor import running_supervisor, stop_left_over
from tfx_rollout.supervisor.process_folder import ProcessFolder
from tfx_rollout.traffic import Label, Split

pytestmark = pytest.mark.integration

TWO, THREE = 3.0, 4.0
"""What `plus_two` and `plus_three` answer for x = 2."""

PLAN = """
window_seconds: 1
waiting_seconds: 2
min_windows: 3
min_requests: 30
max_failure_rate: 0.05
errors: {weight: 1}
latency: {weight: 0}
promotion: automatic
stages:
  - {share: 0.25, min_seconds: 4, max_seconds: 120, on_inconclusive: rollback}
  - {share: 0.50, min_seconds: 4, max_seconds: 120, on_inconclusive: rollback}
"""


@pytest.fixture
def lives(tmp_path, saved_models, serve):
    """Serves a root with versions 1 and 2 by one supervisor after another, each killed with `kill -9` before the next."""
    root = tmp_path / "root"
    base = ModelStore(root).model("m")
    for name in ("plus_two", "plus_three"):
        base.publish(saved_models / name)
    with ExitStack() as stack:
        yield Lives(root, lambda **options: stack.enter_context(serve(root, tethered=False, **options)))


class Lives:
    def __init__(self, root: Path, serve) -> None:
        self._serve, self.root = serve, root
        self.serving = serve()

    def kill(self) -> None:
        self.serving.process.kill()
        self.serving.process.wait()

    def next(self, **options):
        """The next supervisor, on the same port."""
        self.serving = self._serve(port=self.serving.port, **options)
        return self.serving

    def pids(self) -> dict[str, int]:
        return {file.stem: read_json(file)["pid"] for file in (self.root / "processes").glob("*.json")}

    def canary_at(self, share: float):
        return self.serving.desire(versions=(1, 2), labels={Label.STABLE: 1, Label.CANARY: 2}, split=Split.of(share))


def test_a_killed_supervisor_is_not_missed_and_the_next_one_adopts_what_serves(lives, wait_until):
    lives.serving.go_live(1)
    lives.serving.in_force(lives.canary_at(0.5))
    pids, before = lives.pids(), lives.serving.observed()
    assert set(pids) == {"gateway", "m", "m~canary"}
    with lives.serving.load() as load:
        load.await_more(20)
        lives.kill()
        assert running_supervisor(lives.root) is None
        alone = load.await_more(100)
        assert {a.value for a in alone} == {TWO, THREE}
        # Written while nobody acts, applied by the next one.
        state = lives.canary_at(0.5)
        again = lives.next()
        again.in_force(state)
        found = again.observed()
        assert (found.split, found.routes, found.split_since) == (before.split, before.routes, before.split_since)
        again.in_force(lives.canary_at(1.0))
        load.await_more(50)
    assert load.failures == []
    assert lives.pids() == pids
    assert {a.value for a in load.answers[-20:]} == {THREE}
    after = again.observed()
    assert [(s.name, s.pid, s.restarts) for s in after.servers] == [(s.name, s.pid, s.restarts) for s in before.servers]
    assert len(list((lives.root / "gateway" / "access").glob("*.log"))) == 1
    # A clean stop ends the adopted ones as well.
    assert again.stop() == 0
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() and not is_zombie(pid) for pid in pids.values()))
    assert lives.pids() == {}
    assert again.observed().servers == ()


@pytest.mark.parametrize("seconds", [0.05, 0.5, 1.5])
def test_a_kill_in_the_middle_of_a_promotion_loses_no_request(lives, seconds):
    lives.serving.go_live(1)
    lives.serving.in_force(lives.canary_at(0.5))
    with lives.serving.load() as load:
        load.await_more(20)
        promoted = lives.serving.desire(labels={Label.STABLE: 2, Label.PREVIOUS: 1}, split=Split())
        time.sleep(seconds)
        lives.kill()
        load.await_more(20)
        lives.next().in_force(promoted)
        load.await_more(20)
    assert load.failures == []
    assert {a.value for a in load.answers[-10:]} == {THREE}
    assert set(lives.pids()) == {"gateway", "m"}


def test_a_rollout_ends_as_it_should_though_its_supervisor_is_killed_in_every_phase(lives, tmp_path, wait_until):
    lives.serving.go_live(1)
    plan = tmp_path / "short.yaml"
    plan.write_text(PLAN)
    base, pids = lives.serving.model(), lives.pids()
    command = [sys.executable, "-m", "tfx_rollout.cli", "rollout", "start", "--version", "2", "--plan", str(plan)]
    with lives.serving.load() as load:
        subprocess.run([*command, "--root", str(lives.root), "--model", "m"], check=True, timeout=60)

        def reached(phase: Phase, stage: int = 0, windows: int = 0):
            def look():
                state = running_rollout(base)
                return state is None or (state.phase is phase and state.stage >= stage and state.windows >= windows)

            return look

        for moment in (
            reached(Phase.LOADING),
            reached(Phase.RUNNING),
            reached(Phase.RUNNING, 0, 2),
            reached(Phase.RUNNING, 1, 4),
        ):
            wait_until(moment, 120, "the moment to kill")
            lives.kill()
            lives.next()
        wait_until(lambda: running_rollout(base) is None, 180, "the end of the rollout")
        lives.serving.in_force(base.desired())
        load.await_more(20)
    assert load.failures == []
    assert base.desired().stable == 2
    assert {a.value for a in load.answers[-10:]} == {THREE}
    assert {role: pid for role, pid in lives.pids().items() if role in pids} == pids
    (rollout,) = list_rollouts(base)
    assert_evidence_is_whole(Journal(base, rollout.id).windows(), load.answers)


def test_what_died_while_nobody_looked_is_started_again(lives, wait_until):
    lives.serving.go_live(1)
    lives.serving.in_force(lives.canary_at(0.5))
    pids = lives.pids()
    lives.kill()
    os.kill(pids["m~canary"], signal.SIGKILL)
    again = lives.next()
    wait_until(lambda: again.observed().split == Split.of(0.5) and lives.pids().get("m~canary") != pids["m~canary"])
    again.in_force(lives.canary_at(1.0))
    assert again.ask() == THREE
    assert (again.observed().server("m~canary").restarts, again.observed().server("m").restarts) == (1, 0)


def test_a_data_plane_without_a_supervisor_is_ended_by_the_command(lives, wait_until):
    lives.serving.go_live(1)
    pids = lives.pids()
    command = [sys.executable, "-m", "tfx_rollout.cli", "stop", str(lives.root), "--grace", "2"]
    refused = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 3
    assert f"is held by the supervisor with pid {lives.serving.process.pid}" in refused.stderr
    lives.kill()
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (0, "ended: gateway, m\n"), ended.stderr
    assert not any(Path(f"/proc/{pid}").exists() and not is_zombie(pid) for pid in pids.values())
    assert lives.serving.observed().servers == ()
    again = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (again.returncode, again.stdout) == (0, f"Nothing serves {lives.root} on this host.\n")


def test_a_tethered_supervisor_ends_what_an_untethered_one_left_and_starts_its_own(lives, serve, wait_until):
    lives.serving.go_live(1)
    pids = lives.pids()
    lives.kill()
    with serve(lives.root, port=lives.serving.port) as tethered:
        wait_until(lambda: tethered.ask_in_trouble() == TWO)
        assert tethered.pid_of("m") != pids["m"]
        assert lives.pids() == {}
    assert ProcessFolder(lives.root / "processes").recover() == {}
    assert stop_left_over(lives.root, grace_s=0) == []


def test_a_supervisor_that_stands_by_takes_over(lives, serve, wait_until):
    lives.serving.go_live(1)
    pids = lives.pids()
    command = [
        sys.executable,
        "-m",
        "tfx_rollout.cli",
        "serve",
        str(lives.root),
        "--port",
        str(lives.serving.port),
        "--standby",
        "--no-api",
    ]
    log_file = lives.root.parent / "standby.log"
    with log_file.open("wb") as log:
        standby = subprocess.Popen(command, stderr=log)
    try:
        wait_until(lambda: "standing by" in log_file.read_text())
        with lives.serving.load() as load:
            lives.kill()
            wait_until(lambda: (info := running_supervisor(lives.root)) is not None and info.pid == standby.pid)
            load.await_more(20)
        assert load.failures == []
        assert lives.pids() == pids
    finally:
        standby.terminate()
        assert standby.wait(30) == 0


def assert_evidence_is_whole(windows: list[Window], answers: list) -> None:
    """No window is void, they adjoin but where the split changed, and each request is counted once."""
    assert [window for window in windows if window.void] == []
    stretches = [[windows[0]]]
    for before, after in pairwise(windows):
        if after.start == before.end:
            stretches[-1].append(after)
        else:
            assert before.split != after.split
            stretches.append([after])
    for stretch in stretches:
        counted = sum(counts.requests for window in stretch for counts in window.tracks.values())
        sent = sum(stretch[0].start <= answer.at < stretch[-1].end for answer in answers)
        # Each of two clients may have a request under way at either end.
        assert abs(counted - sent) <= 4


def is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False
