"""A kick is a hint: never two at a time, never one lost."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from bot.clock import SystemClock
from bot.runners.local import LocalRunner
from tests.fakes import FakeClock

SOON = timedelta(milliseconds=20)


class Work:
    """Counts its runs, and can be held up."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.again = None
        self.errors: list[Exception] = []

    async def run(self, key):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.runs.append(key)
            await self.gate.wait()
            if self.errors:
                raise self.errors.pop()
        finally:
            self.at_once -= 1
        again, self.again = self.again, None
        return again


@pytest.fixture
async def work():
    return Work()


@pytest.fixture
async def runner(work):
    runner = LocalRunner(SystemClock())
    runner.register("work", work.run)
    yield runner
    work.gate.set()
    await runner.stop()


async def runs(work: Work, count: int) -> None:
    async with asyncio.timeout(5):
        while len(work.runs) < count:
            await asyncio.sleep(0.005)


async def test_a_kick_runs_the_task_for_its_key(runner, work):
    await runner.kick("work", "a")
    await runner.kick("work", "b")
    await runs(work, 2)

    assert sorted(work.runs) == ["a", "b"]


async def test_kicks_while_it_runs_mean_one_more_run_afterwards(runner, work):
    work.gate.clear()
    for _ in range(5):
        await runner.kick("work", "a")
        await asyncio.sleep(0)
    work.gate.set()
    await runs(work, 2)
    await asyncio.sleep(0.05)

    assert work.runs == ["a", "a"]
    assert work.most_at_once == 1


async def test_a_later_kick_waits_and_an_earlier_one_wins(runner, work):
    now = SystemClock().now()
    await runner.kick("work", "a", now + timedelta(hours=1))
    await runner.kick("work", "a", now + SOON)
    assert work.runs == []
    await runs(work, 1)

    assert SystemClock().now() >= now + SOON


async def test_a_task_says_itself_when_to_be_run_again(runner, work):
    work.again = SystemClock().now() + SOON
    await runner.kick("work", "a")

    await runs(work, 2)


async def test_a_task_that_fails_is_looked_at_again(work):
    clock = FakeClock(auto=True)
    runner = LocalRunner(clock)
    runner.register("work", work.run)
    work.errors.append(OSError("disk"))
    before = clock.now()

    await runner.kick("work", "a")
    await runs(work, 2)
    await runner.stop()

    assert clock.now() > before


async def test_periodic_kicks_come_until_it_is_stopped(runner, work):
    runner.every(0.01, "work", "beat")
    running = asyncio.create_task(runner.run())
    await runs(work, 3)

    await runner.stop()
    await asyncio.wait_for(running, 5)
    seen = len(work.runs)
    await runner.kick("work", "beat")
    await asyncio.sleep(0.05)

    assert len(work.runs) == seen


@pytest.mark.parametrize("drains", [True, False])
async def test_stopping_sees_out_what_drains_and_cuts_the_rest_short(work, drains):
    runner = LocalRunner(SystemClock())
    runner.register("work", work.run, drains=drains)
    work.gate.clear()
    await runner.kick("work", "a")
    await runs(work, 1)
    stopping = asyncio.create_task(runner.stop())
    await asyncio.sleep(0.05)
    assert stopping.done() is not drains

    work.gate.set()
    await asyncio.wait_for(stopping, 5)

    assert work.at_once == 0


async def test_a_kick_for_what_nobody_does_here_is_no_error():
    """A command line writes; the running application's sweep will see."""
    await LocalRunner(SystemClock()).kick("pump", "1")
