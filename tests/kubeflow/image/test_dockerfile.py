"""A Dockerfile as data: everything that ours use is read, everything else is refused with its line."""

from __future__ import annotations

import pytest

from image.dockerfile import Copy, Run, stages
from tfx_rollout.errors import InvalidInput

TWO = """
# A comment
ARG BASE=python:3.13-slim-trixie
FROM ${BASE} AS builder
ARG TOOL=1
ENV A=one \\
    # within a continued line
    B="two words ${TOOL}"
WORKDIR /src
RUN make "$A" \\
    && make install
COPY x y ./

FROM ${BASE} AS runtime
ARG UID=10001
LABEL org.example.title="A thing"
COPY --from=builder /opt/thing /opt/thing
ENV PATH=/opt/thing/bin:/bin
USER ${UID}:${UID}
EXPOSE 8500
ENTRYPOINT ["thing"]
CMD ["--help"]
"""


def test_stages_are_read_with_their_variables_filled_in():
    builder, runtime = stages(TWO)
    assert (builder.name, builder.base) == ("builder", "python:3.13-slim-trixie")
    assert builder.environment == {"A": "one", "B": "two words 1"}
    run, copy = builder.steps
    assert run == Run('make "$A" && make install', {"TOOL": "1", "A": "one", "B": "two words 1"}, "0:0", "/src")
    assert copy == Copy(("x", "y"), "/src", None, True)
    assert runtime.steps == [Copy(("/opt/thing",), "/opt/thing", "builder", False)]
    assert (runtime.user, runtime.entrypoint, runtime.command, runtime.ports) == ("10001:10001", ("thing",), ("--help",), (8500,))
    assert runtime.labels == {"org.example.title": "A thing"}


def test_build_arguments_take_the_place_of_defaults_in_every_stage():
    builder, runtime = stages(TWO, {"BASE": "python:3.10-slim-bookworm", "UID": "7", "TOOL": "2"})
    assert (builder.base, runtime.base) == ("python:3.10-slim-bookworm",) * 2
    assert builder.environment["B"] == "two words 2"
    assert runtime.user == "7:7"


def test_an_argument_of_one_stage_is_unknown_in_the_next():
    with pytest.raises(InvalidInput, match=r"Line 4 .*declare TOOL by ARG or ENV"):
        stages("FROM a AS one\nARG TOOL=1\nFROM a AS two\nUSER ${TOOL}\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("RUN true\n", "Line 1 .*begin with FROM"),
        ("FROM a\nADD x y\n", "Line 2 .*leave it out, or teach it"),
        ("FROM a\nHEALTHCHECK CMD true\n", "Line 2 .*teach it"),
        ("FROM a\nRUN --mount=type=cache true\n", "Line 2 .*plain shell command"),
        ("FROM a\nCMD tfx-rollout --help\n", "signals reach the program"),
        ("FROM a\nCOPY --from=typo /x /x\n", "copy from one of the stages before it"),
        ("FROM a\nCOPY --chown=1 x /x\n", "leave out --chown"),
        ("FROM a\nCOPY x y z\n", "end the target with /"),
        ("FROM a\nENV A 1\n", "NAME=value"),
        ("FROM a\nRUN true \\\n", "goes on after its end"),
    ],
)
def test_what_is_not_followed_is_refused_with_its_line_and_the_mend(text: str, words: str):
    with pytest.raises(InvalidInput, match=words):
        stages(text)


def test_a_build_argument_that_nothing_declares_is_refused():
    with pytest.raises(InvalidInput, match="has no ARG TYPO; it has BASE, TOOL, UID"):
        stages(TWO, {"TYPO": "1"})
