"""Makes `.venv`: the environment in which everything of this checkout runs.

It needs nothing but the Python that runs it (3.7 or newer, with pip). It gets uv from
PyPI into `.tools/uv`, picks the TFX line that this machine can have, finds a Python for
it, and installs exactly what `uv.lock` says. A second run finds its stamp and returns
at once.

    glibc >= 2.39   TFX 1.21 on Python 3.11 to 3.13, else TFX 1.16 on Python 3.10
    older glibc     TFX 1.16 on Python 3.10 (the wheels of newer lines need glibc 2.39)

`TFX_ROLLOUT_PYTHON=/path/to/python` overrides the choice of the interpreter.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
TOOLS = CHECKOUT / ".tools"
VENV = CHECKOUT / ".venv"
STAMP = VENV / "tfx-rollout.stamp"
UV = TOOLS / "uv" / "bin" / "uv"

NEW_LINE = ["3.12", "3.11", "3.13"]
OLD_LINE = ["3.10"]
NEW_LINE_GLIBC = (2, 39)


class Unfit(Exception):
    """What this machine lacks, in one sentence that says what to install."""


def say(text: str) -> None:
    """Print one line of progress."""
    print("setup: " + text, flush=True)


def glibc() -> tuple[int, int]:
    """The C library's version; (0, 0) where it is another one (musl)."""
    name, version = platform.libc_ver()
    if name != "glibc":
        return (0, 0)
    major, minor = version.split(".")[:2]
    return (int(major), int(minor))


def wanted_pythons(libc: tuple[int, int]) -> list[str]:
    """Python versions that can hold a TFX line on this C library, best first."""
    return (NEW_LINE + OLD_LINE) if libc >= NEW_LINE_GLIBC else OLD_LINE


def check_machine() -> None:
    """Refuse what no TFX line has wheels for."""
    if sys.platform != "linux" or platform.machine() != "x86_64":
        raise Unfit(
            f"TFX has wheels for Linux on x86_64 only, and this is {sys.platform} on {platform.machine()}; "
            "use such a machine or a container of it."
        )
    if glibc() == (0, 0):
        raise Unfit(
            "TensorFlow's wheels need the GNU C library, and this system has another one; use Debian, Ubuntu or the like."
        )


def get_uv() -> None:
    """uv into a folder of its own, by the pip of the Python at hand."""
    if UV.exists():
        return
    say("getting uv into .tools/uv")
    pip = [sys.executable, "-m", "pip"]
    if subprocess.run([*pip, "--version"], capture_output=True).returncode != 0:
        made = subprocess.run([sys.executable, "-m", "venv", str(TOOLS / "pip")], capture_output=True, text=True)
        if made.returncode != 0:
            raise Unfit(f"{sys.executable} has neither pip nor venv; install them (Debian and Ubuntu: apt install python3-venv).")
        pip = [str(TOOLS / "pip" / "bin" / "python"), "-m", "pip"]
    command = [
        *pip,
        "install",
        "--quiet",
        "--no-warn-script-location",
        "--disable-pip-version-check",
        "--target",
        str(TOOLS / "uv"),
        "uv",
    ]
    got = subprocess.run(command, env={**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}, capture_output=True, text=True)
    if got.returncode != 0 or not UV.exists():
        raise Unfit(
            "uv could not be installed from PyPI; check the network and pip's settings. pip said: " + last_line(got.stderr)
        )


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "(nothing)"


def run_uv(*args: str) -> subprocess.CompletedProcess[str]:
    """Run uv on this checkout's `.venv`, its output captured."""
    environment = {**os.environ, "UV_PROJECT_ENVIRONMENT": str(VENV)}
    environment.pop("VIRTUAL_ENV", None)
    return subprocess.run([str(UV), *args], cwd=CHECKOUT, env=environment, capture_output=True, text=True)


