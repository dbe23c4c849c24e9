"""Which addresses can be links, and whose they are."""

from __future__ import annotations

from urllib.parse import urlsplit

import regex

from bot.domain.messages import utf16_length

from .cleaning import clean_line

LONGEST = 2_048  #: UTF-16 units; Telegram drops what is longer

_SCHEME = regex.compile(r"https?://", regex.IGNORECASE)
_UNSAFE = regex.compile(r"[\s\p{C}<>\\`]")
_LABEL = regex.compile(
    r"[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}_-]{0,61}[\p{L}\p{M}\p{N}])?"
)
_SHORT_HOST = regex.compile(r"www\.", regex.IGNORECASE)


def is_link(address: str) -> bool:
    """Whether *address* is an absolute web address that works in a chat.

    Not: another scheme, a relative address, a host without a dot, a user name in it,
    a blank or control character, or more than 2,048 UTF-16 units. Telegram would
    take such an anchor and silently drop the link.
    """
    if utf16_length(address[: LONGEST + 1]) > LONGEST:
        return False
    if not _SCHEME.match(address) or _UNSAFE.search(address):
        return False
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    labels = host.removesuffix(".").split(".")
    return (
        "@" not in parts.netloc
        and len(labels) > 1
        and all(_LABEL.fullmatch(label) for label in labels)
    )


def link_or_text(address: str) -> str:
    """Return *address* if it is a link, else as cleaned text that is none.

    What would become a link by losing a character is not what its author wrote, and
    loses its scheme.
    """
    address = address.strip()
    if is_link(address):
        return address
    text = clean_line(address)
    return text.partition("://")[2] if is_link(text) else text


def host_of(link: str) -> str:
    """Return the host of *link*, one that `is_link`, without “www.”."""
    return _SHORT_HOST.sub("", urlsplit(link).hostname or "")
