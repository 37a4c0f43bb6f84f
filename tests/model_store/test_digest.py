from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfx_rollout.errors import StorageFault
from tfx_rollout.model_store import content_digest, read_content
from tfx_rollout.model_store.tree import read_tree

NAMES = st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF, exclude_characters="/"), min_size=1, max_size=8).filter(
    lambda name: name not in (".", "..")
)
TREES = st.dictionaries(NAMES, st.binary(max_size=40), max_size=5)


def lay_out(folder: Path, files: dict[str, bytes]) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@settings(max_examples=50, deadline=None)
@given(TREES, TREES)
def test_two_folders_have_one_digest_exactly_when_they_hold_the_same(scratch: Path, one, two):
    digests = [content_digest(lay_out(scratch / name, files)) for name, files in (("one", one), ("two", two))]
    assert (digests[0] == digests[1]) == (one == two)


def test_the_digest_is_what_its_description_says(tmp_path: Path):
    folder = lay_out(tmp_path / "m", {"b": b"second", "a": b"first"})
    records = b"".join(
        b"%s\0%d\0%s\n" % (name, len(text), hashlib.sha256(text).hexdigest().encode())
        for name, text in ((b"a", b"first"), (b"b", b"second"))
    )
    assert content_digest(folder) == "sha256:" + hashlib.sha256(records).hexdigest()


def test_times_modes_links_and_empty_folders_are_no_content(make_model, folder: Path):
    model = make_model(1)
    before = content_digest(model)
    os.utime(model / "saved_model.pb", (0, 0))
    (model / "saved_model.pb").chmod(0o600)
    (model / "assets").rmdir()
    (model / "variables").rename(folder / "elsewhere")
    (model / "variables").symlink_to(folder / "elsewhere")
    assert content_digest(model) == before


def test_a_file_in_another_folder_is_another_content(make_model):
    model = make_model(1)
    before = content_digest(model)
    (model / "variables" / "variables.index").rename(model / "assets" / "variables.index")
    assert content_digest(model) != before


def test_a_file_that_grows_while_it_is_read_is_a_fault(make_model):
    model = make_model(1)
    tree = read_tree(model)
    with (model / "saved_model.pb").open("ab") as file:
        file.write(b"more")
    with pytest.raises(StorageFault, match="changed while it was read"):
        read_content(model, tree)
