"""What waited too long, and is sent together instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, func, select, update

from bot.domain.broadcasts import BroadcastState, Lane
from bot.domain.deliveries import State
from bot.domain.recipients import AudienceId
from bot.domain.staleness import FEWEST, Waiting
from storage.broadcasts import read
from storage.planning import plan
from storage.tables import (
    broadcast_audiences,
    broadcasts,
    deliveries,
    digest_articles,
    recipients,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from bot.domain.broadcasts import BroadcastId, ChannelPlan
    from bot.domain.recipients import Channel, SenderId
    from storage.connection import Connection

#: How the reason of a delivery begins that a round-up took the place of.
MERGED = "in round-up "
_UNSENT = (State.QUEUED, State.SUSPENDED)
_BEGUN = (
    State.LEASED,
    State.SENDING,
    State.ACCEPTED,
    State.DELIVERED,
    State.READ,
    State.FAILED,
    State.DOUBTFUL,
)


class RoundUps:
    """The RoundUps port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def waiting(self, *, before: datetime) -> list[Waiting]:
        """Return the broadcasts that run, confirmed before *before*.

        Asks for little where there is at most one: nothing could be merged.
        """
        rows = await self._connection.rows(
            select(broadcasts)
            .where(
                broadcasts.c.state == BroadcastState.RUNNING,
                broadcasts.c.lane != Lane.BREAKING,
                broadcasts.c.confirmed_at < before,
            )
            .order_by(broadcasts.c.id)
        )
        if len(rows) < FEWEST:
            return []
        found = []
        for row in rows:
            begun = await self._connection.row(
                select(deliveries.c.id)
                .where(
                    deliveries.c.broadcast_id == row.id,
                    deliveries.c.state.in_(_BEGUN),
                )
                .limit(1)
            )
            some = exists().where(
                deliveries.c.broadcast_id == row.id,
                deliveries.c.audience_id == broadcast_audiences.c.audience_id,
                deliveries.c.state == State.QUEUED,
            )
            audiences = (
                select(broadcast_audiences.c.audience_id)
                .where(broadcast_audiences.c.broadcast_id == row.id, some)
                .order_by(broadcast_audiences.c.place)
            )
            found.append(
                Waiting(
                    broadcast=read(row),
                    begun=begun is not None,
                    audiences=()
                    if begun
                    else tuple(
                        AudienceId(each)
                        for each in await self._connection.values(audiences)
                    ),
                )
            )
        return found

    async def plan(
        self,
        broadcast: BroadcastId,
        merged: Sequence[BroadcastId],
        *,
        parts: Mapping[tuple[AudienceId, Channel], int],
        senders: Mapping[Channel, SenderId],
        now: datetime,
    ) -> list[ChannelPlan]:
        """Write a delivery for everybody who waits for several of *merged*."""
        waiting = deliveries.alias("waiting")
        several = (
            select(waiting.c.recipient_id)
            .where(
                waiting.c.broadcast_id.in_(list(merged)),
                waiting.c.audience_id.in_({audience for audience, _ in parts}),
                waiting.c.state.in_(_UNSENT),
            )
            .group_by(waiting.c.recipient_id)
            .having(func.count(waiting.c.broadcast_id.distinct()) >= FEWEST)
        )
        plans = await plan(
            self._connection,
            broadcast,
            parts=parts,
            senders=senders,
            now=now,
            only=recipients.c.id.in_(several),
        )
        await self._note_articles(broadcast, merged)
        instead = deliveries.alias("instead")
        await self._connection.run(
            update(deliveries)
            .where(
                deliveries.c.broadcast_id.in_(list(merged)),
                deliveries.c.state.in_(_UNSENT),
                exists().where(
                    instead.c.broadcast_id == broadcast,
                    instead.c.recipient_id == deliveries.c.recipient_id,
                    instead.c.audience_id == deliveries.c.audience_id,
                ),
            )
            .values(state=State.SKIPPED, reason=f"{MERGED}{broadcast}")
        )
        await self._connection.run(
            update(broadcasts)
            .where(broadcasts.c.id.in_(list(merged)))
            .values(merged_into_id=broadcast)
        )
        return plans

    async def _note_articles(
        self, broadcast: BroadcastId, merged: Sequence[BroadcastId]
    ) -> None:
        """Note of which versions the round-up was made."""
        rows = await self._connection.rows(
            select(
                digest_articles.c.article_id,
                func.max(digest_articles.c.version).label("version"),
            )
            .join(broadcasts, broadcasts.c.digest_id == digest_articles.c.digest_id)
            .where(broadcasts.c.id.in_(list(merged)))
            .group_by(digest_articles.c.article_id)
            .order_by(func.min(broadcasts.c.id))
        )
        digest = await self._connection.value(
            select(broadcasts.c.digest_id).where(broadcasts.c.id == broadcast)
        )
        await self._connection.run(
            digest_articles.insert(),
            [
                {
                    "digest_id": digest,
                    "place": place,
                    "article_id": row.article_id,
                    "version": row.version,
                }
                for place, row in enumerate(rows, start=1)
            ],
        )
