"""Commands run apart from this process, in their own environment, and never longer than they may."""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.kfp.runner import ForkLauncher, Launch, Launcher, SubprocessLauncher
from tfx_rollout.kfp.runner.launch import base_environment, local_command

MODULE = """
import json, os, pathlib, signal, subprocess, sys, time
import preloaded
what = sys.argv[1]
if what == "tell":
    print(json.dumps({
        "argv": sys.argv[1:], "name": __name__, "env": dict(os.environ), "cwd": os.getcwd(),
        "imported_in": preloaded.PID, "pid": os.getpid(), "stdin": sys.stdin.read(),
    }))
    print("and this on stderr", file=sys.stderr)
elif what == "fail":
    sys.exit(int(sys.argv[2]))
elif what == "raise":
    raise ValueError("no model")
elif what == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
elif what == "kill the server":
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)
elif what == "hang":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pathlib.Path("child").write_text(str(child.pid))
    time.sleep(60)
elif what == "leave":
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    pathlib.Path("child").write_text(str(child.pid))
elif what == "change":
    preloaded.CHANGED = True
elif what == "changed":
    print(getattr(preloaded, "CHANGED", False))
"""


@pytest.fixture
def modules(tmp_path: Path) -> Path:
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "work.py").write_text(MODULE)
    (folder / "preloaded.py").write_text("import os\nPID = os.getpid()\nprint('imported')\n")
    (folder / "broken.py").write_text("raise ValueError('half a library')\n")
    return folder


@pytest.fixture
def environment(modules) -> dict[str, str]:
    return base_environment({"PYTHONPATH": str(modules)}, sys.executable)


@pytest.fixture(params=["subprocess", "fork"])
def launcher(request, modules):
    if request.param == "subprocess":
        yield SubprocessLauncher()
        return
    with ForkLauncher(["preloaded"], environment={"PYTHONPATH": str(modules)}, tell=lambda line: None) as launcher:
        yield launcher


@pytest.fixture
def start(tmp_path, environment):
    def start(launcher: Launcher, *words: str, timeout_s: float = 30, **extra: str):
        folder = tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        command = (sys.executable, "-m", "work", *words)
        return launcher.launch(Launch(command, {**environment, **extra}, folder, tmp_path / "log", timeout_s))

    return start


def log_of(tmp_path: Path) -> str:
    return (tmp_path / "log").read_text()


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def wait_until_gone(pid: int) -> None:
    deadline = time.monotonic() + 30
    while alive(pid):
        assert time.monotonic() < deadline, f"process {pid} goes on"
        time.sleep(0.01)


def test_a_task_may_be_a_program_text_and_its_exit_code_counts(launcher, tmp_path, environment):
    text = "import sys\nprint(__name__, *sys.argv)\nsys.exit(sys.argv[1] == 'bad')"
    for word, fault in (("good", ""), ("bad", "it ended with exit code 1")):
        command = (sys.executable, "-c", text, word)
        assert launcher.launch(Launch(command, environment, tmp_path, tmp_path / "log", 30)).fault == fault
        assert f"__main__ -c {word}" in log_of(tmp_path)


def test_a_task_runs_as_a_main_program_in_its_folder_and_environment_alone(launcher, start, tmp_path, monkeypatch):
    import json

    monkeypatch.setenv("A_SECRET_OF_THIS_PROCESS", "x")
    assert start(launcher, "tell", "a b", OF_THE_CONTAINER="y").fault == ""
    first, second = sorted((line for line in log_of(tmp_path).splitlines() if line.startswith(("{", "and"))), reverse=True)
    told = json.loads(first)
    assert second == "and this on stderr"
    assert told["argv"] == ["tell", "a b"]
    assert told["name"] == "__main__"
    assert told["cwd"] == str(tmp_path / "folder")
    assert told["stdin"] == ""
    assert told["env"]["OF_THE_CONTAINER"] == "y"
    assert "A_SECRET_OF_THIS_PROCESS" not in told["env"]
    assert told["pid"] != os.getpid()
    forked = isinstance(launcher, ForkLauncher)
    assert (told["imported_in"] != told["pid"]) is forked
    if forked:
        assert told["imported_in"] == launcher.pid


