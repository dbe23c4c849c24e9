"""An ordered choice of articles, with no channel in it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NewType

DigestId = NewType("DigestId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What a digest says of one article: the newsroom's own words, cleaned.

    ``headline`` and every one of ``sentences`` is a contiguous span of the article
    after the formatter's stated clean-up.
    """

    headline: str
    sentences: tuple[str, ...]  #: lead first, in the article's order, each whole
    #: where it can be read: an absolute http or https address; or words that are none,
    #: shown as text; or empty
    link: str = ""
    language: str = ""  #: BCP 47


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """One or more stories under a heading; fixed once approved."""

    stories: tuple[Story, ...]
    heading: str = ""  #: empty for a single story
    notes: tuple[Note, ...] = ()  #: what the editor is told; never sent


@dataclass(frozen=True, slots=True)
class Note:
    """Something the editor should know before sending, and what it is about."""

    code: str  #: stable, for programs: "headline-made", "furniture-removed", …
    text: str  #: for the editor, in English
