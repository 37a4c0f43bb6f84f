from __future__ import annotations

import itertools
import json

from tfx_rollout.metrics.monitoring.board import FILE, board, render

PANELS = [panel for panel in board()["panels"] if panel["type"] != "row"]


def test_the_file_is_what_the_description_gives():
    assert FILE.read_text() == render(), "write it anew: python -m tfx_rollout.metrics.monitoring.board"


def test_ids_are_unique_and_no_two_panels_overlap():
    panels = board()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = [
        {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        for at in (panel["gridPos"] for panel in panels)
    ]
    assert all(one.isdisjoint(other) for one, other in itertools.combinations(taken, 2))
    assert all(x < 24 for cells in taken for x, _ in cells)


def test_every_query_goes_to_the_chosen_prometheus_and_those_of_models_to_the_chosen_models():
    for panel in PANELS:
        assert panel["description"].endswith(".")
        for target in panel["targets"]:
            assert target["datasource"]["uid"] == "${datasource}"
            of_root = ("tfx_rollout_supervisor_up", "tfx_rollout_access_log", "process_")
            assert '"$model"' in target["expr"] or any(name in target["expr"] for name in of_root)


def test_the_variables_choose_data_source_and_models():
    variables = {variable["name"]: variable["type"] for variable in json.loads(FILE.read_text())["templating"]["list"]}
    assert variables == {"datasource": "datasource", "model": "query"}
