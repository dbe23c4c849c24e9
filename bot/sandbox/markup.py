"""Telegram's HTML parse mode, as strict as the original.

Works like TDLib's ``do_parse_html``: a handful of tags, four named references,
every numeric one, errors with offsets in bytes, entities in UTF-16 units.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from .detect import detect

MAXIMUM_BYTES = 32_768  #: of raw markup

STYLES = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
}
TAGS = frozenset(STYLES) | {"a", "code", "pre", "blockquote", "tg-emoji", "tg-time"}
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
SPACES = " \t\r\n\v\f\0"

_REFERENCE = re.compile(r"&(?:#x([0-9a-fA-F]{0,6})|#([0-9]{0,7})|([a-zA-Z]+));?")
_INTERESTING = re.compile("[<&]")
_DROPPED = re.compile("[\r\u2028-\u202e\u0333\u033f\u030a]")
_CONTROL = re.compile("[\x00-\x09\x0b\x0c\x0e-\x1f]")
_USER_LINK = re.compile(r"tg:(?://)?user/?\?id=([0-9]+)$")


class MarkupError(ValueError):
    """The text cannot be parsed; the message is Telegram's."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A text as it is stored: cleaned, trimmed, with its entities."""

    text: str
    entities: tuple[dict[str, Any], ...]
    dropped_links: tuple[str, ...] = ()  #: addresses that Telegram silently refused


def utf16(text: str) -> int:
    """Return the length of *text* in UTF-16 code units."""
    return len(text) + sum(1 for letter in text if letter > "\uffff")


@lru_cache(maxsize=1024)
def parse(source: str, mode: str = "") -> Parsed:
    """Return what Telegram would store for *source*.

    Args:
        source: As given by the caller.
        mode: ``HTML`` or empty for plain text.

    Raises:
        MarkupError: The markup is wrong or too long.
    """
    if len(source.encode()) > MAXIMUM_BYTES:
        raise MarkupError("text is too long")
    if mode:
        text, entities, dropped = _Parser(source).run()
    else:
        text, entities, dropped = source, [], []
    return _finish(text, entities, tuple(dropped))


@dataclass(slots=True)
class _Open:
    """A start tag that waits for its end."""

    tag: str
    argument: str
    offset: int  #: in code points of the result


@dataclass(slots=True)
class _Entity:
    """A stretch of the result, in code points until the very end."""

    kind: str
    start: int
    end: int
    extra: dict[str, Any]


