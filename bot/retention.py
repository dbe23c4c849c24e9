"""Erases what has been kept for its time, a little at a go.

Each batch is a transaction of its own, and between two of them everybody else has
their turn: a year's ledger goes without holding up one message. A crash, or an end
in the middle, leaves whole batches done and the rest for the next look.

What is erased stays erased, so the clock is not taken at its word when it has gone on
by days since the last look: see `bot.domain.keeping.leap`.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from bot.domain.keeping import bounds, leap

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from bot.domain.keeping import Bounds, Keeping, Leap
    from bot.ports import Clock, Database, Erasure

log = logging.getLogger("harkara.retention")

#: Rows of one transaction, at most.
BATCH = 500
#: How long the database is everybody else's between two batches.
PAUSE = timedelta(milliseconds=50)

#: One batch; it returns how many rows it erased.
Step: TypeAlias = "Callable[[Erasure, Bounds], Awaitable[int]]"

#: In this order, for later steps erase what earlier ones have left unmentioned.
STEPS: dict[str, Step] = {
    "inbound": lambda erasure, until: erasure.inbound(
        handled=until.traces, set_aside=until.set_aside, limit=BATCH
    ),
    "words": lambda erasure, until: erasure.words(
        until.words, set_aside=until.set_aside, limit=BATCH
    ),
    "replies": lambda erasure, until: erasure.replies(until.words, limit=BATCH),
    "deliveries": lambda erasure, until: erasure.deliveries(
        until.deliveries, limit=BATCH
    ),
    "enrolments": lambda erasure, until: erasure.enrolments(
        until.consents, limit=BATCH
    ),
    "invitations": lambda erasure, until: erasure.invitations(until.words, limit=BATCH),
}


class Retention:
    """Looks now and then at what is no longer to be kept.

    Args:
        seconds: Counts seconds, and is not moved when the clock is set.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        keeping: Keeping,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._keeping = keeping
        self._seconds = seconds
        self._leap: Leap | None = None

    async def run(self, _key: str) -> None:
        """Erase everything whose time has come; doing it twice changes nothing."""
        now = self._clock.now()
        if await self._believed(now):
            await self._erase(bounds(self._keeping, now=now))
        # Also for whoever was forgotten since the last look, while somebody read.
        if not await self._database.checkpoint():
            log.info("what was erased is in the write-ahead log until the next look")

    async def _erase(self, until: Bounds) -> None:
        for name, step in STEPS.items():

            async def once(step: Step = step) -> int:
                async with self._database.transaction() as tx:
                    return await step(tx.erasure, until)

            await self._batches(name, once)
        # Last, for whom the others have left unmentioned.
        await self._batches("recipients", lambda: self._recipients(until))

    async def _believed(self, now: datetime) -> bool:
        """Whether it is *now*, as far as anybody can tell; it is noted if so."""
        async with self._database.transaction() as tx:
            last = await tx.erasure.last_look()
            running = timedelta(seconds=self._seconds())
            before, self._leap = (
                self._leap,
                leap(now, running, last=last, seen=self._leap),
            )
            if self._leap is None:
                await tx.erasure.looked(now)
        if self._leap is not None and self._leap != before and last is not None:
            log.warning(
                "the clock is days ahead of when anything was last erased; if it is "
                "right, what is no longer kept is erased after 24 hours of running",
                extra={"days": (now - last).days},
            )
        return self._leap is None

    async def _recipients(self, until: Bounds) -> int:
        async with self._database.snapshot() as tx:
            some = await tx.erasure.unmentioned(until.traces, limit=BATCH)
        if some:
            async with self._database.transaction() as tx:
                await tx.erasure.recipients(some, before=until.traces)
        return len(some)

    async def _batches(self, name: str, once: Callable[[], Awaitable[int]]) -> None:
        total = 0
        while True:
            erased = await once()
            total += erased
            if erased < BATCH:
                break
            await self._clock.sleep_until(self._clock.now() + PAUSE)
        if total:
            log.info("erased", extra={"what": name, "count": total})
