"""What ML Metadata makes of an artifact, and what the next task gets of it."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import TaskFault
from tfx_rollout.kfp.runner.artifacts import Artifact, stored_metadata
from tfx_rollout.kfp.runner.importer import imported
from tfx_rollout.kfp.runner.locations import Locations
from tfx_rollout.kfp.runner.publish import Publisher
from tfx_rollout.kfp.runner.scope import Scope


def test_a_number_is_the_name_and_the_type_is_empty():
    assert Artifact(42, "/runs/model", {"n": 3.0}).handed_on() == {
        "name": "42",
        "uri": "/runs/model",
        "type": {"instanceSchema": ""},
        "metadata": {"n": 3.0},
    }


def test_bools_come_back_as_numbers_and_lists_and_objects_wrapped():
    assert stored_metadata({"b": True, "s": "x", "l": [1.0], "d": {"a": 1.0}}) == {
        "b": 1.0,
        "s": "x",
        "l": {"list": [1.0]},
        "d": {"struct": {"a": 1.0}},
    }


def test_null_in_metadata_fails_the_task_that_wrote_it():
    with pytest.raises(TaskFault, match="its output 'model' cannot be published: metadata 'n' is null"):
        Publisher().publish({}, {"model": {"uri": "/x", "metadata": {"n": None}}})


def test_each_artifact_and_execution_has_a_number_of_its_own():
    publisher = Publisher()
    first = publisher.publish({"p": 1.0}, {"a": {"uri": "/a"}, "b": {"uri": "/b"}})
    second = publisher.publish({}, {"a": {"uri": "/a"}})
    assert [first.artifacts["a"][0].id, first.artifacts["b"][0].id, second.artifacts["a"][0].id] == [1, 2, 3]
    assert first.parameters == {"p": 1.0}
    assert [publisher.execution(), publisher.execution()] == [1, 2]


class TestImporter:
    @pytest.fixture
    def locations(self, tmp_path) -> Locations:
        for name in ("bucket", "srv"):
            (tmp_path / name).mkdir()
        return Locations({"gs://b": tmp_path / "bucket", "/srv": tmp_path / "srv"})

    def test_a_constant_uri_is_mapped_and_metadata_goes_through_the_store(self, locations, tmp_path):
        importer = {"artifactUri": {"constant": "gs://b/m"}, "metadata": {"n": 1, "b": True}}
        uri, metadata = imported(importer, {}, Scope(1, {}, {}), locations)
        assert uri == f"{tmp_path}/bucket/m"
        assert metadata == {"n": 1.0, "b": 1.0, "store_session_info": '{"Provider":"gs","Params":{"fromEnv":"true"}}'}

    def test_a_uri_may_be_a_parameter_of_the_pipeline_but_no_tasks_output(self, locations, tmp_path):
        importer = {"artifactUri": {"runtimeParameter": "uri"}}
        scope = Scope(1, {"model": f"{tmp_path}/bucket/m"}, {})
        given = {"inputs": {"parameters": {"uri": {"componentInputParameter": "model"}}}}
        assert imported(importer, given, scope, locations)[0] == f"{tmp_path}/bucket/m"
        output = {"taskOutputParameter": {"producerTask": "a", "outputParameterKey": "o"}}
        with pytest.raises(TaskFault, match="importer reads no other task's output"):
            imported(importer, {"inputs": {"parameters": {"uri": output}}}, scope, locations)

    @pytest.mark.parametrize(
        ("uri", "said"),
        [
            ("", "is empty"),
            ("/srv/models/1", "is in no bucket"),
            ("models/1", "is in no bucket"),
            ("gs://other/m", "map its bucket with mounts"),
        ],
    )
    def test_what_its_launcher_cannot_open_fails(self, locations, uri, said):
        with pytest.raises(TaskFault, match=said):
            imported({"artifactUri": {"constant": uri}}, {}, Scope(1, {}, {}), locations)
