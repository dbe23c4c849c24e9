"""What every message writes twice, many messages at a time: its mark and its answer.

A call may be made once its mark is durable, and its place is free once its answer is.
One transaction takes both: what gathers while one is under way goes with the next, so
that a commit costs one message much and a thousand messages little, and nothing waits
for more than the commit before.

Only the plain answer takes this road: the provider took it, and nothing else has been
heard of it. Every other report is the `Ledger`'s.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from bot.domain.deliveries import Action, Form, Progress, Reference
from bot.domain.errors import StorageFailing
from bot.domain.outcomes import Report
from bot.ports import Lease, Page, ReplyLease

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import datetime

    from bot.domain.deliveries import Delivery
    from bot.domain.messages import OutboundMessage
    from bot.domain.pacing import Rate
    from bot.domain.recipients import Kind, RecipientId, SenderId
    from bot.ports import Claims, Clock, Written

log = logging.getLogger("harkara.scribe")

#: Most marks, and most answers, in one transaction.
MOST = 500
#: After a transaction of this many rows more are surely on their way, and worth a wait.
BUSY = 8
#: The longest such a wait, in seconds.
LINGER = 0.005
#: Rows that are worth a transaction at once.
ENOUGH = 64
#: A recipient's clock is moved by this much more than the spacing when the call is
#: marked. The provider counts a message no later than its answer comes back: where
#: that takes no longer than this, the clock is right as it stands.
MARGIN = timedelta(milliseconds=200)


class Call:
    """One row on its way: in hand, marked, called, answered, written."""

    __slots__ = (
        "caller",
        "form",
        "lease",
        "marked_at",
        "message",
        "provider_id",
        "slot",
    )

    def __init__(self, caller: Caller, lease: Lease | ReplyLease, slot: float) -> None:
        self.caller = caller
        self.lease = lease
        self.slot = slot  #: when it may leave, by the clock that is never set
        self.form = Form.TEXT
        self.message: OutboundMessage | None = None
        self.marked_at: datetime | None = None  #: as its attempt says
        self.provider_id = ""  #: what the provider answered

    @property
    def reference(self) -> Reference:
        """The attempt that it is. A reply has none."""
        if isinstance(self.lease, ReplyLease):
            raise TypeError("a reply has no attempts")
        return Reference(self.lease.id, self.lease.attempts + 1)


class Caller(Protocol):
    """Whose calls they are, and who hears what became of them."""

    @property
    def sender(self) -> SenderId:
        """Through whom they go."""

    @property
    def epoch(self) -> int:
        """Under which marks hold."""

    @property
    def rate(self) -> Rate:
        """How far apart one recipient's messages are."""

    @property
    def sure(self) -> bool:
        """Whether what the provider takes has surely arrived."""

    def marked(self, calls: Sequence[Call]) -> None:
        """Make these calls: their marks are durable."""

    def refused(self, calls: Sequence[Call], error: Exception | None) -> None:
        """Forget these: stopped or fenced off, or *error* kept us from writing."""

    def written(self, calls: Sequence[Call]) -> None:
        """Let these go: what became of them is durable."""


