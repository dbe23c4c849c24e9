"""Kicks for later, remembered in this process.

A crash forgets them, and so loses nothing: the sweep kicks what has come due.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from bot.ports import Clock


class Timers:
    """One for each task and key; the earliest moment wins.

    Args:
        clock: Says when a moment has come.
        kick: Is called with the task and the key then.
    """

    def __init__(
        self, clock: Clock, kick: Callable[[str, str], Awaitable[None]]
    ) -> None:
        self._clock = clock
        self._kick = kick
        self._timers: dict[tuple[str, str], tuple[datetime, asyncio.Task[None]]] = {}

    def set(self, task: str, key: str, moment: datetime) -> None:
        """Kick at *moment*, unless it is to be done sooner anyway."""
        name = (task, key)
        if name in self._timers:
            known, timer = self._timers[name]
            if known <= moment:
                return
            timer.cancel()
        self._timers[name] = (moment, asyncio.create_task(self._later(name, moment)))

    def cancel(self) -> list[asyncio.Task[None]]:
        """Forget them all; returns what is to be awaited."""
        timers = [timer for _, timer in self._timers.values()]
        for timer in timers:
            timer.cancel()
        self._timers.clear()
        return timers

    async def _later(self, name: tuple[str, str], moment: datetime) -> None:
        await self._clock.sleep_until(moment)
        self._timers.pop(name, None)
        await self._kick(*name)
