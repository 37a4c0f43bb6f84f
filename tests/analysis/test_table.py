from __future__ import annotations

import json

import numpy as np
import pytest

from tfx_rollout.analysis import Table


@pytest.mark.parametrize("counts", [(3, 2, 0, 1), (0, 1, 5, 4), (-1, 1, 0, 1)])
def test_impossible_counts_are_refused(counts):
    with pytest.raises(ValueError, match="more bad events than requests"):
        Table(*counts)


def test_a_table_is_an_array_of_four_counts_and_back():
    table = Table(1, 20, 3, 400)
    assert table.to_array().tolist() == [1, 20, 3, 400]
    assert table.to_array().dtype == np.int64
    assert Table.of(table.to_array()) == table


def test_a_table_of_an_array_is_made_of_plain_numbers():
    assert json.loads(json.dumps(Table.of(np.array([1, 20, 3, 400])).to_json())) == Table(1, 20, 3, 400).to_json()


def test_tables_add_up_cell_by_cell():
    total = Table(1, 20, 3, 400) + Table(0, 5, 1, 10)
    assert total == Table(1, 25, 4, 410)
    assert (total.bad, total.requests) == (5, 435)
