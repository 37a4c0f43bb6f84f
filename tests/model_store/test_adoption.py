"""A base path that another pusher filled is taken as it is."""

from __future__ import annotations

import os

from tfx_rollout.model_store import BasePath, content_digest


def test_versions_of_another_pusher_get_manifests_and_numbering_goes_on_above(base: BasePath, make_model):
    for seed, version in ((1, 1584391735), (2, 1584391999)):
        make_model(seed, at=base.path / str(version))
    assert base.versions() == [1584391735, 1584391999]
    assert base.manifest(1584391735) is None
    adopted = base.adopt()
    assert [manifest.version for manifest in adopted] == base.versions()
    for manifest in adopted:
        assert manifest == base.manifest(manifest.version)
        assert manifest.adopted
        assert manifest.source == str(base.path / str(manifest.version))
        assert manifest.digest == content_digest(base.version_path(manifest.version))
    assert base.adopt() == []
    assert base.publish(make_model(3)).version == 1584392000


def test_publishing_adopts_by_itself_and_finds_the_same_content(base: BasePath, make_model):
    make_model(1, at=base.path / "1584391735")
    published = base.publish(make_model(1))
    assert (published.version, published.created) == (1584391735, False)
    assert base.manifest(1584391735).adopted


def test_a_half_written_version_is_none_but_its_number_is_used(base: BasePath, make_model):
    make_model(1, at=base.path / "50")
    (base.path / "50" / "saved_model.pb").unlink()
    assert base.adopt() == []
    assert base.versions() == []
    assert base.publish(make_model(2)).version == 51
    assert base.versions() == [51]


def test_a_version_that_cannot_be_read_whole_stands_in_nobodys_way(base: BasePath, make_model, caplog):
    make_model(1, at=base.path / "50")
    os.mkfifo(base.path / "50" / "assets" / "pipe")
    make_model(2, at=base.path / "51")
    assert [manifest.version for manifest in base.adopt()] == [51]
    assert "Version 50" in caplog.text
    assert base.publish(make_model(3)).version == 52
    assert base.manifest(50) is None


def test_a_version_under_an_unusual_name_is_found_by_its_number(base: BasePath, make_model):
    make_model(1, at=base.path / "00000123")
    assert base.adopt()[0].version == 123
    assert base.version_path(123) == base.path / "00000123"
    assert base.publish(make_model(1)).path == base.path / "00000123"


def test_adopting_what_is_not_there_makes_an_empty_base_path(base: BasePath):
    assert base.adopt() == []
    assert base.versions() == []
