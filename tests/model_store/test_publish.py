from __future__ import annotations

import time
from pathlib import Path

import pytest

from tfx_rollout.errors import CorruptState, InvalidModel, StorageFault
from tfx_rollout.model_store import BasePath, ModelStore, content_digest
from tfx_rollout.model_store.layout import HIGHEST_NUMBER
from tfx_rollout.traffic import DesiredState, Label, ObservedState, ServerObservation


def test_versions_are_numbered_upwards_from_1(base: BasePath, make_model):
    assert [base.publish(make_model(seed)).version for seed in (1, 2, 3)] == [1, 2, 3]
    assert base.versions() == [1, 2, 3]
    assert base.version_path(2) == base.path / "2"


def test_a_published_version_has_the_content_of_its_source_and_a_manifest(base: BasePath, make_model):
    model = make_model(1)
    before = time.time()
    published = base.publish(model, provenance={"pipeline": "taxi", "run": "7"})
    assert published.created
    assert published.path == base.path / "1"
    assert published.digest == content_digest(model) == content_digest(published.path)
    manifest = base.manifest(1)
    assert manifest is not None
    assert (manifest.version, manifest.digest, manifest.source) == (1, published.digest, str(model))
    assert manifest.provenance == {"pipeline": "taxi", "run": "7"}
    assert before <= manifest.published_at <= time.time()
    assert not manifest.adopted
    assert {file.path: file.size for file in manifest.files} == {
        str(path.relative_to(model)): path.stat().st_size for path in model.rglob("*") if path.is_file()
    }


def test_the_same_content_is_the_same_version_again_wherever_it_lies(base: BasePath, make_model, tmp_path: Path):
    first = base.publish(make_model(1))
    base.publish(make_model(2))
    again = base.publish(make_model(1, at=tmp_path / "other"), provenance={"run": "second"})
    assert (again.version, again.digest, again.path, again.created) == (1, first.digest, first.path, False)
    assert base.versions() == [1, 2]
    assert base.manifest(1).provenance == {}
    assert base.publish(base.version_path(2)).version == 2


def test_a_push_moves_no_traffic(base: BasePath, make_model):
    base.publish(make_model(1))
    assert base.desired() == DesiredState("taxi")
    assert base.observed() is None
    assert base.history() == []


def test_a_version_does_not_depend_on_its_source(base: BasePath, make_model, tmp_path: Path):
    model = make_model(1)
    (tmp_path / "words").write_text("a b c")
    (model / "assets" / "words").symlink_to(tmp_path / "words")
    published = base.publish(model)
    (tmp_path / "words").unlink()
    assert (published.path / "assets" / "words").read_text() == "a b c"
    assert not (published.path / "assets" / "words").is_symlink()


@pytest.mark.parametrize("what", ["missing", "file", "no graph", "empty graph", "graph below"])
def test_what_is_no_saved_model_is_refused_and_nothing_is_made(base: BasePath, make_model, tmp_path: Path, what: str):
    source = tmp_path / "source"
    if what == "file":
        source.write_text("")
    elif what != "missing":
        make_model(1, at=source / "below" if what == "graph below" else source)
        if what == "no graph":
            (source / "saved_model.pb").unlink()
        if what == "empty graph":
            (source / "saved_model.pb").write_bytes(b"")
    with pytest.raises(InvalidModel) as caught:
        base.publish(source)
    assert str(source) in str(caught.value)
    assert not base.path.exists()


def test_a_version_that_was_damaged_is_not_taken_for_the_same_content(base: BasePath, make_model):
    model = make_model(1)
    base.publish(model)
    (base.path / "1" / "variables" / "variables.index").write_bytes(b"rot")
    again = base.publish(model)
    assert (again.version, again.created) == (2, True)
    assert base.publish(model).version == 2


def test_a_number_that_any_control_file_names_is_not_given(base: BasePath, make_model):
    base.publish(make_model(1))
    base.write_desired(DesiredState("taxi", versions=(1,), labels={Label.STABLE: 1}), expected=0)
    base.write_observed(ObservedState("taxi", 1, (ServerObservation("taxi", configured_versions=(41,)),)))
    assert base.publish(make_model(2)).version == 42


def test_what_the_history_names_is_not_given_when_the_claims_are_lost(base: BasePath, make_model):
    for seed in (1, 2):
        base.publish(make_model(seed))
    base.write_desired(DesiredState("taxi", versions=(2,), labels={Label.STABLE: 2}), expected=0)
    base.write_desired(DesiredState("taxi"), expected=1)
    base.remove_version(2)
    (base.control / "numbers.json").unlink()
    assert base.publish(make_model(3)).version == 3


def test_numbers_end_where_int64_ends(base: BasePath, make_model):
    make_model(1, at=base.path / str(HIGHEST_NUMBER))
    with pytest.raises(StorageFault, match=f"has version {HIGHEST_NUMBER}"):
        base.publish(make_model(2))
    assert base.versions() == [HIGHEST_NUMBER]
    assert base.publish(make_model(1)).version == HIGHEST_NUMBER


def test_leftovers_of_dead_pushes_are_removed_by_the_next(base: BasePath, make_model):
    model = make_model(1)
    base.publish(model)
    (base.path / ".staging" / "0123" / "model").mkdir(parents=True)
    base.publish(model)
    assert list((base.path / ".staging").iterdir()) == []


def test_a_corrupt_manifest_is_named(base: BasePath, make_model):
    base.publish(make_model(1))
    (base.control / "versions" / "1.json").write_text("{}")
    with pytest.raises(CorruptState, match=r"versions/1\.json"):
        base.publish(make_model(2))
    assert base.versions() == [1]


def test_models_of_one_store_do_not_touch_each_other(store: ModelStore, make_model):
    model = make_model(1)
    assert store.model("taxi").publish(model).version == 1
    assert store.model("bus").publish(model).version == 1
    assert store.models() == ["bus", "taxi"]
