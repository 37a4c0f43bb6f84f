"""A Debian root in a folder: made by debootstrap, given this machine's settings, entered without leaving anything.

Everything is mounted in a mount namespace that ends with the command run in it, and nothing
of this machine is bound into the root. However a run ends, no mount and no process of it is
left, and the root can be removed like any other folder.
"""

from __future__ import annotations

import configparser
import os
import platform
import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

# Each of the two ends with the process that started it, so that a killed run takes everything with it.
PRIVATE = ["setpriv", "--pdeathsig", "KILL"]
PRIVATE += ["unshare", "--mount", "--propagation", "private", "--pid", "--fork", "--kill-child"]
# The shell stays as the namespace's first process: somebody must reap what the servers under test leave.
ENTER = """
mount -t proc proc "$1/proc" && mount -t tmpfs -o mode=1777 tmpfs "$1/dev/shm" &&
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$1/dev/pts" || exit 125
root="$1"; shift
chroot "$root" /usr/bin/env -i "$@"
exit $?
"""
NOT_MOUNTED = 125
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class Unfit(Exception):
    """What this machine lacks, in one sentence that says what to do."""


def missing(user: int, machine: str, programs: Mapping[str, str | None]) -> str:
    """The first thing that this machine lacks, as one sentence; empty where nothing is missing."""
    if machine != "x86_64":
        return f"TFX has wheels for x86_64 only, and this machine is {machine}; use another machine."
    if user != 0:
        return "Making a Debian root and entering it needs root; run the command as root (with sudo)."
    for program, path in programs.items():
        if path is None:
            package = {"setpriv": "util-linux", "unshare": "util-linux"}.get(program, program)
            return f"The command {program} is missing; install it (Debian and Ubuntu: apt install {package})."
    return ""


def check_machine() -> None:
    """Refuse a machine on which no root can be made, before anything is written."""
    programs = {name: shutil.which(name) for name in ("debootstrap", "git", "setpriv", "unshare")}
    fault = missing(os.geteuid(), platform.machine(), programs)
    if fault:
        raise Unfit(fault)
    tried = subprocess.run([*PRIVATE, "true"], capture_output=True, text=True)
    if tried.returncode != 0:
        raise Unfit(
            "This machine allows no mount namespace (is it a container without the right to mount?); "
            f"run the command outside of it. unshare said: {last_line(tried.stderr)}"
        )


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "(nothing)"


def archives(sources: str) -> list[str]:
    """The archives that a source file of apt names, in either of its two forms; what is switched off is left out."""
    found: list[str] = []
    for paragraph in sources.split("\n\n"):
        lines = [line for line in paragraph.splitlines() if line.strip() and not line.startswith("#")]
        parts = [line.partition(":") for line in lines if not line.startswith("deb")]
        fields = {name.strip().lower(): text.split() for name, _, text in parts}
        if fields.get("enabled") != ["no"]:
            found += fields.get("uris", [])
        for line in lines:
            if line.startswith("deb "):
                found += [word for word in line.split() if "://" in word][:1]
    return found


def debian_archive(found: Iterable[str]) -> str | None:
    """The first of these that carries Debian itself; None leaves the choice to debootstrap."""
    return next((url for url in found if url.startswith("http") and url.rstrip("/").endswith("/debian")), None)


def apt_archives(folder: Path = Path("/etc/apt")) -> list[str]:
    """The archives that this machine's apt uses."""
    parts = [file for form in ("*.list", "*.sources") for file in sorted((folder / "sources.list.d").glob(form))]
    return [url for file in [folder / "sources.list", *parts] if file.is_file() for url in archives(file.read_text())]


def apt_proxy() -> dict[str, str]:
    """apt's own proxy, as the variable that debootstrap heeds."""
    if not shutil.which("apt-config"):
        return {}
    asked = subprocess.run(["apt-config", "shell", "PROXY", "Acquire::http::Proxy"], capture_output=True, text=True)
    proxy = asked.stdout.strip().partition("=")[2].strip("'\"")
    return {"http_proxy": proxy} if proxy else {}


def mounts_beneath(folder: Path, mountinfo: str) -> list[str]:
    """What is mounted on this folder or beneath it."""
    points = [line.split()[4].replace("\\040", " ") for line in mountinfo.splitlines() if line]
    return [point for point in points if point == str(folder) or point.startswith(f"{folder}/")]


