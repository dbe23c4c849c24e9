"""Digests on their way."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, or_, select, update

from bot.domain.articles import ArticleId
from bot.domain.broadcasts import Broadcast, BroadcastId, BroadcastState
from bot.domain.digests import DigestId
from bot.domain.errors import Unknown
from bot.domain.recipients import AudienceId
from storage.codec import decode_digest, decode_message, encode_digest, encode_message
from storage.tables import (
    articles,
    broadcast_audiences,
    broadcasts,
    digest_articles,
    digests,
    messages,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import BindParameter, Row, Select

    from bot.domain.articles import Article
    from bot.domain.digests import Digest
    from bot.domain.messages import OutboundMessage
    from bot.ports import MessageKey
    from storage.connection import Connection


class Broadcasts:
    """The Broadcasts port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add_digest(
        self, digest: Digest, articles: Sequence[Article], *, now: datetime
    ) -> DigestId:
        """Fix a digest, and note which versions it was made of."""
        number = await self._connection.add(
            digests, body=encode_digest(digest), made_at=now
        )
        await self._connection.run(
            digest_articles.insert(),
            [
                {
                    "digest_id": number,
                    "place": place,
                    "article_id": article.id,
                    "version": article.version,
                }
                for place, article in enumerate(articles, start=1)
            ],
        )
        return DigestId(number)

    async def digest(self, digest: DigestId) -> Digest:
        """Return a digest. Raises Unknown."""
        body = await self._connection.value(
            select(digests.c.body).where(digests.c.id == digest)
        )
        if body is None:
            raise Unknown(f"there is no digest {digest}")
        return decode_digest(body)

    async def add(
        self, broadcast: Broadcast, audiences: Sequence[AudienceId]
    ) -> Broadcast:
        """Store a new broadcast (its ``id`` is ignored) and return it with its id."""
        number = await self._connection.add(
            broadcasts,
            digest_id=broadcast.digest,
            lane=broadcast.lane,
            state=broadcast.state,
            planned_by=broadcast.planned_by,
            planned_at=broadcast.planned_at,
            expires_at=broadcast.expires_at,
            confirmed_at=broadcast.confirmed_at,
            finished_at=broadcast.finished_at,
            reason=broadcast.reason,
            held_until=broadcast.held_until,
            again=broadcast.again,
            watched=broadcast.watched,
            stars=broadcast.stars,
            origin_id=broadcast.origin,
            merged_into_id=broadcast.merged_into,
            purpose=broadcast.purpose,
            corrects_id=broadcast.corrects,
            superseded_by=broadcast.superseded_by,
        )
        await self._connection.run(
            broadcast_audiences.insert(),
            [
                {"broadcast_id": number, "audience_id": audience, "place": place}
                for place, audience in enumerate(dict.fromkeys(audiences), start=1)
            ],
        )
        return replace(broadcast, id=BroadcastId(number))

    async def add_messages(
        self, broadcast: BroadcastId, messages: Mapping[MessageKey, OutboundMessage]
    ) -> None:
        """Store what will be sent, once per audience, channel, form and part."""
        await self._connection.run(
            _messages.insert(),
            [
                {
                    "broadcast_id": broadcast,
                    "audience_id": audience,
                    "channel": channel,
                    "form": form,
                    "part": part,
                    "body": encode_message(message),
                }
                for (audience, channel, form, part), message in messages.items()
            ],
        )

    async def messages(
        self, broadcast: BroadcastId
    ) -> dict[MessageKey, OutboundMessage]:
        """Return what `add_messages` stored."""
        rows = await self._connection.rows(
            select(_messages).where(_messages.c.broadcast_id == broadcast)
        )
        return {
            (
                AudienceId(row.audience_id),
                row.channel,
                row.form,
                row.part,
            ): decode_message(row.body)
            for row in rows
        }

    async def get(self, broadcast: BroadcastId) -> Broadcast:
        """Return one. Raises Unknown."""
        row = await self._connection.row(
            select(broadcasts).where(broadcasts.c.id == broadcast)
        )
        if row is None:
            raise Unknown(
                f"there is no broadcast {broadcast}; harkara broadcast list shows the "
                "newest"
            )
        return read(row)

    async def articles(self, digest: DigestId) -> list[ArticleId]:
        """Return the articles that a digest was made of, in their order."""
        found = await self._connection.values(
            select(digest_articles.c.article_id)
            .where(digest_articles.c.digest_id == digest)
            .order_by(digest_articles.c.place)
        )
        return [ArticleId(each) for each in found]

    async def family(self, first: BroadcastId) -> list[Broadcast]:
        """Return a story's first broadcast, its repeats and changes, oldest first.

        Those that nobody has confirmed have changed nothing and are left out.
        """
        rows = await self._connection.rows(
            select(broadcasts)
            .where(
                or_(
                    broadcasts.c.id == first,
                    broadcasts.c.corrects_id == first,
                    broadcasts.c.origin_id == first,
                ),
                broadcasts.c.confirmed_at.is_not(None),
            )
            .order_by(broadcasts.c.confirmed_at, broadcasts.c.id)
        )
        return [read(row) for row in rows]

    async def locked(self, broadcast: BroadcastId) -> Broadcast:
        """Return one, which nobody else changes until the transaction's end."""
        await self._connection.row(
            select(broadcasts.c.id)
            .where(broadcasts.c.id == broadcast)
            .with_for_update()
        )
        return await self.get(broadcast)

    async def let_go(self, *, now: datetime) -> list[Broadcast]:
        """Let those run whose time to be undone is over; return them."""
        found = await self._connection.values(
            update(broadcasts)
            .where(
                broadcasts.c.state == BroadcastState.WAITING,
                broadcasts.c.held_until <= now,
            )
            .values(state=BroadcastState.RUNNING)
            .returning(broadcasts.c.id)
        )
        return [await self.get(BroadcastId(each)) for each in sorted(found)]

    async def audiences(self, broadcast: BroadcastId) -> list[AudienceId]:
        """Return whom it is for, in the order in which they count."""
        found = await self._connection.values(
            select(broadcast_audiences.c.audience_id)
            .where(broadcast_audiences.c.broadcast_id == broadcast)
            .order_by(broadcast_audiences.c.place)
        )
        return [AudienceId(each) for each in found]

    async def save(self, broadcast: Broadcast) -> None:
        """Write its state, its moments, its reason, and what editors said of it."""
        await self._connection.run(
            update(broadcasts)
            .where(broadcasts.c.id == broadcast.id)
            .values(
                state=broadcast.state,
                expires_at=broadcast.expires_at,
                confirmed_at=broadcast.confirmed_at,
                finished_at=broadcast.finished_at,
                reason=broadcast.reason,
                held_until=broadcast.held_until,
                again=broadcast.again,
                watched=broadcast.watched,
                merged_into_id=broadcast.merged_into,
                purpose=broadcast.purpose,
            )
        )

    async def latest(self, limit: int) -> list[Broadcast]:
        """Return the newest first."""
        rows = await self._connection.rows(
            select(broadcasts).order_by(broadcasts.c.id.desc()).limit(limit)
        )
        return [read(row) for row in rows]

    async def in_state(self, *states: BroadcastState) -> list[Broadcast]:
        """Return all in one of *states*, oldest first."""
        rows = await self._connection.rows(_in_states(), {"states": list(states)})
        return [read(row) for row in rows]

    async def of_article(self, article: ArticleId) -> list[tuple[Broadcast, bool]]:
        """Return confirmed broadcasts of one article alone, the newest first.

        Beside each, whether it was of the article's newest version.
        """
        others = digest_articles.alias("others")
        rows = await self._connection.rows(
            select(
                broadcasts,
                (digest_articles.c.version == articles.c.version).label("is_newest"),
            )
            .join(
                digest_articles, digest_articles.c.digest_id == broadcasts.c.digest_id
            )
            .join(articles, articles.c.id == digest_articles.c.article_id)
            .where(
                digest_articles.c.article_id == article,
                broadcasts.c.confirmed_at.is_not(None),
                ~exists().where(
                    others.c.digest_id == broadcasts.c.digest_id,
                    others.c.article_id != article,
                ),
            )
            .order_by(broadcasts.c.confirmed_at.desc(), broadcasts.c.id.desc())
        )
        return [(read(row), bool(row.is_newest)) for row in rows]

    async def sent_before(
        self, articles: Collection[ArticleId], audiences: Collection[AudienceId]
    ) -> list[Broadcast]:
        """Return confirmed broadcasts of any of *articles* to any of *audiences*.

        The newest first; a cancelled one may have reached some before it was.
        """
        of_articles = select(digest_articles.c.digest_id).where(
            digest_articles.c.article_id.in_(list(articles))
        )
        to_audiences = select(broadcast_audiences.c.broadcast_id).where(
            broadcast_audiences.c.audience_id.in_(list(audiences)),
            broadcast_audiences.c.broadcast_id == broadcasts.c.id,
        )
        rows = await self._connection.rows(
            select(broadcasts)
            .where(
                broadcasts.c.confirmed_at.is_not(None),
                broadcasts.c.digest_id.in_(of_articles),
                to_audiences.exists(),
            )
            .order_by(broadcasts.c.id.desc())
        )
        return [read(row) for row in rows]

    async def repeated(self, broadcast: BroadcastId) -> list[Broadcast]:
        """Return confirmed ones of the same versions to any of the same audiences."""
        itself = broadcasts.alias("itself")
        mine, theirs = digest_articles.alias("mine"), digest_articles.alias("theirs")
        same = exists().where(
            itself.c.id == broadcast,
            mine.c.digest_id == itself.c.digest_id,
            theirs.c.digest_id == broadcasts.c.digest_id,
            theirs.c.article_id == mine.c.article_id,
            theirs.c.version == mine.c.version,
        )
        whose = broadcast_audiences.alias("whose")
        shared = exists().where(
            whose.c.broadcast_id == broadcast,
            broadcast_audiences.c.broadcast_id == broadcasts.c.id,
            broadcast_audiences.c.audience_id == whose.c.audience_id,
        )
        rows = await self._connection.rows(
            select(broadcasts)
            .where(
                broadcasts.c.confirmed_at.is_not(None),
                broadcasts.c.id != broadcast,
                same,
                shared,
            )
            .order_by(broadcasts.c.id.desc())
        )
        return [read(row) for row in rows]


_messages = messages


@cache
def _in_states() -> Select[Any]:
    states: BindParameter[Any] = bindparam("states", expanding=True)
    return (
        select(broadcasts)
        .where(broadcasts.c.state.in_(states))
        .order_by(broadcasts.c.id)
    )


def read(row: Row[Any]) -> Broadcast:
    """Read a broadcast."""
    return Broadcast(
        id=BroadcastId(row.id),
        digest=DigestId(row.digest_id),
        lane=row.lane,
        state=row.state,
        planned_by=row.planned_by,
        planned_at=row.planned_at,
        expires_at=row.expires_at,
        confirmed_at=row.confirmed_at,
        finished_at=row.finished_at,
        reason=row.reason,
        held_until=row.held_until,
        again=row.again,
        watched=row.watched,
        stars=row.stars,
        origin=row.origin_id and BroadcastId(row.origin_id),
        merged_into=row.merged_into_id and BroadcastId(row.merged_into_id),
        purpose=row.purpose,
        corrects=row.corrects_id and BroadcastId(row.corrects_id),
        superseded_by=row.superseded_by and BroadcastId(row.superseded_by),
    )
