"""What a message says, before any channel's markup: blocks of lines.

A block is never divided between messages. A line has one role; that is all a channel
needs to know to dress it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from .cleaning import beginning, clean_line, has_words, runs_from_the_right
from .errors import NothingToSay
from .links import host_of, is_link, link_or_text

if TYPE_CHECKING:
    from bot.domain.digests import Digest, Story

_READ = 20_000  # characters of one line

Role = Literal["headline", "text", "link", "join"]


@dataclass(frozen=True, slots=True)
class JoinLine:
    """The invitation under a digest."""

    words: str  #: in the reader's language: “Join our WhatsApp group”
    link: str


@dataclass(frozen=True, slots=True)
class Line:
    """Words in one role, on a line of their own."""

    role: Role
    text: str = ""
    link: str = ""
    from_the_right: bool = False  #: laid out from the right, whatever it begins with
    language: str = ""


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that stay together."""

    lines: tuple[Line, ...]


def blocks_of(digest: Digest, join: JoinLine | None) -> list[Block]:
    """Return what is to be said of *digest*, then the join line.

    A single story is given sentence by sentence; of several, each is one block:
    headline, lead, link.

    Raises:
        NothingToSay: No story of *digest* has a word in it.
    """
    stories = [cleaned(story) for story in digest.stories]
    stories = [story for story in stories if story.headline or story.sentences]
    heading = clean_line(digest.heading)
    if not stories:
        raise NothingToSay(
            "this digest has no words; give it a story with a headline or a sentence"
        )
    blocks = []
    if has_words(heading):
        turn = runs_from_the_right(heading)
        blocks.append(Block((Line("headline", heading, from_the_right=turn),)))
    for story in stories:
        lines = _lines(story)
        if len(stories) > 1:
            shown = [line for line in lines if line.role != "text"]
            leads = [line for line in lines if line.role == "text"][:1]
            at = sum(line.role == "headline" for line in lines)
            blocks.append(Block((*shown[:at], *leads, *shown[at:])))
        else:
            blocks += [Block((line,)) for line in lines]
    if join is not None and has_words(join.words):
        words = clean_line(join.words)
        blocks.append(Block((Line("join", words, link_or_text(join.link)),)))
    return blocks


def cleaned(story: Story) -> Story:
    """Return *story* cleaned, without the lines that say nothing.

    Of a line longer than any message, only as much is read as the longest could take.
    """
    headline = clean_line(beginning(story.headline, _READ))
    sentences = [clean_line(beginning(each, _READ)) for each in story.sentences]
    return replace(
        story,
        headline=headline if has_words(headline) else "",
        sentences=tuple(sentence for sentence in sentences if has_words(sentence)),
        link=link_or_text(story.link),
    )


def own_hosts(digest: Digest) -> frozenset[str]:
    """Return the hosts of the stories' links: addresses there are the newsroom's."""
    links = [story.link.strip() for story in digest.stories]
    return frozenset(host_of(link) for link in links if is_link(link))


def _lines(story: Story) -> list[Line]:
    turn = runs_from_the_right(" ".join((story.headline, *story.sentences[:3])))
    lines = []
    if story.headline:
        lines.append(Line("headline", story.headline, "", turn, story.language))
    lines += [Line("text", text, "", turn, story.language) for text in story.sentences]
    if story.link:
        lines.append(Line("link", link=story.link))
    return lines
