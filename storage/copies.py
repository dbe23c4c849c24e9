"""What stands in people's chats: the messages of ours that can still be changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, exists, func, select, update

from bot.domain.deliveries import ARRIVED, REPEATABLE, Action, Progress, State
from bot.domain.errors import FailureKind
from storage.tables import PENDING, attempts, deliveries, recipients

if TYPE_CHECKING:
    from collections.abc import Sequence

    from storage.connection import Connection

#: Why a copy cannot be changed: the numbers of its messages stay behind.
MOVED = "the group has moved"
_TAKEN = (Progress.ACCEPTED, Progress.DELIVERED, Progress.READ)


def copies(family: Sequence[int], *where: ColumnElement[bool]) -> Select[Any]:
    """Select the copies that broadcasts of one story have left, deleted ones not.

    Args:
        family: The broadcasts.
        where: Conditions upon deliveries.
    """
    gone = deliveries.alias("gone")
    return (
        select(
            deliveries.c.recipient_id,
            deliveries.c.audience_id,
            deliveries.c.sender_id,
            deliveries.c.part,
            attempts.c.provider_id,
            attempts.c.started_at,
        )
        .join(attempts, attempts.c.delivery_id == deliveries.c.id)
        .where(
            deliveries.c.broadcast_id.in_(family),
            deliveries.c.action == Action.SEND,
            attempts.c.progress.in_(_TAKEN),
            attempts.c.provider_id != "",
            ~exists().where(
                gone.c.broadcast_id.in_(family),
                gone.c.recipient_id == deliveries.c.recipient_id,
                gone.c.part == deliveries.c.part,
                gone.c.action == Action.DELETE,
                gone.c.target == attempts.c.provider_id,
                gone.c.state.in_(ARRIVED),
            ),
            *where,
        )
    )


def has_moved(started_at: ColumnElement[Any]) -> ColumnElement[bool]:
    """Say that a recipient moved after the call at *started_at*."""
    return func.coalesce(recipients.c.moved_at >= started_at, False)


async def leave_copies(connection: Connection, recipient: int) -> None:
    """Note that a recipient moves, and give up changing what stays behind.

    A supergroup numbers its messages anew: an old number would name another message.
    """
    last = (
        select(func.max(attempts.c.started_at))
        .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
        .where(deliveries.c.recipient_id == recipient)
        .scalar_subquery()
    )
    await connection.run(
        update(recipients)
        .where(recipients.c.id == recipient)
        .values(moved_at=func.coalesce(last, recipients.c.moved_at))
    )
    theirs = (deliveries.c.recipient_id == recipient) & deliveries.c.state.in_(PENDING)
    await connection.run(
        update(deliveries)
        .where(theirs, deliveries.c.action.in_(REPEATABLE))
        .values(
            state=State.FAILED,
            failure_kind=FailureKind.BEYOND_REACH,
            failure_code=MOVED,
        )
    )
    await connection.run(
        update(deliveries)
        .where(theirs, deliveries.c.action == Action.SEND, deliveries.c.target != "")
        .values(target="")
    )
