import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.model_server.aspired import aspired_versions, version_number
from tfx_rollout.model_server.model_config import AllVersions, Latest, Specific


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("7", 7),
        ("00000123", 123),
        ("-1", -1),
        ("+5", 5),
        ("tmp-5", None),
        ("5.tmp", None),
        (".5", None),
        ("", None),
        ("1_0", None),
        ("9" * 19, None),
        ("٣", None),
    ],
)
def test_a_version_is_a_name_that_reads_as_an_int64(name, number):
    assert version_number(name) == number


def test_latest_takes_the_highest_versions_by_number_not_by_text():
    assert aspired_versions("m", "/m", Latest(2), ["9", "10", "8", ".staging"]).versions == {10: "10", 9: "9"}


def test_specific_takes_what_is_there_and_warns_about_the_rest():
    aspired = aspired_versions("m", "/m", Specific(frozenset({1, 2})), ["002", "3"])
    assert aspired.versions == {2: "002"}
    assert "Version 1 of servable m" in aspired.warnings[0]


def test_specific_without_versions_unloads_everything_with_a_warning():
    aspired = aspired_versions("m", "/m", Specific(), ["1"])
    assert aspired.versions == {}
    assert aspired.warnings == ("No specific versions requested for servable m.",)


def test_two_names_of_one_number_take_the_later_name():
    aspired = aspired_versions("m", "/m", AllVersions(), ["01", "1"])
    assert aspired.versions == {1: "1"}
    assert "Duplicate version directories" in aspired.warnings[0]


def test_an_empty_base_path_is_warned_about():
    assert "Did you forget to name your leaf directory" in aspired_versions("m", "/m", AllVersions(), ["tmp"]).warnings[0]


@given(st.sets(st.integers(0, 50)), st.integers(0, 5))
def test_latest_is_a_suffix_of_all(numbers, count):
    children = [str(n) for n in numbers]
    latest = aspired_versions("m", "/m", Latest(count), children).versions
    assert sorted(latest) == sorted(aspired_versions("m", "/m", AllVersions(), children).versions)[-max(count, 1) :]
