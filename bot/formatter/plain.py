"""Plain text, for a terminal or an e-mail: the same words, no markup."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .dialect import Piece, sized
from .packing import Size

if TYPE_CHECKING:
    from bot.domain.messages import Markup

    from .document import Line

LIMIT = Size(length=4_096, raw=32_768)


@dataclass(frozen=True, slots=True)
class Plain:
    """No markup at all."""

    limit: Size = LIMIT
    markup: Markup | None = None

    def harmless(self, text: str) -> str:
        """Return *text*: nothing acts upon it."""
        return text

    def dress(self, line: Line, text: str) -> Piece:
        """Return *line* as it is read."""
        shown = "\n".join(filter(None, (text, line.link)))
        return sized(shown, shown)
