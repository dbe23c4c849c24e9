"""What can go wrong while a message is made, named for what to do next.

FormatterError
├── NothingToSay    give the article some words; also a domain NothingToSend
└── BlockTooLong    shorten the article and render it again
"""

from __future__ import annotations

from bot.domain.errors import NothingToSend


class FormatterError(ValueError):
    """A message could not be made of this article."""


class NothingToSay(FormatterError, NothingToSend):
    """The article holds no letter and no digit."""


class BlockTooLong(FormatterError):
    """One block alone is longer than a message may be."""
