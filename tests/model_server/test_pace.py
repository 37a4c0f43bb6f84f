from tfx_rollout.model_server.pace import CAUTION, FAST_S, STALL_S, Pace


def paced(*seconds: float) -> Pace:
    pace = Pace()
    for s in seconds:
        pace.add(s)
    return pace


def test_a_new_program_does_not_run_on_the_event_loop():
    assert not Pace().fast


def test_a_program_that_proves_fast_does():
    assert paced(*[20e-6] * 50).fast


def test_a_slow_program_stays_on_the_pool():
    assert not paced(*[2 * FAST_S] * 200).fast


def test_one_stall_keeps_a_fast_program_off_the_event_loop_for_long():
    stalled = [20e-6] * 50 + [STALL_S]
    assert not paced(*stalled, *[20e-6] * (CAUTION - 1)).fast
    assert paced(*stalled, *[20e-6] * CAUTION).fast
