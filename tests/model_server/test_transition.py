from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.model_server.transition import Load, State, Tracked, Unload, next_action


def test_the_highest_wanted_version_is_loaded_first():
    assert next_action([Tracked(1, True, State.START), Tracked(3, True, State.START)]) == Load(3)


def test_a_version_leaves_only_after_its_successor_is_available():
    old = Tracked(1, False, State.AVAILABLE)
    assert next_action([old, Tracked(2, True, State.START)]) == Load(2)
    assert next_action([old, Tracked(2, True, State.LOADING)]) is None
    assert next_action([old, Tracked(2, True, State.AVAILABLE)]) == Unload(1)


def test_an_old_version_keeps_serving_when_its_successor_fails():
    assert next_action([Tracked(1, False, State.AVAILABLE), Tracked(2, True, State.END)]) is None


def test_a_model_that_is_no_longer_wanted_leaves_lowest_first():
    assert next_action([Tracked(2, False, State.AVAILABLE), Tracked(1, False, State.AVAILABLE)]) == Unload(1)


def test_of_several_unwanted_versions_only_one_has_to_stay():
    versions = [Tracked(1, False, State.AVAILABLE), Tracked(2, False, State.AVAILABLE), Tracked(3, True, State.LOADING)]
    assert next_action(versions) == Unload(1)


def test_nothing_is_loaded_twice():
    assert next_action([Tracked(1, True, State.END), Tracked(2, True, State.LOADING)]) is None


@given(st.dictionaries(st.integers(1, 6), st.tuples(st.booleans(), st.sampled_from([State.START, State.AVAILABLE]))), st.data())
def test_from_any_state_the_model_settles_without_a_gap_in_service(start, data):
    """Carrying the actions out one by one ends with exactly the wanted versions, and a model that answered goes on to."""
    versions = {number: Tracked(number, aspired, state) for number, (aspired, state) in start.items()}
    wanted = {n for n, v in versions.items() if v.aspired}
    answered = any(v.state is State.AVAILABLE for v in versions.values())
    for _ in range(3 * len(versions) + 1):
        action = next_action(versions.values())
        if action is None:
            break
        now = State.AVAILABLE if isinstance(action, Load) else State.END
        versions[action.version] = Tracked(action.version, versions[action.version].aspired, now)
        if wanted and answered:
            assert any(v.state is State.AVAILABLE for v in versions.values())
    assert {n for n, v in versions.items() if v.state is State.AVAILABLE} == wanted
