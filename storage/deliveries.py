"""The ledger."""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, exists, func, or_, select, update

from bot.domain.broadcasts import Coverage
from bot.domain.deliveries import Action, DeliveryId, Progress, State
from bot.domain.errors import FailureKind
from storage import due, reading
from storage.columns import Moment
from storage.connection import chunks
from storage.planning import plan
from storage.tables import (
    IN_HAND,
    PENDING,
    attempts,
    broadcasts,
    deliveries,
    recipients,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import BindParameter, Select, Update

    from bot.domain.broadcasts import BroadcastId, ChannelPlan
    from bot.domain.deliveries import Attempt, Delivery, Reference
    from bot.domain.recipients import AudienceId, Channel, RecipientId, SenderId
    from bot.ports import DeliveryLine, InDoubt
    from storage.connection import Connection

#: These may still become something else before their broadcast expires.
_UNSETTLED = (State.QUEUED, State.LEASED, State.SENDING, State.SUSPENDED)


class Deliveries:
    """The Deliveries port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def plan(
        self,
        broadcast: BroadcastId,
        *,
        parts: Mapping[tuple[AudienceId, Channel], int],
        senders: Mapping[Channel, SenderId],
        now: datetime,
    ) -> list[ChannelPlan]:
        """Write every delivery in one statement per audience, channel and part.

        Returns:
            What was written, for every key of *parts*, those without anybody too.
        """
        return await plan(
            self._connection, broadcast, parts=parts, senders=senders, now=now
        )

    async def release(self, leases: Sequence[DeliveryId], *, epoch: int) -> None:
        """Queue again what was leased and never called."""
        for some in chunks(leases):
            await self._connection.run(
                update(deliveries)
                .where(
                    deliveries.c.id.in_(some),
                    deliveries.c.state == State.LEASED,
                    deliveries.c.epoch == epoch,
                )
                .values(state=State.QUEUED)
            )

    async def let_go(self, broadcast: BroadcastId) -> int:
        """Queue again what any owner has in hand and not begun to send; how many."""
        return await self._connection.run(
            update(deliveries)
            .where(
                deliveries.c.broadcast_id == broadcast,
                deliveries.c.state == State.LEASED,
            )
            .values(state=State.QUEUED)
        )

    async def load(
        self, deliveries: Collection[DeliveryId]
    ) -> dict[DeliveryId, tuple[Delivery, list[Attempt]]]:
        """Return deliveries with their attempts, in order, locked until the end."""
        loaded: dict[DeliveryId, tuple[Delivery, list[Attempt]]] = {}
        of_deliveries, of_attempts = _loading()
        for some in chunks(deliveries):
            values = {"some": some}
            for row in await self._connection.rows(of_deliveries, values):
                loaded[DeliveryId(row.id)] = (reading.delivery(row), [])
            for row in await self._connection.rows(of_attempts, values):
                loaded[DeliveryId(row.delivery_id)][1].append(reading.attempt(row))
        return loaded

    async def save(
        self, deliveries: Sequence[Delivery], attempts: Sequence[Attempt]
    ) -> None:
        """Write what is stated of deliveries and of attempts that exist.

        A delivery's ``attempts`` is counted by marks alone.
        """
        of_deliveries, of_attempts = _saving()
        await self._connection.run(
            of_deliveries,
            [
                {
                    "which": one.id,
                    "state": one.state,
                    "epoch": one.epoch,
                    "due_at": one.due_at,
                    "form": one.form,
                    "action": one.action,
                    "failure_kind": one.failure.kind if one.failure else None,
                    "failure_code": one.failure.code if one.failure else "",
                    "reason": one.reason,
                }
                for one in deliveries
            ],
        )
        await self._connection.run(
            of_attempts,
            [
                {
                    "which": one.reference.delivery,
                    "place": one.reference.number,
                    "progress": one.progress,
                    "provider_id": one.provider_id,
                    "code": one.code,
                }
                for one in attempts
            ],
        )

    async def skip_rest(self, delivery: Delivery, *, reason: str) -> int:
        """Skip the later parts for the same recipient; how many."""
        whose = (
            select(deliveries.c.recipient_id)
            .where(deliveries.c.id == delivery.id)
            .scalar_subquery()
        )
        return await self._connection.run(
            update(deliveries)
            .where(
                deliveries.c.broadcast_id == delivery.broadcast,
                deliveries.c.recipient_id == whose,
                deliveries.c.part > delivery.part,
                deliveries.c.action == Action.SEND,
                deliveries.c.state.in_(PENDING),
            )
            .values(state=State.SKIPPED, reason=reason)
        )

    async def refusals(self, broadcast: BroadcastId, code: str) -> int:
        """How many recipients of the broadcast failed as refused with *code*."""
        count = await self._connection.value(
            select(func.count(deliveries.c.recipient_id.distinct())).where(
                deliveries.c.broadcast_id == broadcast,
                deliveries.c.state == State.FAILED,
                deliveries.c.failure_kind == FailureKind.REFUSED,
                deliveries.c.failure_code == code,
            )
        )
        return int(count or 0)

    async def recipient_back(self, recipient: RecipientId, *, now: datetime) -> int:
        """Queue a recipient's suspended rows again; how many."""
        return await self._connection.run(
            update(deliveries)
            .where(
                deliveries.c.recipient_id == recipient,
                deliveries.c.state == State.SUSPENDED,
            )
            .values(state=State.QUEUED, due_at=now, reason="")
        )

    async def doubtful(
        self,
        sender: SenderId,
        *,
        now: datetime,
        after: DeliveryId,
        limit: int,
    ) -> list[InDoubt]:
        """Return rows in doubt that are still news, with the attempt in question."""
        later = attempts.alias("later")
        unsure = (Progress.SENDING, Progress.DOUBTFUL)
        rows = await self._connection.rows(
            select(
                deliveries,
                attempts.c.number,
                attempts.c.form.label("sent_form"),
                attempts.c.progress,
                attempts.c.started_at,
                attempts.c.provider_id,
                attempts.c.code,
                recipients.c.channel,
                recipients.c.value,
                recipients.c.sealed,
                recipients.c.thread,
                recipients.c.kind,
                recipients.c.last_inbound_at,
                broadcasts.c.lane,
            )
            .join(attempts, attempts.c.delivery_id == deliveries.c.id)
            .join(recipients, recipients.c.id == deliveries.c.recipient_id)
            .join(broadcasts, broadcasts.c.id == deliveries.c.broadcast_id)
            .where(
                deliveries.c.sender_id == sender,
                due.stated(deliveries.c.state, *IN_HAND),
                due.stated(deliveries.c.state, State.DOUBTFUL),
                deliveries.c.id > after,
                broadcasts.c.expires_at > now,
                attempts.c.progress.in_(unsure),
                ~exists().where(
                    later.c.delivery_id == deliveries.c.id,
                    later.c.number > attempts.c.number,
                    later.c.progress.in_(unsure),
                ),
            )
            .order_by(deliveries.c.id)
            .limit(limit)
        )
        return [reading.in_doubt(row, self._connection.keys) for row in rows]

    async def provider_ids(
        self, recipient: RecipientId, *, besides: Reference
    ) -> set[str]:
        """Return the provider's ids of all that a recipient was sent, answers too."""
        sent = reading.provider_ids(recipient, besides=besides)
        return {str(each) for each in await self._connection.values(sent)} - {""}

    async def stop(self, broadcast: BroadcastId, *, reason: str) -> int:
        """Skip everything not yet sending; how many."""
        return await self._connection.run(
            update(deliveries)
            .where(
                deliveries.c.broadcast_id == broadcast, deliveries.c.state.in_(PENDING)
            )
            .values(state=State.SKIPPED, reason=reason)
        )

    async def expire(self, *, now: datetime) -> int:
        """Expire queued and suspended rows of broadcasts past their time; how many."""
        return await self._connection.run(_expiring(), [{"now": now}])

    async def coverage(self, broadcast: BroadcastId) -> Coverage:
        """Count a broadcast's deliveries by state."""
        counted: Counter[State] = Counter()
        for row in await self._connection.rows(reading.counts(broadcast)):
            counted[row.state] += row.number
        return Coverage(states=counted)

    async def unsettled(self, broadcast: BroadcastId) -> bool:
        """Whether any row keeps the broadcast from being finished."""
        found = await self._connection.row(_unsettled(), {"broadcast": broadcast})
        return found is not None

    async def report(
        self,
        broadcast: BroadcastId,
        *,
        states: Collection[State] | None = None,
        limit: int = 100_000,
    ) -> list[DeliveryLine]:
        """Return a broadcast's deliveries, by recipient and part."""
        rows = await self._connection.rows(
            reading.report(broadcast, states=states).limit(limit)
        )
        return [reading.line(row) for row in rows]


@cache
def _unsettled() -> Select[Any]:
    earlier = deliveries.alias("earlier")
    return (
        select(deliveries.c.id)
        .where(
            deliveries.c.broadcast_id == bindparam("broadcast"),
            deliveries.c.state.in_(_UNSETTLED),
            or_(
                deliveries.c.action != Action.SEND,
                ~exists().where(
                    earlier.c.broadcast_id == deliveries.c.broadcast_id,
                    earlier.c.recipient_id == deliveries.c.recipient_id,
                    earlier.c.part < deliveries.c.part,
                    earlier.c.state == State.DOUBTFUL,
                ),
            ),
        )
        .limit(1)
    )


@cache
def _expiring() -> Update:
    now = bindparam("now", type_=Moment)
    past = select(broadcasts.c.id).where(broadcasts.c.expires_at <= now)
    return (
        update(deliveries)
        .where(
            deliveries.c.broadcast_id.in_(past),
            deliveries.c.state.in_((State.QUEUED, State.SUSPENDED)),
        )
        .values(state=State.EXPIRED)
    )


@cache
def _loading() -> tuple[Select[Any], Select[Any]]:
    some: BindParameter[Any] = bindparam("some", expanding=True)
    return (
        select(deliveries).where(deliveries.c.id.in_(some)).with_for_update(),
        select(attempts)
        .where(attempts.c.delivery_id.in_(some))
        .order_by(attempts.c.delivery_id, attempts.c.number),
    )


@cache
def _saving() -> tuple[Update, Update]:
    return (
        update(deliveries).where(deliveries.c.id == bindparam("which")),
        update(attempts).where(
            attempts.c.delivery_id == bindparam("which"),
            attempts.c.number == bindparam("place"),
        ),
    )
