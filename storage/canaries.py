"""Who gets a broadcast first, and how it fares."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import TYPE_CHECKING

from sqlalchemy import and_, case, delete, func, literal, or_, select

from bot.domain.broadcasts import BroadcastId, BroadcastState
from bot.domain.deliveries import ARRIVED, State
from bot.domain.holding import (
    CANARY_FOR,
    CANARY_MOST,
    CANARY_SHARE,
    OF_ONE,
    Canary,
    canary_size,
)
from bot.domain.recipients import SenderId, Standing
from bot.ports import Watched
from storage.due import stated
from storage.tables import broadcasts, canaries, deliveries, recipients, senders

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select

    from storage.connection import Connection

_ENOUGH = ceil(CANARY_MOST / CANARY_SHARE)
#: These have not ended, and will of their own accord.
_UNDER_WAY = (State.QUEUED, State.LEASED, State.SENDING)


class Canaries:
    """The Canaries port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def place(self, broadcast: BroadcastId, *, now: datetime) -> int:
        """Let only the first few that each sender has of it go; how many."""
        placed = 0
        for sender in await self._connection.values(select(senders.c.id)):
            # More than makes the largest canary need not be counted.
            some = _queued(broadcast, sender).limit(_ENOUGH).subquery()
            there = await self._connection.value(select(func.count()).select_from(some))
            placed += await self._bound(
                broadcast, sender, canary_size(there), after=0, now=now
            )
        return placed

    async def replace(
        self, broadcast: BroadcastId, sender: SenderId, *, now: datetime
    ) -> int:
        """Let as many others go first instead; how many there were.

        Where there are none, everybody may have it.
        """
        before = await self._connection.row(
            select(canaries).where(
                canaries.c.broadcast_id == broadcast, canaries.c.sender_id == sender
            )
        )
        if before is None:
            return 0
        gone = await self._connection.run(
            delete(canaries).where(
                canaries.c.broadcast_id == broadcast,
                canaries.c.sender_id == sender,
                canaries.c.first_id == before.first_id,
            )
        )
        if not gone:
            return 0  # another worker has been here
        size = before.last_id - before.first_id + 1
        return await self._bound(broadcast, sender, size, after=before.last_id, now=now)

    async def _bound(
        self,
        broadcast: BroadcastId,
        sender: SenderId,
        size: int,
        *,
        after: int,
        now: datetime,
    ) -> int:
        first = _queued(broadcast, sender).where(deliveries.c.id > after).limit(size)
        chosen = await self._connection.values(first)
        if chosen:
            await self._connection.run(
                canaries.insert().values(
                    broadcast_id=broadcast,
                    sender_id=sender,
                    first_id=min(chosen),
                    last_id=max(chosen),
                    since=now,
                )
            )
        return len(chosen)

    async def watched(self) -> list[Watched]:
        """Return the canaries of all running broadcasts, oldest first."""
        rows = await self._connection.rows(
            select(canaries)
            .join(broadcasts, broadcasts.c.id == canaries.c.broadcast_id)
            .where(broadcasts.c.state == BroadcastState.RUNNING)
            .order_by(canaries.c.broadcast_id, canaries.c.sender_id)
        )
        found = []
        for row in rows:
            broadcast, sender = BroadcastId(row.broadcast_id), SenderId(row.sender_id)
            counted = await self._connection.rows(
                select(
                    deliveries.c.state,
                    deliveries.c.failure_kind,
                    func.count().label("number"),
                    func.sum(deliveries.c.attempts).label("tried"),
                    func.sum(_barred(row.since + CANARY_FOR)).label("barred"),
                )
                .join(recipients, recipients.c.id == deliveries.c.recipient_id)
                .where(
                    deliveries.c.id.between(row.first_id, row.last_id),
                    deliveries.c.broadcast_id + 0 == broadcast,
                    deliveries.c.sender_id == sender,
                )
                .group_by(deliveries.c.state, deliveries.c.failure_kind)
            )
            canary = Canary(
                under_way=sum(
                    each.number - each.barred
                    for each in counted
                    if each.state in _UNDER_WAY
                ),
                arrived=sum(e.number for e in counted if e.state in ARRIVED),
                tried=sum(each.tried for each in counted),
                failures=Counter(
                    {
                        each.failure_kind: each.number
                        for each in counted
                        if each.state is State.FAILED and each.failure_kind is not None
                    }
                ),
            )
            found.append(
                Watched(
                    broadcast=broadcast, sender=sender, since=row.since, canary=canary
                )
            )
        return found

    async def release(
        self, broadcast: BroadcastId, sender: SenderId | None = None
    ) -> None:
        """Let everybody have it: all its senders', or the one's."""
        statement = delete(canaries).where(canaries.c.broadcast_id == broadcast)
        if sender is not None:
            statement = statement.where(canaries.c.sender_id == sender)
        await self._connection.run(statement)

    async def failed(self, broadcast: BroadcastId) -> int:
        """How many of its deliveries failed in a way that may be the message's fault.

        Reads the failed ones only.
        """
        return int(
            await self._connection.value(
                select(func.count()).where(
                    deliveries.c.broadcast_id == broadcast,
                    deliveries.c.state == State.FAILED,
                    deliveries.c.failure_kind.not_in(sorted(OF_ONE)),
                )
            )
        )

    async def arrived(self, broadcast: BroadcastId, *, most: int) -> int:
        """How many of its deliveries arrived; counts to *most* and no further."""
        some = (
            select(literal(1))
            .where(
                deliveries.c.broadcast_id == broadcast,
                deliveries.c.state.in_(sorted(ARRIVED)),
            )
            .limit(most)
            .subquery()
        )
        return int(await self._connection.value(select(func.count()).select_from(some)))


def _barred(until: datetime) -> ColumnElement[int]:
    """Say 1 of a message that was never tried and cannot be before *until*.

    Its recipient waits for rights, or for the provider: it would hold up everybody.
    """
    never = and_(
        stated(deliveries.c.state, State.QUEUED),
        deliveries.c.attempts == 0,
        or_(
            recipients.c.standing != Standing.ACTIVE,
            and_(recipients.c.next_at.is_not(None), recipients.c.next_at > until),
        ),
    )
    return case((never, 1), else_=0)


def _queued(broadcast: BroadcastId, sender: SenderId) -> Select[tuple[int]]:
    """Select what the sender has queued of it, as it will be claimed; first parts."""
    return (
        select(deliveries.c.id)
        .where(
            deliveries.c.broadcast_id == broadcast,
            deliveries.c.sender_id == sender,
            stated(deliveries.c.state, State.QUEUED),
            deliveries.c.part == 1,
        )
        .order_by(deliveries.c.due_at, deliveries.c.id)
    )
