"""Metrics against requirements: a yes, a no, and what can be neither."""

from __future__ import annotations

import pytest

from tfx_rollout.errors import CorruptState, InvalidInput, InvalidPlan
from tfx_rollout.steps import evidence_of_metrics, parse_requirements, read_metrics


def evidence(text: str, **metrics: object):
    return evidence_of_metrics(metrics, parse_requirements(text), "sha256:model", "metrics.json")


@pytest.mark.parametrize(
    ("text", "passed"),
    [
        ("accuracy>=0.9", True),
        ("accuracy > 0.9", False),
        ("accuracy<=0.9, loss<1e0", True),
        ("accuracy>=0.5,loss>=0.5", False),
        ("count>=3", True),
    ],
)
def test_every_requirement_has_to_hold(text, passed):
    assert evidence(text, accuracy=0.9, loss=0.4, count=3).passed is passed


def test_what_is_broken_is_told_with_both_numbers():
    assert evidence("accuracy>=0.95, loss<0.5", accuracy=0.9, loss=0.7).reason == (
        "accuracy is 0.9, required is accuracy >= 0.95; loss is 0.7, required is loss < 0.5"
    )


def test_no_number_keeps_no_bound():
    assert evidence("accuracy>=0", accuracy=float("nan")).passed is False
    assert evidence("loss<=1", loss=float("nan")).passed is False


def test_metrics_are_about_the_model_unless_they_name_another_one():
    assert evidence("a>0", a=1).digest == "sha256:model"
    assert evidence("a>0", a=1, digest="sha256:other").digest == "sha256:other"


def test_every_metric_that_is_not_there_is_named():
    with pytest.raises(InvalidPlan) as refused:
        evidence("auc>0.5, f1>0.5, accuracy>0", accuracy=0.9, f1="high", good=True)
    assert len(refused.value.faults) == 2
    assert refused.value.faults[0] == "auc > 0.5: the metric auc is not there (there: accuracy)"


@pytest.mark.parametrize("text", ["accuracy", "accuracy=0.9", ">=0.9", "accuracy>=high", "accuracy>=", "a>>1"])
def test_what_is_no_requirement_is_refused(text):
    with pytest.raises(InvalidInput, match="is no requirement"):
        parse_requirements(text)


def test_no_text_is_no_requirement_at_all():
    assert parse_requirements("") == parse_requirements(" , ") == []


def test_metrics_come_from_a_file_or_from_what_is_written_on_an_artifact(tmp_path):
    file = tmp_path / "metrics.json"
    assert read_metrics(file, {"accuracy": 0.8}) == {"accuracy": 0.8}
    file.write_text('{"accuracy": 0.9}')
    assert read_metrics(file, {"accuracy": 0.8, "loss": 1}) == {"accuracy": 0.9, "loss": 1}
    with pytest.raises(InvalidInput, match="There are no metrics at"):
        read_metrics(tmp_path / "nope.json", {})
    file.write_text("accuracy 0.9")
    with pytest.raises(CorruptState, match="it is not JSON"):
        read_metrics(file, {})
