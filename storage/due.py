"""What a sender could send now, and when there will be more.

Claims and the glances that spare them are built of the same conditions, so that a
pump is never woken for nothing nor left asleep.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
)

from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import ARRIVED, Action, State
from bot.domain.pacing import BELIEVED
from bot.domain.recipients import Standing
from storage.recipients import clock_has_come
from storage.tables import (
    OPEN,
    broadcasts,
    canaries,
    deliveries,
    recipients,
    replies,
)

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from bot.domain.recipients import SenderId
    from storage.connection import Connection


# To make an alias takes longer than to ask a question with it.
_EARLIER = deliveries.alias("earlier")
_BEFORE = replies.alias("before")


#: Something will still be done for the recipient.
_UNENDED = (State.QUEUED, State.LEASED, State.SENDING)


def stated(state: ColumnElement[Any], *states: State) -> ColumnElement[bool]:
    """Say that *state* is one of *states*, word for word as partial indexes do."""
    spelt: list[ColumnElement[Any]] = [
        literal_column(f"'{each.value}'") for each in states
    ]
    return state == spelt[0] if len(spelt) == 1 else state.in_(spelt)


def running(sender: SenderId, *, now: datetime) -> Select[Any]:
    """Broadcasts that *sender* may send, the most urgent first.

    ``first_id`` and ``last_id`` bound the deliveries that may go while only the first
    may have it.
    """
    held = (canaries.c.broadcast_id == broadcasts.c.id) & (
        canaries.c.sender_id == sender
    )
    return (
        select(
            broadcasts.c.id,
            broadcasts.c.lane,
            canaries.c.first_id,
            canaries.c.last_id,
        )
        .outerjoin(canaries, held)
        .where(
            broadcasts.c.state == BroadcastState.RUNNING, broadcasts.c.expires_at > now
        )
        .order_by(broadcasts.c.lane, broadcasts.c.confirmed_at, broadcasts.c.id)
    )


def _of(broadcast: Row[Any]) -> ColumnElement[bool]:
    """Deliveries of a broadcast that may go: all, or the first while they are watched.

    Those are few, found by their own numbers; the sum keeps SQLite from reading the
    whole queue for them instead.
    """
    number: int = broadcast.id
    if broadcast.last_id is None:
        return deliveries.c.broadcast_id == number
    return and_(
        deliveries.c.broadcast_id + 0 == number,
        deliveries.c.id.between(broadcast.first_id, broadcast.last_id),
    )


def _in_line(sender: SenderId) -> ColumnElement[bool]:
    """Deliveries that only time keeps from being sent."""
    earlier = _EARLIER
    return and_(
        deliveries.c.sender_id == sender,
        stated(deliveries.c.state, State.QUEUED),
        recipients.c.standing == Standing.ACTIVE,
        # One at a time for each recipient. What is sent goes only after what was sent
        # before it has arrived; each copy is changed whatever became of the others.
        ~exists().where(
            earlier.c.broadcast_id == deliveries.c.broadcast_id,
            earlier.c.recipient_id == deliveries.c.recipient_id,
            earlier.c.part < deliveries.c.part,
            or_(
                earlier.c.state.in_(_UNENDED),
                and_(
                    deliveries.c.action == Action.SEND,
                    earlier.c.action == Action.SEND,
                    earlier.c.state.not_in(ARRIVED),
                ),
            ),
        ),
    )


def due_deliveries(
    broadcast: Row[Any], sender: SenderId, *, now: datetime
) -> Select[Any]:
    """Deliveries of one broadcast that can be sent now, with whom they are for."""
    return (
        select(
            deliveries,
            recipients.c.channel,
            recipients.c.value,
            recipients.c.sealed,
            recipients.c.thread,
            recipients.c.kind,
            recipients.c.last_inbound_at,
        )
        .join(recipients, recipients.c.id == deliveries.c.recipient_id)
        .where(
            _of(broadcast),
            _in_line(sender),
            deliveries.c.due_at <= now,
            clock_has_come(now),
        )
        .order_by(deliveries.c.due_at, deliveries.c.id)
    )


def _heads(sender: SenderId) -> ColumnElement[bool]:
    """Queued replies with none before them for the same recipient."""
    before = _BEFORE
    return and_(
        replies.c.sender_id == sender,
        stated(replies.c.state, *OPEN),
        stated(replies.c.state, State.QUEUED),
        ~exists().where(
            before.c.sender_id == replies.c.sender_id,
            before.c.recipient_id == replies.c.recipient_id,
            stated(before.c.state, *OPEN),
            before.c.id < replies.c.id,
        ),
    )


def due_replies(sender: SenderId, *, now: datetime) -> Select[Any]:
    """Replies that can be sent now, with whom they are for."""
    return (
        select(
            replies,
            recipients.c.channel,
            recipients.c.value,
            recipients.c.sealed,
            recipients.c.thread,
            recipients.c.kind,
        )
        .join(recipients, recipients.c.id == replies.c.recipient_id)
        .where(_heads(sender), replies.c.due_at <= now, clock_has_come(now))
        .order_by(replies.c.id)
    )


async def has_work(connection: Connection, sender: SenderId, *, now: datetime) -> bool:
    """Whether a claim would find anything."""
    if await connection.row(due_replies(sender, now=now).limit(1)) is not None:
        return True
    for broadcast in await connection.rows(running(sender, now=now)):
        due = due_deliveries(broadcast, sender, now=now).limit(1)
        if await connection.row(due) is not None:
            return True
    return False


async def next_due(
    connection: Connection, sender: SenderId, *, now: datetime
) -> datetime | None:
    """When a claim will find something next; None if nothing waits for time alone."""
    if await has_work(connection, sender, now=now):
        return now
    reply = (
        select(func.min(_moment(replies.c.due_at, now=now)))
        .select_from(replies)
        .join(recipients, recipients.c.id == replies.c.recipient_id)
        .where(_heads(sender))
    )
    moments: list[datetime | None] = [await connection.value(reply)]
    for broadcast in await connection.rows(running(sender, now=now)):
        delivery = (
            select(func.min(_moment(deliveries.c.due_at, now=now)))
            .select_from(deliveries)
            .join(recipients, recipients.c.id == deliveries.c.recipient_id)
            .where(_of(broadcast), _in_line(sender))
        )
        moments.append(await connection.value(delivery))
    return min((each for each in moments if each is not None), default=None)


def _moment(due_at: ColumnElement[Any], *, now: datetime) -> ColumnElement[Any]:
    """When a row can be sent: at its own time or its recipient's, the later."""
    later = and_(recipients.c.next_at > due_at, recipients.c.next_at <= now + BELIEVED)
    return case((later, recipients.c.next_at), else_=due_at)
