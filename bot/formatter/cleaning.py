"""The clean-up: all that is ever changed in the newsroom's own words.

To the article, and to every headline, before anything else (`clean`):

1. CR LF, CR, vertical tab, form feed, U+001C to 001E, U+0085, U+2028 and U+2029 become
   line feeds.
2. Removed: the other control characters but tab; lone surrogates; non-characters;
   bidirectional embeddings and overrides (U+202A to 202E), the deprecated format
   characters (U+206A to 206F), soft hyphen, U+200B, U+2060 to 2064, U+FEFF, U+FFF9 to
   FFFC.
3. A directional isolate (U+2066 to 2069) without its partner in the same line.
4. Combining marks after the thirtieth in a row (the Stream-Safe limit of UAX #15).
5. Runs of blanks of any kind, tabs included, become one blank; none stays at either
   end of a line. Several empty lines become one.
6. A hard-wrapped paragraph (lines of 40 to 100 characters, most of which end in the
   middle of a sentence) becomes one line.

No Unicode normalisation: letters stay the ones the newsroom typed. Doing it twice
changes nothing.

To the parts of a digest:

7. A dateline and page furniture are left out; so are lines without a letter or digit.
8. A headline that had to be made loses its final full stop and begins with a capital
   letter. What was too long ends in “…”; should no word be left of it, it begins at
   its first one.

While rendering, and only there:

9. Telegram: U+2060 WORD JOINER after a sign that would make a mention, a tag, a
   command, a cash tag or a link the newsroom did not mean, and between an address and
   a full stop that is not ASCII. It is invisible, it allows no line break (U+200B
   would), it is no part of a name or an address for Telegram, and Telegram keeps it.
   An address written in full, http:// or https:// first, stays as it is and works.
10. WhatsApp: the four markers become look-alikes (U+2217 for the asterisk,
    U+02CD for the underscore, U+223C for the tilde, U+02CB for the backtick), except
    inside an address and except an underscore between two Latin letters or digits;
    U+2060 before “>”, “- ” and “1. ” at the start of a line.
11. U+200F before a line of a right-to-left story that begins with a left-to-right
    letter, so that the whole line is laid out from the right.
"""

from __future__ import annotations

import regex

JOINER = "\u2060"
RIGHT_TO_LEFT_MARK = "\u200f"

_LINE_ENDS = regex.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_REMOVED = regex.compile(
    r"[[\p{Cc}--[\t\n]]\p{Cs}\p{Noncharacter_Code_Point}"
    r"\u00ad\u200b\u202a-\u202e\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffc]+",
    regex.VERSION1,
)
_ISOLATES = regex.compile(r"[\u2066-\u2069]")
_BLANKS = regex.compile(r"[\p{Zs}\t]+")
_TOO_MANY_MARKS = regex.compile(r"(\p{M}{30})\p{M}++")
_EDGES = regex.compile(r" ?\n ?")
_EMPTY_LINES = regex.compile(r"\n{3,}")
_WORDS = regex.compile(r"[\p{L}\p{N}]")
_RIGHT_TO_LEFT = regex.compile(
    r"[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}"
    r"\p{Script=Nko}]"
)
_LETTER = regex.compile(r"\p{L}")
_ENDS_MID_SENTENCE = regex.compile(r"[^.!?…:|۔؟।॥\"”»)\]]$")

_WRAPPED_FROM, _WRAPPED_TO = 40, 100
_FEWEST_WRAPPED_LINES = 3


def clean(text: str) -> str:
    """Return *text* after the clean-up: steps 1 to 6 of this module's list."""
    text = _LINE_ENDS.sub("\n", text)
    text = _REMOVED.sub("", text)
    if _ISOLATES.search(text):
        text = "\n".join(balanced(line) for line in text.split("\n"))
    text = _TOO_MANY_MARKS.sub(r"\1", text)
    text = _BLANKS.sub(" ", text)
    text = _EDGES.sub("\n", text)
    text = _EMPTY_LINES.sub("\n\n", text).strip(" \n")
    return "\n\n".join(_unwrapped(part) for part in text.split("\n\n"))


def clean_line(text: str) -> str:
    """Return *text* after the clean-up, as one line."""
    line = " ".join(clean(text).split("\n"))
    return _BLANKS.sub(" ", balanced(line)).strip(" ")


def balanced(text: str) -> str:
    """Return *text* without the isolates that have no partner in it.

    The blanks that would then stand together, or at an end, are one, or none.
    """
    partners: list[int] = []
    opened: list[int] = []
    for found in _ISOLATES.finditer(text):
        if found[0] != "\u2069":
            opened.append(found.start())
        elif opened:
            partners += (opened.pop(), found.start())
    kept = set(partners)
    without = _ISOLATES.sub(
        lambda found: found[0] if found.start() in kept else "", text
    )
    return text if without == text else _BLANKS.sub(" ", without).strip(" ")


def has_words(text: str) -> bool:
    """Whether *text* holds a letter or a digit of any script."""
    return _WORDS.search(text) is not None


def from_first_word(text: str) -> str:
    """Return *text* from its first letter or digit on; all of it if it has none."""
    found = _WORDS.search(text)
    return text[found.start() :] if found else text


def beginning(text: str, most: int) -> str:
    """Return the first *most* characters of *text*, from its first word if need be."""
    if len(text) <= most or has_words(text[:most]):
        return text[:most]
    return from_first_word(text)[:most]


def runs_from_the_right(text: str) -> bool:
    """Whether most letters of *text* are of a right-to-left script."""
    return 2 * len(_RIGHT_TO_LEFT.findall(text)) > len(_LETTER.findall(text))


def turned(line: str) -> str:
    """Return *line* so that it is laid out from the right (step 11)."""
    first = _LETTER.search(line)
    if first is None or _RIGHT_TO_LEFT.match(first[0]):
        return line
    return RIGHT_TO_LEFT_MARK + line


def _unwrapped(part: str) -> str:
    """Return *part*, a run of lines without an empty one, as one line if wrapped."""
    lines = part.split("\n")
    broken = lines[:-1]
    if len(lines) < _FEWEST_WRAPPED_LINES or not all(
        _WRAPPED_FROM <= len(line) <= _WRAPPED_TO for line in broken
    ):
        return part
    in_the_middle = sum(_ENDS_MID_SENTENCE.search(line) is not None for line in broken)
    return " ".join(lines) if 2 * in_the_middle > len(broken) else part
