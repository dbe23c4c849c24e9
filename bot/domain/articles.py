"""What a newsroom publishes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from datetime import datetime

ArticleId = NewType("ArticleId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An article as it arrives, before it is one of ours."""

    text: str  #: plain text, a paragraph or more, furniture and all
    headline: str = ""  #: empty where none was given
    link: str = ""
    language: str = ""  #: BCP 47; empty where not declared


@dataclass(frozen=True, slots=True, kw_only=True)
class Article:
    """One published piece, at one of its versions."""

    id: ArticleId
    version: int  #: from 1
    draft: Draft
    taken_in_at: datetime
