"""The machine's clock: the only place where now is known."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """The present, and waiting for a later one."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds since some moment, by a clock that is never set."""
        # Not the loop's time: uvloop's is of whole milliseconds, and of the last turn.
        return time.monotonic()

    async def sleep_until(self, moment: datetime) -> None:
        """Return at *moment*, at once if it is past."""
        wait = (moment - self.now()).total_seconds()
        if wait > 0:
            await asyncio.sleep(wait)
