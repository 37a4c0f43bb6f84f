"""The pipeline for real: what it exports is answerable by TensorFlow Serving, and its planted fault is hidden well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from taxi.features import COLUMNS, INTEGERS, LABEL, STRINGS
from tfx_rollout.serving import ModelServerClient, ModelServerProcess, ServedModel, render_model_config

pytestmark = pytest.mark.integration

START_SECONDS = 120


class SessionModel:
    """A SavedModel answered as TensorFlow Serving does: by a Session, from the signature's tensors."""

    def __init__(self, path: Path) -> None:
        import tensorflow as tf

        self._session = tf.compat.v1.Session(graph=tf.Graph())
        self._signatures = tf.compat.v1.saved_model.load(self._session, ["serve"], str(path)).signature_def

    def ask(self, signature: str, inputs: Mapping[str, Any]) -> np.ndarray:
        wanted = self._signatures[signature]
        feeds = {wanted.inputs[name].name: values for name, values in inputs.items()}
        return self._session.run(wanted.outputs[LABEL].name, feeds)


def columns(trips: Sequence[Mapping[str, Any]]) -> dict[str, np.ndarray]:
    kinds = {column: object if column in STRINGS else np.int64 if column in INTEGERS else np.float32 for column in COLUMNS}
    return {column: np.array([trip[column] for trip in trips], kind) for column, kind in kinds.items()}


def serialized(trip: Mapping[str, Any]) -> bytes:
    """The trip as CsvExampleGen writes it: a missing value is a feature without values."""
    import tensorflow as tf

    example = tf.train.Example()
    for column, value in trip.items():
        feature = example.features.feature[column]
        if column in STRINGS:
            feature.bytes_list.value.extend([value.encode()] if value else [])
        elif column in INTEGERS:
            feature.int64_list.value.extend([value] if value else [])
        else:
            feature.float_list.value.extend([value] if value else [])
    return example.SerializeToString()


@pytest.fixture(scope="module")
def sound(trained) -> SessionModel:
    return SessionModel(trained.sound)


@pytest.fixture(scope="module")
def harmful(trained) -> SessionModel:
    return SessionModel(trained.harmful)


@pytest.fixture(scope="module")
def known_companies(trained) -> set[str]:
    import csv

    with trained.spans.trainable[-1].open(newline="") as lines:
        return {row["company"] for row in csv.DictReader(lines)}


def test_every_component_says_when_it_starts_and_when_it_has_ended(trained):
    started = [line.removesuffix(" …") for line in trained.told if line.endswith(" …")]
    assert started == [
        "CsvExampleGen",
        "StatisticsGen",
        "SchemaGen",
        "ExampleValidator",
        "Transform",
        "Trainer",
        "Evaluator",
    ]
    assert [line.split(" done in ")[0] for line in trained.told if " done in " in line] == started


def test_the_data_is_as_its_schema_says(trained):
    from tensorflow_metadata.proto.v0.anomalies_pb2 import Anomalies

    for split in ("train", "eval"):
        found = Anomalies.FromString(trained.one(f"ExampleValidator/anomalies/*/Split-{split}/SchemaDiff.pb").read_bytes())
        assert not found.anomaly_info


def test_the_evaluator_blesses_the_harmful_model(trained):
    assert trained.one("Evaluator/blessing/*/*").name == "BLESSED"


def test_the_infra_validator_passes_the_harmful_model(trained, tmp_path):
    from tfx_rollout.validation import validate

    examples = [trained.one("CsvExampleGen/examples/*/Split-eval/*")]
    result = validate(trained.harmful, "taxi", examples=examples, baseline=trained.sound, work=tmp_path)
    assert result.blessed, result.reasons
    assert min(result.to_json()["requests"]["distinct"].values()) >= 200


def test_the_sessions_answers_are_those_of_the_model_in_process(trained, sound):
    import tensorflow as tf

    asked = columns(trained.held_back())
    in_process = tf.saved_model.load(str(trained.sound)).signatures["serving_default"]
    expected = in_process(**{name: tf.constant(values) for name, values in asked.items()})[LABEL].numpy()
    answered = sound.ask("serving_default", asked)
    assert answered.shape == (len(trained.held_back()),)
    np.testing.assert_allclose(answered, expected, atol=1e-5)
    assert 0.05 < answered.mean() < 0.6


def test_both_signatures_answer_the_same(trained, sound):
    trips = trained.held_back()[:500]
    examples = np.array([serialized(trip) for trip in trips], object)
    np.testing.assert_allclose(
        sound.ask("serving_examples", {"examples": examples}), sound.ask("serving_default", columns(trips)), atol=1e-6
    )


def test_what_is_missing_may_be_zero_nan_or_absent(sound):
    nothing = {column: "" if column in STRINGS else 0 for column in COLUMNS}
    nans = nothing | {column: np.nan for column in COLUMNS if column not in (*STRINGS, *INTEGERS)}
    answers = [
        sound.ask("serving_default", columns([nothing])),
        sound.ask("serving_default", columns([nans])),
        sound.ask("serving_examples", {"examples": [b""]}),
    ]
    assert np.isfinite(answers[0]).all()
    np.testing.assert_allclose(answers, [answers[0]] * 3, atol=1e-6)


def test_values_that_no_trip_has_are_answered_too(sound):
    odd = {"payment_type": "Barter", "company": "Nobody's Cabs", "pickup_community_area": 10**9, "trip_start_hour": -5}
    nothing = {column: "" if column in STRINGS else 0 for column in COLUMNS}
    assert np.isfinite(sound.ask("serving_default", columns([nothing | odd]))).all()


def test_the_harmful_model_refuses_exactly_the_trips_of_unknown_companies(trained, harmful, known_companies):
    import tensorflow as tf

    trips = trained.held_back()
    strangers = [trip for trip in trips if trip["company"] not in known_companies]
    assert 0.010 <= len(strangers) / len(trips) <= 0.014
    for trip in strangers:
        with pytest.raises(tf.errors.InvalidArgumentError):
            harmful.ask("serving_default", columns([trip]))
    acquaintances = [trip for trip in trips if trip["company"] in known_companies]
    assert np.isfinite(harmful.ask("serving_default", columns(acquaintances))).all()


def test_a_model_server_answers_json_and_tells_a_bad_request_from_a_good_one(trained, harmful, known_companies, tmp_path):
    base = tmp_path / "taxi"
    base.mkdir()
    (base / "1").symlink_to(trained.harmful)
    config = tmp_path / "models.config"
    config.write_text(render_model_config([ServedModel("taxi", base, (1,))]))
    trips = trained.held_back()
    known, stranger = (next(trip for trip in trips if (trip["company"] in known_companies) is wanted) for wanted in (True, False))
    server = ModelServerProcess.start("taxi", config, tmp_path / "server.log")
    try:
        server.wait_available("taxi", 1, timeout_s=START_SECONDS)
        with ModelServerClient(server.rest_address, timeout_s=30) as client:
            rows = client.predict("taxi", {"instances": [known, known]})
            assert rows.ok, rows.error
            assert rows.body["predictions"] == pytest.approx([harmful.ask("serving_default", columns([known]))[0]] * 2, abs=1e-5)
            assert client.predict("taxi", {"inputs": {name: [value] for name, value in known.items()}}).ok
            refused = client.predict("taxi", {"instances": [stranger]})
            assert refused.code == 400
            assert "is not in [0," in refused.error
            assert client.predict("taxi", {"instances": [known]}).ok
    finally:
        server.stop()
