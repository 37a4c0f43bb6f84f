"""A Debian root is made from this machine's own settings, and nothing is removed through a mount."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

CI = Path(__file__).parent.parent / ".ci"
PROGRAMS = {"debootstrap": "/usr/sbin/debootstrap", "git": "/usr/bin/git", "setpriv": "/x", "unshare": "/x"}

DEB822 = """\
# Debian's own
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main

Types: deb
Enabled: no
URIs: http://off.example/debian
Suites: bookworm

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
"""
ONE_LINE = """\
# deb http://comment.example/debian bookworm main
deb-src http://source.example/debian bookworm main
deb [arch=amd64 signed-by=/k.gpg] http://tools.example/apt stable main

deb http://mirror.example/debian/ bookworm main
"""
MOUNTINFO = """\
22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw
23 22 0:21 / /proc rw - proc proc rw
40 22 0:21 / /cache/root/proc rw - proc proc rw
41 22 0:5 / /cache/root-of-another/dev rw - devtmpfs devtmpfs rw
42 22 0:5 / /my\\040cache/dev rw - devtmpfs devtmpfs rw
"""


@pytest.fixture
def debian_root(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(CI))
    import debian_root

    return debian_root


def test_a_machine_with_everything_lacks_nothing(debian_root: ModuleType) -> None:
    assert debian_root.missing(0, "x86_64", PROGRAMS) == ""


@pytest.mark.parametrize(
    ("user", "machine", "without", "says"),
    [
        (1000, "x86_64", None, "run the command as root"),
        (0, "aarch64", None, "this machine is aarch64"),
        (
            0,
            "x86_64",
            "debootstrap",
            "The command debootstrap is missing; install it (Debian and Ubuntu: apt install debootstrap).",
        ),
        (0, "x86_64", "unshare", "apt install util-linux"),
    ],
)
def test_what_is_missing_is_one_sentence(
    debian_root: ModuleType, user: int, machine: str, without: str | None, says: str
) -> None:
    programs = {name: None if name == without else path for name, path in PROGRAMS.items()}
    said = debian_root.missing(user, machine, programs)
    assert says in said
    assert "\n" not in said


def test_both_forms_of_apt_sources_are_read_and_what_is_switched_off_is_not(debian_root: ModuleType) -> None:
    assert debian_root.archives(DEB822) == ["http://mirror.example/debian", "http://mirror.example/debian-security"]
    assert debian_root.archives(ONE_LINE) == ["http://tools.example/apt", "http://mirror.example/debian/"]


def test_the_archive_is_the_first_that_carries_debian_itself(debian_root: ModuleType) -> None:
    found = debian_root.archives(DEB822) + debian_root.archives(ONE_LINE)
    assert debian_root.debian_archive(["http://tools.example/apt", *found]) == "http://mirror.example/debian"


def test_without_one_the_choice_is_debootstraps(debian_root: ModuleType) -> None:
    assert debian_root.debian_archive(["cdrom://debian", "http://archive.example/ubuntu"]) is None


def test_the_sources_of_a_folder_are_found_in_all_their_files(debian_root: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text("deb http://first.example/debian trixie main\n")
    (tmp_path / "sources.list.d" / "b.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "a.list.disabled").write_text("deb http://never.example/debian trixie main\n")
    assert debian_root.apt_archives(tmp_path)[:2] == ["http://first.example/debian", "http://mirror.example/debian"]
    assert len(debian_root.apt_archives(tmp_path)) == 3


def test_mounts_are_found_beneath_the_folder_and_not_beside_it(debian_root: ModuleType) -> None:
    assert debian_root.mounts_beneath(Path("/cache/root"), MOUNTINFO) == ["/cache/root/proc"]
    assert debian_root.mounts_beneath(Path("/my cache"), MOUNTINFO) == ["/my cache/dev"]
    assert debian_root.mounts_beneath(Path("/other"), MOUNTINFO) == []


def test_a_folder_with_a_mount_in_it_is_not_removed(debian_root: ModuleType, tmp_path: Path) -> None:
    folder = tmp_path / "root"
    (folder / "proc").mkdir(parents=True)
    mountinfo = tmp_path / "mountinfo"
    mountinfo.write_text(f"40 22 0:21 / {folder}/proc rw - proc proc rw\n")
    with pytest.raises(debian_root.Unfit, match="is mounted in it; unmount that"):
        debian_root.remove(folder, mountinfo)
    assert (folder / "proc").is_dir()


def test_a_folder_without_mounts_is_removed(debian_root: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "root" / "usr").mkdir(parents=True)
    debian_root.remove(tmp_path / "root")
    assert not (tmp_path / "root").exists()


def test_the_ways_to_packages_are_handed_on_and_nothing_else(debian_root: ModuleType) -> None:
    variables = {
        "PIP_INDEX_URL": "i",
        "UV_CACHE_DIR": "u",
        "https_proxy": "p",
        "NO_PROXY": "n",
        "SSL_CERT_FILE": "/c",
        "CI": "1",
        "PATH": "/bin",
        "PYTHONPATH": "/mine",
        "VIRTUAL_ENV": "/v",
        "SECRET_TOKEN": "s",
    }
    handed_on = debian_root.handed_on(variables)
    assert set(handed_on) == {"PIP_INDEX_URL", "UV_CACHE_DIR", "https_proxy", "NO_PROXY", "SSL_CERT_FILE", "CI"}


def test_files_that_pips_configuration_names_are_known(debian_root: ModuleType) -> None:
    conf = "[global]\ncert = /etc/ssl/mine.pem\nindex-url = https://mirror.example/simple\n[install]\nconstraint = /etc/c.txt\n"
    assert debian_root.named_files(conf) == [Path("/etc/ssl/mine.pem"), Path("/etc/c.txt")]


def test_settings_come_to_the_same_places_in_the_root_and_those_of_the_home_to_roots_home(
    debian_root: ModuleType, tmp_path: Path
) -> None:
    home, root = tmp_path / "home", tmp_path / "root"
    certificate = tmp_path / "company.pem"
    certificate.write_text("certificate")
    (home / ".config" / "pip").mkdir(parents=True)
    (home / ".config" / "pip" / "pip.conf").write_text(f"[global]\ncert = {certificate}\n")
    files = debian_root.settings_files({"SSL_CERT_FILE": "/of/no/file"}, home)
    assert certificate in files
    assert Path("/of/no/file") not in files
    debian_root.copy_settings(root, files, home)
    assert (root / "root/.config/pip/pip.conf").read_text() == f"[global]\ncert = {certificate}\n"
    assert (root / certificate.relative_to("/")).read_text() == "certificate"


def test_a_link_in_the_root_is_replaced_and_not_followed(debian_root: ModuleType, tmp_path: Path) -> None:
    outside, setting, root = tmp_path / "outside", tmp_path / "setting", tmp_path / "root"
    outside.write_text("of this machine")
    setting.write_text("new")
    place = root / setting.relative_to("/")
    place.parent.mkdir(parents=True)
    place.symlink_to(outside)
    debian_root.copy_settings(root, [setting], Path("/nowhere"))
    assert outside.read_text() == "of this machine"
    assert place.read_text() == "new"
