from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.supervisor.server_config import read_spec, write_spec
from tfx_rollout.traffic import Label, ServerSpec

NAMES = st.sampled_from(Label) | st.from_regex(r"[a-z0-9][a-z0-9_.-]{0,62}", fullmatch=True)


@given(st.sets(st.integers(1), min_size=1, max_size=4), st.data())
def test_a_configuration_is_read_as_it_was_written_with_labels_of_any_name(tmp_path_factory, versions, data):
    file = tmp_path_factory.mktemp("models") / "m.config"
    labels = data.draw(st.dictionaries(NAMES, st.sampled_from(sorted(versions)), max_size=4))
    spec = ServerSpec(tuple(versions), labels)
    write_spec(file, "m", file.parent / "m", spec)
    assert read_spec(file) == spec


def test_where_there_is_no_file_nothing_is_configured(tmp_path):
    assert read_spec(tmp_path / "m.config") == ServerSpec()
