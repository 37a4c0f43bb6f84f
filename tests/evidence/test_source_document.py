from __future__ import annotations

import pytest
import yaml

from tfx_rollout.errors import InvalidInput, InvalidPlan
from tfx_rollout.evidence.needs import EvidenceNeeds
from tfx_rollout.evidence.prometheus import PrometheusSource, TrackSelectors
from tfx_rollout.evidence.source_document import read_sources, source_of
from tfx_rollout.traffic import Track

NEEDS = EvidenceNeeds("taxi", began=0, judged_until=0)
TRACK = {"requests": "r", "failures": "f"}
TAXI = {"url": "http://prometheus:9090", "up": "up", "scrape_seconds": 5, "tracks": {"stable": TRACK, "canary": TRACK}}


@pytest.fixture
def write(tmp_path):
    def write(document):
        path = tmp_path / "evidence.yaml"
        path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
        return path

    return write


def test_without_a_file_or_the_models_name_in_it_the_access_log_is_the_source(tmp_path, write):
    assert source_of(tmp_path / "missing.yaml", NEEDS) is None
    assert source_of(write(""), NEEDS) is None
    assert source_of(write({"prometheus": {"cab": TAXI}}), NEEDS) is None


def test_a_model_that_is_named_has_its_counts_from_prometheus(write):
    path = write({"prometheus": {"taxi": TAXI}})
    assert isinstance(source_of(path, NEEDS), PrometheusSource)
    settings = read_sources(path).prometheus["taxi"].settings()
    assert (settings.url, settings.scrape_s, settings.latency_unit) == ("http://prometheus:9090", 5, "seconds")
    assert settings.tracks == {Track.STABLE: TrackSelectors("r", "f"), Track.CANARY: TrackSelectors("r", "f")}


def test_all_faults_of_the_file_are_told_at_once_with_their_places(write):
    path = write({"prometheus": {"taxi": {**TAXI, "url": "prometheus", "scrape": 5, "tracks": {"stable": TRACK}}}})
    with pytest.raises(InvalidPlan) as error:
        source_of(path, NEEDS)
    for place in ("taxi.url", "taxi.scrape:", "taxi.tracks.canary"):
        assert place in str(error.value)
    with pytest.raises(InvalidPlan, match="not YAML"):
        source_of(write("prometheus: ["), NEEDS)


def test_users_are_not_asked_of_a_source_that_knows_none(write):
    path = write({"prometheus": {"taxi": TAXI}})
    with pytest.raises(InvalidInput, match="cannot count the users"):
        source_of(path, EvidenceNeeds("taxi", began=0, judged_until=0, unit="user"))
