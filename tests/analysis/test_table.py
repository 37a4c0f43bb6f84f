from __future__ import annotations

import numpy as np
import pytest

from tfx_rollout.analysis import Table


@pytest.mark.parametrize("counts", [(3, 2, 0, 1), (0, 1, 5, 4), (-1, 1, 0, 1)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="more bad events than requests"):
        Table(*counts)


def test_a_table_is_an_array_of_four_counts_for_the_tests():
    counts = Table(1, 20, 3, 400).to_array()
    assert counts.tolist() == [1, 20, 3, 400]
    assert counts.dtype == np.int64


def test_a_table_knows_the_requests_of_both_tracks():
    assert Table(1, 25, 4, 410).requests == 435
