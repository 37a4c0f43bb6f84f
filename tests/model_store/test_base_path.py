from __future__ import annotations

import pytest

from tfx_rollout.errors import Busy, Conflict, CorruptState, InvalidState, NotFound, StaleGeneration
from tfx_rollout.model_store import BasePath, ModelStore
from tfx_rollout.traffic import Cause, DesiredState, Label, ObservedState, ServerObservation, Split, VersionState


@pytest.fixture
def three(base: BasePath, make_model) -> BasePath:
    """A base path with versions 1, 2 and 3."""
    for seed in (1, 2, 3):
        base.publish(make_model(seed))
    return base


def stable(version: int, why: str = "a test") -> DesiredState:
    return DesiredState("taxi", versions=(version,), labels={Label.STABLE: version}, cause=Cause("test", why, 5.0))


def test_nothing_was_asked_for_at_first_and_reading_makes_nothing(base: BasePath):
    assert base.desired() == DesiredState("taxi")
    assert base.observed() is None
    assert base.history() == []
    assert base.versions() == []
    assert base.manifest(1) is None
    assert not base.path.exists()


def test_a_desired_state_is_written_at_the_next_generation(three: BasePath):
    state = DesiredState(
        "taxi",
        versions=(1, 2),
        labels={Label.STABLE: 1, Label.CANARY: 2},
        split=Split.of(0.25),
        cause=Cause("me", "because", 3.0, "r1"),
    )
    written = three.write_desired(state, expected=0)
    assert written == state.change(generation=1)
    assert three.desired() == written
    assert three.write_desired(written, expected=1).generation == 2


def test_a_writer_that_read_an_older_state_is_told_so(three: BasePath):
    three.write_desired(stable(1), expected=0)
    for expected in (0, 2):
        with pytest.raises(StaleGeneration) as caught:
            three.write_desired(stable(2), expected=expected)
        assert (caught.value.expected, caught.value.found) == (expected, 1)
    assert three.desired().stable == 1
    assert len(three.history()) == 1


def test_a_state_may_not_add_a_version_that_is_not_there(three: BasePath):
    with pytest.raises(NotFound, match="version 9"):
        three.write_desired(stable(9), expected=0)
    assert three.desired().generation == 0


def test_a_state_may_keep_a_version_that_was_lost(three: BasePath):
    canary = DesiredState("taxi", versions=(1, 2), labels={Label.STABLE: 1, Label.CANARY: 2}, split=Split.of(0.5))
    three.write_desired(canary, expected=0)
    (three.path / "2").rename(three.store.root / "lost")
    assert three.write_desired(canary.change(split=Split()), expected=1).generation == 2


def test_a_state_of_another_model_is_refused(three: BasePath):
    with pytest.raises(InvalidState):
        three.write_desired(DesiredState("bus"), expected=0)
    with pytest.raises(InvalidState):
        three.write_observed(ObservedState("bus"))


@pytest.mark.parametrize("line", ["{}", '{"event": "else"}', '{"event": ["desired"]}'])
def test_a_history_of_something_else_is_told(three: BasePath, line: str):
    three.write_desired(stable(1), expected=0)
    with (three.control / "history.jsonl").open("a") as file:
        file.write(line + "\n")
    with pytest.raises(CorruptState, match="a line is no event"):
        three.history()


def test_the_history_tells_every_state_and_when_it_was_applied(three: BasePath):
    three.write_desired(stable(1, "first"), expected=0)
    three.write_observed(ObservedState("taxi", generation=0, step="starting"))
    three.write_observed(ObservedState("taxi", generation=1))
    three.write_observed(ObservedState("taxi", generation=1, at=7.0))
    three.write_desired(stable(2, "second"), expected=1)
    three.remove_version(3)
    events = three.history()
    assert [(e["event"], e.get("generation")) for e in events] == [
        ("desired", 1),
        ("applied", 1),
        ("desired", 2),
        ("removed", None),
    ]
    assert DesiredState.from_json(events[0]) == stable(1, "first").change(generation=1)
    assert events[3]["version"] == 3
    assert sorted(e["at"] for e in events) == [e["at"] for e in events]


