"""Erases what has been kept for its time, a little at a go.

Each batch is a transaction of its own, and between two of them everybody else has
their turn: a year's ledger goes without holding up one message. A crash, or an end
in the middle, leaves whole batches done and the rest for the next look.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

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

#: In this order, for later steps erase what earlier ones have left unmentioned.
STEPS: dict[str, Callable[[Erasure, Bounds], Awaitable[int]]] = {
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
    "recipients": lambda erasure, until: erasure.recipients(until.traces, limit=BATCH),
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
            total = 0
            while True:
                async with self._database.transaction() as tx:
                    erased = await step(tx.erasure, until)
                total += erased
                if erased < BATCH:
                    break
                await self._clock.sleep_until(self._clock.now() + PAUSE)
            if total:
                log.info("erased", extra={"what": name, "count": total})
