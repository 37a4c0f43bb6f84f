"""What watches a root from outside: files for Prometheus and Grafana.

    scrape.yaml       how Prometheus gets the metrics
    rules.yaml        recording and alerting rules
    rules_test.yaml   their unit tests, for `promtool test rules`
    board.json        a Grafana board, made by `board`

`docs/monitoring.md` tells how to use them.
"""

from pathlib import Path

FOLDER = Path(__file__).parent
"""Where the files lie."""
