"""The report of a rollout: one document, from the journal's records alone, as JSON, as text and as a page."""

from tfx_rollout.rollout.report.document import SCHEMA, build_report, outcome
from tfx_rollout.rollout.report.page import render_html
from tfx_rollout.rollout.report.text import render_text

__all__ = ["SCHEMA", "build_report", "outcome", "render_html", "render_text"]
