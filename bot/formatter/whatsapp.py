"""WhatsApp's markup: bold headlines, visible addresses, and no marker by accident.

There is no escape character (https://faq.whatsapp.com/539178204879377), so literal
markers become look-alikes: an invisible sign beside them is not certain to keep every
version of the app from pairing them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import regex

from .cleaning import JOINER
from .dialect import Piece, sized
from .links import is_link
from .packing import Size

if TYPE_CHECKING:
    from bot.domain.messages import Markup

    from .document import Line

LIMIT = Size(length=1_600, raw=32_768)

LOOK_ALIKES = {"*": "∗", "_": "ˍ", "~": "∼", "`": "ˋ"}

_MARKER = regex.compile(
    r"(?P<address>https?://\S++)|(?P<inside>(?<=[A-Za-z0-9])_(?=[A-Za-z0-9]))|[*_~`]",
    regex.IGNORECASE,
)
_LIST_OR_QUOTE = regex.compile(r">|-\s|\p{Nd}{1,9}[.)]\s")


@dataclass(frozen=True, slots=True)
class WhatsApp:
    """WhatsApp's dialect."""

    limit: Size = LIMIT
    markup: Markup | None = None

    def harmless(self, text: str) -> str:
        """Return *text* without anything WhatsApp would take for markup."""
        text = _MARKER.sub(_look_alike, text)
        return JOINER + text if _LIST_OR_QUOTE.match(text) else text

    def dress(self, line: Line, text: str) -> Piece:
        """Return *line* with WhatsApp's markers."""
        match line.role:
            case "headline" if "://" not in text:  # the marker would join the address
                shown = f"*{text}*"
            case "headline" | "text":
                shown = text
            case _:
                link = line.link if is_link(line.link) else self.harmless(line.link)
                shown = "\n".join(filter(None, (text, link)))
        return sized(shown, shown)


def _look_alike(found: regex.Match[str]) -> str:
    if found["address"] is not None or found["inside"] is not None:
        return found[0]
    return LOOK_ALIKES[found[0]]
