"""What a sender could send now, and when there will be more.

Claims and the glances that spare them are built of the same conditions, so that a
pump is never woken for nothing nor left asleep.

Every statement is built once, and asked with other values each time: to build one takes
ten times as long as to run it.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
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
from storage.columns import Moment
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

    from sqlalchemy import Connection as Synchronous
    from sqlalchemy import Row

    from bot.domain.recipients import SenderId
    from storage.connection import Connection


# To make an alias takes longer than to ask a question with it.
_EARLIER = deliveries.alias("earlier")
_BEFORE = replies.alias("before")


#: What the statements are asked with; see `moment` and `place`.
_SENDER = bindparam("sender", type_=BigInteger)
_NOW = bindparam("now", type_=Moment)
_ABSURD = bindparam("absurd", type_=Moment)

#: Something will still be done for the recipient.
_UNENDED = (State.QUEUED, State.LEASED, State.SENDING)


def stated(state: ColumnElement[Any], *states: State) -> ColumnElement[bool]:
    """Say that *state* is one of *states*, word for word as partial indexes do."""
    spelt: list[ColumnElement[Any]] = [
        literal_column(f"'{each.value}'") for each in states
    ]
    return state == spelt[0] if len(spelt) == 1 else state.in_(spelt)


def moment(sender: SenderId, now: datetime) -> dict[str, Any]:
    """Return the values that every question has."""
    return {"sender": sender, "now": now, "absurd": now + BELIEVED}


def place(broadcast: Row[Any]) -> dict[str, Any]:
    """Return the values by which one row of `running` is asked about."""
    if broadcast.last_id is None:
        return {"broadcast": broadcast.id}
    return {
        "broadcast": broadcast.id,
        "first": broadcast.first_id,
        "last": broadcast.last_id,
    }


@cache
def running() -> Select[Any]:
    """Broadcasts that a sender may send, the most urgent first.

    ``first_id`` and ``last_id`` bound the deliveries that may go while only the first
    may have it.
    """
    held = (canaries.c.broadcast_id == broadcasts.c.id) & (
        canaries.c.sender_id == _SENDER
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
            broadcasts.c.state == BroadcastState.RUNNING, broadcasts.c.expires_at > _NOW
        )
        .order_by(broadcasts.c.lane, broadcasts.c.confirmed_at, broadcasts.c.id)
    )


def _of(*, bounded: bool) -> ColumnElement[bool]:
    """Deliveries of a broadcast that may go: all, or the first while they are watched.

    Those are few, found by their own numbers; the sum keeps SQLite from reading the
    whole queue for them instead.
    """
    number = bindparam("broadcast", type_=BigInteger)
    if not bounded:
        return deliveries.c.broadcast_id == number
    return and_(
        deliveries.c.broadcast_id + 0 == number,
        deliveries.c.id.between(
            bindparam("first", type_=BigInteger), bindparam("last", type_=BigInteger)
        ),
    )


def _clock_has_come() -> ColumnElement[bool]:
    """Say that a recipient may be written to, or that its clock is not believed."""
    return or_(
        recipients.c.next_at.is_(None),
        recipients.c.next_at <= _NOW,
        recipients.c.next_at > _ABSURD,
    )


def _in_line() -> ColumnElement[bool]:
    """Deliveries that only time keeps from being sent."""
    earlier = _EARLIER
    return and_(
        deliveries.c.sender_id == _SENDER,
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


@cache
def due_deliveries(*, bounded: bool) -> Select[Any]:
    """Deliveries of one broadcast that can be sent now, with whom they are for.

    Args:
        bounded: Only the first may have it so far.
    """
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
            _of(bounded=bounded),
            _in_line(),
            deliveries.c.due_at <= _NOW,
            _clock_has_come(),
        )
        .order_by(deliveries.c.due_at, deliveries.c.id)
    )


def _heads() -> ColumnElement[bool]:
    """Queued replies with none before them for the same recipient."""
    before = _BEFORE
    return and_(
        replies.c.sender_id == _SENDER,
        stated(replies.c.state, *OPEN),
        stated(replies.c.state, State.QUEUED),
        ~exists().where(
            before.c.sender_id == replies.c.sender_id,
            before.c.recipient_id == replies.c.recipient_id,
            stated(before.c.state, *OPEN),
            before.c.id < replies.c.id,
        ),
    )


@cache
def due_replies() -> Select[Any]:
    """Replies that can be sent now, with whom they are for; no more than ``most``."""
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
        .where(_heads(), replies.c.due_at <= _NOW, _clock_has_come())
        .order_by(replies.c.id)
        .limit(bindparam("most"))
    )


async def has_work(connection: Connection, sender: SenderId, *, now: datetime) -> bool:
    """Whether a claim would find anything."""
    return await connection.call(_has_work, moment(sender, now))


async def next_due(
    connection: Connection, sender: SenderId, *, now: datetime
) -> datetime | None:
    """When a claim will find something next; None if nothing waits for time alone."""
    return await connection.call(_next_due, moment(sender, now))


def _has_work(on: Synchronous, values: dict[str, Any]) -> bool:
    if on.execute(_any_reply(), values).first() is not None:
        return True
    return any(
        on.execute(
            _any_delivery(bounded=each.last_id is not None), values | place(each)
        ).first()
        is not None
        for each in on.execute(running(), values).all()
    )


def _next_due(on: Synchronous, values: dict[str, Any]) -> datetime | None:
    if _has_work(on, values):
        now: datetime = values["now"]
        return now
    moments = [on.execute(_next_reply(), values).scalar()]
    for each in on.execute(running(), values).all():
        asked = _next_delivery(bounded=each.last_id is not None)
        moments.append(on.execute(asked, values | place(each)).scalar())
    return min((each for each in moments if each is not None), default=None)


@cache
def _any_reply() -> Select[Any]:
    return due_replies().with_only_columns(replies.c.id).limit(1)


@cache
def _any_delivery(*, bounded: bool) -> Select[Any]:
    found = due_deliveries(bounded=bounded)
    return found.with_only_columns(deliveries.c.id).limit(1)


@cache
def _next_reply() -> Select[Any]:
    return (
        select(func.min(_at_the_earliest(replies.c.due_at)))
        .select_from(replies)
        .join(recipients, recipients.c.id == replies.c.recipient_id)
        .where(_heads())
    )


@cache
def _next_delivery(*, bounded: bool) -> Select[Any]:
    return (
        select(func.min(_at_the_earliest(deliveries.c.due_at)))
        .select_from(deliveries)
        .join(recipients, recipients.c.id == deliveries.c.recipient_id)
        .where(_of(bounded=bounded), _in_line())
    )


def _at_the_earliest(due_at: ColumnElement[Any]) -> ColumnElement[Any]:
    """When a row can be sent: at its own time or its recipient's, the later."""
    later = and_(recipients.c.next_at > due_at, recipients.c.next_at <= _ABSURD)
    return case((later, recipients.c.next_at), else_=due_at)