class _Parser:
    """One pass over one text."""

    def __init__(self, source: str) -> None:
        self.source = source + "\0"  # as in the original, the end is a letter
        self.at = 0
        self.result: list[str] = []
        self.length = 0
        self.open: list[_Open] = []
        self.entities: list[_Entity] = []
        self.dropped: list[str] = []

    def run(self) -> tuple[str, list[_Entity], list[str]]:
        """Parse everything."""
        end = len(self.source) - 1
        while self.at < end:
            letter = self.source[self.at]
            if letter == "&":
                self._emit(self._reference() or self._one())
            elif letter != "<":
                found = _INTERESTING.search(self.source, self.at, end)
                stop = found.start() if found else end
                self._emit(self.source[self.at : stop])
                self.at = stop
            elif self.source[self.at + 1] == "/":
                self._end_tag()
            else:
                self._start_tag()
        if self.open:
            tag = self.open[-1].tag
            raise MarkupError(
                "can't parse entities: Can't find end tag corresponding to start "
                f'tag "{tag}"'
            )
        return "".join(self.result), self.entities, self.dropped

    def _emit(self, text: str) -> None:
        self.result.append(text)
        self.length += len(text)

    def _one(self) -> str:
        self.at += 1
        return self.source[self.at - 1]

    def _reference(self) -> str:
        """Return the letter a reference means, or nothing if it is none."""
        found = _REFERENCE.match(self.source, self.at)
        if found is None:
            return ""
        hexadecimal, decimal, name = found.groups()
        if name is not None:
            letter = NAMED.get(name, "")
        else:
            number = int(hexadecimal or "0", 16) if decimal is None else 0
            if decimal is not None:
                number = int(decimal or "0")
            surrogate = 0xD800 <= number <= 0xDFFF
            letter = "" if surrogate or not 0 < number < 0x10FFFF else chr(number)
        if letter:
            self.at = found.end()
        return letter

    def _fail(self, what: str, position: int, after: str = "") -> MarkupError:
        offset = len(self.source[:position].encode())
        return MarkupError(
            f"can't parse entities: {what} at byte offset {offset}{after}"
        )

    def _while(self, letters: str, *, inside: bool) -> str:
        """Go on while letters are (not) among *letters*; the end always stops."""
        start = self.at
        source = self.source
        while source[self.at] != "\0" and (source[self.at] in letters) is inside:
            self.at += 1
        return source[start : self.at]

    def _start_tag(self) -> None:
        begin = self.at
        self.at += 1
        tag = self._while(SPACES + ">", inside=False).lower()
        if self.source[self.at] == "\0":
            raise self._fail("Unclosed start tag", begin)
        if tag not in TAGS:
            raise self._fail(f'Unsupported start tag "{tag}"', begin)
        argument = ""
        while self.source[self.at] != ">":
            self._while(SPACES, inside=True)
            if self.source[self.at] == ">":
                break
            name, value = self._attribute(tag, begin)
            argument = _argument(tag, name, value) or argument
        self.at += 1
        if tag == "span" and argument != "spoiler":
            raise self._fail('Tag "span" must have class "tg-spoiler"', begin)
        if tag == "tg-emoji" and not argument.isdigit():
            raise self._fail('Tag "tg-emoji" must have attribute "emoji-id"', begin)
        self.open.append(_Open(tag, argument, self.length))

    def _attribute(self, tag: str, begin: int) -> tuple[str, str]:
        name = self._while(SPACES + "=>/\"'", inside=False)
        if not name:
            raise self._fail(f'Empty attribute name in the tag "{tag}"', begin)
        self._while(SPACES, inside=True)
        if self.source[self.at] != "=":
            if self.source[self.at] == "\0":
                raise self._fail(f'Unclosed start tag "{tag}"', begin)
            if name == "expandable":
                return name, "1"
            raise self._fail(
                "Expected equal sign in declaration of an attribute of the tag "
                f'"{tag}"',
                begin,
            )
        self.at += 1
        self._while(SPACES, inside=True)
        quote = self.source[self.at]
        if quote == "\0":
            raise self._fail("Unclosed start tag", begin)
        if quote in "'\"":
            value = self._quoted(quote)
        else:
            start = self.at
            while self.source[self.at].isascii() and (
                self.source[self.at].isalnum() or self.source[self.at] in ".-"
            ):
                self.at += 1
            value = self.source[start : self.at].lower()
            if self.source[self.at] not in SPACES + ">":
                raise self._fail("Unexpected end of name token", start)
        if self.source[self.at] == "\0":
            raise self._fail("Unclosed start tag", begin)
        return name, value

    def _quoted(self, quote: str) -> str:
        self.at += 1
        value: list[str] = []
        while self.source[self.at] not in {quote, "\0"}:
            letter = self._reference() if self.source[self.at] == "&" else ""
            value.append(letter or self._one())
        if self.source[self.at] == quote:
            self.at += 1
        return "".join(value)

    def _end_tag(self) -> None:
        begin = self.at
        if not self.open:
            raise self._fail("Unexpected end tag", begin)
        self.at += 2
        name = self._while(SPACES + ">", inside=False).lower()
        self._while(SPACES, inside=True)
        if self.source[self.at] != ">":
            raise self._fail("Unclosed end tag", begin)
        self.at += 1
        opened = self.open.pop()
        if name and name != opened.tag:
            raise self._fail(
                "Unmatched end tag",
                begin,
                f', expected "</{opened.tag}>", found "</{name}>"',
            )
        if self.length > opened.offset:
            self._close(opened)

    def _close(self, opened: _Open) -> None:
        start, end, tag = opened.offset, self.length, opened.tag
        if tag in STYLES:
            self._add(STYLES[tag], start, end)
        elif tag == "a":
            self._link(opened)
        elif tag == "blockquote":
            kind = "expandable_blockquote" if opened.argument else "blockquote"
            self._add(kind, start, end)
        elif tag == "tg-emoji":
            self._add("custom_emoji", start, end, custom_emoji_id=opened.argument)
        elif tag in {"pre", "code"}:
            self._code(opened)

    def _code(self, opened: _Open) -> None:
        """``<pre><code class="language-x">`` is one entity with a language."""
        start, end = opened.offset, self.length
        inner = self.entities[-1] if self.entities else None
        same = inner is not None and (inner.start, inner.end) == (start, end)
        if opened.tag == "pre" and same and inner is not None and inner.kind == "code":
            inner.kind = "pre"
            return
        extra = {"language": opened.argument} if opened.argument else {}
        self._add(opened.tag, start, end, **extra)

    def _link(self, opened: _Open) -> None:
        url = opened.argument or "".join(self.result)[opened.offset :]
        mention = _USER_LINK.match(url)
        if mention:
            user = {"id": int(mention[1]), "is_bot": False, "first_name": ""}
            self._add("text_mention", opened.offset, self.length, user=user)
        elif checked := checked_link(url):
            self._add("text_link", opened.offset, self.length, url=checked)
        else:
            self.dropped.append(url)

    def _add(self, kind: str, start: int, end: int, **extra: Any) -> None:
        self.entities.append(_Entity(kind, start, end, extra))


