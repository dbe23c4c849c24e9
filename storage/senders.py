"""Accounts at providers."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import (
    BigInteger,
    and_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)

from bot.domain.broadcasts import BroadcastState
from bot.domain.corrections import INSTEAD
from bot.domain.deliveries import REPEATABLE, Form, Progress, State
from bot.domain.errors import Unknown
from bot.domain.pacing import BELIEVED
from bot.domain.portfolio import Reached
from bot.domain.recipients import SenderId
from bot.ports import Sender, Taken
from storage import due
from storage.columns import Moment
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

    from sqlalchemy import ColumnElement, Row, Select, Table, Update
    from sqlalchemy import Connection as Synchronous

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
        row = await self._connection.row(_one(), {"whose": sender})
        if row is None:
            raise Unknown(f"there is no sender {sender}")
        return _sender(row)

    async def take(self, sender: SenderId) -> Taken:
        """Become the owner: raise the epoch and settle what the last one left.

        Returns:
            The sender, and how many deliveries were found; replies are settled
            likewise, and not counted.
        """
        return await self._connection.call(_take, sender)

    async def delay(self, sender: SenderId, until: datetime) -> None:
        """Send nothing more before *until*, whoever the owner is.

        A clock that is further ahead stays, unless it cannot be believed.
        """
        values = {"whose": sender, "until": until, "absurd": until + BELIEVED}
        await self._connection.run(_delaying(), [values])

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
        for asked in _holding():
            if await self._connection.row(asked, {"whose": sender}) is not None:
                return True
        return False

    async def next_due(self, sender: SenderId, *, now: datetime) -> datetime | None:
        """When the next queued row comes due, pacing counted; None if none waits.

        Rows that wait for something else than time (an earlier part, the
        recipient's rights) are not counted; *now* means that something is due.
        """
        return await due.next_due(self._connection, sender, now=now)


_WHOSE = bindparam("whose", type_=BigInteger)


def _theirs(table: Table, *states: State) -> ColumnElement[bool]:
    """Say that a row is a sender's and in one of *states*, as partial indexes do."""
    known = IN_HAND if table is deliveries else OPEN
    return and_(
        table.c.sender_id == _WHOSE,
        due.stated(table.c.state, *known),
        due.stated(table.c.state, *states),
    )


def _take(on: Synchronous, sender: SenderId) -> Taken:
    whose = {"whose": sender}
    on.execute(_raising(), whose)
    row = on.execute(_one(), whose).first()
    if row is None:
        raise Unknown(f"there is no sender {sender}")
    on.execute(_doubting(), whose)
    doubting = _moving(deliveries, State.SENDING, State.DOUBTFUL)
    in_doubt = called = on.execute(doubting, whose).rowcount
    if in_doubt:
        for replaced in _replaced():
            in_doubt -= on.execute(replaced, whose).rowcount
    # To edit or delete once more comes to the same: no doubt is left.
    in_doubt -= on.execute(_repeating(), whose).rowcount
    queueing = _moving(deliveries, State.LEASED, State.QUEUED)
    requeued = on.execute(queueing, whose).rowcount
    asking = _moving(replies, State.SENDING, State.DOUBTFUL)
    called += on.execute(asking, whose).rowcount
    on.execute(_moving(replies, State.LEASED, State.QUEUED), whose)
    return Taken(
        sender=_sender(row),
        requeued=requeued,
        doubtful=in_doubt,
        called=called > 0,
    )


@cache
def _one() -> Select[Any]:
    return select(senders).where(senders.c.id == _WHOSE)


@cache
def _raising() -> Update:
    return (
        update(senders).where(senders.c.id == _WHOSE).values(epoch=senders.c.epoch + 1)
    )


@cache
def _doubting() -> Update:
    called = select(deliveries.c.id).where(_theirs(deliveries, State.SENDING))
    return (
        update(attempts)
        .where(
            attempts.c.progress == Progress.SENDING, attempts.c.delivery_id.in_(called)
        )
        .values(progress=Progress.DOUBTFUL)
    )


@cache
def _moving(table: Table, before: State, after: State) -> Update:
    return update(table).where(_theirs(table, before)).values(state=after)


@cache
def _replaced() -> list[Update]:
    """Skip edits and deletions in doubt that nobody wants any more.

    Made once more, the words of an older correction would stand over a newer one's.
    """
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
    return [
        update(deliveries)
        .where(
            _theirs(deliveries, State.DOUBTFUL),
            deliveries.c.action.in_(REPEATABLE),
            deliveries.c.broadcast_id.in_(which),
        )
        .values(state=State.SKIPPED, reason=reason)
        for which, reason in over
    ]


@cache
def _repeating() -> Update:
    return (
        update(deliveries)
        .where(_theirs(deliveries, State.DOUBTFUL), deliveries.c.action.in_(REPEATABLE))
        .values(state=State.QUEUED)
    )


@cache
def _delaying() -> Update:
    until = bindparam("until", type_=Moment)
    further = senders.c.clock > bindparam("absurd", type_=Moment)
    return (
        update(senders)
        .where(senders.c.id == _WHOSE, or_(senders.c.clock < until, further))
        .values(clock=until)
    )


@cache
def _holding() -> list[Select[Any]]:
    return [
        select(table.c.id).where(_theirs(table, State.LEASED, State.SENDING)).limit(1)
        for table in (deliveries, replies)
    ]


def _sender(row: Row[Any]) -> Sender:
    return Sender(
        id=SenderId(row.id),
        channel=row.channel,
        name=row.name,
        epoch=row.epoch,
        clock=row.clock,
        down=row.down,
    )
