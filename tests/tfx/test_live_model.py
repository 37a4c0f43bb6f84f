"""The version that is live is the baseline; where none is, the pipeline still runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tfx_rollout.errors import InvalidInput
from tfx_rollout.traffic import Label

pytestmark = pytest.mark.integration


@pytest.fixture
def look(bench, serving):
    from tfx.types import standard_artifacts as standard

    from tfx_rollout.tfx.live_model import Executor

    def look(local: bool = True, **inputs):
        outputs = {"model": bench.artifact(standard.Model), "blessing": bench.artifact(standard.ModelBlessing)}
        return bench.run(Executor, inputs, outputs, local=local, serving=serving)

    return look


def test_the_stable_version_comes_as_a_blessed_model_in_the_trainers_layout(bench, look):
    published = bench.base.publish(bench.testdata / "trainer/keras/Format-Serving")
    state = bench.base.desired()
    bench.base.write_desired(state.change(versions=(1,), labels={Label.STABLE: 1}), expected=0)
    found = look()
    model, blessing = found["model"][0], found["blessing"][0]
    assert (Path(model.uri) / "Format-Serving" / "saved_model.pb").is_file()
    assert model.get_int_custom_property("live") == 1
    assert model.get_string_custom_property("pushed_version") == "1"
    assert model.get_string_custom_property("digest") == published.digest
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_string_custom_property("current_model") == model.uri
    assert blessing.get_int_custom_property("current_model_id") == model.id
    assert (Path(blessing.uri) / "BLESSED").is_file()


def test_a_pushed_version_that_is_not_live_is_no_baseline(bench, look):
    bench.base.publish(bench.testdata / "trainer/keras/Format-Serving")
    assert look() == {"model": [], "blessing": []}


def test_with_a_fallback_the_candidate_stands_in_and_is_marked_as_not_live(bench, look):
    found = look(local=False, fallback=bench.model())
    model, blessing = found["model"][0], found["blessing"][0]
    assert (Path(model.uri) / "Format-Serving" / "saved_model.pb").is_file()
    assert model.has_custom_property("live")
    assert model.get_int_custom_property("live") == 0
    assert blessing.get_int_custom_property("blessed") == 0
    assert (Path(blessing.uri) / "NOT_BLESSED").is_file()


def test_a_runner_that_needs_every_output_is_told_to_connect_a_fallback(look):
    with pytest.raises(InvalidInput, match="connect fallback"):
        look(local=False)
