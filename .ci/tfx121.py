"""Runs this checkout on the newer TFX line: TFX 1.21 on Python 3.13, in a Debian 13 root of its own.

TFX 1.21 needs glibc 2.39, which many machines do not have (Debian 12, Ubuntu 22.04). This
makes a Debian 13 root by debootstrap, copies the checkout into it (what git tracks, and what
is not yet committed), lets `.ci/environment.py` make the environment there, and runs in it:

    tfx121.py                        all tests, then the demo
    tfx121.py tests/rollout -x       pytest with these arguments
    tfx121.py --run make demo        any command, in the copy of the checkout

A second run uses root and environment again. They lie in `.tools/tfx121`, or in the folder
that `TFX_ROLLOUT_TFX121_CACHE` names. It needs root, debootstrap and a network; package
mirrors, proxies and certificates are taken from this machine's own settings.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from debian_root import Unfit, check_machine, copy_settings, last_line, make, run_inside, settings_files

CHECKOUT = Path(__file__).resolve().parent.parent
SUITE = "trixie"
TO_BUILD = ["ca-certificates", "g++", "git", "make", "python3", "python3-dev", "python3-pip", "python3-venv"]
# The tests look at processes, and the demo asks by curl.
TO_RUN = ["curl", "procps"]
COPY = Path("checkout")
LINE = "1.21"

VERSIONS = """
from importlib.metadata import version
from platform import python_version
told = [name + " " + version(name) for name in ("tfx", "tensorflow", "protobuf", "numpy", "keras")]
print("Python " + python_version(), *told, sep=", ")
"""


def say(text: str) -> None:
    """Print one line of progress."""
    print("tfx121: " + text, flush=True)


def cache_folder(variables: Mapping[str, str]) -> Path:
    """Where root and environment lie between two runs."""
    asked = variables.get("TFX_ROLLOUT_TFX121_CACHE")
    return Path(asked).resolve() if asked else CHECKOUT / ".tools" / "tfx121"


@contextmanager
def alone_in(cache: Path) -> Iterator[None]:
    """Keep a second run out of the folder while this one is in it."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Unfit(f"Another run is in {cache}; wait for it, or name another folder by TFX_ROLLOUT_TFX121_CACHE.") from None
        yield


def checkout_files(checkout: Path) -> list[str]:
    """What git tracks and what is not yet committed, as paths within the checkout."""
    command = ["git", "-c", f"safe.directory={checkout}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=checkout, capture_output=True, text=True)
    if listed.returncode != 0:
        raise Unfit(f"git must say which files to copy from {checkout}, and does not; git said: {last_line(listed.stderr)}")
    return sorted(name for name in set(listed.stdout.split("\0")) if name and (checkout / name).is_file())


def differs(source: Path, target: Path) -> bool:
    """Whether the copy is missing or is not of this state of its source."""
    if not target.is_file():
        return True
    now, then = source.stat(), target.stat()
    return (now.st_size, now.st_mtime_ns, now.st_mode) != (then.st_size, then.st_mtime_ns, then.st_mode)


def copy_checkout(source: Path, target: Path, files: list[str]) -> None:
    """Make `target` hold these files of `source`: what an earlier copy brought and is gone goes, what was made there stays."""
    record = target.parent / f"{target.name}.files.json"
    earlier = json.loads(record.read_text()) if record.is_file() else []
    for name in set(earlier) - set(files):
        (target / name).unlink(missing_ok=True)
    for name in files:
        if differs(source / name, target / name):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source / name, target / name)
    record.write_text(json.dumps(files))
    # ruff heeds .gitignore in a git checkout only, and the demo leaves files that are none of the project's.
    subprocess.run(["git", "init", "--quiet", str(target)], check=True)


def make_environment(root: Path) -> None:
    """Let the project's own set-up command make `.venv` in the root, and see that it is the line meant."""
    if run_inside(root, COPY, ["python3", ".ci/environment.py"]).returncode != 0:
        raise Unfit("The environment could not be made in the root; the words of the set-up command stand above.")
    told = run_inside(root, COPY, [".venv/bin/python", "-c", VERSIONS], capture=True).stdout.strip()
    if f" tfx {LINE}." not in told:
        raise Unfit(f"The root's environment is not of the TFX {LINE} line ({told}); look at the choice in .ci/environment.py.")
    say(told)


def commands(arguments: list[str]) -> list[list[str]]:
    """What these arguments of the command line ask to run in the root, in this order."""
    if arguments == ["--run"]:
        raise Unfit("--run wants the command to run after it, for example: --run make demo.")
    if arguments[:1] == ["--run"]:
        return [arguments[1:]]
    if arguments:
        return [[".venv/bin/python", "-m", "pytest", *arguments]]
    return [["make", "test"], ["make", "demo"]]


def run(arguments: list[str]) -> int:
    """Root, copy, environment, commands: the exit code of the first command that failed, or 0."""
    wanted = commands(arguments)
    check_machine()
    cache = cache_folder(os.environ)
    with alone_in(cache):
        say(f"the Debian 13 root is {cache / 'root'} (made anew in about a minute where it is not there or not up to date)")
        root = make(cache, SUITE, sorted(TO_BUILD + TO_RUN))
        copy_settings(root, settings_files(os.environ, Path.home()), Path.home())
        copy_checkout(CHECKOUT, root / COPY, checkout_files(CHECKOUT))
        make_environment(root)
        for command in wanted:
            say(" ".join(command))
            code = run_inside(root, COPY, command).returncode
            if code != 0:
                return code
    return 0


def main() -> int:
    """The exit code of the command; a fault is one sentence on stderr."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        return run(sys.argv[1:])
    except Unfit as fault:
        sys.stderr.write(f"tfx121: {fault}\n")
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
