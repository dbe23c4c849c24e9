"""What a channel's renderer must know, and the fitting that is common to all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from bot.domain.messages import Markup, utf16_length

from .cleaning import from_first_word, has_words, turned
from .packing import Size
from .shortening import shorten

if TYPE_CHECKING:
    from .document import Block, Line


@dataclass(frozen=True, slots=True)
class Piece:
    """A block, or a line of it, as a channel carries it."""

    markup: str
    size: Size


class Dialect(Protocol):
    """How one channel writes."""

    @property
    def limit(self) -> Size:
        """The largest message."""

    @property
    def markup(self) -> Markup | None:
        """What the provider is to parse."""

    def harmless(self, text: str) -> str:
        """Return *text* so that the channel finds nothing in it to act upon."""

    def dress(self, line: Line, text: str) -> Piece:
        """Return *line* with *text*, already harmless and short enough, in markup."""


def fit(block: Block, dialect: Dialect, budget: int) -> Piece | None:
    """Return *block* in *dialect* within *budget* UTF-16 units, shortened if need be.

    A link is whole or left out. None where nothing remains: the link was all there
    was, and it is too long. Bytes need no second look: the worst 4,096 units, all “&”,
    take 20,480 and the worst address, all quotation marks, 12,288. That is Telegram's
    32,768 together, and “https://” saves more than the tags cost.
    """
    fixed = {
        place: dialect.dress(line, dialect.harmless(line.text))
        for place, line in enumerate(block.lines)
        if line.role in {"link", "join"}
    }
    words = {
        place: _prepared(line, dialect, budget)
        for place, line in enumerate(block.lines)
        if place not in fixed
    }
    longest = budget // 2 if words else budget
    fixed = {at: piece for at, piece in fixed.items() if piece.size.length <= longest}
    room = budget - len(block.lines) + 1 - sum(p.size.length for p in fixed.values())
    pieces = dict(fixed)
    for at, text in words.items():
        words_to_come = sum(utf16_length(words[other]) for other in words if other > at)
        # the headline leaves the lead what it needs, and never less than half
        share = max(room - words_to_come, room // 2) if words_to_come else room
        line = block.lines[at]
        bare = dialect.dress(line, "").size.length
        short = shorten(text, max(share - bare, 1), language=line.language)
        pieces[at] = dialect.dress(line, short)
        room -= pieces[at].size.length
    if not pieces:
        return None
    return joined([pieces[at] for at in sorted(pieces)], "\n")


def joined(pieces: list[Piece], gap: str) -> Piece:
    """Return *pieces* as one, *gap* between them."""
    size = Size(len(gap) * (len(pieces) - 1), len(gap) * (len(pieces) - 1))
    for piece in pieces:
        size += piece.size
    return Piece(gap.join(piece.markup for piece in pieces), size)


def sized(markup: str, shown: str, entities: int = 0) -> Piece:
    """Return *markup* that a reader sees as *shown*."""
    return Piece(markup, Size(utf16_length(shown), len(markup.encode()), entities))


def _prepared(line: Line, dialect: Dialect, budget: int) -> str:
    # whatever is longer than the budget is shortened later: it need not all be read,
    # but more than the budget from its first word on, or the cut would not be marked
    said = line.text if has_words(line.text[:budget]) else from_first_word(line.text)
    text = dialect.harmless(said[: 2 * budget + 2])
    return turned(text) if line.from_the_right else text
