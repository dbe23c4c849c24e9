"""Articles in, editors known."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.errors import NothingToSend
from bot.domain.recipients import Kind
from bot.formatter import clean_draft, compose

if TYPE_CHECKING:
    from bot.domain.articles import Article, ArticleId, Draft
    from bot.domain.digests import Digest
    from bot.domain.recipients import Address
    from bot.ports import Clock, Database, Editor

#: An editor's invitation is told from a join link's token by how it begins.
INVITATION = "editor-"
#: How long an invitation may be used.
INVITATION_FOR = timedelta(days=3)


class Editorial:
    """Takes articles in and knows who may send them."""

    def __init__(self, *, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def take_in(self, draft: Draft) -> Article:
        """Store an article; the same one twice is one, an edited one a new version.

        Raises:
            NothingToSend: There are no words in it.
        """
        tidy = await asyncio.to_thread(clean_draft, draft)
        same = tidy.link or f"{tidy.headline}\n{tidy.text}"
        fingerprint = hashlib.sha256(same.encode()).hexdigest()
        async with self._database.transaction() as tx:
            return await tx.articles.add(
                tidy, fingerprint=fingerprint, now=self._clock.now()
            )

    async def latest(self, limit: int) -> list[Article]:
        """Return the newest articles, the most recent first."""
        async with self._database.snapshot() as tx:
            return await tx.articles.latest(limit)

    async def article(self, article: ArticleId | None = None) -> Article:
        """Return an article, or the newest.

        Raises:
            Unknown: There is no article with that number.
            NothingToSend: There is none at all.
        """
        async with self._database.snapshot() as tx:
            if article is not None:
                return await tx.articles.get(article)
            found = await tx.articles.latest(1)
        if not found:
            raise NothingToSend("no article has been taken in yet")
        return found[0]

    async def digests(self, limit: int) -> list[Digest]:
        """Return the newest stories, ready to be rendered for a reader."""
        articles = await self.latest(limit)
        return [await asyncio.to_thread(compose, each.draft) for each in articles]

    async def invite_editor(self, name: str) -> str:
        """Make a one-time invitation and return its token, which is kept nowhere."""
        token = INVITATION + secrets.token_urlsafe(32)
        async with self._database.transaction() as tx:
            await tx.editors.add_invitation(
                _hash(token), name=name, expires_at=self._clock.now() + INVITATION_FOR
            )
        return token

    async def accept_invitation(
        self, token: str, *, by: Address, language: str = ""
    ) -> str | None:
        """Give *by* the editor's role, using the invitation up.

        Returns:
            The name it was made for; None if there is no such invitation any more.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            name = await tx.editors.use_invitation(_hash(token), now=now)
            if name is None:
                return None
            recipient = await tx.recipients.ensure(
                by, Kind.READER, language=language, now=now
            )
            await tx.editors.add(recipient.id, name=name, now=now)
            return name

    async def editor(self, address: Address) -> Editor | None:
        """Return the editor who writes from *address*; None if it is nobody's."""
        async with self._database.snapshot() as tx:
            return await tx.editors.find(address)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