def test_the_observed_state_reads_back(three: BasePath):
    server = ServerObservation("taxi", ready=True, pid=7, versions={1: VersionState.AVAILABLE}, errors={2: "broken"})
    state = ObservedState("taxi", generation=4, servers=(server,), split=Split.of(0.1), gateway_address="localhost:80", at=1.5)
    three.write_observed(state)
    assert three.observed() == state


@pytest.mark.parametrize(
    "content", ["{}", '{"schema": 99}', "[]", "", '{"schema":1,"model":"taxi","generation":1,"versions":[]}']
)
def test_a_control_file_that_was_tampered_with_is_corrupt_and_named(base: BasePath, content: str):
    base.create()
    for name, read in (("desired.json", base.desired), ("observed.json", base.observed)):
        (base.control / name).write_text(content)
        with pytest.raises(CorruptState, match=name):
            read()


def test_a_desired_state_on_disk_that_contradicts_itself_is_corrupt(three: BasePath):
    three.write_desired(stable(1), expected=0)
    path = three.control / "desired.json"
    path.write_text(path.read_text().replace('"stable": 1', '"stable": 2'))
    with pytest.raises(CorruptState):
        three.desired()


def test_a_version_is_removed_with_its_manifest_and_its_number_is_not_used_again(three: BasePath, make_model, tmp_path):
    three.remove_version(3)
    assert three.versions() == [1, 2]
    assert three.manifest(3) is None
    assert list((three.path / ".staging").iterdir()) == []
    assert sorted(file.name for file in (three.control / "versions").iterdir()) == ["1.json", "2.json"]
    assert three.publish(make_model(3, at=tmp_path / "again")).version == 4


def test_a_version_that_is_not_there_is_not_removed_and_nothing_is_made(base: BasePath):
    with pytest.raises(NotFound, match="version 3"):
        base.remove_version(3)
    assert not base.path.exists()


def test_a_version_that_is_wanted_or_served_is_not_removed(three: BasePath):
    three.write_desired(DesiredState("taxi", versions=(1, 2), labels={Label.STABLE: 1}), expected=0)
    server = ServerObservation("taxi", versions={3: VersionState.UNLOADING, 2: VersionState.END})
    three.write_observed(ObservedState("taxi", servers=(server,)))
    for version, use in ((1, "label stable"), (2, "the desired state"), (3, "model server taxi")):
        with pytest.raises(Conflict, match=use):
            three.remove_version(version)
    pinned = DesiredState("taxi", versions=(1, 2, 3), labels={Label.STABLE: 1}, pinned=(3,), aliases={"eu": 2})
    three.write_desired(pinned, expected=1)
    with pytest.raises(Conflict, match=r"in use \(a pin, model server taxi\) and was not removed; unpin it, take it out"):
        three.remove_version(3)
    with pytest.raises(Conflict, match=r"in use \(alias eu\) and was not removed; take it out"):
        three.remove_version(2)
    assert three.versions() == [1, 2, 3]
    three.write_desired(stable(1), expected=2)
    three.write_observed(ObservedState("taxi", servers=(ServerObservation("taxi", versions={3: VersionState.END}),)))
    three.remove_version(3)


def test_changes_wait_for_the_lock_and_reading_does_not(three: BasePath):
    other = ModelStore(three.store.root).model("taxi")
    with three.lock():
        three.write_desired(stable(1), expected=0)
        assert other.desired().generation == 1
        assert other.versions() == [1, 2, 3]
        with pytest.raises(Busy), other.lock(timeout=0):
            pass
    with other.lock(timeout=0):
        pass


def test_unknown_versions_are_named_with_those_that_are_there(three: BasePath):
    with pytest.raises(NotFound) as caught:
        three.version_path(7)
    assert str(caught.value) == f"There is no version 7 in the base path {three.path}; known: 1, 2, 3."
