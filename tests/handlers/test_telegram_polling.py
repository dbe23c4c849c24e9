"""Long polling against a scripted Telegram."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from telegram import Bot

from bot.domain.errors import StorageError
from bot.transports.telegram_request import AiohttpRequest
from handlers.telegram.polling import ALLOWED, TelegramPolling

TOKEN = "123:secret-of-the-bot"


def ok(*updates):
    return 200, {"ok": True, "result": list(updates)}


def error(code, text, **parameters):
    return code, {
        "ok": False,
        "error_code": code,
        "description": text,
        "parameters": parameters,
    }


class Telegram:
    """Answers with what the test has prepared, and holds the line after that."""

    def __init__(self) -> None:
        self.answers: deque[tuple[int, object]] = deque()
        self.calls: list[dict[str, str]] = []
        self.methods: list[str] = []
        self.idle = asyncio.Event()

    async def answer(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.methods.append(method)
        if method != "getUpdates":
            return web.json_response({"ok": True, "result": True})
        self.calls.append(dict(request.query))
        if not self.answers:
            self.idle.set()
            await asyncio.sleep(60)
        status, body = self.answers.popleft()
        return web.json_response(body, status=status)


@asynccontextmanager
async def polled(world, telegram, *, database=None):
    """Poll until the script is at its end; then stop."""
    app = web.Application()
    app.router.add_post("/bot{token}/{method}", telegram.answer)
    server = TestServer(app)
    await server.start_server()
    request = AiohttpRequest()
    await request.initialize()
    bot = Bot(TOKEN, base_url=str(server.make_url("/bot")), request=request)
    polling = TelegramPolling(
        bot,
        database=database or world.database,
        clock=world.clock,
        runner=world.runner,
        poll=timedelta(seconds=30),
    )
    task = asyncio.create_task(polling.run())
    try:
        await asyncio.wait_for(telegram.idle.wait(), 20)
        yield polling, task
        await asyncio.wait_for(polling.stop(), 5)
        if not task.cancelled():
            await asyncio.wait_for(task, 5)
    finally:
        task.cancel()
        await request.shutdown()
        await server.close()


async def keys(world):
    async with world.database.snapshot() as tx:
        return [each.key for each in await tx.inbox.waiting(limit=100)]


async def test_updates_are_stored_before_they_are_confirmed(world):
    telegram = Telegram()
    odd = {"update_id": 6, "message": {"of": ["no", "known", "shape"]}}
    telegram.answers += [ok({"update_id": 5}, odd), ok({"update_id": 9}), ok()]

    async with polled(world, telegram):
        pass

    assert await keys(world) == ["update:5", "update:6", "update:9"]
    assert [each.get("offset") for each in telegram.calls] == [None, "7", "10", None]
    assert telegram.methods[0] == "deleteWebhook"
    assert telegram.methods.count("deleteWebhook") == 1
    assert json.loads(telegram.calls[0]["allowed_updates"]) == list(ALLOWED)
    assert telegram.calls[0]["timeout"] == "30"
    assert world.runner.kicks == [("inbox", "all")] * 2
    async with world.database.snapshot() as tx:
        stored = await tx.inbox.waiting(limit=10)
    assert stored[1].payload == odd


async def test_updates_that_come_twice_are_stored_once(world):
    telegram = Telegram()
    telegram.answers += [ok({"update_id": 5}), ok({"update_id": 5})]

    async with polled(world, telegram):
        pass

    assert await keys(world) == ["update:5"]


@pytest.mark.parametrize(
    ("answer", "least"),
    [
        (error(429, "Too Many Requests", retry_after=17), 17),
        (error(409, "Conflict: terminated by other getUpdates request"), 10),
        (error(401, "Unauthorized"), 60),
        (error(502, "Bad Gateway"), 1),
        ((200, {"ok": True, "result": {"no": "list"}}), 1),
        ((200, ["nonsense"]), 1),
    ],
)
async def test_an_error_is_waited_out(world, answer, least):
    telegram = Telegram()
    telegram.answers += [answer, ok({"update_id": 5})]
    before = world.clock.now()

    async with polled(world, telegram):
        pass

    assert await keys(world) == ["update:5"]
    assert world.clock.now() - before >= timedelta(seconds=least)


async def test_waits_grow_and_end(world):
    telegram = Telegram()
    telegram.answers += [error(502, "Bad Gateway")] * 9
    before = world.clock.now()

    async with polled(world, telegram):
        pass

    waited = (world.clock.now() - before).total_seconds()
    assert waited == 1 + 2 + 4 + 8 + 16 + 32 + 60 + 60 + 60


async def test_what_cannot_be_stored_is_fetched_again(world):
    class Shaky:
        failures = 2

        def transaction(self):
            if self.failures:
                self.failures -= 1
                raise StorageError("locked")
            return world.database.transaction()

    telegram = Telegram()
    telegram.answers += [ok({"update_id": 5})] * 3

    async with polled(world, telegram, database=Shaky()):
        pass

    assert await keys(world) == ["update:5"]
    assert [each.get("offset") for each in telegram.calls] == [None, None, None, "6"]


async def test_it_stops_while_it_waits(world):
    world.clock.auto = False
    telegram = Telegram()
    telegram.answers += [error(401, "Unauthorized")]
    telegram.idle.set()

    async with polled(world, telegram):
        while not world.clock.asleep:
            await asyncio.sleep(0.01)


async def test_cancelling_its_task_ends_it(world):
    async with polled(world, Telegram()) as (_, task):
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_no_log_line_holds_the_token(world, caplog):
    caplog.set_level("DEBUG", logger="harkara")
    telegram = Telegram()
    telegram.answers += [
        error(401, "Unauthorized"),
        error(409, "Conflict"),
        error(502, "x"),
    ]

    async with polled(world, telegram):
        pass

    assert caplog.records
    for record in caplog.records:
        assert TOKEN not in f"{record.getMessage()} {record.__dict__}"
