"""A step's page: words as they are, and nothing that runs."""

from __future__ import annotations

from tfx_rollout.steps.page import Row, render_page


def test_a_page_says_verdict_reason_and_rows():
    page = render_page("Check", "blessed", True, "all is well", ("question", "answer"), [Row(("Is it?",), "no", False)])
    assert "<title>Check: blessed</title>" in page
    assert '<span class="good">✓ blessed</span>' in page
    assert "<th>question</th><th>answer</th>" in page
    assert '<td>Is it?</td><td class="bad">no</td>' in page


def test_what_a_model_says_of_itself_is_text_and_no_markup():
    page = render_page("Check", "not blessed", False, "<script>alert(1)</script>", ("a",), [Row((), "<b>", None)])
    assert "<script>" not in page
    assert "<b>" not in page
    assert "default-src 'none'" in page
