"""What can go wrong while a message is made, named for what to do next.

FormatterError
├── NothingToSay    give the article some words
└── BlockTooLong    shorten the article and render it again
"""

from __future__ import annotations


class FormatterError(ValueError):
    """A message could not be made of this article."""


class NothingToSay(FormatterError):  # noqa: N818 — named for what is the matter
    """The article holds no letter and no digit."""


class BlockTooLong(FormatterError):  # noqa: N818 — named for what is the matter
    """One block alone is longer than a message may be."""