class Scribe:
    """Writes marks and plain answers.

    Args:
        database: Where.
        clock: When.
        report: The long road, with patience: for an answer that is no longer plain,
            and for all that the short one could not write.
    """

    def __init__(
        self,
        *,
        database: Claims,
        clock: Clock,
        report: Callable[[Report, datetime | None], Awaitable[Delivery | None]],
    ) -> None:
        self._database = database
        self._clock = clock
        self._report = report
        self._marks: list[Call] = []
        self._answers: list[Call] = []
        self._writing: asyncio.Task[None] | None = None
        self._enough = asyncio.Event()
        self._reporting: set[asyncio.Task[None]] = set()

    def mark(self, call: Call) -> None:
        """Write that *call* is about to be made; its caller hears of it."""
        self._marks.append(call)
        self._begin()

    def accept(self, call: Call) -> None:
        """Write that the provider took *call*, a delivery; its caller hears of it."""
        self._answers.append(call)
        self._begin()

    @property
    def _gathered(self) -> int:
        return len(self._marks) + len(self._answers)

    def _begin(self) -> None:
        if self._writing is None:
            self._writing = asyncio.get_running_loop().create_task(self._write())
        elif self._gathered >= ENOUGH:
            self._enough.set()

    async def _write(self) -> None:
        try:
            while self._gathered:
                marks, self._marks = self._marks[:MOST], self._marks[MOST:]
                answers, self._answers = self._answers[:MOST], self._answers[MOST:]
                await self._share(marks, answers)
                if len(marks) + len(answers) >= BUSY:
                    await self._linger()
        finally:
            self._writing = None

    async def _linger(self) -> None:
        """Let more gather: a commit costs as much for one row as for fifty."""
        if self._gathered >= ENOUGH:
            return
        self._enough.clear()
        alarm = asyncio.get_running_loop().call_later(LINGER, self._enough.set)
        await self._enough.wait()
        alarm.cancel()

    async def _share(self, marks: list[Call], answers: list[Call]) -> None:
        """Write all that has gathered; if that fails, see who is to blame."""
        try:
            await self._record(marks, answers)
        except Exception as error:  # noqa: BLE001 - handed to those who wait
            for call in answers:
                self._take_the_long_road(call)
            if isinstance(error, StorageFailing) or len(marks) < 2:  # noqa: PLR2004 - nobody to part from
                _refuse(marks, error)
                return
            for call in marks:
                # One of them may be the culprit; the others need not suffer for it.
                await self._share([call], [])

    async def _record(self, marks: list[Call], answers: list[Call]) -> None:
        now = self._clock.now()
        callers = dict.fromkeys(call.caller for call in (*marks, *answers))
        parts = [
            (
                caller,
                [call for call in marks if call.caller is caller],
                [call for call in answers if call.caller is caller],
            )
            for caller in callers
        ]
        if len(parts) == 1:
            parts = [(parts[0][0], marks, answers)]
        written = await self._database.record(
            [_page(caller, theirs, taken, now) for caller, theirs, taken in parts]
        )
        for (caller, theirs, taken), found in zip(parts, written, strict=True):
            self._tell_marks(caller, theirs, found, now)
            self._tell_answers(caller, taken, found)

    @staticmethod
    def _tell_marks(
        caller: Caller, calls: list[Call], found: Written, now: datetime
    ) -> None:
        held: list[Call] = []
        refused: list[Call] = []
        for call in calls:
            lease = call.lease
            call.marked_at = now
            known = found.calls if isinstance(lease, Lease) else found.replies
            (held if lease.id in known else refused).append(call)
        if held:
            caller.marked(held)
        if refused:
            caller.refused(refused, None)

    def _tell_answers(self, caller: Caller, calls: list[Call], found: Written) -> None:
        if len(found.accepted) == len(calls):
            plain = calls
        else:
            plain = [call for call in calls if call.lease.id in found.accepted]
            for call in calls:
                if call.lease.id not in found.accepted:
                    self._take_the_long_road(call)
        if plain:
            log.info("taken", extra={"sender": caller.sender, "deliveries": len(plain)})
            caller.written(plain)

    def _take_the_long_road(self, call: Call) -> None:
        task = asyncio.get_running_loop().create_task(self._insist(call))
        self._reporting.add(task)
        task.add_done_callback(self._reporting.discard)

    async def _insist(self, call: Call) -> None:
        """Have an answer folded like any other report, however long that takes."""
        rest = self._clock.now() + call.caller.rate.spacing(call.lease.kind)
        report = Report(
            reference=call.reference,
            progress=Progress.ACCEPTED,
            provider_id=call.provider_id,
        )
        try:
            await self._report(report, rest)
        except Exception as error:  # noqa: BLE001 - handed to the caller
            call.caller.refused([call], error)
        else:
            call.caller.written([call])


def _refuse(calls: Iterable[Call], error: Exception) -> None:
    for caller in dict.fromkeys(call.caller for call in calls):
        caller.refused([call for call in calls if call.caller is caller], error)


def _page(
    caller: Caller, marks: list[Call], answers: list[Call], now: datetime
) -> Page:
    """Put down what one caller's calls come to at *now*."""
    page = Page(
        sender=caller.sender,
        epoch=caller.epoch,
        moment=now,
        calls=[],
        replies=[],
        accepted=[],
        in_template=[],
        holds=[],
        arrived=[],
    )
    began: dict[Kind, list[RecipientId]] = {}
    late: dict[Kind, list[RecipientId]] = {}
    for call in marks:
        lease = call.lease
        if isinstance(lease, Lease):
            page.calls.append((lease.id, lease.attempts + 1, call.form))
        else:
            page.replies.append(lease.id)
        began.setdefault(lease.kind, []).append(lease.recipient)
    for call in answers:
        lease = call.lease
        if not isinstance(lease, Lease):
            raise TypeError("what became of a reply is not written here")
        page.accepted.append((lease.id, lease.attempts + 1, call.provider_id))
        if lease.form is Form.TEMPLATE and lease.action is Action.SEND:
            page.in_template.append(lease.id)
        if lease.strikes and caller.sure:
            page.arrived.append((lease.id, lease.recipient))
        if call.marked_at is None or now - call.marked_at > MARGIN:
            late.setdefault(lease.kind, []).append(lease.recipient)
    for kind, who in began.items():
        page.holds.append((now + caller.rate.spacing(kind) + MARGIN, who))
    for kind, who in late.items():
        page.holds.append((now + caller.rate.spacing(kind), who))
    return page