@pytest.mark.parametrize(
    ("words", "fault"),
    [
        (("fail", "3"), "it ended with exit code 3"),
        (("raise",), "it ended with exit code 1"),
        (("kill",), "it was killed by signal 9"),
    ],
)
def test_how_it_failed_is_told_and_the_launcher_goes_on(launcher, start, tmp_path, words, fault):
    assert start(launcher, *words).fault == fault
    assert start(launcher, "tell").fault == ""
    if words == ("raise",):
        assert "ValueError: no model" in log_of(tmp_path)


def test_what_hangs_is_killed_with_all_that_it_started(launcher, start, tmp_path):
    began = time.monotonic()
    assert start(launcher, "hang", timeout_s=2).fault == "it ran longer than 2 s and was killed"
    assert time.monotonic() - began < 10
    wait_until_gone(int((tmp_path / "folder/child").read_text()))
    assert start(launcher, "tell").fault == ""


def test_what_a_task_leaves_behind_goes_with_it(launcher, start, tmp_path):
    assert start(launcher, "leave").fault == ""
    wait_until_gone(int((tmp_path / "folder/child").read_text()))


def test_what_a_task_changes_no_other_task_sees(launcher, start, tmp_path):
    assert start(launcher, "change").fault == ""
    assert start(launcher, "changed").fault == ""
    assert log_of(tmp_path).splitlines()[-1] == "False"


def test_a_command_that_is_not_there_fails_with_its_name_in_the_log(launcher, tmp_path, environment):
    launch = Launch(("no-such-command", "x"), environment, tmp_path, tmp_path / "log", 10)
    assert launcher.launch(launch).fault == "it ended with exit code 1"
    assert "cannot run no-such-command" in log_of(tmp_path)


def test_a_module_that_is_not_there_fails_the_task(launcher, tmp_path, environment):
    launch = Launch((sys.executable, "-m", "no_such_module"), environment, tmp_path, tmp_path / "log", 10)
    assert launcher.launch(launch).fault == "it ended with exit code 1"
    assert "no_such_module" in log_of(tmp_path)


def test_a_server_that_dies_fails_its_task_and_is_started_anew(modules, start):
    with ForkLauncher(["preloaded"], environment={"PYTHONPATH": str(modules)}, tell=lambda line: None) as launcher:
        assert start(launcher, "tell").fault == ""
        first = launcher.pid
        assert start(launcher, "kill the server").fault == "the process that forks for it is gone"
        assert start(launcher, "tell").fault == ""
        assert launcher.pid != first
        last = launcher.pid
    assert not alive(last)


def test_a_server_between_tasks_may_die_too(modules, start):
    with ForkLauncher(["preloaded"], environment={"PYTHONPATH": str(modules)}, tell=lambda line: None) as launcher:
        assert start(launcher, "tell").fault == ""
        os.kill(launcher.pid, signal.SIGKILL)
        wait_until_gone(launcher.pid)
        assert start(launcher, "tell").fault == ""


def test_modules_that_cannot_be_imported_are_refused_with_their_own_error(modules, start):
    with (
        ForkLauncher(["broken"], environment={"PYTHONPATH": str(modules)}, tell=lambda line: None) as launcher,
        pytest.raises(InvalidInput, match=r"\(broken\) cannot be imported: ValueError: half a library"),
    ):
        start(launcher, "tell")


@pytest.mark.parametrize("word", ["python", "python3", "python3.11", "/usr/local/bin/python3"])
def test_the_interpreter_of_the_image_is_this_one(word):
    assert local_command([word, "-m", "x"], "/here/python") == ("/here/python", "-m", "x")


@pytest.mark.parametrize("word", ["tfx-rollout", "sh", "pythonic", "/app/python.sh"])
def test_other_commands_are_as_they_are(word):
    assert local_command([word, "-c"], "/here/python") == (word, "-c")
