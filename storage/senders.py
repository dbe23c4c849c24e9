"""Accounts at providers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, literal_column, or_, select, update

from bot.domain.broadcasts import BroadcastState
from bot.domain.corrections import INSTEAD
from bot.domain.deliveries import REPEATABLE, Form, Progress, State
from bot.domain.errors import Unknown
from bot.domain.pacing import BELIEVED
from bot.domain.portfolio import Reached
from bot.domain.recipients import SenderId
from bot.ports import Sender, Taken
from storage import due
from storage.tables import (
    IN_HAND,
    OPEN,
    attempts,
    broadcasts,
    clock_readings,
    deliveries,
    inbound,
    recipients,
    replies,
    senders,
)

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from sqlalchemy import ColumnElement, Row

    from bot.domain.recipients import Channel
    from storage.connection import Connection


NOBODY = Reached(readers=0)


class Senders:
    """The Senders port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def ensure(self, channel: Channel, name: str, *, now: datetime) -> Sender:
        """Return the sender of that name, made if need be."""
        await self._connection.run(
            self._connection.insert_new(senders).values(
                channel=channel, name=name, epoch=0, clock=now, down=""
            )
        )
        row = await self._connection.row(
            select(senders).where(senders.c.channel == channel, senders.c.name == name)
        )
        if row is None:
            raise Unknown("the sender just made is not there")
        return _sender(row)

    async def get(self, sender: SenderId) -> Sender:
        """Return one sender. Raises Unknown."""
        row = await self._connection.row(select(senders).where(senders.c.id == sender))
        if row is None:
            raise Unknown(f"there is no sender {sender}")
        return _sender(row)

    async def take(self, sender: SenderId) -> Taken:
        """Become the owner: raise the epoch and settle what the last one left.

        Returns:
            The sender, and how many deliveries were found; replies are settled
            likewise, and not counted.
        """
        await self._connection.run(
            update(senders)
            .where(senders.c.id == sender)
            .values(epoch=senders.c.epoch + 1)
        )
        taken = await self.get(sender)
        called_at_all = 0
        for table, states in ((deliveries, IN_HAND), (replies, OPEN)):
            theirs = (table.c.sender_id == sender) & due.stated(table.c.state, *states)
            called = theirs & due.stated(table.c.state, State.SENDING)
            leased = theirs & due.stated(table.c.state, State.LEASED)
            if table is deliveries:
                await self._connection.run(
                    update(attempts)
                    .where(
                        attempts.c.progress == Progress.SENDING,
                        attempts.c.delivery_id.in_(select(table.c.id).where(called)),
                    )
                    .values(progress=Progress.DOUBTFUL)
                )
            in_doubt = await self._connection.run(
                update(table).where(called).values(state=State.DOUBTFUL)
            )
            called_at_all += in_doubt
            if table is deliveries:
                if in_doubt:
                    in_doubt -= await self._give_up_replaced(theirs)
                # To edit or delete once more comes to the same: no doubt is left.
                in_doubt -= await self._connection.run(
                    update(table)
                    .where(
                        theirs,
                        due.stated(table.c.state, State.DOUBTFUL),
                        table.c.action.in_(REPEATABLE),
                    )
                    .values(state=State.QUEUED)
                )
            queued_again = await self._connection.run(
                update(table).where(leased).values(state=State.QUEUED)
            )
            if table is deliveries:
                doubtful, requeued = in_doubt, queued_again
        return Taken(
            sender=taken,
            requeued=requeued,
            doubtful=doubtful,
            called=called_at_all > 0,
        )

    async def _give_up_replaced(self, theirs: ColumnElement[bool]) -> int:
        """Skip edits and deletions in doubt that nobody wants any more; how many.

        Made once more, the words of an older correction would stand over a newer one's.
        """
        given_up = 0
        newest = broadcasts.alias("newest")
        over = [
            (
                select(broadcasts.c.id)
                .join(newest, newest.c.id == broadcasts.c.superseded_by)
                .where(newest.c.purpose == purpose),
                reason,
            )
            for purpose, reason in INSTEAD.items()
        ]
        stopped = broadcasts.c.state == BroadcastState.CANCELLED
        over.append((select(broadcasts.c.id).where(stopped), "stopped"))
        for which, reason in over:
            given_up += await self._connection.run(
                update(deliveries)
                .where(
                    theirs,
                    due.stated(deliveries.c.state, State.DOUBTFUL),
                    deliveries.c.action.in_(REPEATABLE),
                    deliveries.c.broadcast_id.in_(which),
                )
                .values(state=State.SKIPPED, reason=reason)
            )
        return given_up

    async def delay(self, sender: SenderId, until: datetime) -> None:
        """Send nothing more before *until*, whoever the owner is.

        A clock that is further ahead stays, unless it cannot be believed.
        """
        await self._connection.run(
            update(senders)
            .where(
                senders.c.id == sender,
                or_(senders.c.clock < until, senders.c.clock > until + BELIEVED),
            )
            .values(clock=until)
        )

    async def latest_moment(self) -> datetime | None:
        """Return the latest moment that the machine's clock has shown, if known."""
        noted = await self._connection.row(select(clock_readings))
        latest = await self._latest_written()
        if noted is not None and (latest is None or latest <= noted.latest):
            return cast("datetime", noted.shown)
        return latest

    async def note_clock(self, *, now: datetime) -> None:
        """Write down what the machine's clock shows, and that it is believed."""
        latest = await self._latest_written()
        row = {"shown": now, "latest": latest or now}
        await self._connection.run(
            self._connection.insert_new(clock_readings).values(id=1, **row)
        )
        await self._connection.run(update(clock_readings).values(**row))

    async def _latest_written(self) -> datetime | None:
        newest = select(inbound.c.received_at).order_by(inbound.c.id.desc()).limit(1)
        moments = [
            await self._connection.value(newest),
            await self._connection.value(select(func.max(broadcasts.c.planned_at))),
            await self._connection.value(select(func.max(broadcasts.c.confirmed_at))),
            await self._connection.value(select(func.max(broadcasts.c.finished_at))),
        ]
        return max((each for each in moments if each is not None), default=None)

    async def end_waits(self, *, now: datetime, longest: timedelta) -> int:
        """End every wait that lies ahead of *now*, for any sender; how many."""
        ended = 0
        for table in (deliveries, replies):
            waits = (due.stated(table.c.state, State.QUEUED), table.c.due_at > now)
            ended += await self._connection.run(
                update(table).where(*waits).values(due_at=now)
            )
        for table, name, most in (
            (recipients, "next_at", now),
            (senders, "clock", now),
            (recipients, "rest_until", now + longest),
            (recipients, "retry_at", now + longest),
            (recipients, "leave_at", now + longest),
            (recipients, "last_inbound_at", now),
            (recipients, "stopped_at", now),
        ):
            ended += await self._connection.run(
                update(table).where(table.c[name] > most).values({name: most})
            )
        return ended

    async def set_down(self, sender: SenderId, reason: str) -> None:
        """Note why the sender is down; empty when it is up again."""
        await self._connection.run(
            update(senders).where(senders.c.id == sender).values(down=reason)
        )

    async def templated_since(self, since: datetime) -> Reached:
        """Return who was called with a template since *since*, by all senders."""
        latest = func.max(attempts.c.started_at).label("latest")
        each = (
            select(latest)
            .select_from(attempts)
            .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
            .where(
                # Word for word as the partial index has it.
                attempts.c.form == literal_column(f"'{Form.TEMPLATE.value}'"),
                attempts.c.started_at > since,
                attempts.c.progress != Progress.REFUSED,
            )
            .group_by(deliveries.c.recipient_id)
            .subquery()
        )
        row = await self._connection.row(
            select(
                func.count().label("readers"), func.min(each.c.latest).label("first")
            ).select_from(each)
        )
        return Reached(readers=row.readers, first=row.first) if row else NOBODY

    async def has_work(self, sender: SenderId, *, now: datetime) -> bool:
        """Whether `Deliveries.claim` or `Replies.claim` would find anything."""
        return await due.has_work(self._connection, sender, now=now)

    async def in_hand(self, sender: SenderId) -> bool:
        """Whether an owner, alive or not, has a row in hand."""
        for table, states in ((deliveries, IN_HAND), (replies, OPEN)):
            theirs = (table.c.sender_id == sender) & due.stated(table.c.state, *states)
            held = due.stated(table.c.state, State.LEASED, State.SENDING)
            one = select(table.c.id).where(theirs & held).limit(1)
            if await self._connection.row(one) is not None:
                return True
        return False

    async def next_due(self, sender: SenderId, *, now: datetime) -> datetime | None:
        """When the next queued row comes due, pacing counted; None if none waits.

        Rows that wait for something else than time (an earlier part, the
        recipient's rights) are not counted; *now* means that something is due.
        """
        return await due.next_due(self._connection, sender, now=now)


def _sender(row: Row[Any]) -> Sender:
    return Sender(
        id=SenderId(row.id),
        channel=row.channel,
        name=row.name,
        epoch=row.epoch,
        clock=row.clock,
        down=row.down,
    )
