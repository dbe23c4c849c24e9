"""Telegram's HTML: the few tags it knows, and nothing it would act upon by itself.

https://core.telegram.org/bots/api#html-style; what its server does in detail is read
from TDLib, ``td/telegram/MessageEntity.cpp``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import regex

from bot.domain.messages import utf16_length

from .cleaning import JOINER
from .dialect import Piece, sized
from .links import host_of, is_link
from .packing import Size

if TYPE_CHECKING:
    from bot.domain.messages import Markup

    from .document import Line

LIMIT = Size(length=4_096, raw=32_768, entities=100)

_LONGEST_SHOWN_LINK = 120  # UTF-16 units; a longer address shows its host

_EDGE = r"[\p{L}\p{M}\p{N}_]"
_ACTIVE = (
    r"(?P<scheme>[a-z][a-z0-9+.-]{0,20}+://)(?=\S)"
    r"|(?P<sign>[@#](?=[\p{L}\p{N}_\u200c])|\$(?=1?[A-Z])"
    rf"|(?<!{_EDGE}|[/<>])/(?=[A-Za-z0-9_]))"
    r"|(?P<dot>(?<=[\p{L}\p{M}\p{N}_-])\.(?=\p{L}[\p{L}\p{M}\p{N}-]))"
)
_FOUR_NUMBERS = r"(?<![\p{Nd}.])\p{Nd}{1,3}(?:\.\p{Nd}{1,3}){3}(?![\p{Nd}.])"
_NEVER = r"(?!)"


@dataclass(frozen=True, slots=True)
class Telegram:
    """Telegram's dialect."""

    own: frozenset[str]  #: hosts, @handles and #tags that are the newsroom's
    limit: Size = LIMIT
    markup: Markup | None = "HTML"

    def harmless(self, text: str) -> str:
        """Return *text* without mentions, tags, commands and links not our own."""
        return _active(self.own).sub(_disarmed, text)

    def dress(self, line: Line, text: str) -> Piece:
        """Return *line* as HTML."""
        match line.role:
            case "headline":
                return sized(f"<b>{escaped(text)}</b>", text, 1)
            case "text":
                return sized(escaped(text), text)
            case "join" if is_link(line.link):
                return _anchor(line.link, text)
            case "link" if is_link(line.link):
                long = utf16_length(line.link) > _LONGEST_SHOWN_LINK
                return _anchor(line.link, host_of(line.link) if long else line.link)
            case _:
                shown = "\n".join(filter(None, (text, self.harmless(line.link))))
                return sized(escaped(shown), shown)


def escaped(text: str) -> str:
    """Return *text* as HTML text; Telegram knows four named references only."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _anchor(link: str, text: str) -> Piece:
    address = escaped(link).replace('"', "&quot;")
    return sized(f'<a href="{address}">{escaped(text)}</a>', text, 1)


def _disarmed(found: regex.Match[str]) -> str:
    if found["own"] is not None:
        return found[0]
    if found["numbers"] is not None:
        return found[0].replace(".", f".{JOINER}")
    return found[0] + JOINER


@cache
def _active(own: frozenset[str]) -> regex.Pattern[str]:
    """Return what finds all that Telegram would act upon, *own* first."""
    names = sorted({name.casefold() for name in own})
    marked = [regex.escape(name) for name in names if name.startswith(("@", "#"))]
    hosts = [regex.escape(name) for name in names if name[:1] not in {"@", "#", ""}]
    known = "|".join(
        [
            *(rf"(?<!{_EDGE}){name}(?!{_EDGE})" for name in marked),
            rf"(?<!{_EDGE}|[.@/-])(?:https?://)?(?:[\p{{L}}\p{{M}}\p{{N}}_-]++\.)*"
            rf"(?:{'|'.join(hosts)})(?::\d{{1,5}})?+"
            rf"(?!{_EDGE}|[@:-]|\.[\p{{L}}\p{{N}}])(?:[/?#]\S*+)?"
            if hosts
            else _NEVER,
        ]
    )
    return regex.compile(
        rf"(?P<own>{known})|(?P<numbers>{_FOUR_NUMBERS})|{_ACTIVE}", regex.IGNORECASE
    )
