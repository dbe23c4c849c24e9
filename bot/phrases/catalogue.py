"""The catalogues: English stands in the code, the others beside it as gettext files."""

from __future__ import annotations

import gettext
import io
import re
import unicodedata
from functools import cache
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from bot.domain.messages import utf16_length

#: Where the catalogues are, as gettext arranges them.
LOCALE = Path(__file__).parent / "locale"
DOMAIN = "harkara"
#: Languages with a catalogue, by primary subtag.
TRANSLATED = ("ar", "hi", "ur")

_RIGHT_TO_LEFT = frozenset({"ar", "ur"})
_FIRST_STRONG = "\u2068"  # isolates what follows, in the direction of its first letter
_LEFT_TO_RIGHT = "\u2066"  # isolates what follows, from left to right
_END = "\u2069"  # ends either
_JOINER = "\u2060"  # shows nothing, and keeps apart what a client would link
#: What begins a command, a mention, a hashtag, a cashtag or an address; a dot in it.
_LIVE = re.compile(r"[/@#$]|\.(?=[\w\u200c\u200d])")
#: UTF-16 units of a name that are shown; a sentence must fit whatever it is.
LONGEST_NAME = 100


def path(language: str) -> Path:
    """Where the catalogue of a primary subtag lies."""
    return LOCALE / language / "LC_MESSAGES" / f"{DOMAIN}.po"


def primary(language: str) -> str:
    """Return the primary subtag of a BCP 47 tag: ``ur`` of ``ur-PK``."""
    return re.split(r"[-_]", language.strip(), maxsplit=1)[0].lower()


def speaks(language: str) -> bool:
    """Whether the product speaks *language*; of an empty one nothing is known."""
    return primary(language) in {"en", *TRANSLATED}


def words(language: str) -> gettext.NullTranslations:
    """Return the catalogue of *language*; English where there is none."""
    found = primary(language)
    return _load(found) if found in TRANSLATED else gettext.NullTranslations()


@cache
def _load(language: str) -> gettext.GNUTranslations:
    with path(language).open("rb") as source:
        catalogue = read_po(source, locale=language, domain=DOMAIN, abort_invalid=True)
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def one_line(text: str) -> str:
    """Return *text* on one line, without control characters or turns of direction."""
    visible = "".join(
        " " if each.isspace() else each
        for each in text
        if each.isspace()
        or unicodedata.category(each) not in {"Cc", "Cf", "Cs", "Cn"}
        or each in "\u200c\u200d"
    )
    return " ".join(visible.split())


def inert(text: str) -> str:
    """Return *text* looking the same, with nothing in it that can be tapped.

    Telegram makes commands, mentions, tags and addresses live wherever they stand;
    what comes from outside must not put any into a message of ours.
    """
    return _LIVE.sub(lambda found: found[0] + _JOINER, text)


def name(text: str, language: str, *, longest: int = LONGEST_NAME) -> str:
    """Return a name from outside as it stands in a sentence of *language*.

    It becomes one inert line of bearable length without control characters; where
    its direction is not the sentence's, it is isolated from it.
    """
    line = inert(one_line(text)[: 4 * longest])
    if utf16_length(line) > longest:
        while utf16_length(line) >= longest:
            line = line[:-1]
        line = line.rstrip() + "…"
    rtl = primary(language) in _RIGHT_TO_LEFT
    foreign = {"L", "EN"} if rtl else {"R", "AL", "AN"}
    if any(unicodedata.bidirectional(each) in foreign for each in line):
        return f"{_FIRST_STRONG}{line}{_END}"
    return line


def typed(text: str, language: str) -> str:
    """Return what is to be typed, a command or a code, never turned round."""
    if primary(language) in _RIGHT_TO_LEFT:
        return f"{_LEFT_TO_RIGHT}{text}{_END}"
    return text


def command(word: str, channel: str, language: str) -> str:
    """Return a command as it is typed on *channel*: ``/stop``, or ``STOP``."""
    return typed(f"/{word}" if channel == "telegram" else word.upper(), language)


def channel_name(channel: str, language: str) -> str:
    """Return what people call *channel*."""
    catalogue = words(language)
    if channel == "whatsapp":
        return catalogue.gettext("WhatsApp")
    return catalogue.gettext("Telegram")
