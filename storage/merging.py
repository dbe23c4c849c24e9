"""Making one recipient of two that turn out to be the same.

A group becomes a supergroup, and both were known by then. The ledger is not
rewritten: where both have rows of one broadcast, those of the one that got further
count, and the others stay with the recipient that ends, skipped if nothing had been
called yet. So nobody is written to twice, and every call can still be found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, delete, exists, func, select, update

from bot.domain.deliveries import State
from bot.domain.recipients import Standing
from storage.tables import (
    PENDING,
    aliases,
    deliveries,
    editors,
    enrolments,
    recipients,
    replies,
)

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement

    from storage.connection import Connection

#: The recipient has it, or perhaps has it.
_REACHED = (State.SENDING, State.DOUBTFUL, State.ACCEPTED, State.DELIVERED, State.READ)

REASON = "merged"


async def merge(connection: Connection, *, keep: int, end: int) -> None:
    """Let the recipient *end* live on in *keep*; the addresses are the caller's.

    What is known of *end*, its standing above all, is of the address that lives on.
    """
    await _facts(connection, keep=keep, end=end)
    await _enrolments(connection, keep=keep, end=end)
    await _deliveries(connection, keep=keep, end=end)
    await connection.run(
        update(replies).where(replies.c.recipient_id == end).values(recipient_id=keep)
    )
    await connection.run(
        update(aliases).where(aliases.c.recipient_id == end).values(recipient_id=keep)
    )
    already = select(editors.c.recipient_id).where(editors.c.recipient_id == keep)
    if await connection.row(already) is None:
        await connection.run(
            update(editors)
            .where(editors.c.recipient_id == end)
            .values(recipient_id=keep)
        )
    else:
        await connection.run(delete(editors).where(editors.c.recipient_id == end))


async def _facts(connection: Connection, *, keep: int, end: int) -> None:
    pair = select(recipients).where(recipients.c.id.in_([keep, end]))
    rows: dict[int, Any] = {row.id: row for row in await connection.rows(pair)}
    old, new = rows[keep], rows[end]
    await connection.run(
        update(recipients)
        .where(recipients.c.id == keep)
        .values(
            kind=new.kind,
            title=new.title or old.title,
            language=new.language or old.language,
            standing=new.standing,
            standing_reason=new.standing_reason,
            retry_at=new.retry_at,
            strikes=new.strikes,
            leave_at=new.leave_at if old.leave_at is not None else None,
            **{
                name: max(
                    (at for at in (old_at, new_at) if at is not None), default=None
                )
                for name, old_at, new_at in (
                    ("last_inbound_at", old.last_inbound_at, new.last_inbound_at),
                    ("stopped_at", old.stopped_at, new.stopped_at),
                    ("next_at", old.next_at, new.next_at),
                    ("rest_until", old.rest_until, new.rest_until),
                )
            },
        )
    )
    await connection.run(
        update(recipients)
        .where((recipients.c.id == end) | (recipients.c.merged_into == end))
        .values(
            merged_into=keep,
            standing=Standing.GONE,
            standing_reason=REASON,
            leave_at=None,
        )
    )


async def _enrolments(connection: Connection, *, keep: int, end: int) -> None:
    theirs = enrolments.alias()
    both = exists().where(
        theirs.c.recipient_id == keep,
        theirs.c.audience_id == enrolments.c.audience_id,
        theirs.c.ended_at.is_(None),
    )
    await connection.run(
        update(enrolments)
        .where(enrolments.c.recipient_id == end, enrolments.c.ended_at.is_(None), both)
        # It began for somebody who was enrolled already, so it never counted.
        .values(ended_at=enrolments.c.began_at, end_reason=REASON)
    )
    await connection.run(
        update(enrolments)
        .where(enrolments.c.recipient_id == end)
        .values(recipient_id=keep)
    )


async def _deliveries(connection: Connection, *, keep: int, end: int) -> None:
    kept = deliveries.alias()
    shared = (
        select(
            deliveries.c.broadcast_id,
            _any(deliveries.c.state.in_(_REACHED)).label("end_reached"),
            _any(kept.c.state.in_(_REACHED)).label("keep_reached"),
        )
        .join(
            kept,
            and_(
                kept.c.broadcast_id == deliveries.c.broadcast_id,
                kept.c.recipient_id == keep,
            ),
        )
        .where(deliveries.c.recipient_id == end)
        .group_by(deliveries.c.broadcast_id)
    )
    found = await connection.rows(shared)
    for row in found:
        if row.end_reached and not row.keep_reached:
            await _swap(connection, row.broadcast_id, keep=keep, end=end)
    contested = [row.broadcast_id for row in found]
    await connection.run(
        update(deliveries)
        .where(
            deliveries.c.recipient_id == end,
            deliveries.c.broadcast_id.in_(contested),
            deliveries.c.state.in_(PENDING),
        )
        .values(state=State.SKIPPED, reason=REASON)
    )
    await connection.run(
        update(deliveries)
        .where(
            deliveries.c.recipient_id == end,
            deliveries.c.broadcast_id.not_in(contested),
        )
        .values(recipient_id=keep)
    )


async def _swap(connection: Connection, broadcast: int, *, keep: int, end: int) -> None:
    """Give each the other's rows of a broadcast; parts below 0 are out of the way."""
    of = deliveries.c.broadcast_id == broadcast
    part, recipient = deliveries.c.part, deliveries.c.recipient_id
    for condition, values in (
        (recipient == end, {"part": -part}),
        (recipient == keep, {"recipient_id": end}),
        (part < 0, {"recipient_id": keep, "part": -part}),
    ):
        await connection.run(update(deliveries).where(of, condition).values(**values))


def _any(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.max(case((condition, 1), else_=0))