def _argument(tag: str, name: str, value: str) -> str:
    """Return what an attribute says that matters, or nothing."""
    match tag, name:
        case ("a", "href") | ("tg-emoji", "emoji-id") | ("tg-time", "unix"):
            return value
        case ("code", "class") if value.startswith("language-"):
            return value.removeprefix("language-")
        case ("span", "class") if value.startswith("tg-"):
            return value.removeprefix("tg-")
        case ("blockquote", "expandable"):
            return "1"
    return ""


@lru_cache(maxsize=4096)
def checked_link(url: str) -> str:
    """Return the address Telegram would keep, or nothing if it drops it."""
    url = url.strip()
    if not url or any(letter in SPACES for letter in url):
        return ""
    if url.startswith(("tg:", "ton:", "mailto:", "tel:")):
        return url
    if "://" not in url:
        other_scheme = re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*:(?![0-9])", url)
        url = "" if other_scheme or url[0] in "/#?." else f"http://{url}"
    return _checked_web_link(url)


def _checked_web_link(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return ""
    web = parts.scheme.lower() in {"http", "https"} and "." in host
    if not web or any(not part or part.startswith("-") for part in host.split(".")):
        return ""
    bare = not parts.path and not parts.query and not parts.fragment
    return f"{url}/" if bare else url


def _finish(text: str, entities: list[_Entity], dropped: tuple[str, ...]) -> Parsed:
    """Clean and trim the text, and bring its entities into a lawful order."""
    keep: list[int] = []  # new place of every old one
    letters: list[str] = []
    for letter in text:
        keep.append(len(letters))
        if _DROPPED.match(letter):
            continue
        letters.append(" " if _CONTROL.match(letter) else letter)
    keep.append(len(letters))
    for entity in entities:
        entity.start, entity.end = keep[entity.start], keep[entity.end]
    cleaned = "".join(letters)
    stop = len(cleaned.rstrip())
    begin = len(cleaned) - len(cleaned.lstrip())
    code = (e.start for e in entities if e.kind in {"pre", "code"} and e.end > e.start)
    first = min(code, default=begin)
    begin = min(begin, first, stop)
    for entity in entities:
        entity.start = max(min(entity.start, stop) - begin, 0)
        entity.end = max(min(entity.end, stop) - begin, 0)
    cleaned = cleaned[begin:stop]
    lawful = _lawful([e for e in entities if cleaned[e.start : e.end].strip()])
    taken = [(e.start, e.end) for e in lawful if e.kind in _OPAQUE]
    for kind, start, end in detect(cleaned):
        if all(end <= a or start >= b for a, b in taken):
            lawful.append(_Entity(kind, start, end, {}))
    lawful.sort(key=lambda e: (e.start, -e.end))
    return Parsed(cleaned, _in_utf16(cleaned, lawful), dropped)


_OPAQUE = frozenset({"pre", "code", "text_link", "text_mention"})


def _lawful(entities: list[_Entity]) -> list[_Entity]:
    """Code holds nothing and is held by no style; links and quotes hold no equal."""
    code = [e for e in entities if e.kind in {"pre", "code"}]
    outer = [
        e
        for e in code
        if not any(
            o is not e and o.start <= e.start and e.end <= o.end
            for o in code
            if (o.end - o.start, code.index(o)) > (e.end - e.start, code.index(e))
        )
    ]
    kept: list[_Entity] = list(outer)
    for entity in entities:
        if entity.kind in {"pre", "code"}:
            continue
        family = entity.kind.removeprefix("expandable_")
        if family in {"blockquote", "text_link"} and any(
            other is not entity
            and other.kind.removeprefix("expandable_") == family
            and other.start <= entity.start
            and entity.end <= other.end
            for other in entities
        ):
            continue
        if family == "blockquote":
            kept.append(entity)
            continue
        pieces = [(entity.start, entity.end)]
        for hole in outer:
            pieces = [
                piece
                for a, b in pieces
                for piece in ((a, min(b, hole.start)), (max(a, hole.end), b))
                if piece[0] < piece[1]
            ]
        kept += [_Entity(entity.kind, a, b, entity.extra) for a, b in pieces]
    return kept


def _in_utf16(text: str, entities: list[_Entity]) -> tuple[dict[str, Any], ...]:
    if text.isascii() or utf16(text) == len(text):
        places: Any = range(len(text) + 1)
    else:
        places = [0]
        for letter in text:
            places.append(places[-1] + (2 if letter > "\uffff" else 1))
    return tuple(
        {
            "type": e.kind,
            "offset": places[e.start],
            "length": places[e.end] - places[e.start],
            **e.extra,
        }
        for e in entities
    )
