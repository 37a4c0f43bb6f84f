"""A jump of the wall clock is seen, and told."""

from __future__ import annotations

from tfx_rollout.rollout.clock import JumpWatch, jump_in_words


def test_a_jump_is_what_the_clocks_do_not_agree_on():
    watch = JumpWatch()
    assert watch.jump(100.0, 5.0) == 0.0
    assert watch.jump(160.0, 65.0) == 0.0
    assert watch.jump(260.9, 165.0) == 0.0
    assert watch.jump(3860.9, 166.0) == 3599.0
    assert watch.jump(860.9, 167.0) == -3001.0
    assert watch.jump(861.9, 168.0) == 0.0


def test_a_jump_is_told_by_its_way_and_its_length():
    assert jump_in_words(3599.04) == "The clock jumped forward by 3599.0 s"
    assert jump_in_words(-40.0) == "The clock jumped back by 40.0 s"
