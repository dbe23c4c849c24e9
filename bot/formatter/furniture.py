"""Page furniture: join-us lines, appeals, price tables, share rows, “also read”.

Read from the end backwards, a line at a time, for as long as there is evidence. What
is *sure* goes by itself; what is only *likely* (a row of a table, a short line that is
no sentence) goes when furniture stands on both sides of it, or above it and nothing
below. A line somebody is quoted or reported in is the story's. In doubt a line stays:
one appeal too many does less harm than one sentence too few.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

import regex

from . import cues
from .sentences import split

if TYPE_CHECKING:
    from collections.abc import Sequence

_LONGEST_APPEAL = 2_000  # characters; longer lines are not examined
_LONGEST_LINE = 200  # a request, not a paragraph
_LONGEST_NOTICE = 400
_LONGEST_LABEL = 40
_LONGEST_LIKELY = 60
_LONGEST_STRAY = 160
_MOST_LIKELY_IN_A_ROW = 6
_MATTERS_OF_A_BARE_APPEAL = 3
_INPUTS = regex.compile(r"\binputs?\b", regex.IGNORECASE)
_FULL_STOP = regex.compile(r"[.!?…؟۔।][\"'”’»)\]]*\s*$")
_ROW = regex.compile(r"\|\s*$|\|.*\|")
_PIPES = regex.compile(r"[\s|]*\|[\s|]*$")


class Evidence(IntEnum):
    """How surely a line is furniture."""

    NONE = 0
    LIKELY = 1  #: only beside furniture
    SURE = 2


def without_furniture(
    paragraphs: Sequence[str], language: str = ""
) -> tuple[list[str], list[str]]:
    """Return the story's paragraphs and those removed, each in order.

    Both are spans of what was given: the last paragraph of the story may lose its
    last sentences. The story is empty where all is furniture.
    """
    end = _end_of_story(paragraphs)
    story, removed = list(paragraphs[:end]), list(paragraphs[end:])
    if story:
        kept, tail = _without_tail(story[-1], language)
        if tail:
            story[-1] = kept
            removed.insert(0, tail)
    strays = [line for line in story if _is_stray(line)]
    if strays:
        gone = set(strays)
        story = [line for line in story if line not in gone]
        removed = strays + removed
    return story, removed


def evidence(line: str, *, below: bool = False) -> Evidence:
    """Judge one *line*; furniture stands right *below* it, or not."""
    found = _evidence(line, below=below)
    if found is Evidence.SURE or len(line) > _LONGEST_LINE:
        return found
    sentences = split(line)
    if len(sentences) > 1 and all(
        _evidence(sentence) is Evidence.SURE for sentence in sentences
    ):
        return Evidence.SURE
    # “Our reporting is free. Will you help us?”, “WhatsApp: Join Now”
    before, last = _divided(line)
    about = cues.PERSON.search(before) or _matters(before) or cues.LURE.match(before)
    announced = last and before + ": " + last == line and len(before) <= _LONGEST_LABEL
    if not last or _speaks_for_story(before, person=True):
        return found
    sure = _evidence(last) is Evidence.SURE
    if (sure and (about or announced)) or _asks_for_itself(before, last):
        return Evidence.SURE
    return found


def _asks_for_itself(before: str, last: str) -> bool:
    """Whether *last* asks for what *before* gives the newsroom's reasons for."""
    reasons = cues.YOU.search(before) or any(
        matter.search(before) for matter in cues.TRADE
    )
    return (
        bool(reasons)
        and cues.OPENING.match(last) is not None
        and _matters(last) > 0
        and not cues.WITNESS.search(last)
        and not cues.QUOTATION.match(last)
    )


def _divided(line: str) -> tuple[str, str]:
    """Return *line* in two: its last sentence, or what follows a colon, is second."""
    before, colon, last = line.rpartition(": ")
    if not colon:
        *first, last = split(line) or [""]
        before = " ".join(first)
    return before, last if before else ""


def _evidence(line: str, *, below: bool = False) -> Evidence:
    row = _ROW.search(line) is not None
    bare = _PIPES.sub("", line).strip()
    if len(bare) > _LONGEST_APPEAL:
        return Evidence.NONE
    if _is_formal(bare):
        return Evidence.SURE
    own = cues.QUOTED.sub("", bare)
    person = cues.PERSON.search(own) is not None
    if _speaks_for_story(bare, person=person):
        return Evidence.NONE
    if (
        _is_label(bare)
        or _is_price(bare)
        or _is_request(bare)
        or (person and _is_appeal(own, helped=below or row))
    ):
        return Evidence.SURE
    short = len(bare) <= _LONGEST_LIKELY and not _FULL_STOP.search(bare)
    return Evidence.LIKELY if row or short else Evidence.NONE


def _speaks_for_story(line: str, *, person: bool) -> bool:
    """Whether somebody says *line*, or it tells what happened."""
    if cues.LABEL.match(line) and not _FULL_STOP.search(line):
        return False  # “Also read: ‘We are ready,’ the minister said”
    if cues.QUOTATION.match(line):
        return True
    if cues.WITNESS.search(line) and not (person and cues.REQUEST.search(line)):
        return True
    return not person and cues.NARRATIVE.search(line) is not None


