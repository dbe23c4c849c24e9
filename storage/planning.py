"""Writing down a broadcast's deliveries, set by set."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import case, exists, func, literal, or_, select

from bot.domain.broadcasts import ChannelPlan
from bot.domain.deliveries import Action, State
from bot.domain.recipients import Standing
from storage.tables import deliveries, enrolments, recipients

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Select

    from bot.domain.broadcasts import BroadcastId
    from bot.domain.recipients import AudienceId, Channel, SenderId
    from storage.connection import Connection


#: An audience of that size is written in another way than a small one.
_MANY = 1000


async def plan(
    connection: Connection,
    broadcast: BroadcastId,
    *,
    parts: Mapping[tuple[AudienceId, Channel], int],
    senders: Mapping[Channel, SenderId],
    now: datetime,
    only: ColumnElement[bool] | None = None,
) -> list[ChannelPlan]:
    """Write every delivery; what is there already is left alone.

    Parts are written one after the other, so that everybody's first comes before
    anybody's second. With *only*, a condition on ``recipient``, not for all enrolled.
    """
    plans: list[ChannelPlan] = []
    for (audience, channel), count in parts.items():
        written: list[int] = []
        many = await _are_many(connection, audience)
        for part in range(1, count + 1):
            chosen = _chosen(
                broadcast,
                audience=audience,
                channel=channel,
                sender=senders[channel],
                part=part,
                now=now,
            )
            if only is not None:
                chosen = chosen.where(only)
            inserting = connection.insert_new(deliveries).from_select(
                [column.name for column in chosen.selected_columns], chosen
            )
            run = connection.run_large if many else connection.run
            written.append(await run(inserting))
        plans.append(
            ChannelPlan(
                channel=channel,
                audience=audience,
                recipients=written[0] if written else 0,
                messages=sum(written),
            )
        )
    return plans


async def _are_many(connection: Connection, audience: AudienceId) -> bool:
    some = (
        select(enrolments.c.id)
        .where(enrolments.c.audience_id == audience, enrolments.c.ended_at.is_(None))
        .limit(_MANY)
        .subquery()
    )
    found = await connection.value(select(func.count()).select_from(some))
    return int(found or 0) == _MANY


def _chosen(
    broadcast: BroadcastId,
    *,
    audience: AudienceId,
    channel: Channel,
    sender: SenderId,
    part: int,
    now: datetime,
) -> Select[tuple[object, ...]]:
    """Select one part's rows for those whom no other audience has counted."""
    counted = deliveries.alias("counted")
    column = deliveries.c
    suspended = recipients.c.standing == Standing.SUSPENDED
    return (
        select(
            literal(broadcast, column.broadcast_id.type).label("broadcast_id"),
            recipients.c.id.label("recipient_id"),
            literal(audience, column.audience_id.type).label("audience_id"),
            literal(sender, column.sender_id.type).label("sender_id"),
            literal(part, column.part.type).label("part"),
            literal(Action.SEND, column.action.type).label("action"),
            case(
                (suspended, literal(State.SUSPENDED, column.state.type)),
                else_=literal(State.QUEUED, column.state.type),
            ).label("state"),
            literal(0, column.epoch.type).label("epoch"),
            literal(now, column.due_at.type).label("due_at"),
            literal(0, column.attempts.type).label("attempts"),
            literal("", column.failure_code.type).label("failure_code"),
            case((suspended, recipients.c.standing_reason), else_="").label("reason"),
            literal("", column.target.type).label("target"),
        )
        .join_from(enrolments, recipients, recipients.c.id == enrolments.c.recipient_id)
        .where(
            enrolments.c.audience_id == audience,
            enrolments.c.ended_at.is_(None),
            recipients.c.channel == channel,
            recipients.c.standing.in_((Standing.ACTIVE, Standing.SUSPENDED)),
            or_(recipients.c.rest_until.is_(None), recipients.c.rest_until <= now),
            ~exists().where(
                counted.c.broadcast_id == broadcast,
                counted.c.recipient_id == recipients.c.id,
                counted.c.audience_id != audience,
            ),
        )
        .order_by(recipients.c.id)
    )
