"""Tables, as Markdown writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; a cell's own bars do not end it."""
    lines = [headings, ["---"] * len(headings), *rows]
    lines[1] = ["---"] * len(headings)
    return "\n".join(
        "|---" * len(headings) + "|"
        if place == 1
        else "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |"
        for place, line in enumerate(lines)
    )


def code(text: object) -> str:
    """Return *text* as code."""
    return f"`{text}`"
