from __future__ import annotations

from tfx_rollout.supervisor.load_failures import load_failures

LOG = """
E external/server_core.cc: Loading servable: {name: m version: 3} failed: Not found: no graph
Failed to start server. Error: Unknown: 2 servable(s) did not become available: {{name: m version: 3} due to error: \
Not found: no graph, }, {{name: other version: 4} due to error: it is broken, }
"""


def test_the_log_tells_which_versions_of_a_model_did_not_load_and_why():
    assert load_failures(LOG, "m") == {3: "Not found: no graph"}
    assert load_failures(LOG, "other") == {4: "it is broken"}
    assert load_failures("", "m") == {}
