from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tfx_rollout.errors import InvalidModel
from tfx_rollout.model_store import is_saved_model
from tfx_rollout.model_store.tree import read_tree


def test_a_tree_has_all_files_and_folders_in_the_order_of_their_bytes(make_model):
    tree = read_tree(make_model(1, size=70))
    assert [(file.path, file.size) for file in tree.files] == [
        ("saved_model.pb", 300),
        ("variables/variables.data-00000-of-00001", 70),
        ("variables/variables.index", 50),
    ]
    assert tree.folders == ("assets", "variables")


def test_links_to_files_and_folders_are_followed(make_model, tmp_path: Path):
    (tmp_path / "far").mkdir()
    (tmp_path / "far" / "vocabulary").write_text("a b c")
    model = make_model(1)
    (model / "assets" / "words").symlink_to(tmp_path / "far" / "vocabulary")
    (model / "assets" / "all").symlink_to(tmp_path / "far")
    tree = read_tree(model)
    assert {"assets/words", "assets/all/vocabulary"} <= {file.path for file in tree.files}
    assert "assets/all" in tree.folders


def test_one_folder_linked_twice_is_no_loop(make_model):
    model = make_model(1)
    (model / "a").symlink_to(model / "variables")
    (model / "b").symlink_to(model / "variables")
    assert len(read_tree(model).files) == 7


def test_a_link_to_nothing_is_refused(make_model):
    model = make_model(1)
    (model / "assets" / "words").symlink_to("nowhere")
    with pytest.raises(InvalidModel, match="leads nowhere: assets/words"):
        read_tree(model)


@pytest.mark.parametrize("target", ["..", ".", "loop"])
def test_a_link_to_its_own_parent_or_itself_is_refused(make_model, target: str):
    model = make_model(1)
    (model / "assets" / "loop").symlink_to(target)
    with pytest.raises(InvalidModel, match="assets/loop"):
        read_tree(model)


def test_pipes_and_sockets_are_refused_and_not_opened(make_model):
    pipe, plug = make_model(1), make_model(2)
    os.mkfifo(pipe / "assets" / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(plug / "s"))
        for model, name in ((pipe, "assets/pipe"), (plug, "s")):
            with pytest.raises(InvalidModel, match=f"pipe, socket or device: {name}"):
                read_tree(model)


def test_what_is_not_there_and_what_is_no_folder_is_refused(tmp_path: Path):
    (tmp_path / "file").write_text("")
    for name, fault in (("missing", "is not there"), ("file", "is not a folder")):
        with pytest.raises(InvalidModel, match=fault):
            read_tree(tmp_path / name)


def test_names_that_are_no_text_are_kept(make_model):
    model = make_model(1)
    name = os.fsdecode(b"caf\xe9")
    (model / "assets" / name).write_text("x")
    assert f"assets/{name}" in {file.path for file in read_tree(model).files}


@pytest.mark.parametrize(
    ("name", "content", "is_one"),
    [
        ("saved_model.pb", b"x", True),
        ("saved_model.pbtxt", b"x", True),
        ("saved_model.pb", b"", False),
        ("model.h5", b"x", False),
        ("below/saved_model.pb", b"x", False),
    ],
)
def test_a_saved_model_has_its_graph_file_at_the_top(tmp_path: Path, name: str, content: bytes, is_one: bool):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(content)
    assert is_saved_model(tmp_path) is is_one
