"""The report of an A/B test: one document, from the journal's records alone, as JSON, as text and as a page."""

from tfx_rollout.experiment.report.document import SCHEMA, build_experiment_report, experiment_outcome
from tfx_rollout.experiment.report.page import render_experiment_html
from tfx_rollout.experiment.report.text import render_experiment_text

__all__ = ["SCHEMA", "build_experiment_report", "experiment_outcome", "render_experiment_html", "render_experiment_text"]
