"""One sender's pump: claim, pace, mark, send, report.

One pump works for a sender at a time. It takes the next epoch when it starts; every
claim and every mark names it, so that an owner who was frozen and wakes finds itself
fenced off. No more calls are under way than `concurrency`, and only those can be in
doubt after a crash.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.calling import Callers
from bot.domain import lanes, pacing
from bot.domain.deliveries import NOTES, WORDLESS, Failure, Form, State
from bot.domain.departures import Departures
from bot.domain.errors import FailureKind, Fenced, StorageError
from bot.domain.outcomes import RetryPolicy
from bot.domain.recipients import Channel
from bot.ports import Lease, Order
from bot.scribe import Call

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.consequences import Consequences
    from bot.domain.broadcasts import BroadcastId
    from bot.domain.messages import OutboundMessage
    from bot.domain.pacing import Rate
    from bot.domain.recipients import AudienceId, RecipientId, SenderId
    from bot.ledger import Ledger
    from bot.notices import Notices
    from bot.ports import (
        Clock,
        Database,
        Hand,
        MessageKey,
        Messenger,
        ReplyLease,
        Taken,
    )

log = logging.getLogger("harkara.pump")

#: WhatsApp's window is 24 hours from the reader's last message; we stop believing in
#: it a little sooner, because their clock decides.
WINDOW = timedelta(hours=24) - timedelta(minutes=10)
#: How soon to look again for work while calls are under way.
GLANCE = timedelta(milliseconds=200)
#: Calls that would leave closer together than this leave together.
TICK = timedelta(milliseconds=5)
#: Rows are claimed anew when those in hand last no longer than this.
LOW = timedelta(milliseconds=50)
#: What was claimed is not enough where it has left sooner than this.
SOON = timedelta(milliseconds=250)
#: Rows whose moment passed this long ago, for want of a place or of the provider's
#: leave, are put back: something more urgent may have come.
STALE = timedelta(seconds=1)
#: How long to leave a sender alone that the provider does not accept.
DOWN = timedelta(seconds=60)
#: How long to leave a database alone that could not take what a message had become.
UNWRITABLE = timedelta(seconds=5)
#: How far ahead the sender's clock may be while rows are still taken in hand. Beyond
#: it (after a flood wait) they are better left where others can stop them.
AHEAD = timedelta(seconds=2)
#: Broadcasts whose texts are kept in memory.
TEXTS = 50


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
        self.sender = sender
        self.rate = rate
        self.sure = messenger.channel is Channel.TELEGRAM
        self.epoch = 0
        self._channel = messenger.channel
        self._database = database
        self._ledger = ledger
        self._scribe = ledger.scribe
        self._notices = notices
        self._clock = clock
        self._concurrency = concurrency
        self._callers = Callers(
            owner=self,
            messenger=messenger,
            database=database,
            ledger=ledger,
            consequences=consequences,
            clock=clock,
            policy=policy or RetryPolicy(),
            answered=self._answered,
            down=self._went_down,
            closed=self._closed,
        )
        self._hand: deque[Call] = deque()  #: leased, and not yet being marked
        self._open: dict[Call, None] = {}  #: being marked, called or written
        self._ending: set[asyncio.Task[None]] = set()  #: rows that need no call
        self._texts: dict[BroadcastId, dict[MessageKey, OutboundMessage]] = {}
        self._chosen: dict[_Choice, OutboundMessage | None] = {}
        self._departures: Departures[Call] = Departures(rate)
        self._reach = min(pacing.claim_size(rate), concurrency)  #: rows of a claim
        self._owed = 0.0  #: what replies owe to broadcasts; see `lanes`
        self._bell = asyncio.Event()  #: rung when there may be something to do
        self._claiming: asyncio.Task[None] | None = None
        self._short = False  #: the last claim found less than it asked for
        self._fresh = False  #: nothing has ended since the last claim
        self._looked = -math.inf  #: when it was made, by the clock that is never set
        self._stopping = False
        self._down = False
        self._pause = DOWN
        self._rest_until: datetime | None = None

    # --- what the application does with it -----------------------------------------

    async def run(self, _key: str) -> datetime | None:
        """Send everything that is due.

        Returns:
            When the next row comes due, or None if nothing waits.
        """
        if self._stopping:
            return None
        if self._resting():
            return self._rest_until
        await self._take()
        try:
            again = await self._drain()
        except Fenced:
            log.warning("fenced off", extra={"sender": self.sender})
            self._hand.clear()
            self._callers.hold_back()
            return None
        else:
            if self._down:
                self._rest_until = again = self._clock.now() + self._pause
            return again
        finally:
            await self._end()

    @property
    def under_way(self) -> int:
        """How many calls wait for their answer."""
        return self._callers.under_way

    def stop(self) -> None:
        """Claim nothing more; `run` returns once what is under way has ended."""
        self._stopping = True
        self._bell.set()
        self._ledger.hurry()

    def give_up(self) -> None:
        """Wait no longer for the answers that have not come; those calls are in doubt.

        `stop` goes before.
        """
        if self.under_way:
            log.warning(
                "calls were given up, and are in doubt",
                extra={"sender": self.sender, "count": self.under_way},
            )
        self._callers.give_up()
        self._depart()

    def _resting(self) -> bool:
        """Whether it is too early to try a sender again that was down."""
        now, until = self._clock.now(), self._rest_until
        return until is not None and now < until <= now + DOWN

    # --- one run -------------------------------------------------------------------

    async def _take(self) -> None:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            taken = await tx.senders.take(self.sender)
            await tx.senders.set_down(self.sender, "")
            if taken.doubtful:
                log.warning(
                    "calls in doubt after a crash",
                    extra={"sender": self.sender, "count": taken.doubtful},
                )
                await self._notices.doubtful(tx, taken.sender, taken.doubtful, now=now)
        self._begin(taken, now=now)

    def _begin(self, taken: Taken, *, now: datetime) -> None:
        """Go on as owner, with a window that holds whatever the last one may have sent.

        What an owner knows of its own answers dies with it. What is left is the
        sender's clock: when it was called last. So a new owner supposes that the
        provider counted all it allows at that moment, or a little later if calls were
        under way; our own window serves where nobody else was owner in between.
        """
        again = taken.sender.epoch == self.epoch + 1 and self.epoch > 0
        self.epoch = taken.sender.epoch
        self._down, self._pause = False, DOWN
        self._short = self._fresh = False
        self._looked = -math.inf
        self._callers.resume()
        if again:
            return
        self._departures = Departures(self.rate)
        if taken.sender.epoch > 1:
            called = pacing.last_call(
                taken.sender.clock, now=now, in_doubt=taken.called
            )
            ago = (now - called).total_seconds()
            self._departures.fill(self._clock.monotonic() - ago)

    async def _drain(self) -> datetime | None:
        while not (self._stopping or self._down):
            if self._claiming is not None and self._claiming.done():
                claiming, self._claiming = self._claiming, None
                claiming.result()
                continue
            pause = min(self._launch(), self._until_departure())
            if self._claiming is None:
                if self._stale():
                    await self._put_back()
                    self._short = False
                    self._reach = max(self._reach // 2, 1)
                if self._wanting():
                    self._look()
                elif not (self._hand or self._open or self._ending):
                    return await self._next()
            await self._doze(pause)
        return None

    async def _next(self) -> datetime | None:
        """When there will be something to send, and the sender's clock allows it."""
        now = self._clock.now()
        async with self._database.snapshot() as tx:
            due = await tx.senders.next_due(self.sender, now=now)
            clock = (await tx.senders.get(self.sender)).clock
        return due and max(due, pacing.bounded(clock, now=now))

    async def _doze(self, pause: float) -> None:
        """Wait until something ends, or for *pause* seconds.

        While nothing can leave for the time being, look about now and then.
        """
        alarm: asyncio.Future[None] | None = None
        glance: asyncio.TimerHandle | None = None
        if not math.isinf(pause):
            # Where calls leave further apart than ticks, none waits for a tick.
            grain = min(TICK, self.rate.interval / 20)
            moment = self._clock.now() + max(timedelta(seconds=pause), grain)
            alarm = asyncio.ensure_future(self._clock.sleep_until(moment))
            alarm.add_done_callback(self._ring)
        elif self._claiming is None:
            loop = asyncio.get_running_loop()
            glance = loop.call_later(GLANCE.total_seconds(), self._grow_stale)
        try:
            await self._bell.wait()
        finally:
            self._bell.clear()
            if alarm is not None:
                # It rings when it is cancelled too, and would wake the next one.
                alarm.remove_done_callback(self._ring)
                alarm.cancel()
            if glance is not None:
                glance.cancel()

    def _grow_stale(self) -> None:
        self._looked = -math.inf
        self._bell.set()

    def _ring(self, _done: object = None) -> None:
        self._bell.set()

    async def _end(self) -> None:
        """Put back what is in hand, and see out what is under way.

        What has been marked is called when its moment comes, or said not to have left.
        What is in the air ends in its own time-outs, and is written down.
        """
        if self._claiming is not None:
            claiming, self._claiming = self._claiming, None
            await asyncio.wait({claiming})
            if not claiming.cancelled() and (error := claiming.exception()):
                log.warning("a claim failed", extra={"reason": type(error).__name__})
        try:
            await self._put_back()
        except StorageError as error:
            # They are queued again when the next epoch is taken.
            log.warning("rows were not put back", extra={"reason": str(error)})
        while self._open or self._ending:
            self._depart()
            await self._doze(self._until_departure())
        self._callers.dismiss()
        self._texts.clear()
        self._chosen.clear()

    # --- taking in hand ------------------------------------------------------------

    def _stale(self) -> bool:
        """Whether what is in hand has waited so long that others may be more urgent."""
        if not self._hand:
            return False
        return self._clock.monotonic() - self._hand[0].slot > STALE.total_seconds()

    def _wanting(self) -> bool:
        """Whether to claim: what is in hand will soon have left, and there is more."""
        if not self._short:
            low = min(self._reach // 2, int(LOW / self.rate.interval))
            return len(self._hand) <= low
        if self._hand:
            return False
        if not self._open:
            return not self._fresh
        soon = self._looked + GLANCE.total_seconds()
        return self._clock.monotonic() >= soon

    def _look(self) -> None:
        passed = self._clock.monotonic()
        if not self._short and passed - self._looked < SOON.total_seconds():
            # It left as fast as the rate allows, and did not wait for anything.
            self._reach = min(2 * self._reach, pacing.claim_size(self.rate))
        self._fresh = True
        self._looked = passed
        self._claiming = asyncio.get_running_loop().create_task(self._claim())
        self._claiming.add_done_callback(self._ring)

    async def _claim(self) -> None:
        """Take what is due in hand."""
        now, passed = self._clock.now(), self._clock.monotonic()
        limit = self._reach
        kept, credit = lanes.kept(limit, self._owed)
        hand = await self._database.claim(
            Order(
                sender=self.sender,
                epoch=self.epoch,
                now=now,
                limit=limit,
                kept=kept,
                interval=self.rate.interval,
                ahead=AHEAD,
                excluding=self._busy(),
            )
        )
        # A receipt may have said that the account is at fault.
        self._down = self._down or hand.down
        replies, deliveries = len(hand.replies), len(hand.leases)
        self._owed = lanes.carried(
            limit, credit, replies=replies, deliveries=deliveries
        )
        await self._fetch(hand)
        slot = passed + (hand.start - now).total_seconds()
        interval = self.rate.interval.total_seconds()
        taken: list[Lease | ReplyLease] = [*hand.replies, *hand.leases]
        for lease in taken:
            self._hand.append(Call(self, lease, slot))
            slot += interval
        self._short = len(taken) < limit

    def _busy(self) -> list[RecipientId]:
        """Who has something in hand already: one at a time for each."""
        return [call.lease.recipient for call in (*self._hand, *self._open)]

    async def _fetch(self, hand: Hand) -> None:
        wanted = {lease.broadcast for lease in hand.leases} - self._texts.keys()
        if not wanted:
            return
        if len(self._texts) + len(wanted) > TEXTS:
            for broadcast in self._texts.keys() - self._in_hand():
                del self._texts[broadcast]
            self._chosen.clear()
            wanted = {lease.broadcast for lease in hand.leases} - self._texts.keys()
        async with self._database.snapshot() as tx:
            for broadcast in sorted(wanted):
                self._texts[broadcast] = await tx.broadcasts.messages(broadcast)

    def _in_hand(self) -> set[BroadcastId]:
        leases = (call.lease for call in self._hand)
        return {lease.broadcast for lease in leases if isinstance(lease, Lease)}

    async def _put_back(self) -> None:
        calls, self._hand = self._hand, deque()
        if not calls:
            return
        async with self._database.transaction() as tx:
            await tx.deliveries.release(
                [each.lease.id for each in calls if isinstance(each.lease, Lease)],
                epoch=self.epoch,
            )
            await tx.replies.release(
                [each.lease.id for each in calls if not isinstance(each.lease, Lease)],
                epoch=self.epoch,
            )

    # --- sending -------------------------------------------------------------------

    def _launch(self) -> float:
        """Start every call whose moment has come, and mark those that come next.

        Returns:
            Seconds until the next mark; infinity while it takes something else first:
            an answer, a place, a claim.
        """
        self._depart()
        passed = self._clock.monotonic()
        hand, departures = self._hand, self._departures
        while hand and len(self._open) < self._concurrency:
            call = hand[0]
            moment = departures.opening(call.slot, passed)
            if moment > passed:
                return moment - passed
            hand.popleft()
            self._open[call] = None
            lease = call.lease
            if isinstance(lease, Lease) and not self._worded(call, lease):
                self._end_unsent(call, lease)
                continue
            departures.mark()
            self._scribe.mark(call)
        return math.inf

    def _depart(self) -> None:
        """Make the calls that are marked and whose moment has come."""
        passed = self._clock.monotonic()
        if self._callers.holding_back:
            self._callers.make(self._departures.clear(passed))
        else:
            self._callers.make(self._departures.start(passed))

    def _until_departure(self) -> float:
        """Say in how many seconds the next marked call may start."""
        passed = self._clock.monotonic()
        return max(0.0, self._departures.next(passed) - passed)

    def _worded(self, call: Call, lease: Lease) -> bool:
        """Choose what *call* says; whether there is anything to say, or to delete.

        Text while the reader's window is open, else the template, if any.
        """
        form = lease.form or Form.TEXT
        if lease.form is None and self._channel is Channel.WHATSAPP:
            last = lease.last_inbound_at
            if last is None or self._clock.now() - last >= WINDOW:
                form = Form.TEMPLATE
        call.form = form
        choice = (lease.broadcast, lease.audience, form is Form.TEXT, lease.part)
        if choice in self._chosen:
            call.message = self._chosen[choice]
        else:
            key = (lease.audience, self._channel, form, lease.part)
            call.message = self._texts[lease.broadcast].get(key)
            self._chosen[choice] = call.message
        return call.message is not None or lease.action in WORDLESS

    def _end_unsent(self, call: Call, lease: Lease) -> None:
        """End a row that nothing can be said for."""

        async def end() -> None:
            error: Exception | None = None
            try:
                # A template says all in one message: the first.
                if call.form is Form.TEMPLATE and lease.part % NOTES > 1:
                    await self._ledger.end(
                        lease.id, State.SKIPPED, epoch=self.epoch, reason="in template"
                    )
                else:
                    await self._ledger.end(
                        lease.id,
                        State.FAILED,
                        epoch=self.epoch,
                        failure=Failure(FailureKind.WINDOW_CLOSED, "no template"),
                    )
            except Exception as failed:  # noqa: BLE001 - handed on
                error = failed
            self._closed(call, error)

        task = asyncio.get_running_loop().create_task(end())
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)
        task.add_done_callback(self._ring)

    # --- what becomes of calls -------------------------------------------------------

    def marked(self, calls: Sequence[Call]) -> None:
        """Make these calls when their moment comes: their marks are durable."""
        self._departures.marked(calls)
        self._depart()
        self._bell.set()

    def refused(self, calls: Sequence[Call], error: Exception | None) -> None:
        """Forget these: stopped or fenced off, or *error* kept us from writing."""
        for call in calls:
            if not call.provider_id:
                self._departures.unmarked(1)
            self._closed(call, error)

    def written(self, calls: Sequence[Call]) -> None:
        """Let these go: what became of them is durable."""
        for call in calls:
            del self._open[call]
        self._fresh = False
        self._bell.set()

    def _answered(self) -> None:
        self._departures.answered(self._clock.monotonic())
        self._bell.set()

    def _went_down(self) -> None:
        self._down = True
        self._bell.set()

    def _closed(self, call: Call, error: Exception | None) -> None:
        """Let a call go; if the database or we ourselves failed, rest a while."""
        self._open.pop(call, None)
        self._fresh = False
        self._bell.set()
        if error is None:
            return
        self._down = True
        if isinstance(error, StorageError):
            # Before its call: the row is queued again when the next epoch is taken.
            log.error(
                "the database could not take the state of a message",
                extra={"sender": self.sender, "reason": str(error)},
            )
            self._pause = UNWRITABLE
        else:
            # The row stays as it was written last: sending becomes doubtful, and
            # leased is queued, when the next epoch is taken.
            log.error(
                "a call went astray", exc_info=error, extra={"sender": self.sender}
            )


#: A broadcast, an audience, whether as text, and the part.
_Choice = tuple["BroadcastId", "AudienceId", bool, int]
