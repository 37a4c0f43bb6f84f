"""A folder is listed as it is, whether or not it was listed before."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tfx_rollout.control.http.keeping import listings
from tfx_rollout.control.http.keeping.listings import Listings
from tfx_rollout.model_store.file_stamp import FileStamp


def settle(folder: Path) -> None:
    """Until a listing of the folder may be kept."""
    while not FileStamp.of(folder).settled:
        time.sleep(0.005)


def names(found: tuple[str, ...]) -> list[str]:
    return [Path(path).name for path in found]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b", "a", ".hidden"):
        (tmp_path / name).write_text(name)
    return tmp_path


def test_what_comes_and_goes_shows_at_once_and_what_is_hidden_never(folder: Path):
    listed = Listings()
    assert names(listed.of(str(folder))) == ["a", "b"]
    settle(folder)
    assert names(listed.of(str(folder))) == ["a", "b"]
    (folder / "c").write_text("")
    assert names(listed.of(str(folder))) == ["a", "b", "c"]
    (folder / "a").unlink()
    assert names(listed.of(str(folder))) == ["b", "c"]


def test_a_folder_that_did_not_change_is_not_listed_again(folder: Path, monkeypatch):
    listed = Listings()
    settle(folder)
    before = listed.of(str(folder))
    monkeypatch.setattr(listings.os, "scandir", None)
    assert listed.of(str(folder)) is before


def test_another_folder_of_the_same_name_is_another_one(tmp_path: Path):
    listed, folder = Listings(), tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("")
    settle(folder)
    listed.of(str(folder))
    folder.rename(tmp_path / "before")
    assert listed.of(str(folder)) == ()
    folder.mkdir()
    assert listed.of(str(folder)) == ()


def test_no_more_is_kept_than_so_many_folders(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(listings, "MOST_FOLDERS", 2)
    listed = Listings()
    folders = [tmp_path / str(number) for number in range(5)]
    for folder in folders:
        folder.mkdir()
        settle(folder)
        listed.of(str(folder))
    assert len(listed._kept) <= 2
