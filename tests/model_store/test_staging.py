from __future__ import annotations

import os
from pathlib import Path

from tfx_rollout.model_store import content_digest
from tfx_rollout.model_store.staging import copy_tree, discard, open_staged, remove_dead
from tfx_rollout.model_store.tree import read_tree


def test_what_a_living_process_stages_is_left_and_what_a_dead_one_left_is_removed(tmp_path: Path):
    dead, half_made = tmp_path / "dead", tmp_path / "half"
    (dead / "model").mkdir(parents=True)
    (dead / "owner").write_text("")
    half_made.mkdir()
    with open_staged(tmp_path) as staged:
        staged.model.mkdir()
        remove_dead(tmp_path)
        assert list(tmp_path.iterdir()) == [staged.path]
        assert staged.model.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_a_discarded_version_that_is_a_link_leaves_its_target_alone(tmp_path: Path, make_model):
    model = make_model(1)
    staging = tmp_path / ".staging"
    staging.mkdir()
    (tmp_path / "7").symlink_to(model)
    discard(tmp_path / "7", staging)
    remove_dead(staging)
    assert list(staging.iterdir()) == []
    assert (model / "saved_model.pb").exists()


def test_a_copy_has_the_content_the_empty_folders_and_no_private_modes(tmp_path: Path, make_model):
    model = make_model(1, size=600_000)
    for path in (model, model / "variables"):
        path.chmod(0o700)
    (model / "saved_model.pb").chmod(0o600)
    before = os.umask(0o022)
    try:
        copy_tree(model, read_tree(model), tmp_path / "copy", tmp_path)
    finally:
        os.umask(before)
    assert content_digest(tmp_path / "copy") == content_digest(model)
    assert (tmp_path / "copy" / "assets").is_dir()
    assert (tmp_path / "copy" / "variables").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "copy" / "saved_model.pb").stat().st_mode & 0o777 == 0o644
