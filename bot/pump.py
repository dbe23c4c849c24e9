"""One sender's pump: claim, pace, mark, send, report.

One pump works for a sender at a time. It takes the next epoch when it starts; every
claim and every mark names it, so that an owner who was frozen and wakes finds itself
fenced off. No more calls are under way than `concurrency`, and only those can be in
doubt after a crash.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain import pacing
from bot.domain.deliveries import (
    NOTES,
    Action,
    Attempt,
    Failure,
    Form,
    Progress,
    Reference,
    State,
)
from bot.domain.errors import (
    Doubtful,
    FailureKind,
    Fenced,
    Malformed,
    Moved,
    SenderDown,
    SendError,
    StorageError,
    TryLater,
)
from bot.domain.outcomes import Report, RetryPolicy
from bot.domain.recipients import Channel
from bot.ports import Lease, ReplyLease

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from datetime import datetime

    from bot.consequences import Consequences
    from bot.domain.broadcasts import BroadcastId
    from bot.domain.messages import OutboundMessage
    from bot.domain.pacing import Rate
    from bot.domain.recipients import Address, RecipientId, SenderId
    from bot.ledger import Ledger
    from bot.notices import Notices
    from bot.ports import Clock, Database, MessageKey, Messenger, Transaction

log = logging.getLogger("harkara.pump")

#: WhatsApp's window is 24 hours from the reader's last message; we stop believing in
#: it a little sooner, because their clock decides.
WINDOW = timedelta(hours=24) - timedelta(minutes=10)
#: By how much the spacing of one recipient's messages exceeds the provider's own.
MARGIN = timedelta(milliseconds=50)
#: How soon to look again for work while calls are under way.
GLANCE = timedelta(milliseconds=200)
#: How long to leave a sender alone that the provider does not accept.
DOWN = timedelta(seconds=60)
#: How long to leave a database alone that could not take what a message had become.
UNWRITABLE = timedelta(seconds=5)
#: How far ahead the sender's clock may be while rows are still taken in hand. Beyond
#: it (after a flood wait) they are better left where others can stop them.
AHEAD = timedelta(seconds=2)
#: Calls made for one answer: about half an hour, then the question is stale.
REPLY_ATTEMPTS = 12


class Pump:
    """Works off what is due for one sender."""

    def __init__(
        self,
        *,
        sender: SenderId,
        messenger: Messenger,
        database: Database,
        ledger: Ledger,
        consequences: Consequences,
        notices: Notices,
        clock: Clock,
        rate: Rate,
        concurrency: int,
        policy: RetryPolicy | None = None,
    ) -> None:
        self._sender = sender
        self._messenger = messenger
        self._database = database
        self._ledger = ledger
        self._consequences = consequences
        self._policy = policy or RetryPolicy()
        self._notices = notices
        self._clock = clock
        self._rate = rate
        self._free = asyncio.Semaphore(concurrency)
        self._flying: dict[asyncio.Task[None], RecipientId] = {}
        self._calling: set[asyncio.Task[None]] = set()
        self._messages: dict[BroadcastId, dict[MessageKey, OutboundMessage]] = {}
        self._not_before: datetime | None = None
        self._stopping = asyncio.Event()
        self._given_up = False
        self._down = False
        self._pause = DOWN
        self._rest_until: datetime | None = None
        self._epoch = 0

    @property
    def sender(self) -> SenderId:
        """Whose pump it is."""
        return self._sender

    async def run(self, _key: str) -> datetime | None:
        """Send everything that is due.

        Returns:
            When the next row comes due, or None if nothing waits.
        """
        if self._stopping.is_set():
            return None
        if self._resting():
            return self._rest_until
        await self._take()
        try:
            again = await self._drain()
        except Fenced:
            log.warning("fenced off", extra={"sender": self._sender})
            return None
        else:
            if self._down:
                self._rest_until = again = self._clock.now() + self._pause
            return again
        finally:
            # What is in the air ends in its own time-outs, and is written down.
            while self._flying:
                await asyncio.wait(set(self._flying))
            self._messages.clear()

    def _resting(self) -> bool:
        """Whether it is too early to try a sender again that was down."""
        now, until = self._clock.now(), self._rest_until
        return until is not None and now < until <= now + DOWN

    @property
    def under_way(self) -> int:
        """How many calls wait for their answer."""
        return len(self._calling)

    def stop(self) -> None:
        """Claim nothing more; `run` returns once what is under way has ended."""
        self._stopping.set()
        self._ledger.hurry()

    def give_up(self) -> None:
        """Wait no longer for the answers that have not come; those calls are in doubt.

        `stop` goes before.
        """
        self._given_up = True
        if self._calling:
            log.warning(
                "calls were given up, and are in doubt",
                extra={"sender": self._sender, "count": len(self._calling)},
            )
        for task in self._calling:
            task.cancel()

    async def _take(self) -> None:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            taken = await tx.senders.take(self._sender)
            await tx.senders.set_down(self._sender, "")
            if taken.doubtful:
                log.warning(
                    "calls in doubt after a crash",
                    extra={"sender": self._sender, "count": taken.doubtful},
                )
                await self._notices.doubtful(tx, taken.sender, taken.doubtful, now=now)
        self._epoch = taken.sender.epoch
        self._down, self._pause = False, DOWN

    async def _drain(self) -> datetime | None:
        while not self._stopping.is_set():
            if self._down:
                return None
            leases, slots = await self._claim()
            if leases:
                await self._launch(leases, slots)
                continue
            if self._flying:
                await asyncio.wait(set(self._flying), timeout=GLANCE.total_seconds())
                continue
            return await self._next()
        return None

    async def _next(self) -> datetime | None:
        """When there will be something to send, and the sender's clock allows it."""
        now = self._clock.now()
        async with self._database.snapshot() as tx:
            due = await tx.senders.next_due(self._sender, now=now)
            clock = (await tx.senders.get(self._sender)).clock
        return due and max(due, pacing.bounded(clock, now=now))

    async def _claim(self) -> tuple[list[Lease | ReplyLease], list[datetime]]:
        """Take what is due in hand, and reserve a moment for each on the clocks."""
        now = self._clock.now()
        limit = pacing.claim_size(self._rate)
        busy = set(self._flying.values())
        async with self._database.snapshot() as tx:
            sender = await tx.senders.get(self._sender)
            # A receipt may have said that the account is at fault.
            self._down = self._down or bool(sender.down)
            ahead = pacing.bounded(sender.clock, now=now) - now > AHEAD
            if self._down or ahead:
                return [], []
            if not await tx.senders.has_work(self._sender, now=now):
                return [], []
        async with self._database.transaction() as tx:
            replies = await tx.replies.claim(
                self._sender,
                epoch=self._epoch,
                now=now,
                limit=limit,
                excluding=busy,
            )
            leases: list[Lease | ReplyLease] = list(replies)
            if len(replies) < limit:
                leases += await tx.deliveries.claim(
                    self._sender,
                    epoch=self._epoch,
                    now=now,
                    limit=limit - len(replies),
                    excluding=busy | {reply.recipient for reply in replies},
                )
            slots = await self._reserve(tx, leases, now=now)
            await self._fetch_messages(tx, leases)
        return leases, slots

    async def _reserve(
        self, tx: Transaction, leases: list[Lease | ReplyLease], *, now: datetime
    ) -> list[datetime]:
        if not leases:
            return []
        sender = await tx.senders.get(self._sender)
        slots, clock = pacing.reserve(
            sender.clock, now=now, interval=self._rate.interval, count=len(leases)
        )
        await tx.senders.set_clock(self._sender, epoch=self._epoch, clock=clock)
        await tx.recipients.hold(
            {
                _recipient(lease): slot + self._rate.spacing(lease.kind)
                for lease, slot in zip(leases, slots, strict=True)
            }
        )
        return slots

    async def _fetch_messages(
        self, tx: Transaction, leases: list[Lease | ReplyLease]
    ) -> None:
        wanted = {
            lease.delivery.broadcast for lease in leases if isinstance(lease, Lease)
        }
        for broadcast in wanted - self._messages.keys():
            self._messages[broadcast] = await tx.broadcasts.messages(broadcast)

    async def _launch(
        self, leases: list[Lease | ReplyLease], slots: list[datetime]
    ) -> None:
        """Start each call at its moment, never two closer than the rate allows."""
        for place, (lease, slot) in enumerate(zip(leases, slots, strict=True)):
            moment = slot
            if self._not_before is not None:
                latest = self._clock.now() + self._rate.interval
                moment = max(slot, min(self._not_before, latest))
            await self._until(moment)
            await self._free.acquire()
            if self._stopping.is_set() or self._down:
                self._free.release()
                await self._release(leases[place:])
                return
            self._not_before = self._clock.now() + self._rate.interval
            work = (
                self._deliver(lease, slot)
                if isinstance(lease, Lease)
                else self._answer(lease, slot)
            )
            task = asyncio.create_task(self._guarded(work))
            self._flying[task] = _recipient(lease)
            task.add_done_callback(self._flying.pop)

    async def _until(self, moment: datetime) -> None:
        """Wait for *moment*, or for being told to stop."""
        if moment <= self._clock.now():
            return
        waits = [
            asyncio.ensure_future(self._clock.sleep_until(moment)),
            asyncio.ensure_future(self._stopping.wait()),
        ]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _release(self, leases: list[Lease | ReplyLease]) -> None:
        async with self._database.transaction() as tx:
            await tx.deliveries.release(
                [each.delivery.id for each in leases if isinstance(each, Lease)],
                epoch=self._epoch,
            )
            await tx.replies.release(
                [each.id for each in leases if isinstance(each, ReplyLease)],
                epoch=self._epoch,
            )

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except StorageError as error:
            # Before its call: the row is queued again when the next epoch is taken.
            log.error(  # noqa: TRY400 - the sentence says what to do; the place does not
                "the database could not take the state of a message",
                extra={"sender": self._sender, "reason": str(error)},
            )
            self._down, self._pause = True, UNWRITABLE
        except Exception:
            # The row stays as it was written last: sending becomes doubtful, and
            # leased is queued, when the next epoch is taken.
            log.exception("a call went astray", extra={"sender": self._sender})
            self._down = True
        finally:
            self._free.release()

    async def _deliver(self, lease: Lease, slot: datetime) -> None:
        delivery = lease.delivery
        form, message = self._choose(lease)
        if message is None and delivery.action is not Action.DELETE:
            # A template says all in one message: the first.
            if form is Form.TEMPLATE and delivery.part % NOTES > 1:
                await self._ledger.end(
                    delivery.id,
                    State.SKIPPED,
                    epoch=self._epoch,
                    reason="in template",
                )
            else:
                await self._ledger.end(
                    delivery.id,
                    State.FAILED,
                    epoch=self._epoch,
                    failure=Failure(FailureKind.WINDOW_CLOSED, "no template"),
                )
            return
        reference = Reference(delivery.id, delivery.attempts + 1)
        attempt = Attempt(
            reference=reference,
            form=form,
            progress=Progress.SENDING,
            started_at=self._clock.now(),
        )
        if not await self._ledger.mark(attempt, epoch=self._epoch):
            return
        try:
            provider_id = await self._call(
                lease.address,
                message,
                reference,
                action=delivery.action,
                target=delivery.target,
            )
        except SendError as error:
            report = Report(
                reference=reference,
                progress=Progress.DOUBTFUL
                if isinstance(error, Doubtful)
                else Progress.REFUSED,
                error=error,
            )
            self._down = self._down or isinstance(error, SenderDown)
        else:
            report = Report(
                reference=reference,
                progress=Progress.ACCEPTED,
                provider_id=provider_id,
            )
        rest = self._rest(lease, slot)
        await self._ledger.report(report, rest_until=rest.get(delivery.recipient))

    async def _call(
        self,
        to: Address,
        message: OutboundMessage | None,
        reference: Reference | None,
        *,
        action: Action = Action.SEND,
        target: str = "",
    ) -> str:
        """Make one call, and wait for its answer until `give_up`.

        Raises:
            SendError: As the messenger's; doubtful when given up.
        """
        if self._given_up:
            raise TryLater("stopped before the call")
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call is made by a task")
        self._calling.add(task)
        try:
            return await self._do(to, message, reference, action=action, target=target)
        except asyncio.CancelledError:
            if not self._given_up:
                raise
            task.uncancel()  # what is left to do is to write it down
            raise Doubtful("given up") from None
        finally:
            self._calling.discard(task)

    async def _do(
        self,
        to: Address,
        message: OutboundMessage | None,
        reference: Reference | None,
        *,
        action: Action,
        target: str,
    ) -> str:
        """Send, edit or delete; return the provider's id of the message in question."""
        if action is Action.DELETE:
            await self._messenger.delete(to, target)
            return target
        if message is None:
            raise Malformed("nothing to say")
        if action is Action.EDIT:
            await self._messenger.edit(to, target, message)
            return target
        return await self._messenger.send(to, message, reference, reply_to=target)

    def _rest(
        self, lease: Lease | ReplyLease, slot: datetime
    ) -> dict[RecipientId, datetime]:
        """Anchor the recipient's clock at the answer, where it came late.

        The clock was moved from *slot* when the row was claimed, with a margin. The
        provider counted the message no later than its answer came back, so the next
        one is surely far enough away if that margin holds from there.
        """
        now = self._clock.now()
        if now - slot <= MARGIN:
            return {}
        return {_recipient(lease): now + self._rate.spacing(lease.kind)}

    def _choose(self, lease: Lease) -> tuple[Form, OutboundMessage | None]:
        """Text while the reader's window is open, else the template, if any."""
        delivery = lease.delivery
        messages = self._messages[delivery.broadcast]

        def stored(form: Form) -> OutboundMessage | None:
            key = (delivery.audience, lease.address.channel, form, delivery.part)
            return messages.get(key)

        form = delivery.form or Form.TEXT
        if delivery.form is None and lease.address.channel is Channel.WHATSAPP:
            last = lease.last_inbound_at
            if last is None or self._clock.now() - last >= WINDOW:
                form = Form.TEMPLATE
        return form, stored(form)

    async def _answer(self, lease: ReplyLease, slot: datetime) -> None:
        async with self._database.transaction() as tx:
            marked = await tx.replies.mark_sending([lease.id], epoch=self._epoch)
        if lease.id not in marked:
            return
        now = self._clock.now()
        try:
            provider_id = await self._call(lease.address, lease.message, None)
        except TryLater as error:
            await self._later(lease, error)
        except Moved as error:
            to = error.address
            await self._settle(
                lease,
                State.QUEUED,
                code=error.code,
                due_at=now,
                follow=lambda tx: tx.recipients.move(lease.address, to),
            )
        except Doubtful as error:
            await self._settle(lease, State.DOUBTFUL, code=error.code)
        except SenderDown as error:
            self._down = True
            code = error.code
            await self._settle(
                lease,
                State.QUEUED,
                code=code,
                due_at=now,
                follow=lambda tx: self._consequences.sender_down(
                    tx, self._sender, code, now=now
                ),
            )
        except SendError as error:
            await self._settle(lease, State.FAILED, code=error.code)
        else:
            await self._settle(
                lease,
                State.ACCEPTED,
                provider_id=provider_id,
                rest=self._rest(lease, slot),
            )

    async def _later(self, lease: ReplyLease, error: TryLater) -> None:
        """Keep an answer that never left, unless its question has grown stale."""
        now = self._clock.now()
        if lease.attempts + 1 >= REPLY_ATTEMPTS:
            await self._settle(lease, State.FAILED, code=error.code)
            return
        wait = max(error.after, self._policy.wait(lease.attempts + 1))

        async def throttle(tx: Transaction) -> None:
            await self._consequences.throttle(
                tx, self._sender, lease.recipient, error, now=now
            )

        await self._settle(
            lease,
            State.QUEUED,
            code=error.code,
            due_at=now + wait,
            follow=throttle if error.throttled else None,
        )

    async def _settle(
        self,
        lease: ReplyLease,
        state: State,
        *,
        provider_id: str = "",
        code: str = "",
        due_at: datetime | None = None,
        rest: dict[RecipientId, datetime] | None = None,
        follow: Callable[[Transaction], Awaitable[object]] | None = None,
    ) -> None:
        """Write what became of an answer, and what follows from it, with patience."""

        async def write() -> None:
            async with self._database.transaction() as tx:
                if follow is not None:
                    await follow(tx)
                await tx.replies.settle(
                    lease.id, state, provider_id=provider_id, code=code, due_at=due_at
                )
                await tx.recipients.hold(rest or {})

        await self._ledger.insist(write)


def _recipient(lease: Lease | ReplyLease) -> RecipientId:
    return lease.delivery.recipient if isinstance(lease, Lease) else lease.recipient
