"""Where sentences end, in English, Urdu, Hindi and Arabic, and most other scripts.

A full stop ends a sentence where a blank follows and the next word does not begin
with a small letter, unless it belongs to an abbreviation, an initial or the number of
a list. The Urdu stop, the danda, “؟” and their like end one by themselves. Nothing
ends inside a quotation or a bracket of reasonable length, nor between a quoted
question and the few words that say who asked it.

Abbreviations stand in ``abbreviations/<language>.txt``; those of all languages hold at
once, because an Urdu report quotes an English company.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cache
from importlib import resources
from typing import Literal

import regex

Kind = Literal["never", "perhaps", "number"]

LANGUAGES = ("en", "ur", "hi", "ar")

_STOP = regex.compile(
    r"(?P<stop>[.!?…؟۔।॥。！？‽]++)"
    # ‘ and “ close a quotation in Urdu and German, and open one in English
    r"(?P<close>(?:[\"'\p{Pf}\p{Pe}]|[‘“](?=[\s\p{Pi}\p{Pf}\p{Pe}.,،۔।!?؟]|$))*+)"
    r"(?P<gap>\s*+)"
)
_BY_ITSELF = regex.compile(r"[؟۔।॥。！？]")
_WORD_BEFORE = regex.compile(r"[\p{L}\p{M}\p{N}.۔'’-]+$")
_LONGEST_ABBREVIATION = 20
_INITIAL = regex.compile(r"(?:\p{Lu}|(?:\p{Lu}\.)+\p{Lu})$")
_LIST_NUMBER = regex.compile(r"(?:\d{1,3}|[a-z]|[ivx]{1,4})$")
_SMALL = regex.compile(r"[\"'“‘«(\[]*(?!https?://|www\.)\p{Ll}")
_DIGIT = regex.compile(r"[\"'“‘«(\[]*\p{Nd}")
_STARTER = regex.compile(
    r"[\"'“‘«(\[]*(?:The|This|That|These|Those|There|Then|They|He|She|It|We|You|I|A|An"
    r"|In|On|At|As|But|And|Or|If|For|From|After|Before|Since|While|When|Where|With"
    r"|However|Meanwhile|According|Both|His|Her|Its|Their|Our|My|Some|Many|Most|All"
    r"|No|Not|Now|Police|Officials|One|Two|Last|Earlier|Later)\b"
)
_SAID = regex.compile(
    r"(?:\p{Lu}[\p{L}.'’-]*+ ){1,4}(?:said|says|asked|asks|told|added|tweeted|noted"
    r"|announced|wrote|replied|declared|insisted|claimed|stated|remarked|warned)\b"
)
# Urdu opens with ’’ and closes with ‘‘; some English type does the contrary
_PAIRS = {"“": "”", "«": "»", "(": ")", "[": "]", "’’": "‘‘", "‘‘": "’’"}
_URDU_PAIR = ("”", "“")  # the signs of “English”, set the other way round
_QUOTES_AND_BRACKETS = regex.compile(r"’’|‘‘|[“”«»()\[\]\"]")
_LONGEST_QUOTATION = 600  # one that opens and is forgotten must not swallow a story


def split(text: str, language: str = "") -> list[str]:
    """Return the sentences of *text*, one paragraph, in order; each is a span of it."""
    found = []
    start = 0
    for end in [*ends(text, language), len(text)]:
        if sentence := text[start:end].strip():
            found.append(sentence)
        start = end
    return found


def ends(text: str, language: str = "") -> list[int]:
    """Return the offsets in *text* just after each sentence and what closes it."""
    closed = _quotations(text)
    opened = [start for start, _ in closed]
    found = []
    for mark in _STOP.finditer(text):
        end = mark.end("close")
        before = bisect_left(opened, end) - 1
        if before >= 0 and end < closed[before][1]:
            continue
        if _is_end(text, mark, language):
            found.append(end)
    return found


def _is_end(text: str, mark: regex.Match[str], language: str) -> bool:
    """Whether the stop at *mark* ends a sentence."""
    stop, end = mark["stop"], mark.end()
    by_itself = _BY_ITSELF.search(stop) is not None
    if end == len(text) or not (by_itself or mark["gap"]):
        return end == len(text)
    if _SMALL.match(text, end):
        return by_itself
    if mark["close"] and "." not in stop and _SAID.match(text, end):
        return False
    if stop in {".", "۔"}:
        return not _abbreviates(text, mark.start(), end, language)
    return True


def _abbreviates(text: str, stop: int, after: int, language: str) -> bool:
    """Whether the full stop at *stop* belongs to the word before it."""
    urdu_stop = text[stop] == "۔"
    if urdu_stop and language.partition("-")[0] not in {"", "ur", "ks", "pa"}:
        return False
    word = _WORD_BEFORE.search(text, max(0, stop - _LONGEST_ABBREVIATION), stop)
    if word is None or (word.start() == 0 and _LIST_NUMBER.match(word[0])):
        return word is not None  # “1. The court …”
    written = word[0].lstrip("'’-.").replace("۔", ".")
    known = _abbreviations().get(written)
    if all(_abbreviations().get(part) == "never" for part in written.split(".")):
        known = "never"  # “پی۔ٹی۔آئی”, letter by letter
    if known is None and not urdu_stop and _INITIAL.match(word[0]):
        known = "perhaps"
    match known:
        case "never":
            return True
        case "perhaps":
            return _STARTER.match(text, after) is None
        case "number":
            return _DIGIT.match(text, after) is not None
        case _:
            return False


def _quotations(text: str) -> list[tuple[int, int]]:
    """Return where the outermost quotations and brackets of *text* open and close.

    One that closes late, or never, is none: its author forgot the other half.
    """
    found: list[tuple[int, int]] = []
    opened: list[tuple[int, str]] = []
    for mark in _QUOTES_AND_BRACKETS.finditer(text):
        sign, at = mark[0], mark.start()
        while opened and at - opened[0][0] > _LONGEST_QUOTATION:
            opened.clear()
        closes = opened and opened[-1][1] == sign
        if closes:
            start, _ = opened.pop()
            while found and found[-1][0] > start:
                found.pop()
            found.append((start, mark.end()))
        elif sign in _PAIRS or sign == '"':
            opened.append((at, _PAIRS.get(sign, sign)))
        elif sign == _URDU_PAIR[0] and _opens(text, at):
            opened.append((at, _URDU_PAIR[1]))
    return found


def _opens(text: str, at: int) -> bool:
    """Whether the ” at *at* opens an Urdu quotation: before a word, not after one."""
    return (at == 0 or text[at - 1] == " ") and text[at + 1 : at + 2].isalpha()


@cache
def _abbreviations() -> dict[str, Kind]:
    """Return every abbreviation we know and what the full stop after it means."""
    kinds: dict[str, Kind] = {"": "never", "?": "perhaps", "#": "number"}
    known: dict[str, Kind] = {}
    folder = resources.files("bot.formatter") / "abbreviations"
    for language in LANGUAGES:
        for line in (folder / f"{language}.txt").read_text("utf-8").splitlines():
            if line and not line.startswith("#"):
                word, _, sign = line.partition(" ")
                known.setdefault(word, kinds[sign])
    return known
