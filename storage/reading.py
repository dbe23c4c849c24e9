"""The ledger's rows, read as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from bot.domain.broadcasts import BroadcastId
from bot.domain.deliveries import (
    Attempt,
    Delivery,
    DeliveryId,
    Failure,
    Reference,
)
from bot.domain.recipients import AudienceId, RecipientId, SenderId
from bot.ports import DeliveryLine, InDoubt
from storage.tables import attempts, coverages, deliveries, recipients, replies

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy import CompoundSelect, Row, Select

    from bot.domain.deliveries import State
    from storage.sealing import Keyring


def delivery(row: Row[Any]) -> Delivery:
    """Read a delivery."""
    kind = row.failure_kind
    return Delivery(
        id=DeliveryId(row.id),
        broadcast=BroadcastId(row.broadcast_id),
        recipient=RecipientId(row.recipient_id),
        audience=AudienceId(row.audience_id),
        sender=SenderId(row.sender_id),
        part=row.part,
        action=row.action,
        form=row.form,
        state=row.state,
        epoch=row.epoch,
        due_at=row.due_at,
        attempts=row.attempts,
        failure=None if kind is None else Failure(kind, row.failure_code),
        reason=row.reason,
        target=row.target,
    )


def attempt(row: Row[Any]) -> Attempt:
    """Read an attempt."""
    return Attempt(
        reference=Reference(DeliveryId(row.delivery_id), row.number),
        form=row.form,
        progress=row.progress,
        started_at=row.started_at,
        provider_id=row.provider_id,
        code=row.code,
    )


def in_doubt(row: Row[Any], keys: Keyring) -> InDoubt:
    """Read a delivery in doubt from a row that holds whose it is and the attempt."""
    return InDoubt(
        delivery=delivery(row),
        address=keys.address(row),
        attempt=Attempt(
            reference=Reference(DeliveryId(row.id), row.number),
            form=row.sent_form,
            progress=row.progress,
            started_at=row.started_at,
            provider_id=row.provider_id,
            code=row.code,
        ),
    )


def counts(broadcast: BroadcastId) -> CompoundSelect[tuple[Any, ...]]:
    """Select a broadcast's numbers by state, of rows that are gone too."""
    present = (
        select(deliveries.c.state, func.count().label("number"))
        .where(deliveries.c.broadcast_id == broadcast)
        .group_by(deliveries.c.state)
    )
    folded = select(coverages.c.state, coverages.c.number).where(
        coverages.c.broadcast_id == broadcast
    )
    return present.union_all(folded)


def report(
    broadcast: BroadcastId, *, states: Collection[State] | None
) -> Select[tuple[Any, ...]]:
    """Select a report's lines, with the provider's id of the furthest attempt."""
    furthest = (
        select(attempts.c.provider_id)
        .where(attempts.c.delivery_id == deliveries.c.id)
        .order_by(attempts.c.progress.desc(), attempts.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    lines = (
        select(
            deliveries,
            recipients.c.title,
            recipients.c.kind,
            recipients.c.channel,
            func.coalesce(furthest, "").label("provider_id"),
        )
        .join(recipients, recipients.c.id == deliveries.c.recipient_id)
        .where(deliveries.c.broadcast_id == broadcast)
        .order_by(deliveries.c.recipient_id, deliveries.c.part)
    )
    if states is not None:
        lines = lines.where(deliveries.c.state.in_(sorted(states)))
    return lines


def line(row: Row[Any]) -> DeliveryLine:
    """Read one line of a report."""
    return DeliveryLine(
        delivery=delivery(row),
        title=row.title,
        kind=row.kind,
        channel=row.channel,
        provider_id=row.provider_id,
    )


def provider_ids(
    recipient: RecipientId, *, besides: Reference
) -> CompoundSelect[tuple[str]]:
    """Ask for the provider's ids of all that went to *recipient*, answers too."""
    itself = (attempts.c.delivery_id == besides.delivery) & (
        attempts.c.number == besides.number
    )
    sent = (
        select(attempts.c.provider_id)
        .join(deliveries, deliveries.c.id == attempts.c.delivery_id)
        .where(deliveries.c.recipient_id == recipient, ~itself)
    )
    answered = select(replies.c.provider_id).where(replies.c.recipient_id == recipient)
    return sent.union(answered)
