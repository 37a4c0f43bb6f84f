"""A disk or a folder that refuses gives one clear sentence, and nothing visible has changed."""

from __future__ import annotations

import os
import re
import resource
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tfx_rollout.errors import StorageFault
from tfx_rollout.model_store import BasePath, ModelStore, content_digest
from tfx_rollout.traffic import DesiredState, Label

pytestmark = pytest.mark.integration

NOBODY = 65534


def visible(base: BasePath) -> dict[str, bytes]:
    """All that a reader of the base path can see: versions, manifests, control files; not what staging holds."""
    hidden = (base.control / "lock", base.control / "numbers.json")
    return {str(path): path.read_bytes() for path in base.path.rglob("*") if path.is_file() and path not in hidden}


def refusal(act: Callable[[], object]) -> StorageFault | None:
    try:
        act()
    except StorageFault as fault:
        return fault
    return None


def assert_one_sentence(error: BaseException) -> None:
    assert re.fullmatch(r"[^\n]+\.", str(error))
    assert not re.search(r"\.\s", str(error))
    assert "Errno" not in str(error)


@pytest.fixture
def mounted(folder: Path) -> Iterator[Callable[..., Path]]:
    """Mounts a small file system in memory, for real; skips where this user may not."""
    points: list[Path] = []

    def mount(size: str, *options: str, remount: Path | None = None) -> Path:
        point = remount or folder / f"disk-{len(points)}"
        point.mkdir(exist_ok=True)
        words = ["mount", "-t", "tmpfs", "-o", ",".join([f"size={size}", *options]), "tmpfs", str(point)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")
        if remount is None:
            points.append(point)
        return point

    yield mount
    for point in points:
        subprocess.run(["umount", str(point)], check=True)


def fill(disk: Path, free: int) -> Path:
    """Leaves this many bytes of the disk free."""
    filler = disk / "filler"
    status = os.statvfs(disk)
    filler.write_bytes(b"x" * max(0, status.f_bavail * status.f_bsize - free))
    return filler


def test_a_disk_that_fills_up_at_any_moment_leaves_nothing_and_room_again_gives_the_same_version(mounted, make_model, capsys):
    first, model = make_model(1), make_model(2, size=60_000)
    refused = 0
    page = os.sysconf("SC_PAGE_SIZE")
    for pages in range(60):
        disk = mounted("400k")
        base = ModelStore(disk / "root").model("taxi")
        base.publish(first)
        before = visible(base)
        filler = fill(disk, free=pages * page)
        fault = refusal(lambda base=base: base.publish(model))
        if fault is None:
            break
        refused += 1
        assert_one_sentence(fault)
        assert "the disk is full" in str(fault)
        assert str(base.path) in str(fault)
        assert ".staging/" not in str(fault)
        assert visible(base) == before
        assert list((base.path / ".staging").iterdir()) == []
        assert base.versions() == [1]
        filler.unlink()
        assert base.publish(model).version == 2
    assert base.versions() == [1, 2]
    assert content_digest(base.version_path(2)) == content_digest(model)
    with capsys.disabled():
        print(f" [refused with {refused} amounts of room]", end="")
    assert refused > 15


def test_versions_can_be_removed_from_a_full_disk(mounted, make_model):
    disk = mounted("400k")
    base = ModelStore(disk / "root").model("taxi")
    for seed in (1, 2):
        base.publish(make_model(seed, size=60_000))
    base.write_desired(DesiredState("taxi", versions=(2,), labels={Label.STABLE: 2}), expected=0)
    fill(disk, free=0)
    base.remove_version(1)
    assert base.versions() == [2]


def test_a_desired_state_that_does_not_fit_leaves_the_old_one(mounted, make_model):
    disk = mounted("400k")
    base = ModelStore(disk / "root").model("taxi")
    base.publish(make_model(1))
    old = base.write_desired(DesiredState("taxi", versions=(1,), labels={Label.STABLE: 1}), expected=0)
    history = base.history()
    filler = fill(disk, free=0)
    with pytest.raises(StorageFault, match="the disk is full") as caught:
        base.write_desired(DesiredState("taxi"), expected=1)
    assert_one_sentence(caught.value)
    assert base.desired() == old
    assert base.history() == history
    assert list(base.control.rglob("*.tmp")) == []
    filler.unlink()
    assert base.write_desired(DesiredState("taxi"), expected=1).generation == 2


def test_a_read_only_disk_is_named(mounted, make_model):
    disk = mounted("400k")
    base = ModelStore(disk / "root").model("taxi")
    base.publish(make_model(1))
    before = visible(base)
    mounted("400k", "remount", "ro", remount=disk)
    for act in (
        lambda: base.publish(make_model(2)),
        lambda: base.write_desired(DesiredState("taxi"), expected=0),
        lambda: base.remove_version(1),
        base.create,
        ModelStore(disk / "root").model("new").create,
    ):
        with pytest.raises(StorageFault, match="the file system is mounted read-only") as caught:
            act()
        assert_one_sentence(caught.value)
    assert visible(base) == before
    assert base.versions() == [1]


def test_a_file_larger_than_this_process_may_write_leaves_nothing(base: BasePath, make_model, in_child):
    """The same as a full disk, where nothing can be mounted."""
    base.publish(make_model(1))
    before = visible(base)
    model = make_model(2, size=600_000)

    def limited() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
        base.publish(model)

    with pytest.raises(StorageFault, match="larger than allowed") as caught:
        in_child(limited)
    assert_one_sentence(caught.value)
    assert visible(base) == before
    assert list((base.path / ".staging").iterdir()) == []
    assert base.publish(model).version == 2


@pytest.fixture
def without_rights(in_child) -> Callable[[Callable[[], object]], object]:
    """Runs a function as a user without rights, in a process of its own."""

    def run(act: Callable[[], object]) -> object:
        def as_nobody() -> object:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            return act()

        return in_child(as_nobody)

    return run


def test_a_base_path_that_may_not_be_written_is_named(base: BasePath, make_model, without_rights):
    base.publish(make_model(1))
    before = visible(base)
    model = make_model(2)
    for path in (base.path, *base.path.rglob("*"), base.store.root):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for act in (lambda: base.publish(model), base.create, base.store.model("new").create):
        with pytest.raises(StorageFault, match="permission denied") as caught:
            without_rights(act)
        assert_one_sentence(caught.value)
        assert str(base.store.root) in str(caught.value)
    assert without_rights(base.versions) == [1]
    assert visible(base) == before
    for path in (base.store.root, base.path, *base.path.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_file_of_the_source_that_may_not_be_read_is_named(base: BasePath, make_model, without_rights):
    model = make_model(1)
    secret = model / "variables" / "variables.index"
    secret.chmod(0)
    with pytest.raises(StorageFault, match="permission denied") as caught:
        without_rights(lambda: base.publish(model))
    assert str(secret) in str(caught.value)
    secret.chmod(0o644)
    model.chmod(0)
    with pytest.raises(StorageFault, match="permission denied"):
        without_rights(lambda: base.publish(model))
    model.chmod(0o755)
    assert not base.path.exists()


def test_a_base_path_that_is_a_file_is_left_as_it_is(base: BasePath, make_model):
    base.store.root.mkdir()
    base.path.write_text("kept")
    with pytest.raises(StorageFault) as caught:
        base.publish(make_model(1))
    assert str(caught.value) == f"{base.path} is not a folder; move it away or choose another base path."
    for act in (base.versions, base.desired, base.create, lambda: base.write_desired(DesiredState("taxi"), expected=0)):
        with pytest.raises(StorageFault) as caught:
            act()
        assert_one_sentence(caught.value)
    assert base.path.read_text() == "kept"
    assert base.store.models() == []


def test_a_number_that_is_taken_while_the_lock_is_held_gives_a_fault_and_no_mixture(base: BasePath, make_model, monkeypatch):
    """Another pusher, which knows of no lock, makes the very folder in the moment before the rename."""
    base.publish(make_model(1))
    model, foreign = make_model(2), make_model(3)
    rename = Path.rename

    def intruded(path: Path, target: Path) -> Path:
        if target == base.path / "2" and not target.exists():
            rename(foreign, target)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", intruded)
    with pytest.raises(StorageFault) as caught:
        base.publish(model)
    assert_one_sentence(caught.value)
    assert base.publish(model).version == 3
    assert base.manifest(2).adopted
    assert all(base.manifest(v).digest == content_digest(base.version_path(v)) for v in base.versions())
