"""Telegram's HTML: the few tags it knows, and nothing it would act upon by itself.

https://core.telegram.org/bots/api#html-style; what its server does in detail is read
from TDLib, ``td/telegram/MessageEntity.cpp``.

What the newsroom wrote as a full address, https:// and all, is meant as a link, and
Telegram makes one of it. What merely looks like one, a bare domain, is not: neither is
a mention, a tag or a command that an article happens to quote.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
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
_NAME = r"[A-Za-z0-9_~-]|[^\x00-\xbf\s\u2000-\u200b\u200e-\u206f]"
_LABEL = rf"(?:{_NAME})"
_ACTIVE = (
    r"(?P<scheme>[a-z][a-z0-9+.-]{0,20}+://)(?=\S)"
    r"|(?P<sign>@(?=[\p{L}\p{N}_\u200c])|#(?=[\p{N}_\u200c]*+\p{L})"
    r"|(?<![\p{L}\p{N}_$])\$(?-i:(?=(?:1INCH|[A-Z]{1,8})(?![\p{L}\p{N}_$])))"
    r"|(?<![\p{L}\p{N}_/<>])/(?=[A-Za-z0-9_]))"
    r"|(?P<numbers>(?<![\p{Nd}.])\p{Nd}{1,3}(?:\.\p{Nd}{1,3}){3}(?![\p{Nd}.]))"
    rf"|(?<!{_NAME})(?P<domain>{_LABEL}++(?:\.{_LABEL}++)++(?!://))"
)
_NEVER = r"(?!)"
_ADDRESS = r"(?<![a-z0-9+-])https?://[^\s<>\"«»\u2000-\u206f]++"
_LETTERS = regex.compile(r"^([\p{L}\p{N}_]+).*$")
_CLOSING = ".,:;!?'`)]}|*_~۔،؛؟।॥"  # what ends a sentence is no part of an address
_CUT = "…"


@dataclass(frozen=True, slots=True)
class Telegram:
    """Telegram's dialect."""

    own: frozenset[str]  #: hosts, @handles and #tags that are the newsroom's
    limit: Size = LIMIT
    markup: Markup | None = "HTML"

    def harmless(self, text: str) -> str:
        """Return *text* without mentions, tags, commands and domains not our own."""
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
    kept = found.groupdict()
    if kept.get("own") is not None:
        return found[0]
    if kept.get("address") is not None:
        whole = not found.string.startswith(_CUT, found.end())
        return (whole and _address(found[0])) or _within().sub(_disarmed, found[0])
    if found["numbers"] is not None or _is_domain(found["domain"] or ""):
        return found[0].replace(".", f".{JOINER}")
    return found[0] if found["domain"] is not None else found[0] + JOINER


def _address(text: str) -> str | None:
    """Return *text*, an address in full and what follows it, if it works as a link.

    Telegram would take the stops of other scripts than Latin into the address.
    """
    bare = text.rstrip(_CLOSING)
    after = text[len(bare) :]
    if not is_link(bare):
        return None
    return text if after.isascii() else f"{bare}{JOINER}{after}"


def _is_domain(text: str) -> bool:
    """Whether *text*, words with dots between, holds the name of a host.

    A last part with nothing but a first capital is none to Telegram: a blank was
    forgotten between two sentences.
    """
    labels = text.split(".")[1:]
    names = [*labels, *(_LETTERS.sub(r"\1", label) for label in labels)]
    return any(
        name.casefold() in _top_level_domains()
        and (name == name.casefold() or not name[1:].islower())
        for name in names
    )


@cache
def _top_level_domains() -> frozenset[str]:
    names = resources.files("bot.formatter") / "top-level-domains.txt"
    lines = names.read_text("utf-8").splitlines()
    return frozenset(
        name for line in lines if not line.startswith("#") for name in line.split()
    )


@cache
def _within() -> regex.Pattern[str]:
    """Return what finds all that Telegram would act upon in an address that is none."""
    return regex.compile(_ACTIVE, regex.IGNORECASE)


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
        rf"(?P<own>{known})|(?P<address>{_ADDRESS})|{_ACTIVE}", regex.IGNORECASE
    )
