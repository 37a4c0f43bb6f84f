from __future__ import annotations

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.serving import ServedModel, render_model_config, rendered_spec
from tfx_rollout.serving.model_config import quoted


def test_every_version_is_named_and_the_policy_is_specific():
    text = render_model_config([ServedModel("taxi", Path("/srv/taxi"), (3, 1), {"stable": 1, "canary": 3})])
    assert text == (
        "model_config_list {\n"
        "  config {\n"
        '    name: "taxi"\n'
        '    base_path: "/srv/taxi"\n'
        '    model_platform: "tensorflow"\n'
        "    model_version_policy {\n"
        "      specific {\n"
        "        versions: 1\n"
        "        versions: 3\n"
        "      }\n"
        "    }\n"
        '    version_labels { key: "canary" value: 3 }\n'
        '    version_labels { key: "stable" value: 1 }\n'
        "  }\n"
        "}\n"
    )


def test_a_model_without_versions_is_left_out():
    assert render_model_config([ServedModel("taxi", Path("/srv/taxi"), ())]) == "model_config_list {\n}\n"


def test_a_relative_base_path_becomes_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert f'base_path: "{tmp_path}/taxi"' in render_model_config([ServedModel("taxi", Path("taxi"), (1,))])


def test_quotes_backslashes_newlines_and_other_alphabets_are_escaped():
    assert quoted('a"b\\c\nd') == r'"a\"b\\c\012d"'
    assert quoted("é") == r'"\303\251"'


@given(
    st.sets(st.integers(1, 2**63 - 1), min_size=1, max_size=4),
    st.dictionaries(st.sampled_from(["stable", "canary", "previous"]), st.integers(1, 2**63 - 1)),
)
def test_versions_and_labels_are_read_back_from_what_was_rendered(versions, labels):
    model = ServedModel('odd "name"\n', Path("/models/x versions: 7"), tuple(sorted(versions)), labels)
    assert rendered_spec(render_model_config([model])) == (tuple(sorted(versions)), labels)
