from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from tfx_rollout.metrics.monitoring import FOLDER

DOCS = Path(__file__).parents[3] / "docs" / "monitoring.md"
needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="promtool is not installed")


def load(name):
    return yaml.safe_load((FOLDER / name).read_text())


ALERTS = [rule for group in load("rules.yaml")["groups"] for rule in group["rules"] if "alert" in rule]
CASES = [case for test in load("rules_test.yaml")["tests"] for case in test.get("alert_rule_test", ())]


def promtool(*arguments):
    done = subprocess.run(["promtool", *arguments], cwd=FOLDER, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_the_rules_are_valid():
    promtool("check", "rules", "rules.yaml")


@needs_promtool
def test_the_rules_do_what_their_unit_tests_say():
    promtool("test", "rules", "rules_test.yaml")


@needs_promtool
def test_the_part_for_prometheus_own_configuration_is_valid():
    promtool("check", "config", "--syntax-only", "scrape.yaml")


@pytest.mark.parametrize("alert", [rule["alert"] for rule in ALERTS])
def test_every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not(alert):
    expected = [case["exp_alerts"] for case in CASES if case["alertname"] == alert]
    assert any(expected)
    assert not all(expected)


@pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: rule["alert"])
def test_every_alert_says_what_it_means_and_where_to_read_on(rule):
    assert rule["labels"]["severity"] in {"critical", "warning", "info"}
    assert rule["annotations"]["summary"].endswith(".")
    assert rule["annotations"]["description"].endswith(".")
    page, anchor = rule["annotations"]["runbook_url"].split("#")
    assert page == "docs/monitoring.md"
    headings = re.findall(r"^#+ (.+)$", DOCS.read_text(), re.MULTILINE)
    assert anchor == rule["alert"].lower()
    assert rule["alert"] in headings