def version_of(python: Path) -> str:
    """`3.10` and the like; empty where the file is no working Python."""
    try:
        asked = subprocess.run(
            [str(python), "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, timeout=30
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return asked.stdout.strip() if asked.returncode == 0 else ""


def installed(version: str) -> Path | None:
    """An interpreter of this version: on the path, among pyenv's, or known to uv."""
    pyenv = Path(os.environ.get("PYENV_ROOT", str(Path.home() / ".pyenv"))) / "versions"
    candidates = [*sorted(pyenv.glob(version + ".*/bin/python"), reverse=True)]
    on_path = shutil.which("python" + version)
    if on_path:
        candidates.append(Path(on_path))
    candidates += [Path(folder) / ("python" + version) for folder in ("/usr/bin", "/usr/local/bin", "/opt/python/bin")]
    for candidate in candidates:
        if candidate.exists() and version_of(candidate) == version:
            return candidate
    found = run_uv("python", "find", "--no-python-downloads", version)
    return Path(found.stdout.strip()) if found.returncode == 0 and found.stdout.strip() else None


def find_python() -> Path:
    """The interpreter to use: the one asked for, an installed one, or one that uv can fetch."""
    asked = os.environ.get("TFX_ROLLOUT_PYTHON")
    wanted = wanted_pythons(glibc())
    if asked:
        if version_of(Path(asked)) not in wanted:
            raise Unfit(f"TFX_ROLLOUT_PYTHON={asked} is not a Python {' or '.join(wanted)}, which TFX needs on this machine.")
        return Path(asked)
    for version in wanted:
        found = installed(version)
        if found:
            return found
    for version in wanted:
        say(f"no Python {version} is installed; asking uv to fetch one")
        fetched = run_uv("python", "install", "--install-dir", str(TOOLS / "python"), version)
        if fetched.returncode == 0:
            return next((TOOLS / "python").glob(f"*{version}*/bin/python3"))
    libc = ".".join(map(str, glibc()))
    raise Unfit(
        f"This machine has glibc {libc}, for which TFX needs Python {' or '.join(wanted)}, and none was "
        f"found or could be fetched; install one (for example: pyenv install {wanted[0]}) and run the command again."
    )


def has_headers(python: Path) -> bool:
    """Whether C++ can be compiled for this interpreter; Debian keeps its headers in a package apart."""
    asking = "import os, sysconfig; print(os.path.exists(os.path.join(sysconfig.get_paths()['include'], 'Python.h')))"
    asked = subprocess.run([str(python), "-c", asking], capture_output=True, text=True)
    return asked.stdout.strip() == "True"


def fingerprint(python: Path) -> str:
    """What the environment was made from."""
    digest = hashlib.sha256(str(python).encode())
    for name in ("pyproject.toml", "uv.lock"):
        digest.update((CHECKOUT / name).read_bytes())
    return digest.hexdigest()


def up_to_date() -> bool:
    """Whether `.venv` stands as the last successful run left it, for the files as they are now."""
    if not STAMP.exists() or not (VENV / "bin" / "python").exists():
        return False
    python, made_from = STAMP.read_text().split("\n")[:2]
    asked = os.environ.get("TFX_ROLLOUT_PYTHON", python)
    return asked == python and made_from == fingerprint(Path(python))


def make() -> None:
    """Make `.venv`, and leave the stamp that says from what."""
    check_machine()
    get_uv()
    python = find_python()
    if not (shutil.which("g++") or shutil.which("c++") or shutil.which("clang++")):
        raise Unfit(
            "One dependency of TFX (pyfarmhash) is compiled on install, and there is no C++ compiler; "
            "install one (Debian and Ubuntu: apt install g++)."
        )
    if not has_headers(python):
        raise Unfit(
            f"One dependency of TFX (pyfarmhash) is compiled on install, and {python} has no Python.h; "
            f"install its headers (Debian and Ubuntu: apt install python{version_of(python)}-dev)."
        )
    line = "1.16" if version_of(python) in OLD_LINE else "1.21"
    say(f"installing TFX {line} and what goes with it on Python {version_of(python)} into .venv (about a minute)")
    synced = run_uv("sync", "--frozen", "--all-extras", "--python", str(python))
    if synced.returncode != 0:
        sys.stderr.write(synced.stderr)
        raise Unfit("uv could not install the locked packages; its words stand above.")
    STAMP.write_text(f"{python}\n{fingerprint(python)}\n")
    say("done")


def main() -> int:
    """The exit code of the command; a fault is one sentence on stderr."""
    if up_to_date():
        return 0
    try:
        make()
    except Unfit as fault:
        sys.stderr.write(f"setup: {fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
