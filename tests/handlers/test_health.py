"""What `GET /health` says, and when it calls the application down."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from bot.domain.errors import StorageError
from bot.domain.inbound import Inbound
from bot.domain.recipients import Channel
from handlers import health as module
from handlers.health import Health


class Stopwatch:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@asynccontextmanager
async def asked(world, *, database=None, ended=(), seconds=None):
    health = Health(
        database=database or world.database,
        clock=world.clock,
        senders=world.senders,
        ended=ended,
        seconds=seconds or Stopwatch(),
    )
    app = web.Application()
    app.add_routes(health.routes())
    async with TestClient(TestServer(app)) as client:

        async def ask():
            answer = await client.get("/health")
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.content_type == "application/json"
            return answer.status, await answer.json()

        yield health, ask


async def test_when_all_is_well(world):
    async with asked(world) as (_, ask):
        assert await ask() == (
            200,
            {
                "status": "up",
                "database": "ok",
                "senders": {"telegram": "up", "whatsapp": "up"},
                "inbox": 0,
                "oldest_waiting_seconds": None,
            },
        )


async def test_what_waits_is_counted_and_timed(world):
    async with world.database.transaction() as tx:
        for place in range(3):
            at = world.clock.now() - timedelta(seconds=60 + place)
            entry = Inbound(
                channel=Channel.TELEGRAM, key=f"k{place}", payload={}, received_at=at
            )
            await tx.inbox.store([entry])
    async with asked(world) as (_, ask):
        _, facts = await ask()
    assert (facts["inbox"], facts["oldest_waiting_seconds"]) == (3, 62.0)


async def test_a_sender_that_is_down_is_shown_and_no_reason_to_start_again(world):
    async with world.database.transaction() as tx:
        await tx.senders.set_down(world.senders[Channel.TELEGRAM], "Unauthorized")
    async with asked(world) as (_, ask):
        status, facts = await ask()
    assert status == 200
    assert facts["senders"] == {"telegram": "down", "whatsapp": "up"}
    assert "Unauthorized" not in str(facts)


async def test_a_task_that_has_ended(world):
    ended: list[str] = []
    async with asked(world, ended=ended) as (_, ask):
        assert (await ask())[0] == 200
        ended.append("polling")
        status, facts = await ask()
    assert status == 503
    assert facts["status"] == "down"
    assert facts["reason"].startswith("polling ended")


async def test_a_runner_that_is_stuck(world):
    seconds = Stopwatch()
    async with asked(world, seconds=seconds) as (health, ask):
        seconds.seconds = 30.0
        assert (await ask())[0] == 200
        seconds.seconds = 31.0
        status, facts = await ask()
        assert status == 503
        assert "no sweep for 31 seconds" in facts["reason"]
        health.swept()
        assert (await ask())[0] == 200


@pytest.fixture
def other(world):
    """Another program's connection to the same file."""
    with sqlite3.connect(world.database._path, isolation_level=None) as connection:
        yield connection
    connection.close()


async def test_a_database_that_cannot_be_written(world, other):
    other.execute("DROP TABLE alembic_version")
    async with asked(world) as (_, ask):
        status, facts = await ask()
    assert status == 503
    assert facts["database"] == "failing"
    assert "harkara database upgrade" in facts["reason"]


async def test_a_database_that_does_not_answer_is_asked_once_at_a_time(
    world, other, monkeypatch
):
    monkeypatch.setattr(module, "ANSWER_WITHIN", 0.1)
    other.execute("BEGIN IMMEDIATE")
    async with asked(world) as (health, ask):
        answers = await asyncio.gather(ask(), ask())
        assert {status for status, _ in answers} == {503}
        assert "has not answered" in answers[0][1]["reason"]
        other.execute("ROLLBACK")
        assert health._asking is not None
        await asyncio.wait({health._asking}, timeout=10)
        assert (await ask())[0] == 200


async def test_an_answer_is_shared_for_a_second(world):
    probes = 0

    class Counting:
        snapshot = world.database.snapshot

        async def probe(self):
            nonlocal probes
            probes += 1
            if probes == 1:
                raise StorageError("the database is locked; try again")

    seconds = Stopwatch()
    async with asked(world, database=Counting(), seconds=seconds) as (_, ask):
        told = []
        for moment in (0.0, 0.5, 0.99, 1.0, 1.5, 2.0):
            seconds.seconds = moment
            status, _facts = await ask()
            told.append((status, probes))

    assert told == [(503, 1), (503, 1), (503, 1), (200, 2), (200, 2), (200, 3)]


async def test_an_error_that_came_too_late_is_no_noise(world, monkeypatch, caplog):
    monkeypatch.setattr(module, "ANSWER_WITHIN", 0.01)
    answered = asyncio.Event()

    class Late:
        async def probe(self):
            await answered.wait()
            raise StorageError("the disk that holds the database is full")

    async with asked(world, database=Late()) as (health, ask):
        assert (await ask())[0] == 503
        answered.set()
        assert health._asking is not None
        await asyncio.wait({health._asking}, timeout=10)
        health._asking = None
        gc.collect()
        await asyncio.sleep(0)
    assert [each for each in caplog.records if each.name == "asyncio"] == []


async def test_a_probe_writes(world, other):
    other.execute("BEGIN IMMEDIATE")
    before = other.execute("PRAGMA data_version").fetchone()
    other.execute("ROLLBACK")
    await world.database.probe()
    assert other.execute("PRAGMA data_version").fetchone() != before


async def test_the_database_s_own_words_reach_whoever_asks(world):
    class Full:
        async def probe(self):
            raise StorageError("the disk that holds the database is full")

    async with asked(world, database=Full()) as (_, ask):
        status, facts = await ask()
    assert status == 503
    assert facts["reason"] == "the disk that holds the database is full"
