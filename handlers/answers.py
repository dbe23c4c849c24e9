"""What both channels answer alike: the language, and the newest stories."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from bot import phrases
from bot.domain.keeping import USUAL
from bot.domain.recipients import Channel, Kind
from bot.formatter import FormatterError, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.keeping import Keeping
    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import Address
    from bot.editorial import Editorial
    from bot.enrolment import Enrolment
    from bot.replies import Replies

#: Most stories that one question is answered with.
MOST_STORIES = 5


class Answers:
    """Answers in the language of whoever asked.

    Args:
        own: Hosts, handles and tags of the newsroom, which stay links in a story.
        keeping: How long what concerns people is kept.
        contact: Where the newsroom is reached.
    """

    def __init__(
        self,
        *,
        replies: Replies,
        enrolment: Enrolment,
        editorial: Editorial,
        own: frozenset[str] = frozenset(),
        keeping: Keeping = USUAL,
        contact: str = "",
    ) -> None:
        self._replies = replies
        self._enrolment = enrolment
        self._editorial = editorial
        self._own = own
        self._keeping = keeping
        self._contact = contact

    async def say(
        self, to: Address, kind: Kind, *messages: OutboundMessage | str, key: str
    ) -> None:
        """Answer the question named *key*, once, in the given order."""
        await self._replies.answer(to, kind, messages, key=key)

    def privacy(self, language: str, channel: Channel) -> str:
        """Return what is kept, for how long, and how to be forgotten."""
        return phrases.privacy(
            language, channel=channel, keeping=self._keeping, contact=self._contact
        )

    async def language(self, address: Address, kind: Kind, *, spoken: str = "") -> str:
        """Return the language to answer in: theirs, their audience's, or English.

        Args:
            address: Where the question came from.
            kind: What stands there.
            spoken: The language of the person's app; a group's members share none.
        """
        found = await self._enrolment.find(address)
        theirs = [found[0].language] if found else []
        audiences = [each.language for each in found[1]] if found else []
        if kind is Kind.READER:
            candidates = [*theirs, spoken, *audiences]
        else:
            candidates = [*theirs, *audiences, spoken]
        return next(filter(phrases.speaks, candidates), "en")

    async def newest(
        self, channel: Channel, language: str, count: int
    ) -> Sequence[OutboundMessage | str]:
        """Return the newest stories as *channel* shows them, the newest first."""
        try:
            digests = await self._editorial.digests(count)
            messages = [
                text
                for digest in digests
                for text in render(digest, channel, own=self._own)
            ]
        except FormatterError:
            messages = []
        return messages or [phrases.nothing_yet(language)]


def how_many(word: str) -> int:
    """Read how many stories are wished for: one, unless a number says more."""
    if not word.isdecimal() or len(word) > 3:  # noqa: PLR2004 - digits, nobody means more
        return 1
    return min(max(int(word), 1), MOST_STORIES)


def visible(text: str) -> str:
    """Return *text* without the invisible marks that copying brings along."""
    return "".join(each for each in text if unicodedata.category(each) != "Cf")
