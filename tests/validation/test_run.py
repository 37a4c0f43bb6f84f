"""A candidate in a real server process: bad models are not blessed and say why; a bad server raises."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from tfx_rollout.errors import InvalidInput, InvalidModel, ServerFailed
from tfx_rollout.saved_model import read_signatures
from tfx_rollout.validation import Limits, RequestSettings, validate

pytestmark = pytest.mark.integration

FEW = RequestSettings(minimum=10, maximum=30)
COMPANIES = ["Blue", "Yellow", "Grüne Taxen"]


@pytest.fixture
def sound(trainer) -> Path:
    return trainer.export("sound", lambda company, miles: miles)


@pytest.fixture
def examples(trainer) -> list[Path]:
    return trainer.examples("trips", COMPANIES)


def failed(result) -> list[str]:
    return [check.name for check in result.checks if not check.passed]


def test_a_sound_model_is_blessed_after_two_hundred_distinct_requests_over_each_protocol(sound, examples, tmp_path):
    result = validate(sound, "taxi", examples=examples, baseline=sound, work=tmp_path)
    assert result.blessed, result.reasons
    document = result.to_json()
    assert document["requests"]["distinct"] == {"serving_default": 240, "serving_examples": 240}
    for protocol in ("grpc", "rest"):
        assert document["protocols"][protocol]["sent"] == document["protocols"][protocol]["answered"] == 480
        assert document["protocols"][protocol]["latency"]["p99_ms"] > 0
    assert document["compatibility"] == {"compatible": True, "faults": [], "notes": []}
    assert list(tmp_path.glob("*.log"))


def test_a_model_that_fails_on_some_examples_is_not_blessed_and_the_request_is_named(trainer, tmp_path):
    import tensorflow as tf

    def tip(company, miles):
        known = tf.debugging.assert_none_equal(company, tf.constant(["Nova"]), message="an unknown company")
        with tf.control_dependencies([known]):
            return tf.identity(miles)

    model = trainer.export("picky", tip)
    assert validate(model, "taxi", examples=trainer.examples("trips", COMPANIES), settings=FEW, work=tmp_path / "a").blessed
    result = validate(
        model, "taxi", examples=trainer.examples("nova", ["Blue"] * 8 + ["Nova"]), settings=FEW, work=tmp_path / "b"
    )
    assert failed(result) == ["errors"]
    assert "an unknown company" in result.reason
    assert "request 9 of serving_default" in result.reason
    assert "company='Nova'" in result.reason


def test_a_model_that_answers_otherwise_through_the_server_than_in_process_is_caught(trainer, examples, tmp_path):
    from tensorflow.core.protobuf import saved_model_pb2

    honest = trainer.export("two-faced", lambda company, miles: (miles, miles + 1.0), ("tip", "total"))
    twisted = tmp_path / "twisted"
    shutil.copytree(honest, twisted)
    file = twisted / "saved_model.pb"
    saved = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    outputs = saved.meta_graphs[0].signature_def["serving_default"].outputs
    # A Session follows these names; tf.saved_model.load follows the function behind the signature.
    outputs["tip"].name, outputs["total"].name = outputs["total"].name, outputs["tip"].name
    file.write_bytes(saved.SerializeToString())
    assert validate(honest, "taxi", examples=examples, settings=FEW, work=tmp_path / "a").blessed
    result = validate(twisted, "taxi", examples=examples, settings=FEW, work=tmp_path / "b")
    assert failed(result) == ["values"]
    assert "request 1 of serving_default" in result.reason
    assert "in process it is" in result.reason


def test_an_answer_that_is_not_finite_is_not_blessed(trainer, examples, tmp_path):
    import tensorflow as tf

    model = trainer.export("endless", lambda company, miles: miles / tf.minimum(miles, 3.0))
    result = validate(model, "taxi", examples=examples, settings=FEW, work=tmp_path)
    assert failed(result) == ["finite"]
    assert "nan" in result.reason


def test_a_model_that_does_not_load_is_not_blessed(sound, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(sound, broken)
    for data in (broken / "variables").glob("variables.data-*"):
        data.unlink()
    result = validate(broken, "taxi", work=tmp_path / "work")
    assert failed(result) == ["load"]
    assert "it cannot be served: the server ended with code 255: NOT_FOUND" in result.reason


def test_a_folder_without_a_model_is_not_blessed(tmp_path):
    assert "has no file saved_model.pb" in validate(tmp_path, "taxi").reason


def test_a_baseline_that_is_no_model_is_an_outside_fault(sound, tmp_path):
    with pytest.raises(InvalidModel, match="has no file"):
        validate(sound, "taxi", baseline=tmp_path)


def test_a_server_that_cannot_be_started_raises_and_blames_no_model(sound, tmp_path, monkeypatch):
    monkeypatch.setenv("TFX_ROLLOUT_MODEL_SERVER", "/there/is/no/model_server")
    with pytest.raises(ServerFailed, match="cannot be started even without a model"):
        validate(sound, "taxi", work=tmp_path)


def test_a_server_that_ends_while_it_answers_is_tried_again_and_then_named(sound, examples, tmp_path, monkeypatch):
    frail = tmp_path / "frail.py"
    frail.write_text(
        "import socket, subprocess, sys, time\n"
        "port = next(int(flag.split('=')[1]) for flag in sys.argv if flag.startswith('--rest_api_port='))\n"
        "server = subprocess.Popen([sys.executable, '-m', 'tfx_rollout.model_server', *sys.argv[1:]])\n"
        "while socket.socket().connect_ex(('127.0.0.1', port)):\n"
        "    time.sleep(0.05)\n"
        "time.sleep(1)\n"
        "server.kill()\n"
        "server.wait()\n"
        "sys.exit(139)\n"
    )
    monkeypatch.setenv("TFX_ROLLOUT_MODEL_SERVER", f"{sys.executable} {frail}")
    many = RequestSettings(minimum=10, maximum=100_000)
    result = validate(sound, "taxi", examples=examples, settings=many, limits=Limits(request_seconds=2.0), work=tmp_path)
    assert "crash" in failed(result)
    assert "ends the server with code 139" in result.reason


def test_a_wanted_signature_that_is_missing_is_named_with_those_that_exist(sound, examples, tmp_path):
    settings = RequestSettings(minimum=10, maximum=30, signatures=("serving_default", "classify"))
    result = validate(sound, "taxi", examples=examples, settings=settings, work=tmp_path)
    assert failed(result) == ["signatures"]
    assert "it has no signature classify (it has: serving_default, serving_examples)" in result.reason


def test_files_that_hold_no_records_are_named(sound, tmp_path):
    (tmp_path / "noise").write_bytes(b"no records at all, and long enough to be taken for some")
    with pytest.raises(InvalidInput, match="noise cannot be read"):
        validate(sound, "taxi", examples=[tmp_path / "noise"])


def test_signatures_are_read_as_tensorflow_reads_them(sound):
    from tensorflow.core.protobuf import saved_model_pb2

    graph = saved_model_pb2.SavedModel.FromString((sound / "saved_model.pb").read_bytes()).meta_graphs[0]
    read = read_signatures(sound)
    assert set(read) == set(graph.signature_def) - {"__saved_model_init_op"}
    for name, signature in read.items():
        theirs = graph.signature_def[name]
        assert signature.method == theirs.method_name
        for ours, their in ((signature.inputs, theirs.inputs), (signature.outputs, theirs.outputs)):
            assert {k: (v.name, v.shape) for k, v in ours.items()} == {
                k: (v.name, tuple(None if d.size < 0 else d.size for d in v.tensor_shape.dim)) for k, v in their.items()
            }


def test_a_keras_model_whose_variables_only_python_finds_is_not_blessed(examples, tmp_path):
    """Keras 3 saved by `tf.saved_model.save` instead of `model.export` answers in process and fails in a server."""
    import keras
    import tensorflow as tf

    model = keras.Sequential([keras.Input((1,), name="miles"), keras.layers.Dense(1)])

    @tf.function(input_signature=[tf.TensorSpec([None, 1], tf.float32, name="miles")])
    def serve(miles):
        return {"tip": model(miles)}

    model.serve = serve
    tf.saved_model.save(model, str(tmp_path / "model"), {"serving_default": serve})
    result = validate(tmp_path / "model", "taxi", examples=examples, settings=FEW, work=tmp_path / "work")
    assert failed(result) == ["errors"]
    assert "Could not find variable" in result.reason
