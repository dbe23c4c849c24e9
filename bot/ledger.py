"""Marks and outcomes, written many at a time, each awaited until it is durable.

Before a call `Ledger.mark` has written that it is about to be made; after it
`Ledger.report` has written what came of it, and everything that follows from that,
in one transaction. Those who call at the same time share a commit.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import ARRIVED, ENDED, Form, State
from bot.domain.errors import Moved, TryLater
from bot.domain.outcomes import (
    REST,
    STRIKES,
    UNKNOWN_REFUSALS,
    Consequence,
    Report,
    RetryPolicy,
    settle,
)
from bot.domain.recipients import Standing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from bot.domain.broadcasts import BroadcastId
    from bot.domain.deliveries import (
        Attempt,
        Delivery,
        DeliveryId,
        Failure,
        Reference,
    )
    from bot.domain.errors import SendError
    from bot.domain.recipients import RecipientId, SenderId
    from bot.notices import Notices
    from bot.ports import Clock, Database, Transaction

log = logging.getLogger("harkara.ledger")

T = TypeVar("T")
R = TypeVar("R")

#: Two recipients throttled within this time mean that the sender is too fast.
TOGETHER = timedelta(seconds=1)


class GroupCommit(Generic[T, R]):
    """Lets many tasks share one write: while one is under way, the next gathers."""

    def __init__(
        self, write: Callable[[list[T]], Awaitable[Sequence[R]]], *, most: int = 500
    ) -> None:
        self._write = write
        self._most = most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._flusher: asyncio.Task[None] | None = None

    async def submit(self, item: T) -> R:
        """Return once *item* is written, with what the write returned for it."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        while self._waiting:
            batch = self._waiting[: self._most]
            del self._waiting[: self._most]
            try:
                results = await self._write([item for item, _ in batch])
            except Exception as error:  # noqa: BLE001 - handed to each that waits
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), result in zip(batch, results, strict=True):
                if not future.done():
                    future.set_result(result)


