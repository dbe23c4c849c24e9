"""What came of attempts, written many at a time, each awaited until it is durable.

`Ledger.report` writes what was learnt of an attempt and everything that follows from
it, in one transaction. Those who call at the same time share a commit. Most calls end
in an answer from which nothing follows; those take the short road (`bot.scribe`).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Generic, TypeVar

from bot.domain.broadcasts import BroadcastState
from bot.domain.corrections import INSTEAD
from bot.domain.deliveries import ARRIVED, ENDED, REPEATABLE, Form, State
from bot.domain.errors import StorageError, StorageFailing, WindowClosed
from bot.domain.outcomes import settle
from bot.domain.recipients import Standing
from bot.scribe import Scribe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from bot.consequences import Consequences
    from bot.domain.deliveries import (
        Attempt,
        BroadcastId,
        Delivery,
        DeliveryId,
        Failure,
        Reference,
    )
    from bot.domain.errors import SendError
    from bot.domain.outcomes import Consequence, Report, RetryPolicy
    from bot.domain.recipients import SenderId
    from bot.ports import Clock, Database, Transaction

log = logging.getLogger("harkara.ledger")

T = TypeVar("T")
R = TypeVar("R")

#: Waits before an answer that the database would not take is written again; the last
#: one holds for as long as the disk is at fault and we are not to stop.
REPORT_AGAIN = (
    timedelta(milliseconds=200),
    timedelta(seconds=1),
    timedelta(seconds=5),
)


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
            if not await self._share(batch):
                # One of them may be the culprit; the others need not suffer for it.
                for one in batch:
                    await self._share([one], alone=True)

    async def _share(
        self, batch: list[tuple[T, asyncio.Future[R]]], *, alone: bool = False
    ) -> bool:
        """Write *batch* and hand out the results; whether that could be done."""
        try:
            results = await self._write([item for item, _ in batch])
        except Exception as error:  # noqa: BLE001 - handed to the one that waits
            if alone and not batch[0][1].done():
                batch[0][1].set_exception(error)
            return False
        for (_, future), result in zip(batch, results, strict=True):
            if not future.done():
                future.set_result(result)
        return True


class Ledger:
    """Writes what is done and what came of it."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        consequences: Consequences,
        policy: RetryPolicy,
        templates: bool,
        telegram: SenderId | None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._consequences = consequences
        self._policy = policy
        self._templates = templates
        self._telegram = telegram
        self._hurried = False
        self._reports: GroupCommit[_Item, Delivery | None] = GroupCommit(
            self._write_reports
        )
        #: Marks, and the answers of which nothing more follows.
        self.scribe = Scribe(
            database=database,
            clock=clock,
            report=lambda report, rest: self.report(report, rest_until=rest),
        )

    async def report(
        self,
        report: Report,
        *,
        rest_until: datetime | None = None,
        called: bool = True,
    ) -> Delivery | None:
        """Write what came of an attempt, and all that follows from it.

        Args:
            report: What has been learnt.
            rest_until: Nothing more may be sent to the recipient before this.
            called: It is the answer to a call of ours, whose end it marks; a receipt
                says nothing of when the sender was called.

        Returns:
            The delivery as it now stands; None if there is no such attempt.
        """
        return await self.insist(
            lambda: self._reports.submit((report, rest_until, called))
        )

    async def insist(self, write: Callable[[], Awaitable[T]]) -> T:
        """Have *write* write down what a provider said, again until the disk takes it.

        Args:
            write: May be called again; it writes everything or nothing.

        Raises:
            StorageError: It never can be written, or we are to stop.
        """
        tried = 0
        while True:
            try:
                return await write()
            except StorageError as error:
                # What a provider said is worth some patience with the disk: once we
                # have gone, nobody knows whether the message arrived.
                patient = isinstance(error, StorageFailing) and not self._hurried
                if not patient and tried >= len(REPORT_AGAIN):
                    raise
                log.warning(
                    "an answer could not be written yet", extra={"reason": str(error)}
                )
                wait = REPORT_AGAIN[min(tried, len(REPORT_AGAIN) - 1)]
                await self._clock.sleep_until(self._clock.now() + wait)
                tried += 1

    def hurry(self) -> None:
        """Be asked to stop: wait for the disk a few seconds more, and no longer."""
        self._hurried = True

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

    async def _write_reports(self, items: list[_Item]) -> list[Delivery | None]:
        async with self._database.transaction() as tx:
            found = await self._apply(tx, [report for report, _, _ in items])
            await tx.recipients.hold(
                {
                    delivery.recipient: until
                    for delivery, (_, until, _) in zip(found, items, strict=True)
                    if delivery is not None and until is not None
                }
            )
            for sender in {
                delivery.sender
                for delivery, (_, _, called) in zip(found, items, strict=True)
                if delivery is not None and called
            }:
                # Until now it may have been called, whoever asks later. Receipts leave
                # the sender alone: hot writes lock it before their deliveries.
                await tx.senders.delay(sender, self._clock.now())
            return found

    async def _apply(
        self, tx: Transaction, reports: list[Report]
    ) -> list[Delivery | None]:
        now = self._clock.now()
        loaded = await tx.deliveries.load({r.reference.delivery for r in reports})
        first = {key: delivery for key, (delivery, _) in loaded.items()}
        attempts: dict[Reference, Attempt] = {}
        errors: list[tuple[DeliveryId, Consequence, SendError]] = []
        for report in reports:
            key = report.reference.delivery
            if key not in loaded:
                log.warning("report of an unknown delivery")
                continue
            before, known = loaded[key]
            settlement = settle(
                before,
                known,
                report,
                has_template=self._templates,
                now=now,
                policy=self._policy,
            )
            if settlement.attempt is not None:
                attempts[report.reference] = settlement.attempt
                known = [
                    settlement.attempt if each.reference == report.reference else each
                    for each in known
                ]
            loaded[key] = (settlement.delivery, known)
            if report.error is not None and settlement.delivery != before:
                errors.append((key, settlement.consequence, report.error))
                if isinstance(report.error, WindowClosed) and settlement.attempt:
                    # Believed open: the next story goes as the template at once.
                    await tx.recipients.window_closed(
                        before.recipient, settlement.attempt.started_at
                    )

        after = {key: delivery for key, (delivery, _) in loaded.items()}
        changed = [after[key] for key in after if after[key] != first[key]]
        await tx.deliveries.save(changed, list(attempts.values()))
        await tx.recipients.clear_strikes(
            {each.recipient for each in changed if self._surely(each)}
        )
        for delivery in changed:
            await self._follow(tx, first[delivery.id], delivery)
        for key, consequence, error in errors:
            await self._consequences.draw(tx, after[key], consequence, error, now=now)
        return [after.get(report.reference.delivery) for report in reports]

    def _surely(self, delivery: Delivery) -> bool:
        """Whether the recipient surely has it: Twilio's acceptance proves nothing."""
        accepted = delivery.state is State.ACCEPTED
        return delivery.state in {State.DELIVERED, State.READ} or (
            accepted and delivery.sender == self._telegram
        )

    async def _follow(
        self, tx: Transaction, before: Delivery, delivery: Delivery
    ) -> None:
        """Do what *delivery*'s new state asks of its broadcast and its later parts."""
        log.info(
            "delivery",
            extra={
                "delivery": delivery.id,
                "broadcast": delivery.broadcast,
                "state": delivery.state.value,
                "failure": delivery.failure.kind.value if delivery.failure else "",
            },
        )
        if delivery.state is State.QUEUED:
            await requeued(tx, delivery)
        elif before.state is State.DOUBTFUL and delivery.state in ARRIVED:
            # Later parts waited for this.
            await reopen(tx, delivery.broadcast)
        if delivery.action in REPEATABLE:
            return  # each copy is changed for itself, whatever became of the others
        in_template = delivery.form is Form.TEMPLATE and delivery.state in ARRIVED
        if delivery.state in ENDED and (delivery.state not in ARRIVED or in_template):
            await tx.deliveries.skip_rest(
                delivery, reason="in template" if in_template else "earlier part"
            )


