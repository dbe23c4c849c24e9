"""The machine's clock, or the server's: the only place where now is known."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: Seconds between two looks at a server's clock.
LOOK_EVERY = 10.0
#: Seconds on its way after which an answer says little about the time.
SLOW = 0.2


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


class ServerClock:
    """A database server's clock, which many machines have in common.

    Between two looks at it time is told by a clock of this machine's that never jumps,
    so that what anybody does to the machine's date changes nothing.

    Args:
        ask: Has the server say what it is.
        seconds: A clock that never jumps, in seconds.
    """

    def __init__(
        self,
        ask: Callable[[], Awaitable[datetime]],
        *,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ask = ask
        self._seconds = seconds
        self._known: tuple[datetime, float] | None = None

    async def look(self) -> None:
        """Ask the server; `now` can be told from then on.

        An answer that was long on its way says little, and counts only as the first.

        Raises:
            StorageError: It cannot be asked.
        """
        before = self._seconds()
        told = await self._ask()
        after = self._seconds()
        if self._known is None or after - before < SLOW:
            self._known = (told, (before + after) / 2)

    async def keep(self) -> None:
        """Look again and again, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_EVERY)
            with suppress(StorageError):  # for a while it is told without
                await self.look()

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""
        if self._known is None:
            raise RuntimeError("nobody has looked at the clock yet")
        told, at = self._known
        return told + timedelta(seconds=self._seconds() - at)

    def monotonic(self) -> float:
        """Return seconds since some moment, by a clock that is never set."""
        return self._seconds()

    async def sleep_until(self, moment: datetime) -> None:
        """Return at *moment*, at once if it is past."""
        wait = (moment - self.now()).total_seconds()
        if wait > 0:
            await asyncio.sleep(wait)
