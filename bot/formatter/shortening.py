"""Making a text fit: at a sentence, else at a word, else between graphemes."""

from __future__ import annotations

import regex

from bot.domain.messages import utf16_length

from .cleaning import balanced, from_first_word, has_words
from .sentences import ends

ELLIPSIS = "…"

_GRAPHEME = regex.compile(r"\X")
_ADDRESS = regex.compile(r"https?://\S*$", regex.IGNORECASE)
_AHEAD = 64
_TRAILING = " ,;:،؛、–—-"


def shorten(text: str, limit: int, *, language: str = "") -> str:
    """Return *text*, or a beginning of it and “…”, within *limit* UTF-16 units.

    The cut is made at the end of a sentence or else a word, where that leaves at
    least half of what there is room for; otherwise between two graphemes; inside one
    only where it is longer than the limit. A web address is never cut while
    something stands before it. A text whose words begin later than that begins at
    its first word. Otherwise only the part that fits is looked at, so that a text of
    any length costs the same.
    """
    if utf16_length(text[: limit + 1]) <= limit:
        return text
    room = limit - 1
    if room < 1:
        return ELLIPSIS[:limit]
    head = _first_units(text, room)
    if not has_words(head) and (said := from_first_word(text)) != text:
        return shorten(said, limit, language=language)
    half = len(head) // 2
    # a little more, to see what follows the last sentence or word that fits
    window = text[: len(head) + _AHEAD]
    sentence = max(
        (end for end in ends(window, language) if end <= len(head)), default=0
    )
    if sentence >= half and sentence:
        return balanced(head[:sentence]) + ELLIPSIS
    blank = window.rfind(" ", 0, len(head) + 1)
    address = _ADDRESS.search(head)
    if blank >= half or (blank > 0 and address and address.start() == blank + 1):
        head = head[:blank]
    else:
        head = _whole_graphemes(head, text)
    return (balanced(head).rstrip(_TRAILING) or head) + ELLIPSIS


def _first_units(text: str, units: int) -> str:
    """Return the longest beginning of *text* within so many UTF-16 *units*."""
    head = text[:units]
    while (over := utf16_length(head) - units) > 0:
        head = head[: -((over + 1) // 2)]
    return head


def _whole_graphemes(head: str, text: str) -> str:
    """Return *head*, a beginning of *text*, without the grapheme it cuts, if it can."""
    graphemes = _GRAPHEME.finditer(text[: len(head) + _AHEAD])
    last = max((end for g in graphemes if (end := g.end()) <= len(head)), default=0)
    return head[:last] if last else head