async def reopen(tx: Transaction, broadcast: BroadcastId) -> None:
    """Let a finished broadcast go on: one of its deliveries has more to do."""
    found = await tx.broadcasts.get(broadcast)
    if found.superseded_by is not None:
        # What took its place is to see to what has come to light.
        await reopen(tx, found.superseded_by)
    if found.state is BroadcastState.FINISHED:
        await tx.broadcasts.save(
            replace(found, state=BroadcastState.RUNNING, finished_at=None)
        )


async def requeued(tx: Transaction, delivery: Delivery) -> None:
    """See to it that a delivery queued again will be sent, or is not left waiting.

    In the meantime its broadcast may have been finished or cancelled, and its
    recipient may have left: nobody is written to who has.
    """
    broadcast = await tx.broadcasts.get(delivery.broadcast)
    reason = "stopped" if broadcast.state is BroadcastState.CANCELLED else ""
    who = await tx.recipients.get(delivery.recipient)
    enrolled = {each.id for each in await tx.audiences.of(who.id)}
    left = delivery.audience not in enrolled and delivery.action not in REPEATABLE
    if who.standing is Standing.GONE or left:
        reason = "unenrolled"
    if broadcast.superseded_by is not None and not reason:
        newest = await tx.broadcasts.get(broadcast.superseded_by)
        reason = INSTEAD[newest.purpose]
        await reopen(tx, newest.id)
    if reason:
        await tx.deliveries.save(
            [replace(delivery, state=State.SKIPPED, reason=reason)], []
        )
    else:
        await reopen(tx, delivery.broadcast)


#: A report, until when its recipient rests, and whether it answers a call.
_Item = tuple["Report", "datetime | None", bool]