def remove(folder: Path, mountinfo: Path = Path("/proc/self/mountinfo")) -> None:
    """Remove a folder of ours, but never through a mount that somebody else has put into it."""
    mounted = mounts_beneath(folder, mountinfo.read_text())
    if mounted:
        raise Unfit(f"{folder} is to be made anew, and {mounted[0]} is mounted in it; unmount that and run the command again.")
    if folder.exists():
        shutil.rmtree(folder)


def make(cache: Path, suite: str, packages: list[str]) -> Path:
    """The root of this suite with these packages: the one that stands, or a new one, named so only when it is whole."""
    root, half, stamp, log = (cache / name for name in ("root", "root.half-made", "root.stamp", "debootstrap.log"))
    made_of = " ".join([suite, *packages])
    if stamp.is_file() and stamp.read_text() == made_of and (root / "usr").is_dir():
        return root
    stamp.unlink(missing_ok=True)
    remove(root)
    remove(half)
    archive = debian_archive(apt_archives())
    command = ["debootstrap", "--variant=minbase", "--include=" + ",".join(packages), suite, str(half)]
    command += [archive] if archive else []
    with log.open("w") as output:
        made = subprocess.run([*PRIVATE, *command], env={**apt_proxy(), **os.environ}, stdout=output, stderr=subprocess.STDOUT)
    if made.returncode != 0:
        raise Unfit(
            f"Debian's {suite} could not be fetched; check the network and apt's settings. "
            f"debootstrap said: {last_line(log.read_text())} (all its words: {log})"
        )
    half.rename(root)
    stamp.write_text(made_of)
    return root


def handed_on(variables: Mapping[str, str]) -> dict[str, str]:
    """Those of this machine's variables that hold inside a root: the ways to packages, and whether this is CI."""
    return {
        name: text
        for name, text in variables.items()
        if name in (*CERTIFICATES, "CI") or name.startswith(("PIP_", "UV_")) or name.lower().endswith("_proxy")
    }


def named_files(pip_conf: str) -> list[Path]:
    """The files that pip's configuration names: certificates and constraints."""
    parser = configparser.RawConfigParser(strict=False)
    parser.read_string(pip_conf)
    words = [word for section in parser.sections() for _, text in parser.items(section) for word in text.split()]
    return [Path(word) for word in words if word.startswith("/")]


def settings_files(variables: Mapping[str, str], home: Path) -> list[Path]:
    """The files of this machine by which pip, uv and TLS find their way, those that there are."""
    pip = [Path("/etc/pip.conf"), Path("/etc/xdg/pip/pip.conf"), home / ".pip/pip.conf", home / ".config/pip/pip.conf"]
    named = [file for conf in pip if conf.is_file() for file in named_files(conf.read_text())]
    named += [Path(text) for text in handed_on(variables).values() if text.startswith("/")]
    network = [Path("/etc/resolv.conf"), Path("/etc/hosts"), Path("/etc/ssl/certs/ca-certificates.crt")]
    uv = [Path("/etc/uv/uv.toml"), home / ".config/uv/uv.toml"]
    return [file for file in dict.fromkeys([*pip, *named, *network, *uv]) if file.is_file()]


def copy_settings(root: Path, files: Iterable[Path], home: Path) -> None:
    """Copy files of this machine to the same places in the root; what lies in the home goes to the home of the root's root."""
    for file in files:
        place = root / (Path("root") / file.relative_to(home) if home in file.parents else file.relative_to("/"))
        place.parent.mkdir(parents=True, exist_ok=True)
        # A link in the root (resolv.conf is often one) would lead the copy out of it.
        place.unlink(missing_ok=True)
        shutil.copyfile(file, place)


def run_inside(root: Path, folder: Path, command: list[str], capture: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a command in a folder of the root, in namespaces that end with it; its output is shown, or captured."""
    variables = {
        **handed_on(os.environ),
        "HOME": "/root",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "PYTHONUNBUFFERED": "1",
        "TERM": os.environ.get("TERM", "dumb"),
    }
    settings = [f"{name}={text}" for name, text in variables.items()]
    there = ["sh", "-c", 'cd "$0" && exec "$@"', f"/{folder}", *command]
    stdout = subprocess.PIPE if capture else None
    ran = subprocess.run([*PRIVATE, "sh", "-c", ENTER, "sh", str(root), *settings, *there], text=True, stdout=stdout)
    if ran.returncode == NOT_MOUNTED:
        raise Unfit(f"/proc, /dev/shm and /dev/pts could not be mounted in {root}; the words of mount stand above.")
    return ran