def _is_formal(line: str) -> bool:
    """Whether *line* is a form of words that pages have and stories have not."""
    if cues.OWNERSHIP.match(line):
        return True
    if len(line) > _LONGEST_NOTICE:
        return False
    if cues.NOTICE.match(line) and not cues.WITNESS.search(line):
        return True
    if len(line) > _LONGEST_LINE:
        return False
    if cues.ACCOUNT.match(line) or _is_credit(line):
        return True
    return cues.PAYMENT.match(line) is not None and not _FULL_STOP.search(line)


def _is_credit(line: str) -> bool:
    """Whether *line* says whose report or picture it is, or when it was published."""
    if not cues.CREDIT.match(line):
        return False
    if line[0] in "([-–—" or _INPUTS.search(line):
        return True
    return not _FULL_STOP.search(line)  # “Updated in 2019, the list …” is a sentence


def _is_request(line: str) -> bool:
    """Whether *line* asks the reader to do something for the newsroom or with it."""
    if cues.BARE_ACTION.match(line) or cues.PLATFORMS.match(line):
        return True
    if len(line) > _LONGEST_LINE:
        return False
    own = cues.QUOTED.sub("", line)
    opening = cues.OPENING.match(line) is not None
    if not opening and not cues.REQUEST.search(own):
        return False
    priced = cues.AMOUNT.search(line) and (opening or cues.PERIOD.search(line))
    about = _matters(own) + bool(priced) + bool(cues.LINK.search(line))
    newsroom = cues.WE.search(own) is not None
    # “Donate at the district office.” is news; who speaks for the newsroom says “us”
    return about > 1 or (
        about == 1
        and (newsroom or not _FULL_STOP.search(line) or (opening and line[-1] == "!"))
    )


def _is_label(line: str) -> bool:
    return (
        cues.LABEL.match(line) is not None
        and len(line) <= _LONGEST_LINE
        and (":" in line or not _FULL_STOP.search(line))
    )


def _is_price(line: str) -> bool:
    """Whether *line* is a row of a price list: hardly more than amount and period."""
    if len(line) > _LONGEST_LIKELY or not cues.AMOUNT.search(line):
        return False
    if cues.PERIOD.search(line) and _matters(line) and not _FULL_STOP.search(line):
        return True
    rest = cues.PERIOD.sub("", cues.AMOUNT.sub("", line))
    words = regex.findall(r"\w+", rest)
    return len(words) <= (2 if cues.PERIOD.search(line) or cues.TIER.match(rest) else 0)


def _is_appeal(line: str, *, helped: bool) -> bool:
    """Whether *line*, in which “we” or “you” occur, is prose that asks for support."""
    needed = _MATTERS_OF_A_BARE_APPEAL
    if cues.YOU.search(line) and (helped or len(line) <= _LONGEST_LIKELY):
        needed -= 1  # “we” alone is also how a comment ends
    priced = cues.AMOUNT.search(line) and cues.PERIOD.search(line)
    return _matters(line) + bool(priced) >= needed


def _matters(line: str) -> int:
    """How many kinds of newsroom matters *line* speaks of."""
    return sum(matter.search(line) is not None for matter in cues.MATTERS)


def _end_of_story(paragraphs: Sequence[str]) -> int:
    """Return how many of *paragraphs* stand before the furniture at the end."""
    end = len(paragraphs)
    likely = 0
    for index in range(len(paragraphs) - 1, -1, -1):
        found = evidence(paragraphs[index], below=end < len(paragraphs) and not likely)
        if found is Evidence.SURE:
            end, likely = index, 0
            continue
        likely += 1
        if found is Evidence.NONE or likely > _MOST_LIKELY_IN_A_ROW:
            break
    return end


def _without_tail(paragraph: str, language: str) -> tuple[str, str]:
    """Return *paragraph* without the requests it ends in, and those."""
    if len(paragraph) > _LONGEST_APPEAL:
        return paragraph, ""
    sentences = split(paragraph, language)
    kept = len(sentences)
    while kept > 1 and evidence(sentences[kept - 1]) is Evidence.SURE:
        kept -= 1
    if kept == len(sentences):
        return paragraph, ""
    # found from the end: the same words may stand earlier too
    at = len(paragraph)
    for sentence in reversed(sentences[kept:]):
        at = paragraph.rindex(sentence, 0, at)
    return paragraph[:at].rstrip(), paragraph[at:]


def _is_stray(line: str) -> bool:
    """Whether *line*, within the story, is a label, a credit or a request."""
    if len(line) > _LONGEST_STRAY or evidence(line) is not Evidence.SURE:
        return False
    if _is_credit(line):
        return True
    asks = cues.LABEL.match(line) or cues.OPENING.match(line)
    if not _FULL_STOP.search(line):
        return asks is not None
    return asks is not None and cues.WE.search(line) is not None and _matters(line) > 0
