"""The tests' own clock is used so much that it is tested itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from tests.fakes import DAWN, FakeClock

MINUTE = timedelta(minutes=1)


async def test_sleepers_wake_when_their_moment_comes() -> None:
    clock = FakeClock()
    woken = []

    async def sleep(minutes: int) -> None:
        await clock.sleep_until(DAWN + minutes * MINUTE)
        woken.append(minutes)

    tasks = [asyncio.create_task(sleep(minutes)) for minutes in (3, 1, 2)]
    await asyncio.sleep(0)
    assert clock.asleep == [DAWN + minutes * MINUTE for minutes in (1, 2, 3)]
    clock.advance(2 * MINUTE)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert sorted(woken) == [1, 2]
    clock.set(DAWN + 3 * MINUTE)
    await asyncio.gather(*tasks)
    assert clock.asleep == []


async def test_a_moment_that_is_past_does_not_sleep() -> None:
    await FakeClock().sleep_until(DAWN)


async def test_time_can_pass_by_itself() -> None:
    clock = FakeClock(auto=True)
    await clock.sleep_until(DAWN + MINUTE)
    assert clock.now() == DAWN + MINUTE


async def test_a_cancelled_sleeper_is_forgotten() -> None:
    clock = FakeClock()
    task = asyncio.create_task(clock.sleep_until(DAWN + MINUTE))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task])
    assert clock.asleep == []
    clock.advance(2 * MINUTE)
