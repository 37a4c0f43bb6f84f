"""Places of the cluster become folders of this machine, and nothing else does."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import InvalidPlan
from tfx_rollout.kfp.runner.locations import Locations


@pytest.fixture
def locations(tmp_path) -> Locations:
    for name in ("srv", "models", "bucket"):
        (tmp_path / name).mkdir()
    return Locations({"/srv": tmp_path / "srv", "/srv/models": tmp_path / "models", "gs://b": tmp_path / "bucket"})


@pytest.mark.parametrize(
    ("text", "mapped"),
    [
        ("/srv/models/taxi", "{}/models/taxi"),
        ("/srv/other", "{}/srv/other"),
        ('{"root": "/srv/models", "model": "taxi"}', '{{"root": "{}/models", "model": "taxi"}}'),
        ("--root=/srv", "--root={}/srv"),
        ("gs://b/data gs://b", "{0}/bucket/data {0}/bucket"),
        ("/srv2/x", "/srv2/x"),
        ("/data/srv/x", "/data/srv/x"),
        ("gs://bb/x", "gs://bb/x"),
        ("http://host/srv", "http://host/srv"),
        ("/srv.old", "/srv.old"),
    ],
)
def test_whole_places_are_mapped_the_longest_first(locations, tmp_path, text, mapped):
    assert locations.text(text) == mapped.format(tmp_path)


def test_the_texts_within_a_value_are_mapped(locations, tmp_path):
    assert locations.value({"a": ["/srv/x", 1.0, True, None]}) == {"a": [f"{tmp_path}/srv/x", 1.0, True, None]}


def test_a_mapped_place_below_another_one_is_not_mapped_twice(tmp_path):
    folder = tmp_path / "srv"
    folder.mkdir()
    assert Locations({str(tmp_path): folder}).text(f"{tmp_path}/x") == f"{folder}/x"


def test_the_root_is_made_and_a_bucket_without_a_folder_is_refused_with_the_mend(locations, tmp_path):
    assert locations.root("gs://b/root/") == f"{tmp_path}/bucket/root"
    assert (tmp_path / "bucket/root").is_dir()
    with pytest.raises(InvalidPlan, match=r"'gs://c/root' is not on this machine; map it with mounts=\{'gs://c/root': FOLDER\}"):
        locations.root("gs://c/root")
    with pytest.raises(InvalidPlan, match="give an absolute folder, or a bucket"):
        locations.root("some/folder")


def test_all_faults_of_the_setting_are_told_at_once(tmp_path):
    with pytest.raises(InvalidPlan) as refused:
        Locations({"/srv": tmp_path / "none", "relative": tmp_path})
    assert "/srv: " in str(refused.value)
    assert "make it first" in str(refused.value)
    assert "'relative': give an absolute path or a bucket" in str(refused.value)


def test_it_knows_which_local_paths_stand_for_buckets(locations, tmp_path):
    assert locations.provider(f"{tmp_path}/bucket/model") == "gs"
    assert not locations.in_a_bucket(f"{tmp_path}/models/1")
    assert not Locations({}).covers("/srv")
    assert locations.covers("/srv/models")
    assert not locations.covers("/srvx")
