"""A step's report as one plain page that needs no network: what was found, why, and a table of what it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{{ title }}: {{ verdict }}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem; color: #1a1a1a; }
h1 { font-size: 1.4rem; }
.good { color: #1a6b33; } .bad { color: #a3201b; } .plain { color: #555; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #ddd; }
td { overflow-wrap: anywhere; }
</style>
</head>
<body>
<h1>{{ title }}: <span class="{{ tone }}">{{ {"good": "✓", "bad": "✗", "plain": "·"}[tone] }} {{ verdict }}</span></h1>
<p>{{ reason }}</p>
{%- if rows %}
<table>
<tr>{% for head in heads %}<th>{{ head }}</th>{% endfor %}</tr>
{%- for row in rows %}
<tr>{% for cell in row.cells %}<td>{{ cell }}</td>{% endfor %}<td class="{{ row.tone }}">{{ row.said }}</td></tr>
{%- endfor %}
</table>
{%- endif %}
</body>
</html>
"""


@dataclass(frozen=True)
class Row:
    """A line of the table; what was `said` comes last, in green (`good`), red or, where it says neither, grey."""

    cells: tuple[str, ...]
    said: str
    good: bool | None

    @property
    def tone(self) -> str:
        """The style of what was said."""
        return "plain" if self.good is None else "good" if self.good else "bad"


def render_page(
    title: str, verdict: str, good: bool | None, reason: str, heads: Sequence[str] = (), rows: Sequence[Row] = ()
) -> str:
    """The page; `heads` name the cells of the rows, and what was said."""
    import jinja2

    template = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined).from_string(_TEMPLATE)
    tone = Row((), "", good).tone
    return template.render(title=title, verdict=verdict, tone=tone, reason=reason, heads=heads, rows=rows)
