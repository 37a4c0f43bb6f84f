from __future__ import annotations

from pathlib import Path

import pytest

from tfx_rollout.errors import InvalidInput, StorageFault
from tfx_rollout.model_store import ModelStore


def test_models_are_the_folders_with_versions_or_control_files(tmp_path: Path):
    store = ModelStore(tmp_path / "root")
    assert store.models() == []
    store.model("new").create()
    (store.root / "stock" / "1584391735").mkdir(parents=True)
    for other in ("models", "gateway", ".hidden", "empty", "with space"):
        (store.root / other / "1").mkdir(parents=True)
    (store.root / "empty" / "1").rmdir()
    (store.root / "supervisor.json").write_text("{}")
    assert store.models() == ["new", "stock"]


@pytest.mark.parametrize("name", ["", ".", "..", ".rollout", "a/b", "models", "gateway", "x" * 65, "a b", "taxi\n", "é"])
def test_a_name_that_cannot_be_a_models_is_refused(tmp_path: Path, name: str):
    with pytest.raises(InvalidInput, match="cannot be a model's name"):
        ModelStore(tmp_path).model(name)


@pytest.mark.parametrize("name", ["taxi", "Taxi_2.1-b", "7", "x" * 64])
def test_a_name_of_letters_digits_and_three_signs_is_a_models(tmp_path: Path, name: str):
    base = ModelStore(tmp_path).model(name)
    assert base.path == tmp_path / name
    assert base.control == base.path / ".rollout"
    assert base.store.root == tmp_path


def test_a_root_that_is_a_file_is_one_sentence(tmp_path: Path):
    (tmp_path / "root").write_text("")
    store = ModelStore(tmp_path / "root")
    for act in (store.models, store.model("taxi").create, store.model("taxi").desired):
        with pytest.raises(StorageFault):
            act()
