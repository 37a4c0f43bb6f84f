"""Parts of a view, one under the other, and which of them to leave out where the terminal is low."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.text import Text


@dataclass(frozen=True)
class Section:
    """One part. Of several, those with the highest `rank` are left out first; rank 0 always stays."""

    name: str
    body: RenderableType
    rank: int = 0


@dataclass(frozen=True)
class Sections:
    """Parts with an empty line between where there is room, and as many as fit; the last line names what is left out."""

    parts: Sequence[Section]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        free = options.update(height=None)
        heights = {part.name: len(console.render_lines(part.body, free)) for part in self.parts}
        kept, left_out, gap = list(self.parts), list[str](), 1
        room = options.height
        while room is not None and sum(heights[part.name] for part in kept) + gap * (len(kept) - 1) + bool(left_out) > room:
            last = max(kept, key=lambda part: part.rank)
            if gap:
                gap = 0
            elif last.rank:
                kept.remove(last)
                left_out.append(last.name)
            else:
                break
        for number, part in enumerate(kept):
            if number and gap:
                yield Text("")
            yield part.body
        if left_out:
            yield Text(f"no room for: {', '.join(reversed(left_out))}", style="bright_black", overflow="ellipsis", no_wrap=True)
