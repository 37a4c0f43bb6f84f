from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.errors import CorruptState
from tfx_rollout.supervisor.gateway_config import ModelTraffic
from tfx_rollout.supervisor.traffic_record import Told, TrafficRecord, read_record, write_record
from tfx_rollout.traffic import VARIANTS, Label, Route, Split, Sticky, Track

TRAFFIC = st.builds(
    ModelTraffic,
    split=st.builds(Split, st.integers(0, 5_000), st.dictionaries(st.sampled_from(VARIANTS), st.integers(0, 1_000))),
    routes=st.dictionaries(st.sampled_from(Track), st.builds(Route, st.text(), st.sampled_from(Label))),
    mirror=st.integers(0, 10_000),
    sticky=st.none() | st.builds(Sticky, st.text(), st.text()),
    numbers=st.dictionaries(st.sampled_from(Track), st.integers(1)),
)
TOLD = st.builds(
    Told,
    st.dictionaries(st.text(), TRAFFIC, max_size=3),
    st.dictionaries(st.text(), st.tuples(st.text(), st.integers(1, 65535), st.integers(1, 65535)), max_size=3),
    st.dictionaries(st.text(), st.floats(0, 1e10), max_size=3),
)


@given(st.builds(TrafficRecord, TOLD, st.none() | TOLD))
def test_what_is_written_is_read(tmp_path_factory, record):
    path = tmp_path_factory.mktemp("record") / "traffic.json"
    write_record(path, record)
    assert read_record(path) == record


def test_where_there_is_none_nothing_was_told(tmp_path):
    assert read_record(tmp_path / "traffic.json") == TrafficRecord()


def test_a_record_of_before_all_tracks_had_numbers_is_read(tmp_path):
    route = {"server": "m", "label": "stable"}
    traffic = {"split": {"stable": 10_000, "canary": 0}, "routes": {"stable": route}, "mirror": 0, "sticky": None}
    told = {"traffic": {"m": {**traffic, "canary_version": None}}, "addresses": {"m": ["127.0.0.1", 1, 2]}, "since": {"m": 5.0}}
    (tmp_path / "traffic.json").write_text(json.dumps({"schema": 1, "in_force": told, "offered": None}))
    expected = ModelTraffic(routes={Track.STABLE: Route("m", Label.STABLE)})
    assert read_record(tmp_path / "traffic.json").in_force.traffic == {"m": expected}


@pytest.mark.parametrize("document", [{}, {"schema": 2}, {"schema": 1, "in_force": {}, "offered": None}])
def test_another_document_is_refused(tmp_path, document):
    (tmp_path / "traffic.json").write_text(json.dumps(document))
    with pytest.raises(CorruptState, match="not what this version"):
        read_record(tmp_path / "traffic.json")
