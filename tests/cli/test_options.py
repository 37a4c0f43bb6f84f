"""What people say for the record is one line of text, before anything is written."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from tfx_rollout.cli.options import by_and_why_options
from tfx_rollout.cli.place import asker


@click.command()
@by_and_why_options
def said(by: str, why: str) -> None:
    click.echo(f"{by}: {why}")


def test_a_reason_becomes_one_line():
    answer = CliRunner().invoke(said, ["--by", "ann ", "--why", " of many\n\tlines "])
    assert (answer.exit_code, answer.output) == (0, "ann: of many lines\n")


@pytest.mark.parametrize("option", ["--by", "--why"])
@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("", "it has 0 characters"),
        ("x" * 1001, "it has 1001 characters"),
        ("a\x1b[31m", r"a\x1b[31m has characters that are no text"),
        ("a\udcff", r"a\udcff has characters that are no text"),
    ],
)
def test_what_would_spoil_the_record_is_refused(option: str, given: str, fault: str):
    answer = CliRunner().invoke(said, [option, given])
    assert answer.exit_code == 2
    assert fault in answer.output


def test_the_users_name_is_text_whatever_the_system_says(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ann\udcff\n")
    assert asker() == r"ann\udcff"
