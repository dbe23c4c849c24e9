"""A strict reader of Telegram's HTML, written from its documentation alone.

It refuses what the server refuses, and also what the server accepts and then silently
spoils: anchors it drops, characters it strips, blanks it trims. It shares no code with
the formatter.

https://core.telegram.org/bots/api#html-style
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

REFERENCES = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
SIMPLE = {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "code", "pre"}
SPOILED = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff\ufdd0-\ufdef]"
)
NEXT = re.compile(r"[<&]")
LINK = re.compile(
    r"https?://[^\s/?#@\\]+\.[^\s/?#@\\.]+[^\s]*", re.IGNORECASE | re.DOTALL
)
MOST_BYTES = 32_768
MOST_ENTITIES = 100
LONGEST_LINK = 2_048


class Refused(AssertionError):
    """The server would answer 400, or show something else than was meant."""


@dataclass
class Parsed:
    """What a reader sees, and what is bold or linked in it."""

    text: str = ""
    bold: list[str] = field(default_factory=list)
    links: list[tuple[str, str]] = field(default_factory=list)  #: shown, address
    unlinked: str = ""  #: the text outside links, a space in place of each


def parse(markup: str) -> Parsed:  # noqa: C901, PLR0912 — a grammar, read in one go
    """Return what *markup* shows, or raise `Refused`."""
    if len(markup.encode()) > MOST_BYTES:  # lone surrogates raise here
        raise Refused("Text is too long")
    parsed = Parsed()
    opened: list[tuple[str, int, str]] = []
    entities = at = 0
    while at < len(markup):
        sign = markup[at]
        if sign == "&":
            shown, at = _reference(markup, at)
            parsed.text += shown
            if not any(tag == "a" for tag, _, _ in opened):
                parsed.unlinked += shown
        elif sign == "<":
            end = markup.find(">", at)
            if end < 0:
                raise Refused(f"Unclosed start tag at {at}")
            tag = markup[at + 1 : end]
            at = end + 1
            if tag.startswith("/"):
                _close(tag[1:], opened, parsed)
                entities += 1
            else:
                opened.append(_open(tag, opened, parsed))
        else:
            following = NEXT.search(markup, at)
            end = following.start() if following else len(markup)
            parsed.text += markup[at:end]
            if not any(tag == "a" for tag, _, _ in opened):
                parsed.unlinked += markup[at:end]
            at = end
    if opened:
        raise Refused(f"Can't find end tag corresponding to start tag {opened[-1][0]}")
    if entities > MOST_ENTITIES:
        raise Refused(f"{entities} entities")
    if not parsed.text.strip():
        raise Refused("message text is empty")
    if parsed.text != parsed.text.strip():
        raise Refused("the ends would be trimmed")
    if SPOILED.search(parsed.text):
        raise Refused("characters would be stripped")
    return parsed


def _reference(markup: str, at: int) -> tuple[str, int]:
    found = re.compile(r"&(?:#(\d+)|#x([0-9a-fA-F]+)|([a-z]+));").match(markup, at)
    if found is None:
        raise Refused(f"a bare ampersand at {at}")
    if found[3] and found[3] not in REFERENCES:
        raise Refused(f"&{found[3]}; stays on the screen")
    decimal, hexadecimal, name = found.groups()
    if name:
        return REFERENCES[name], found.end()
    return chr(int(decimal) if decimal else int(hexadecimal, 16)), found.end()


def _open(
    tag: str, opened: list[tuple[str, int, str]], parsed: Parsed
) -> tuple[str, int, str]:
    start = len(parsed.text)
    names = [name for name, _, _ in opened]
    if tag in SIMPLE:
        if tag in names or {"code", "pre"} & set(names):
            raise Refused(f"<{tag}> inside {names}")
        return tag, start, ""
    anchor = re.fullmatch(r'a href="([^"<>]*)"', tag)
    if anchor is None:
        raise Refused(f'Unsupported start tag "{tag}"')
    if "a" in names:
        raise Refused("a link inside a link")
    address = anchor[1]
    plain = re.sub(r"&(?:lt|gt|amp|quot);", "", address)
    if "&" in plain:
        raise Refused("a bare ampersand in an address")
    for name, shown in (("lt", "<"), ("gt", ">"), ("quot", '"'), ("amp", "&")):
        address = address.replace(f"&{name};", shown)
    if not LINK.fullmatch(address) or len(address) > LONGEST_LINK:
        raise Refused(f"the link {address!r} would be dropped")
    parsed.unlinked += " "
    return "a", start, address


def _close(name: str, opened: list[tuple[str, int, str]], parsed: Parsed) -> None:
    if not opened or opened[-1][0] != name:
        raise Refused(f"Unmatched end tag </{name}>")
    tag, start, address = opened.pop()
    shown = parsed.text[start:]
    if not shown.strip():
        raise Refused(f"nothing in <{tag}>")
    if tag == "a":
        parsed.links.append((shown, address))
    elif tag == "b":
        parsed.bold.append(shown)
