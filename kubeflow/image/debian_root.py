"""A plain Debian root in a folder, and commands run in it: what stands in for a container where there is no engine.

A command gets namespaces of its own for mounts and processes: what it mounts and what it
leaves running is gone when it ends. It shares the network, the kernel and the limits of this
machine. Root is needed, as for debootstrap itself.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from tfx_rollout.errors import InvalidInput, StorageFault

_BASE = re.compile(r"python:(?P<python>3\.\d+)-slim-(?P<suite>[a-z]+)(@sha256:[0-9a-f]{64})?")

NETWORK = (
    "CURL_CA_BUNDLE",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "PIP_CERT",
    "PIP_DEFAULT_TIMEOUT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
)
"""Variables of this machine that a build needs to reach the network. They are given to its commands and kept in no image."""

CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

_ENTER = r"""
set -e
root=$1; shift
# In namespaces of our own: nobody else sees these mounts, and they end with the command.
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for file in /etc/resolv.conf /etc/hosts "$CERTIFICATES"; do
    [ ! -e "$file" ] || [ ! -e "$root$file" ] || mount --bind "$file" "$root$file"
done
if [ -n "$READ_ONLY" ]; then
    mount -o remount,ro,bind "$root"
    for folder in /tmp /srv/models /var/lib/tfx-rollout; do
        mount -t tmpfs -o "mode=1777" tmpfs "$root$folder"
    done
fi
exec chroot --userspec="$USERSPEC" "$root" /usr/bin/env -i "$@"
"""


def run_in(
    root: Path,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    user: str = "0:0",
    folder: str = "/",
    read_only: bool = False,
    stdin: str | None = None,
    timeout_s: float = 3600,
    capture: bool = False,
) -> subprocess.CompletedProcess[str]:
    """Runs a command in the root with just this environment. With `read_only` nothing but the folders that a pod mounts,
    and `/tmp`, can be written."""
    inside = "cd " + _quoted(folder) + ' && exec "$@"'
    variables = [f"{name}={value}" for name, value in environment.items()]
    return subprocess.run(
        [
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--propagation", "private"),
            *("/bin/sh", "-c", _ENTER, "enter", str(root), *variables, "/bin/sh", "-c", inside, "inside", *command),
        ],
        env={
            **os.environ,
            "CERTIFICATES": CERTIFICATES,
            "USERSPEC": user if ":" in user else f"{user}:{user}",
            "READ_ONLY": "1" if read_only else "",
        },
        input=stdin,
        capture_output=capture,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def network_environment() -> dict[str, str]:
    """What a command needs of this machine's environment to reach the network."""
    found = {name: os.environ[name] for name in NETWORK if name in os.environ}
    found.update({name.lower(): os.environ[name.lower()] for name in NETWORK if name.lower() in os.environ})
    return found


def python_base(image: str, root: Path, *, bases: Path, mirror: str | None = None) -> None:
    """Makes `root` what `FROM image` begins with: Debian with a Python in /usr/local.

    A Debian root of the suite is kept in `bases` for the next time. The Python is Debian's own
    where the suite has this one, else the one that runs this program, which must be of the
    version that the image names. Raises `InvalidInput` and `StorageFault`.
    """
    wanted = _BASE.fullmatch(image)
    if wanted is None:
        raise InvalidInput(f"{image} cannot be made by debootstrap; give a base of the form python:3.13-slim-trixie.")
    base = bases / f"{wanted['suite']}-base"
    if not (base / "etc" / "debian_version").exists():
        _debootstrap(wanted["suite"], base, mirror)
    copy_tree(base, root)
    _follow_apt_settings(root)
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    packages = ["ca-certificates"]
    own = _debian_python(root)
    if own == wanted["python"]:
        packages += ["python3", "python3-dev", "python3-pip", "python3-venv"]
    elif here == wanted["python"]:
        # What a Python that was compiled elsewhere needs of the system, as the official image has it.
        packages += ["libssl3", "libffi8", "libsqlite3-0", "libbz2-1.0", "liblzma5", "zlib1g", "libreadline8", "libncursesw6"]
        packages += ["libexpat1", "libuuid1", "libgdbm6"]
    else:
        raise InvalidInput(
            f"{image} wants Python {wanted['python']}, but {wanted['suite']} has {own} and this program runs on {here}; "
            f"run it by Python {wanted['python']}, or choose another base."
        )
    _checked(
        root,
        "apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "
        + " ".join(packages)
        + " && rm -rf /var/lib/apt/lists/* /var/cache/apt/archives/*.deb",
        f"Debian's packages for {image}",
    )
    if own == wanted["python"]:
        _checked(
            root,
            "rm -f /usr/lib/python3*/EXTERNALLY-MANAGED && for name in python3 python; do "
            "ln -sf /usr/bin/python3 /usr/local/bin/$name; done",
            "the links to Debian's Python",
        )
    else:
        _bring_python(root)


