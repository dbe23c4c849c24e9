"""Tasks of one process: one asyncio task for each key, kicks remembered in memory.

A lost kick never matters: the sweep kicks whatever the tables say is due.
"""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.errors import HarkaraError
from bot.runners.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from bot.ports import Clock

log = logging.getLogger("harkara.runner")

#: Time to wait before a task that failed is looked at again.
AFTER_FAILURE = timedelta(seconds=2)


class LocalRunner:
    """Runs idempotent, keyed tasks on this event loop."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._works: dict[str, Callable[[str], Awaitable[datetime | None]]] = {}
        self._running: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._again: set[tuple[str, str]] = set()
        self._timers = Timers(clock, self.kick)
        self._periodic: list[tuple[float, str, str]] = []
        self._draining: set[str] = set()
        self._stopping = asyncio.Event()

    def register(
        self,
        task: str,
        work: Callable[[str], Awaitable[datetime | None]],
        *,
        drains: bool = False,
    ) -> None:
        """Name *work*. It takes a key and may return when to be run again."""
        self._works[task] = work
        if drains:
            self._draining.add(task)

    def every(self, seconds: float, task: str, key: str) -> None:
        """Kick *task* for *key* again and again, once `run` runs."""
        self._periodic.append((seconds, task, key))

    async def kick(self, task: str, key: str, run_at: datetime | None = None) -> None:
        """Have *task* look at *key* soon, or at *run_at*; never twice at a time."""
        if self._stopping.is_set() or task not in self._works:
            return  # a command line only writes: the running owner's sweep will see
        name = (task, key)
        if run_at is not None and run_at > self._clock.now():
            self._timers.set(task, key, run_at)
        elif name in self._running:
            self._again.add(name)
        else:
            self._running[name] = asyncio.create_task(
                self._work(name), name=f"{task} {key}"
            )

    async def run(self) -> None:
        """Kick the periodic tasks until stopped."""
        beats = [
            asyncio.create_task(self._beat(seconds, task, key))
            for seconds, task, key in self._periodic
        ]
        try:
            await self._stopping.wait()
        finally:
            for beat in beats:
                beat.cancel()
            await asyncio.gather(*beats, return_exceptions=True)

    async def stop(self) -> None:
        """Start nothing new, see out what drains, and cut the rest short.

        A crash could fall anywhere; so may this, where nothing is in the air.
        """
        self._stopping.set()
        cut = self._timers.cancel()
        cut += [
            running
            for (task, _), running in self._running.items()
            if task not in self._draining
        ]
        for each in cut:
            each.cancel()
        await asyncio.gather(*cut, *self._running.values(), return_exceptions=True)

    async def _work(self, name: tuple[str, str]) -> None:
        task, key = name
        again: datetime | None = None
        try:
            again = await self._works[task](key)
        except HarkaraError as error:
            log.error(  # noqa: TRY400 - the sentence says what to do; the place does not
                "task failed",
                extra={"task": task, "key": key, "reason": str(error)},
            )
            again = self._clock.now() + AFTER_FAILURE
        except Exception:
            # Whatever it was, the tables know what is left to do.
            log.exception("task failed", extra={"task": task, "key": key})
            again = self._clock.now() + AFTER_FAILURE
        finally:
            del self._running[name]
        if name in self._again:
            self._again.discard(name)
            await self.kick(task, key)
        elif again is not None:
            await self.kick(task, key, again)

    async def _beat(self, seconds: float, task: str, key: str) -> None:
        while not self._stopping.is_set():
            await self.kick(task, key)
            await self._clock.sleep_until(
                self._clock.now() + timedelta(seconds=seconds)
            )
