"""Changing what was sent: who has what, and what is to be done about it, set by set."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, exists, func, or_, select, update

from bot.domain.broadcasts import Purpose
from bot.domain.corrections import INSTEAD, Missed, Outcome, outcome
from bot.domain.deliveries import ARRIVED, NOTES, Action, Form, State
from bot.domain.errors import TooLate
from bot.domain.recipients import Channel
from storage.broadcasts import Broadcasts
from storage.rewriting import Rewriting, first_messages, pinned, unpinned
from storage.tables import (
    PENDING,
    attempts,
    broadcasts,
    coverages,
    deliveries,
    messages,
    recipients,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from bot.domain.broadcasts import Broadcast, BroadcastId
    from bot.ports import MessageKey
    from storage.connection import Connection

#: What each action is to come to; a message beside the story is told by its part.
_AIM = {Action.EDIT: Outcome.EDITED, Action.DELETE: Outcome.DELETED}
_DOUBT = "in doubt"


class Corrections:
    """The Corrections port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._broadcasts = Broadcasts(connection)

    async def extent(
        self,
        broadcast: Broadcast,
        keys: Collection[MessageKey],
        *,
        now: datetime,
    ) -> Counter[tuple[Channel, Outcome]]:
        """Count what `begin` would write if it were called now, by what it is to do."""
        family = await self._family(broadcast)
        counted: Counter[tuple[Channel, Outcome]] = Counter()
        if broadcast.purpose is Purpose.CLOSING:
            held = unpinned(broadcast, family, now=now).subquery()
            number = select(func.count()).select_from(held)
            counted[Channel.TELEGRAM, Outcome.PINNED] += await self._connection.value(
                number
            )
            return counted
        writing = Rewriting(broadcast, family, keys, waiting=PENDING, now=now)
        for channel, rows in writing.selects():
            found = rows.subquery()
            for row in await self._connection.rows(
                select(
                    found.c.action,
                    found.c.part,
                    found.c.state,
                    func.count().label("number"),
                )
                .select_from(found)
                .group_by(found.c.action, found.c.part, found.c.state)
            ):
                said = Outcome.NOTICED if row.part > NOTES else Outcome.SENT
                aim = _AIM.get(row.action, said)
                if row.state not in PENDING:
                    aim = Outcome.BEYOND_REACH
                counted[channel, aim] += row.number
        return counted

    async def begin(self, broadcast: Broadcast, *, now: datetime) -> int:
        """Put *broadcast* in the place of what it changes; how many deliveries.

        Raises:
            TooLate: Another change was confirmed after this one was planned.
        """
        family = await self._family(broadcast)
        if broadcast.purpose is Purpose.CLOSING:
            return await self._insert(unpinned(broadcast, family, now=now))
        newest = await self._broadcasts.get(family[-1])
        if newest.confirmed_at is not None and newest.confirmed_at > (
            broadcast.planned_at
        ):
            raise TooLate(
                f"broadcast {newest.id} has changed the story meanwhile; plan it again"
            )
        await self._connection.run(
            update(deliveries)
            .where(
                deliveries.c.broadcast_id.in_(family), deliveries.c.state.in_(PENDING)
            )
            .values(state=State.SKIPPED, reason=INSTEAD[broadcast.purpose])
        )
        await self._connection.run(
            update(broadcasts)
            .where(broadcasts.c.id.in_(family))
            .values(superseded_by=broadcast.id)
        )
        return await self._write(broadcast, family, now=now)

    async def lacking(self, broadcast: Broadcast, *, now: datetime) -> bool:
        """Whether copies are still to be changed that `begin` could not see."""
        if broadcast.purpose is Purpose.LIVE and broadcast.corrects is None:
            return bool(await self._insert(pinned(broadcast, now=now)))
        closing = broadcast.purpose is Purpose.CLOSING
        superseded = broadcast.superseded_by is not None
        if broadcast.corrects is None or superseded or closing:
            return False
        family = await self._family(broadcast)
        if now < broadcast.expires_at:
            under_way = select(deliveries.c.id).where(
                deliveries.c.broadcast_id.in_(family),
                deliveries.c.state == State.SENDING,
            )
            if await self._connection.row(under_way.limit(1)) is not None:
                return True
            if await self._write(broadcast, family, now=now):
                return True
        await self._mark_recalled(broadcast.id, family)
        return False

    async def thread(
        self, broadcast: BroadcastId, answered: Sequence[BroadcastId]
    ) -> int:
        """Have *broadcast* answer, in each chat, the first message that is there."""
        first = first_messages(answered)
        return await self._connection.run(
            update(deliveries)
            .where(
                deliveries.c.broadcast_id == broadcast,
                deliveries.c.part == 1,
                deliveries.c.recipient_id.in_(select(first.c.recipient_id)),
            )
            .values(
                target=select(first.c.provider_id)
                .where(first.c.recipient_id == deliveries.c.recipient_id)
                .limit(1)
                .scalar_subquery()
            )
        )

    async def counts(self, broadcast: BroadcastId) -> Counter[Outcome]:
        """Count what a change has come to, the doubtful copies of the story too."""
        counted: Counter[Outcome] = Counter()
        said = (deliveries.c.part > NOTES).label("said")
        for row in await self._connection.rows(
            select(
                deliveries.c.action,
                said,
                deliveries.c.state,
                deliveries.c.reason,
                func.count().label("number"),
            )
            .where(deliveries.c.broadcast_id == broadcast)
            .group_by(
                deliveries.c.action, said, deliveries.c.state, deliveries.c.reason
            )
        ):
            part = NOTES + 1 if row.said else 1
            counted[outcome(row.action, part, row.state, row.reason)] += row.number
        doubtful = (await self._doubtful(broadcast)).subquery()
        counted[Outcome.BEYOND_REACH] += int(
            await self._connection.value(select(func.count()).select_from(doubtful))
        )
        return +counted

    async def missed(self, broadcast: BroadcastId, *, limit: int) -> list[Missed]:
        """Name the messages that a change has not reached, and why."""
        settled = (*PENDING, State.SENDING, *ARRIVED)
        rows = await self._connection.rows(
            select(deliveries, recipients.c.title, recipients.c.channel)
            .join(recipients, recipients.c.id == deliveries.c.recipient_id)
            .where(
                deliveries.c.broadcast_id == broadcast,
                deliveries.c.state.not_in(settled),
            )
            .order_by(deliveries.c.recipient_id, deliveries.c.part)
            .limit(limit)
        )
        named = [
            _missed(row, _why(row))
            for row in rows
            if outcome(row.action, row.part, row.state, row.reason)
            is Outcome.BEYOND_REACH
        ]
        doubtful = await self._connection.rows(
            (await self._doubtful(broadcast)).limit(limit)
        )
        return (named + [_missed(row, _DOUBT) for row in doubtful])[:limit]

    async def folded(self, broadcasts: Sequence[BroadcastId]) -> int:
        """How many deliveries of *broadcasts* are no longer kept one by one."""
        number = await self._connection.value(
            select(func.sum(coverages.c.number)).where(
                coverages.c.broadcast_id.in_(broadcasts)
            )
        )
        return int(number or 0)

    async def _family(self, broadcast: Broadcast) -> list[BroadcastId]:
        """The numbers of what *broadcast* changes, the oldest first."""
        first = broadcast.corrects or broadcast.id
        family = await self._broadcasts.family(first)
        return [each.id for each in family if each.id != broadcast.id]

    async def _write(
        self, broadcast: Broadcast, family: Sequence[BroadcastId], *, now: datetime
    ) -> int:
        rows = await self._connection.rows(
            select(
                messages.c.audience_id,
                messages.c.channel,
                messages.c.form,
                messages.c.part,
            ).where(messages.c.broadcast_id == broadcast.id)
        )
        keys = [(row.audience_id, row.channel, row.form, row.part) for row in rows]
        writing = Rewriting(broadcast, family, keys, waiting=(State.SKIPPED,), now=now)
        written = 0
        for _, rows_of in writing.selects():
            written += await self._insert(rows_of)
        return written

    async def _insert(self, rows: Select[Any]) -> int:
        """Write deliveries that are not there yet; how many."""
        return await self._connection.run(
            self._connection.insert_new(deliveries).from_select(
                [column.name for column in rows.selected_columns], rows
            )
        )

    async def _mark_recalled(
        self, change: BroadcastId, family: Sequence[BroadcastId]
    ) -> None:
        """Say of what was taken back, or says so by now, that it was."""
        taken = deliveries.alias("taken")
        await self._connection.run(
            update(deliveries)
            .where(
                deliveries.c.broadcast_id.in_(family),
                deliveries.c.action == Action.SEND,
                deliveries.c.state.in_(ARRIVED),
                exists().where(
                    taken.c.broadcast_id == change,
                    taken.c.recipient_id == deliveries.c.recipient_id,
                    taken.c.part == deliveries.c.part,
                    or_(taken.c.action == Action.DELETE, taken.c.form == Form.NOTICE),
                    taken.c.state.in_(ARRIVED),
                ),
            )
            .values(state=State.RECALLED)
        )

    async def _doubtful(self, broadcast: BroadcastId) -> Select[Any]:
        """Messages of which nobody knows whether they arrived; nothing names them."""
        family = await self._family(await self._broadcasts.get(broadcast))
        mended = deliveries.alias("mended")
        return (
            select(
                deliveries.c.recipient_id,
                deliveries.c.part,
                recipients.c.title,
                recipients.c.channel,
            )
            .join(recipients, recipients.c.id == deliveries.c.recipient_id)
            .where(
                deliveries.c.broadcast_id.in_(family),
                deliveries.c.action == Action.SEND,
                or_(
                    deliveries.c.state == State.DOUBTFUL,
                    # Taken for sent by an editor: no provider has named it.
                    and_(
                        deliveries.c.state == State.ACCEPTED,
                        recipients.c.channel == Channel.TELEGRAM,
                        ~exists().where(
                            attempts.c.delivery_id == deliveries.c.id,
                            attempts.c.provider_id != "",
                        ),
                    ),
                ),
                ~exists().where(
                    mended.c.broadcast_id == broadcast,
                    mended.c.recipient_id == deliveries.c.recipient_id,
                    mended.c.part == deliveries.c.part,
                ),
            )
            .order_by(deliveries.c.recipient_id, deliveries.c.part)
        )


def _why(row: Any) -> str:
    if row.failure_kind is not None:
        return f"{row.failure_kind.value} ({row.failure_code})"
    return str(row.reason or row.state.value)


def _missed(row: Any, why: str) -> Missed:
    return Missed(
        recipient=row.recipient_id,
        title=row.title,
        channel=row.channel,
        part=row.part,
        why=why,
    )