def copy_tree(source: Path, target: Path) -> None:
    """Copies a root with owners, times and links. Raises `StorageFault`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["cp", "-a", "--reflink=auto", str(source), str(target)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise StorageFault(str(target), f"cannot be made ({done.stderr.strip()[-300:]})", "free some space or its name")


def _debootstrap(suite: str, base: Path, mirror: str | None) -> None:
    if shutil.which("debootstrap") is None:
        raise InvalidInput("There is no debootstrap on the path; install it (Debian and Ubuntu: apt-get install debootstrap).")
    base.parent.mkdir(parents=True, exist_ok=True)
    command = ["debootstrap", "--variant=minbase", suite, str(base), *([mirror or _mirror()])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(base, ignore_errors=True)
        last = (done.stdout.strip().splitlines() or ["it said nothing"])[-1]
        raise InvalidInput(f"debootstrap could not make a root of {suite}: {last}; check the mirror and the network.")


def _mirror() -> str:
    """Where this machine gets Debian from, by its own settings."""
    said = subprocess.run(["apt-get", "indextargets", "--format", "$(SITE)"], capture_output=True, text=True, check=False).stdout
    sites = [line for line in said.split() if line.rstrip("/").endswith("debian")]
    if not sites:
        raise InvalidInput("This machine's apt names no mirror of Debian; give one with --mirror.")
    return sites[0]


def _follow_apt_settings(root: Path) -> None:
    """Lets apt in the root trust what this machine's apt trusts (proxies, clocks). Of the base, not of the Dockerfile's steps."""
    said = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=False).stdout
    kept = [line for line in said.splitlines() if re.match(r"Acquire::(Check-|http::Proxy|https::Proxy)", line)]
    (root / "etc" / "apt" / "apt.conf.d" / "90build-root").write_text("\n".join([*kept, ""]))


def _debian_python(root: Path) -> str:
    """The version of the suite's own Python."""
    version = int((root / "etc" / "debian_version").read_text().split(".")[0])
    return {12: "3.11", 13: "3.13"}.get(version, "unknown")


def _bring_python(root: Path) -> None:
    """Copies the Python that runs this program into /usr/local, where the official images have it."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    prefix = Path(sys.base_prefix)
    for part in (f"lib/{name}", f"include/{name}"):
        copy_tree(prefix / part, root / "usr/local" / part)
    shutil.rmtree(root / "usr/local/lib" / name / "site-packages")
    for tests in (root / "usr/local/lib" / name).rglob("test"):
        shutil.rmtree(tests)
    for library in (prefix / "lib").glob("libpython3*.so*"):
        shutil.copy2(library, root / "usr/local/lib" / library.name, follow_symlinks=False)
    shutil.copy2(prefix / "bin" / name, root / "usr/local/bin" / name)
    for link in ("python3", "python"):
        (root / "usr/local/bin" / link).symlink_to(name)
    _checked(root, "ldconfig && python3 -m ensurepip", f"Python {sys.version.split()[0]}")


def _checked(root: Path, command: str, what: str) -> None:
    environment = {"PATH": "/usr/local/bin:/usr/local/sbin:/usr/bin:/usr/sbin:/bin:/sbin", **network_environment()}
    done = run_in(root, ["/bin/sh", "-c", command], environment=environment, capture=True)
    if done.returncode:
        last = ((done.stderr or done.stdout).strip().splitlines() or ["it said nothing"])[-1]
        raise InvalidInput(f"{what} could not be put into {root}: {last}; check the network and the mirror.")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "'\\''") + "'"
