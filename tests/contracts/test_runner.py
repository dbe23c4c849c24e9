"""What every Runner keeps to: never two at a time, and no kick during a run lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.clock import SystemClock
from bot.ports import Runner
from bot.runners.cluster import ClusterRunner
from bot.runners.jobs import Jobs
from bot.runners.local import LocalRunner

if TYPE_CHECKING:
    from datetime import datetime

SOON = timedelta(milliseconds=50)
WITHIN = 8.0  # seconds for what should happen at once, on a busy machine
QUIET = 0.3  # seconds in which nothing more should happen


class Work:
    """Counts its runs, and can be held up."""

    def __init__(self) -> None:
        self.runs: list[str] = []
        self.at_once = 0
        self.most_at_once = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.again: datetime | None = None
        self.errors: list[Exception] = []

    async def run(self, key: str) -> datetime | None:
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

    async def has_run(self, times: int) -> None:
        async with asyncio.timeout(WITHIN):
            while len(self.runs) < times:
                await asyncio.sleep(0.005)


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture(params=["local", "cluster", "cluster of two"])
async def begin(request, work):
    """Start runners of a kind; the last one is returned, to be kicked."""
    tasks: list[asyncio.Task[None]] = []
    runners: list[Runner] = []
    local = request.param == "local"
    url = "" if local else request.getfixturevalue("blank_url")
    async with AsyncExitStack() as stack:

        def made() -> Runner:
            if local:
                return LocalRunner(SystemClock())
            cluster = ClusterRunner(Jobs(url), SystemClock())
            stack.push_async_callback(cluster.close)
            return cluster

        async def begun(prepare: Callable[[Runner], None]) -> Runner:
            for _ in range(2 if request.param == "cluster of two" else 1):
                runner = made()
                prepare(runner)
                runners.append(runner)
                tasks.append(asyncio.create_task(runner.run()))
            return runners[-1]

        yield begun
        work.gate.set()
        await asyncio.gather(*(runner.stop() for runner in runners))
        await asyncio.wait_for(asyncio.gather(*tasks), WITHIN)


@pytest.fixture
async def runner(begin, work):
    return await begin(lambda runner: runner.register("work", work.run))


async def test_a_kick_runs_the_task_for_its_key(runner, work):
    await runner.kick("work", "a")
    await runner.kick("work", "b")
    await work.has_run(2)

    assert sorted(work.runs) == ["a", "b"]


async def test_kicks_while_it_runs_mean_one_more_run_afterwards(runner, work):
    work.gate.clear()
    await runner.kick("work", "a")
    await work.has_run(1)
    for _ in range(5):
        await runner.kick("work", "a")
    await asyncio.sleep(QUIET)
    assert work.runs == ["a"], "never two at a time"
    work.gate.set()
    await work.has_run(2)
    await asyncio.sleep(QUIET)

    assert work.runs == ["a", "a"]
    assert work.most_at_once == 1


async def test_another_key_is_not_held_up(runner, work):
    work.gate.clear()
    await runner.kick("work", "a")
    await runner.kick("work", "b")

    await work.has_run(2)


async def test_a_later_kick_waits_and_an_earlier_one_wins(runner, work):
    now = SystemClock().now()
    await runner.kick("work", "a", now + timedelta(hours=1))
    await runner.kick("work", "a", now + SOON)
    assert work.runs == []
    await work.has_run(1)

    assert SystemClock().now() >= now + SOON


async def test_a_kick_for_later_holds_up_none_for_now(runner, work):
    await runner.kick("work", "a", SystemClock().now() + timedelta(hours=1))
    await runner.kick("work", "a")

    await work.has_run(1)


async def test_a_task_says_itself_when_to_be_run_again(runner, work):
    work.again = SystemClock().now() + SOON
    await runner.kick("work", "a")

    await work.has_run(2)


async def test_a_task_that_fails_is_looked_at_again(runner, work):
    work.errors.append(OSError("disk"))
    before = SystemClock().now()
    await runner.kick("work", "a")
    await work.has_run(2)

    assert SystemClock().now() - before >= timedelta(seconds=1)


async def test_periodic_kicks_come_once_for_all_until_it_is_stopped(begin, work):
    def prepare(runner: Runner) -> None:
        runner.register("work", work.run)
        runner.every(0.25, "work", "beat")

    before = asyncio.get_running_loop().time()
    runner = await begin(prepare)
    await work.has_run(4)
    passed = asyncio.get_running_loop().time() - before

    assert passed >= 0.5, "two runners together kick no more often than one"
    await runner.stop()


@pytest.mark.parametrize("drains", [True, False])
async def test_stopping_sees_out_what_drains_and_cuts_the_rest_short(
    begin, work, drains
):
    runners: list[Runner] = []

    def prepare(runner: Runner) -> None:
        runner.register("work", work.run, drains=drains)
        runners.append(runner)

    runner = await begin(prepare)
    work.gate.clear()
    await runner.kick("work", "a")
    await work.has_run(1)
    stopping = asyncio.gather(*(each.stop() for each in runners))
    await asyncio.sleep(QUIET)
    assert work.at_once == drains

    work.gate.set()
    await asyncio.wait_for(stopping, WITHIN)
    await runner.kick("work", "a")
    await asyncio.sleep(QUIET)

    assert work.at_once == 0
    assert work.runs == ["a"], "nothing new is begun"


async def test_a_kick_for_what_nobody_does_here_is_no_error(runner):
    """A command line writes; the running application's sweep will see."""
    await runner.kick("pump", "1")
