"""Calls to a provider, made by as many workers as may be under way at a time.

A worker takes a call whose mark is durable, makes it, and takes the next. What became
of it goes to the scribe, if the provider took it, or down the long road.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from bot.domain.deliveries import PINS, Action, Progress, State
from bot.domain.errors import (
    Doubtful,
    Malformed,
    Moved,
    SenderDown,
    SendError,
    TryLater,
)
from bot.domain.outcomes import Report, RetryPolicy
from bot.domain.pacing import HASTE
from bot.ports import Lease, ReplyLease
from bot.scribe import MARGIN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from bot.consequences import Consequences
    from bot.ledger import Ledger
    from bot.ports import Clock, Database, Messenger, Transaction
    from bot.scribe import Call, Caller

log = logging.getLogger("harkara.calling")

#: Calls made for one answer: about half an hour, then the question is stale.
REPLY_ATTEMPTS = 12


class Callers:
    """Makes calls, and says what became of them.

    Args:
        answered: Told of each call that ends, before anything is written.
        down: Told that nothing leaves through the sender, by the provider's word.
        closed: Told of each call that is no longer under way, with what went wrong
            on our side, if anything did.
    """

    def __init__(
        self,
        *,
        owner: Caller,
        messenger: Messenger,
        database: Database,
        ledger: Ledger,
        consequences: Consequences,
        clock: Clock,
        policy: RetryPolicy,
        answered: Callable[[], None],
        down: Callable[[], None],
        closed: Callable[[Call, Exception | None], None],
    ) -> None:
        self._owner = owner
        self._messenger = messenger
        self._database = database
        self._ledger = ledger
        self._scribe = ledger.scribe
        self._consequences = consequences
        self._clock = clock
        self._policy = policy
        self._answered = answered
        self._down = down
        self._closed = closed
        self._idle: list[asyncio.Future[Call | None]] = []
        self._workers: set[asyncio.Task[None]] = set()
        self._calling: dict[asyncio.Task[None], None] = {}
        self._given_up = False
        self._fenced = False

    @property
    def holding_back(self) -> bool:
        """Whether no call is to begin any more."""
        return self._given_up or self._fenced

    @property
    def under_way(self) -> int:
        """How many calls wait for their answer."""
        return len(self._calling)

    def give_up(self) -> None:
        """Wait no longer for the answers that have not come; those are in doubt."""
        self._given_up = True
        for task in list(self._calling):
            task.cancel()

    def hold_back(self) -> None:
        """Begin no call any more until `resume`; those that come did not leave."""
        self._fenced = True

    def resume(self) -> None:
        """Begin calls again: their marks hold under a new epoch."""
        self._fenced = False

    def make(self, calls: Sequence[Call]) -> None:
        """Make *calls*, whose marks are durable."""
        for call in calls:
            while self._idle:
                waiting = self._idle.pop()
                if not waiting.done():
                    waiting.set_result(call)
                    break
            else:
                task = asyncio.get_running_loop().create_task(self._work(call))
                self._workers.add(task)
                task.add_done_callback(self._workers.discard)

    def dismiss(self) -> None:
        """Let the workers go that have nothing to do."""
        for waiting in self._idle:
            if not waiting.done():
                waiting.set_result(None)
        self._idle.clear()

    async def _work(self, call: Call | None) -> None:
        loop = asyncio.get_running_loop()
        while call is not None:
            try:
                await self._make(call)
            except Exception as error:  # noqa: BLE001 - handed to the owner
                self._closed(call, error)
            waiting: asyncio.Future[Call | None] = loop.create_future()
            self._idle.append(waiting)
            call = await waiting

    async def _make(self, call: Call) -> None:
        lease = call.lease
        if isinstance(lease, ReplyLease):
            await self._answer(call, lease)
            self._closed(call, None)
            return
        try:
            call.provider_id = await self._call(call)
        except SendError as error:
            await self._refused(call, lease, error)
            self._closed(call, None)
        else:
            self._scribe.accept(call)

    async def _refused(self, call: Call, lease: Lease, error: SendError) -> None:
        if isinstance(error, SenderDown):
            self._down()
        doubtful = isinstance(error, Doubtful)
        await self._ledger.report(
            Report(
                reference=call.reference,
                progress=Progress.DOUBTFUL if doubtful else Progress.REFUSED,
                error=error,
            ),
            rest_until=self._rest(call, lease),
        )

    def _rest(self, call: Call, lease: Lease | ReplyLease) -> datetime | None:
        """Anchor the recipient's clock at the answer, where it came late."""
        now = self._clock.now()
        if call.marked_at is not None and now - call.marked_at <= MARGIN:
            return None
        return now + self._owner.rate.spacing(lease.kind)

    async def _call(self, call: Call) -> str:
        """Make one call, and wait for its answer until `give_up`.

        Raises:
            SendError: As the messenger's; doubtful when given up.
        """
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a call is made by a task")
        self._calling[task] = None
        try:
            if self.holding_back:
                raise TryLater("stopped before the call")
            if self._late(call):
                raise TryLater("the moment had passed")
            return await self._do(call)
        except asyncio.CancelledError:
            if not self._given_up:
                raise
            task.uncancel()  # what is left to do is to write it down
            raise Doubtful("given up") from None
        finally:
            del self._calling[task]
            self._answered()

    def _late(self, call: Call) -> bool:
        marked = call.marked_at
        return marked is None or self._clock.now() - marked > HASTE

    async def _do(self, call: Call) -> str:
        """Send, edit or delete; return the provider's id of the message in question."""
        lease, message = call.lease, call.message
        if isinstance(lease, ReplyLease):
            return await self._messenger.send(lease.address, lease.message, None)
        if lease.action is Action.DELETE:
            await self._messenger.delete(lease.address, lease.target)
            return lease.target
        if lease.action in PINS:
            pinned = lease.action is Action.PIN
            await self._messenger.pin(lease.address, lease.target, pinned=pinned)
            return lease.target
        if message is None:
            raise Malformed("nothing to say")
        if lease.action is Action.EDIT:
            await self._messenger.edit(lease.address, lease.target, message)
            return lease.target
        return await self._messenger.send(
            lease.address, message, call.reference, reply_to=lease.target
        )

    # --- replies -----------------------------------------------------------------

    async def _answer(self, call: Call, lease: ReplyLease) -> None:
        try:
            provider_id = await self._call(call)
        except TryLater as error:
            await self._later(lease, error)
        except Moved as error:
            to = error.address
            await self._settle(
                lease,
                State.QUEUED,
                code=error.code,
                due_at=self._clock.now(),
                follow=lambda tx: tx.recipients.move(lease.address, to),
            )
        except Doubtful as error:
            await self._settle(lease, State.DOUBTFUL, code=error.code)
        except SenderDown as error:
            self._down()
            code, now = error.code, self._clock.now()
            await self._settle(
                lease,
                State.QUEUED,
                code=code,
                due_at=now,
                follow=lambda tx: self._consequences.sender_down(
                    tx, self._owner.sender, code, now=now
                ),
            )
        except SendError as error:
            await self._settle(lease, State.FAILED, code=error.code)
        else:
            await self._settle(
                lease,
                State.ACCEPTED,
                provider_id=provider_id,
                rest=self._rest(call, lease),
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
                tx, self._owner.sender, lease.recipient, error, now=now
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
        rest: datetime | None = None,
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
                await tx.recipients.hold({lease.recipient: rest} if rest else {})
                await tx.senders.delay(self._owner.sender, self._clock.now())

        await self._ledger.insist(write)
