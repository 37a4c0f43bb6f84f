from __future__ import annotations

from pathlib import Path

import pytest

from tfx_rollout.errors import StorageFault
from tfx_rollout.model_store.layout import Layout, version_number


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("7", 7),
        ("00000123", 123),
        ("+5", 5),
        ("-1", -1),
        (" 8 ", 8),
        ("9223372036854775807", 2**63 - 1),
        ("9223372036854775808", None),
        ("tmp-5", None),
        ("5.tmp", None),
        (".5", None),
        ("1_000", None),
        ("٣", None),
        ("", None),
        (".staging", None),
    ],
)
def test_a_name_is_a_version_where_tensorflow_serving_sees_one(name: str, number: int | None):
    assert version_number(name) == number


def test_only_numbered_folders_with_a_saved_model_are_versions(tmp_path: Path, make_model):
    make_model(1, at=tmp_path / "3")
    make_model(2, at=tmp_path / "0012")
    make_model(3, at=tmp_path / "tmp-5")
    make_model(4, at=tmp_path / "elsewhere")
    (tmp_path / "6").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "7").write_text("a plain file")
    (tmp_path / "8" / "variables").mkdir(parents=True)
    (tmp_path / "9").symlink_to("nowhere")
    layout = Layout(tmp_path)
    assert layout.versions() == {3: tmp_path / "3", 6: tmp_path / "6", 12: tmp_path / "0012"}
    assert set(layout.numbered()) == {3, 6, 7, 8, 9, 12}


def test_of_two_names_with_one_number_the_later_in_sort_order_wins(tmp_path: Path, make_model):
    make_model(1, at=tmp_path / "007")
    make_model(2, at=tmp_path / "7")
    assert Layout(tmp_path).versions() == {7: tmp_path / "7"}


def test_a_base_path_that_is_missing_has_no_versions_and_one_that_is_a_file_is_a_fault(tmp_path: Path):
    assert Layout(tmp_path / "missing").versions() == {}
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFault, match="a file is where a folder should be"):
        Layout(tmp_path / "file").versions()


@pytest.mark.parametrize("below", ["", "taxi", "a/b/taxi"])
def test_a_file_in_the_way_of_a_base_path_is_named(tmp_path: Path, below: str):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(StorageFault) as caught:
        Layout(tmp_path / "file" / below).create()
    assert str(caught.value) == f"{tmp_path / 'file'} is not a folder; move it away or choose another base path."
    assert (tmp_path / "file").read_text() == "kept"
