"""Erases what has been kept for its time, a little at a go.

Each batch is a transaction of its own, and between two of them everybody else has
their turn: a year's ledger goes without holding up one message. A crash, or an end
in the middle, leaves whole batches done and the rest for the next look.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, TypeAlias

from bot.domain.keeping import bounds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.domain.keeping import Bounds, Keeping
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
    "words": lambda erasure, until: erasure.words(until.words, limit=BATCH),
    "replies": lambda erasure, until: erasure.replies(until.words, limit=BATCH),
    "deliveries": lambda erasure, until: erasure.deliveries(
        until.deliveries, limit=BATCH
    ),
    "enrolments": lambda erasure, until: erasure.enrolments(
        until.consents, limit=BATCH
    ),
}


class Retention:
    """Looks now and then at what is no longer to be kept."""

    def __init__(self, *, database: Database, clock: Clock, keeping: Keeping) -> None:
        self._database = database
        self._clock = clock
        self._keeping = keeping

    async def run(self, _key: str) -> None:
        """Erase everything whose time has come; doing it twice changes nothing."""
        until = bounds(self._keeping, now=self._clock.now())
        for name, step in STEPS.items():

            async def once(step: Step = step) -> int:
                async with self._database.transaction() as tx:
                    return await step(tx.erasure, until)

            await self._batches(name, once)
        # Last, for whom the others have left unmentioned.
        await self._batches("recipients", lambda: self._recipients(until))

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
