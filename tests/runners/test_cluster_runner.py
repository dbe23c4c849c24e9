"""Workers that die, freeze, or lose their connection; and tables of another version."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, suppress

import psycopg
import pytest
from psycopg import sql

from bot.clock import SystemClock
from bot.domain.errors import StorageError, StorageFailing
from bot.runners import cluster
from bot.runners import jobs as tables
from bot.runners.cluster import ClusterRunner, GivenUp, Rhythm
from bot.runners.jobs import Job, Jobs, prepare

#: Fast enough for a test; as many beats as usual fit into the silence.
RHYTHM = Rhythm(beat=0.1, silent=0.6, look=0.2)
WITHIN = 10.0


class Worker:
    """One worker with a task that goes on until it is let go."""

    def __init__(self, url: str) -> None:
        self.jobs = Jobs(url)
        self.begun: list[str] = []
        self.cut: list[str] = []
        self.gate = asyncio.Event()
        self.runner = ClusterRunner(self.jobs, SystemClock(), rhythm=RHYTHM)
        self.runner.register("work", self._work, drains=True)
        self.running: asyncio.Task[None] | None = None

    async def _work(self, key: str) -> None:
        self.begun.append(key)
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cut.append(key)
            raise

    def start(self) -> None:
        self.running = asyncio.create_task(self.runner.run())

    async def die(self) -> None:
        """End as a killed process does: nothing is written any more."""
        assert self.running is not None
        self.jobs._lines._url = "postgresql://127.0.0.1:9/nowhere"
        await self.jobs.close()
        self.running.cancel()
        with suppress(asyncio.CancelledError):
            await self.running

    async def end(self) -> None:
        self.gate.set()
        await self.runner.stop()
        if self.running is not None:
            await asyncio.gather(self.running, return_exceptions=True)
        await self.runner.close()


@pytest.fixture
async def worker(blank_url: str) -> AsyncIterator[Callable[[], Worker]]:
    async with AsyncExitStack() as stack:

        def made() -> Worker:
            worker = Worker(blank_url)
            stack.push_async_callback(worker.end)
            worker.start()
            return worker

        yield made


async def eventually(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WITHIN):
        while not true():
            await asyncio.sleep(0.01)


async def test_what_a_dead_worker_had_in_hand_is_taken_over(worker):
    dead, living = worker(), worker()
    await living.runner.kick("work", "a")
    await eventually(lambda: bool(dead.begun or living.begun))
    if living.begun:
        dead, living = living, dead
    await dead.die()

    await eventually(lambda: living.begun == ["a"])


async def test_work_that_lasts_is_not_taken_from_a_living_worker(worker):
    one, other = worker(), worker()
    await one.runner.kick("work", "a")
    await eventually(lambda: bool(one.begun or other.begun))
    await asyncio.sleep(RHYTHM.silent * 2)

    assert one.begun + other.begun == ["a"]


async def test_a_worker_that_the_others_gave_up_cuts_its_work_and_ends(
    worker, blank_url
):
    frozen = worker()
    await frozen.runner.kick("work", "a")
    await eventually(lambda: frozen.begun == ["a"])
    # As the others do after a silence; ours was too short for that.
    async with await psycopg.AsyncConnection.connect(
        blank_url, autocommit=True
    ) as others:
        await others.execute("DELETE FROM jobs.procrastinate_workers")

    assert frozen.running is not None
    with pytest.raises(GivenUp, match="start anew"):
        await asyncio.wait_for(frozen.running, WITHIN)
    assert frozen.cut == ["a"]
    fresh = worker()
    await fresh.runner.kick("work", "a")
    await eventually(lambda: fresh.begun == ["a"])


async def test_a_cancellation_that_is_swallowed_once_ends_it_all_the_same(
    worker, blank_url, monkeypatch
):
    """A connection that breaks at that moment raises its own error in its place."""
    swallowed = []

    async def fetch(self, worker, names) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            swallowed.append(True)
            if len(swallowed) == 1:
                raise StorageFailing("cut") from None
            raise

    monkeypatch.setattr(Jobs, "fetch", fetch)
    monkeypatch.setattr(cluster, "CANCEL_AGAIN", 0.1)
    one = worker()
    await eventually(lambda: one.runner._worker > 0)
    async with await psycopg.AsyncConnection.connect(blank_url) as others:
        await others.execute("DELETE FROM jobs.procrastinate_workers")

    assert one.running is not None
    with pytest.raises(GivenUp):
        await asyncio.wait_for(one.running, WITHIN)
    assert swallowed


async def test_tables_that_are_gone_are_made_anew_by_a_new_start(worker, blank_url):
    one = worker()
    await one.runner.kick("work", "a")
    await eventually(lambda: one.begun == ["a"])
    async with await psycopg.AsyncConnection.connect(blank_url) as others:
        await others.execute("DROP SCHEMA jobs CASCADE")

    assert one.running is not None
    with pytest.raises(GivenUp):
        await asyncio.wait_for(one.running, WITHIN)
    fresh = worker()
    await fresh.runner.kick("work", "a")
    await eventually(lambda: fresh.begun == ["a"])


async def test_a_job_whose_fetching_was_not_answered_is_begun_all_the_same(
    worker, monkeypatch
):
    """The row says that we have it: while we live nobody would take it from us."""
    fetch = Jobs.fetch
    lost: list[Job] = []

    async def fetched(self, worker, names) -> Job | None:
        job = await fetch(self, worker, names)
        if job is not None and not lost:
            lost.append(job)
            raise StorageFailing("the connection was cut in the middle of the commit")
        return job

    monkeypatch.setattr(Jobs, "fetch", fetched)
    one = worker()
    await one.runner.kick("work", "a")

    await eventually(lambda: one.begun == ["a"])
    assert lost


async def test_a_server_that_restarts_loses_no_work(worker, postgres):
    one = worker()
    await one.runner.kick("work", "a")
    await eventually(lambda: one.begun == ["a"])
    postgres.stop()
    one.gate.set()  # it ends while nobody can be told
    await one.runner.kick("work", "b")  # lost, and no error
    postgres.start()  # by this thread, whose end would be the server's
    await eventually(lambda: not one.runner.busy)
    await one.runner.kick("work", "a")

    await eventually(lambda: one.begun == ["a", "a"])
    assert one.running is not None
    assert not one.running.done()


async def test_who_is_alive_is_known(worker):
    one, other = worker(), worker()

    async def alive(count: int) -> None:
        async with asyncio.timeout(WITHIN):
            while len(await one.jobs.alive(within=RHYTHM.silent)) != count:
                await asyncio.sleep(0.01)

    await one.runner.kick("work", "a")
    await eventually(lambda: bool(one.begun or other.begun))
    await alive(2)
    await other.die()
    await alive(1)


async def test_nothing_piles_up(worker, blank_url):
    one = worker()
    one.gate.set()
    for _ in range(20):
        await one.runner.kick("work", "a")
    await eventually(lambda: "a" in one.begun)
    await one.runner.stop()

    async with await psycopg.AsyncConnection.connect(blank_url) as look:
        for table in ("jobs", "events", "workers"):
            cursor = await look.execute(
                sql.SQL("SELECT count(*) FROM jobs.{}").format(
                    sql.Identifier(f"procrastinate_{table}")
                )
            )
            assert (await cursor.fetchone() or [0])[0] <= 2, table


async def test_tables_of_an_older_version_are_made_anew(blank_url, monkeypatch):
    await prepare(blank_url)
    monkeypatch.setattr(tables, "version", lambda _: "99.1.0")

    await prepare(blank_url)

    monkeypatch.undo()
    with pytest.raises(StorageError, match="bring all machines to the same version"):
        await prepare(blank_url)


async def test_somebody_elses_schema_is_left_alone(blank_url):
    async with await psycopg.AsyncConnection.connect(blank_url) as theirs:
        await theirs.execute("CREATE SCHEMA jobs")

    with pytest.raises(StorageError, match="is not Harkara's"):
        await prepare(blank_url)


async def test_a_server_that_is_not_there_is_said_without_the_password(blank_url):
    nowhere = blank_url.rsplit(":", 1)[0] + ":9/none"

    with pytest.raises(StorageFailing, match="cannot be reached") as caught:
        await prepare(nowhere)
    assert "password-for" not in str(caught.value)


async def test_many_may_make_the_tables_at_once(blank_url):
    await asyncio.gather(*(prepare(blank_url) for _ in range(5)))
