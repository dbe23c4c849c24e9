"""Finished messages: text that fits its channel, or a template with its variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Markup = Literal["HTML"]


@dataclass(frozen=True, slots=True)
class Button:
    """One button under a message: it either calls back or opens a link."""

    label: str
    data: str = ""  #: what comes back when pressed; at most 64 bytes on Telegram
    url: str = ""


@dataclass(frozen=True, slots=True)
class ChatPicker:
    """A keyboard that lets a person choose one of their Telegram channels for us."""

    label: str
    request_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """Text as it is sent."""

    text: str  #: with markup, exactly the bytes that leave us
    markup: Markup | None = None  #: Telegram's parse mode; None is plain
    length: int  #: UTF-16 units after parsing
    limit: int  #: the most that ``length`` may be
    buttons: tuple[tuple[Button, ...], ...] = ()  #: rows
    picker: ChatPicker | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """An approved WhatsApp template and what fills it."""

    content_sid: str
    variables: tuple[tuple[str, str], ...]  #: (name, value), in the template's order


OutboundMessage = Text | Template


def utf16_length(text: str) -> int:
    """Length of *text* in UTF-16 code units, the larger of the ways to count it."""
    return len(text) + sum(character > "\uffff" for character in text)
