"""What somebody else wrote cannot move, colour or feign what a terminal shows."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from tfx_rollout.cli.plain_text import one_line, plain_json, plain_tree, spelt_out
from tfx_rollout.cli.tables import print_table, told
from tfx_rollout.control.documents import Difference

NASTY = "\x1b]0;title\x07\x1b[31mred\x9b1A\u202egnp\r\nfeigned\x00"
FORBIDDEN = {chr(n) for n in (*range(0x20), *range(0x7F, 0xA0), *range(0x202A, 0x202F), *range(0x2066, 0x206A))} - {"\n", "\t"}


@given(st.text(st.characters(exclude_categories=())))
def test_nothing_is_left_that_a_terminal_obeys(text):
    assert not FORBIDDEN & set(spelt_out(text))
    assert not (FORBIDDEN | {"\n", "\t"}) & set(one_line(text))
    spelt_out(text).encode()


def test_plain_text_stays_as_it_is():
    text = "Größe 5 × 7, „gut“ 👍\n\tline two"
    assert spelt_out(text) == text
    assert one_line(text) == "Größe 5 × 7, „gut“ 👍 line two"


@given(st.recursive(st.text(st.characters(exclude_categories=())), lambda inner: st.lists(inner, max_size=3)))
def test_json_says_the_same(document):
    told_plainly = plain_json(json.dumps(document, ensure_ascii=False))
    assert not FORBIDDEN & set(told_plainly)
    assert json.loads(told_plainly) == document


def test_documents_are_told_with_every_text_in_one_line():
    assert plain_tree({"a\n": [NASTY, 1, None, ("x\x1b",)]}) == {"a ": [one_line(NASTY), 1, None, ["x\\x1b"]]}


def test_tables_and_differences_show_it_spelt_out(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    print_table(f"taxi: {NASTY}", ("why",), [(NASTY,)])
    out = capsys.readouterr().out
    assert not FORBIDDEN & set(out)
    assert out.splitlines()[0].startswith("taxi: \\x1b]0;title\\x07\\x1b[31mred\\x9b1A\\u202egnp feigned\\x00")
    assert one_line(NASTY) in told(Difference(what="share", wanted="1", found="0", why=NASTY))