class Ledger:
    """Writes what is done and what came of it."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        notices: Notices,
        policy: RetryPolicy,
        templates: bool,
    ) -> None:
        self._database = database
        self._clock = clock
        self._notices = notices
        self._policy = policy
        self._templates = templates
        self._marks: GroupCommit[tuple[Attempt, int], bool] = GroupCommit(
            self._write_marks
        )
        self._reports: GroupCommit[tuple[Report, datetime | None], Delivery | None] = (
            GroupCommit(self._write_reports)
        )
        self._throttled: dict[SenderId, list[tuple[datetime, RecipientId]]] = {}

    async def mark(self, attempt: Attempt, *, epoch: int) -> bool:
        """Write that *attempt* is about to be made.

        Returns:
            Whether to make it: False once the delivery has been stopped, or its
            sender has another owner.
        """
        return await self._marks.submit((attempt, epoch))

    async def report(
        self, report: Report, *, rest_until: datetime | None = None
    ) -> Delivery | None:
        """Write what came of an attempt, and all that follows from it.

        Args:
            report: What has been learnt.
            rest_until: Nothing more may be sent to the recipient before this.

        Returns:
            The delivery as it now stands; None if there is no such attempt.
        """
        return await self._reports.submit((report, rest_until))

    async def end(
        self,
        delivery: DeliveryId,
        state: State,
        *,
        epoch: int,
        failure: Failure | None = None,
        reason: str = "",
    ) -> None:
        """End a leased delivery for which no call is to be made."""
        async with self._database.transaction() as tx:
            loaded = await tx.deliveries.load([delivery])
            found, _ = loaded[delivery]
            if found.state is State.LEASED and found.epoch == epoch:
                ended = replace(found, state=state, failure=failure, reason=reason)
                await tx.deliveries.save([ended], [])
                if state not in ARRIVED:
                    await tx.deliveries.skip_rest(
                        ended, reason=reason or "earlier part"
                    )

    async def _write_marks(self, items: list[tuple[Attempt, int]]) -> list[bool]:
        by_epoch: dict[int, list[Attempt]] = {}
        for attempt, epoch in items:
            by_epoch.setdefault(epoch, []).append(attempt)
        marked: set[DeliveryId] = set()
        async with self._database.transaction() as tx:
            for epoch, attempts in by_epoch.items():
                marked |= await tx.deliveries.mark_sending(
                    attempts, epoch=epoch, now=self._clock.now()
                )
        return [attempt.reference.delivery in marked for attempt, _ in items]

    async def _write_reports(
        self, items: list[tuple[Report, datetime | None]]
    ) -> list[Delivery | None]:
        async with self._database.transaction() as tx:
            found = await self._apply(tx, [report for report, _ in items])
            await tx.recipients.hold(
                {
                    delivery.recipient: until
                    for delivery, (_, until) in zip(found, items, strict=True)
                    if delivery is not None and until is not None
                }
            )
            return found

    async def _apply(
        self, tx: Transaction, reports: list[Report]
    ) -> list[Delivery | None]:
        now = self._clock.now()
        loaded = await tx.deliveries.load({r.reference.delivery for r in reports})
        changed: dict[DeliveryId, Delivery] = {}
        attempts: dict[Reference, Attempt] = {}
        follow: list[tuple[Delivery, Consequence, SendError | None]] = []
        arrived: set[RecipientId] = set()
        for report in reports:
            if report.reference.delivery not in loaded:
                log.warning("report of an unknown delivery")
                continue
            before, known = loaded[report.reference.delivery]
            settlement = settle(
                before,
                known,
                report,
                has_template=self._templates,
                now=now,
                policy=self._policy,
            )
            after = settlement.delivery
            if settlement.attempt is not None:
                attempts[report.reference] = settlement.attempt
                known = [
                    settlement.attempt if each.reference == report.reference else each
                    for each in known
                ]
            loaded[after.id] = (after, known)
            if after != before:
                changed[after.id] = after
                follow.append((after, settlement.consequence, report.error))
                if after.state in ARRIVED:
                    arrived.add(after.recipient)
        await tx.deliveries.save(list(changed.values()), list(attempts.values()))
        if arrived:
            await tx.recipients.clear_strikes(arrived)
        for delivery, consequence, error in follow:
            await self._follow(tx, delivery, consequence, error, now=now)
        return [
            loaded[r.reference.delivery][0] if r.reference.delivery in loaded else None
            for r in reports
        ]

    async def _follow(
        self,
        tx: Transaction,
        delivery: Delivery,
        consequence: Consequence,
        error: SendError | None,
        *,
        now: datetime,
    ) -> None:
        """Do what *delivery*'s new state asks for besides its own row."""
        log.info(
            "delivery",
            extra={
                "delivery": delivery.id,
                "broadcast": delivery.broadcast,
                "state": delivery.state.value,
                "failure": delivery.failure.kind.value if delivery.failure else "",
            },
        )
        if isinstance(error, TryLater) and error.throttled:
            await self._throttle(tx, delivery, error, now=now)
        if delivery.state is State.QUEUED:
            await reopen(tx, delivery)
        in_template = delivery.form is Form.TEMPLATE and delivery.state in ARRIVED
        if delivery.state in ENDED and (delivery.state not in ARRIVED or in_template):
            await tx.deliveries.skip_rest(
                delivery, reason="in template" if in_template else "earlier part"
            )
        await self._consequence(tx, delivery, consequence, error, now=now)

    async def _throttle(
        self, tx: Transaction, delivery: Delivery, error: TryLater, *, now: datetime
    ) -> None:
        until = now + error.after
        await tx.recipients.hold({delivery.recipient: until})
        recent = [
            (moment, recipient)
            for moment, recipient in self._throttled.get(delivery.sender, [])
            if now - moment < TOGETHER
        ]
        recent.append((now, delivery.recipient))
        self._throttled[delivery.sender] = recent
        several = len({recipient for _, recipient in recent}) > 1
        if several or error.sender_wide:
            await tx.senders.delay(delivery.sender, until)

    async def _consequence(  # noqa: C901, PLR0912 - a table: one case a consequence
        self,
        tx: Transaction,
        delivery: Delivery,
        consequence: Consequence,
        error: SendError | None,
        *,
        now: datetime,
    ) -> None:
        recipient = delivery.recipient
        code = error.code if error else ""
        match consequence:
            case Consequence.NONE:
                return
            case Consequence.UNENROL:
                await self._gone(tx, delivery, now=now)
            case Consequence.STRIKE:
                if await tx.recipients.strike(recipient) >= STRIKES:
                    await self._gone(tx, delivery, now=now)
            case Consequence.STRIKE_SUSPEND:
                if await tx.recipients.strike(recipient) >= STRIKES:
                    await self._suspend(tx, recipient, code, now=now)
            case Consequence.SUSPEND:
                await self._suspend(tx, recipient, code, now=now)
            case Consequence.REST:
                await tx.recipients.rest(recipient, now + REST)
            case Consequence.MOVE:
                if isinstance(error, Moved):
                    known = await tx.recipients.get(recipient)
                    await tx.recipients.move(known.address, error.address)
            case Consequence.COUNT:
                same = await tx.deliveries.refusals(delivery.broadcast, code)
                if same >= UNKNOWN_REFUSALS:
                    await self._pause(tx, delivery.broadcast, code, now=now)
            case Consequence.STOP:
                await self._pause(tx, delivery.broadcast, code, now=now)
            case Consequence.SENDER_DOWN:
                sender = await tx.senders.get(delivery.sender)
                if not sender.down:
                    await tx.senders.set_down(delivery.sender, code)
                    log.error("sender down", extra={"sender": sender.id, "code": code})
                    await self._notices.sender_down(tx, sender, code, now=now)

    async def _gone(
        self, tx: Transaction, delivery: Delivery, *, now: datetime
    ) -> None:
        reason = delivery.failure.kind.value if delivery.failure else "gone"
        await tx.recipients.set_standing(
            delivery.recipient, Standing.GONE, reason=reason
        )
        await tx.audiences.unenrol(delivery.recipient, reason=reason, now=now)

    async def _suspend(
        self, tx: Transaction, recipient: RecipientId, code: str, *, now: datetime
    ) -> None:
        changed = await tx.recipients.set_standing(
            recipient, Standing.SUSPENDED, reason=code
        )
        if changed:
            who = await tx.recipients.get(recipient)
            await self._notices.suspended(tx, who, code, now=now)

    async def _pause(
        self, tx: Transaction, broadcast: BroadcastId, code: str, *, now: datetime
    ) -> None:
        found = await tx.broadcasts.get(broadcast)
        if found.state is BroadcastState.RUNNING:
            await tx.broadcasts.save(
                replace(found, state=BroadcastState.PAUSED, reason=code)
            )
            await tx.deliveries.let_go(broadcast)
            await self._notices.paused(tx, broadcast, code, now=now)


async def reopen(tx: Transaction, delivery: Delivery) -> None:
    """See to it that a delivery queued again will be sent, or is not left waiting.

    Its broadcast may have been finished, or cancelled, in the meantime.
    """
    broadcast = await tx.broadcasts.get(delivery.broadcast)
    if broadcast.state is BroadcastState.FINISHED:
        await tx.broadcasts.save(
            replace(broadcast, state=BroadcastState.RUNNING, finished_at=None)
        )
    elif broadcast.state is BroadcastState.CANCELLED:
        await tx.deliveries.save(
            [replace(delivery, state=State.SKIPPED, reason="stopped")], []
        )
