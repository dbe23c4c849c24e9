"""Telegram's calls over the wire: whose they are, and what they leave behind."""

from __future__ import annotations

import asyncio
import io
import json
import logging
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from telegram import Bot

from bot.domain.errors import StorageError
from bot.transports.telegram_request import AiohttpRequest
from handlers import intake
from handlers.telegram.polling import ALLOWED
from handlers.telegram.webhook import (
    LARGEST_BODY,
    PATH,
    TelegramWebhook,
    announce,
    keep_announced,
    secret_of,
)

TOKEN = "123:secret-of-the-bot"
SECRET = secret_of(TOKEN)
HEADER = "X-Telegram-Bot-Api-Secret-Token"
UPDATE = {
    "update_id": 5,
    "message": {
        "message_id": 1,
        "date": 1763800000,
        "chat": {"id": 100, "type": "private", "first_name": "A"},
        "from": {"id": 100, "is_bot": False, "first_name": "A", "language_code": "en"},
        "text": "/help",
    },
}


async def post(client, body, *, secret=SECRET, headers=None):
    """Send a body as Telegram does."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    shown = {} if secret is None else {HEADER: secret}
    return await client.post(
        PATH,
        data=io.BytesIO(data),
        headers={"Content-Type": "application/json", **shown, **(headers or {})},
    )


async def stored(world):
    async with world.database.snapshot() as tx:
        return await tx.inbox.waiting(limit=100)


@asynccontextmanager
async def serving(world, *, database=None):
    webhook = TelegramWebhook(
        secret=SECRET,
        database=database or world.database,
        clock=world.clock,
        runner=world.runner,
    )
    app = web.Application()
    app.add_routes(webhook.routes())
    async with TestClient(TestServer(app)) as client:
        yield client


@pytest.fixture
async def client(world):
    async with serving(world) as client:
        yield client


class Broken:
    """A database that cannot write."""

    def transaction(self):
        raise StorageError("the database is locked; try again")


async def test_an_update_is_stored_as_it_came_before_it_is_answered(world, client):
    odd = {"update_id": 6, "message": {"of": ["no", "known", "shape", "\ud800"]}}
    for update in (UPDATE, odd):
        answer = await post(client, update)
        assert answer.status == 200
        assert await answer.read() == b""

    first, second = await stored(world)

    assert (first.key, first.payload) == ("update:5", UPDATE)
    assert (second.key, second.payload) == ("update:6", odd)
    assert world.runner.kicks == [("inbox", "all")] * 2


async def test_one_that_comes_again_is_answered_and_has_one_effect(world, client):
    for _ in range(3):
        assert (await post(client, UPDATE)).status == 200
        await world.inbox.run("all")

    assert len(await world.texts(100)) == 1


@pytest.mark.parametrize(
    "secret", [None, "", "x", "ü", SECRET[:-1], SECRET + "0", SECRET.upper(), TOKEN]
)
async def test_without_the_secret_nothing_is_read(world, client, secret):
    answer = await post(client, UPDATE, secret=secret)

    assert answer.status == 403
    assert await stored(world) == []
    assert world.runner.kicks == []


async def test_without_the_secret_even_a_body_without_end_is_refused_at_once(client):
    given = 0

    async def endless():
        nonlocal given
        while given < 100 * LARGEST_BODY:
            given += 8192
            yield b"x" * 8192

    try:
        answer = await client.post(PATH, data=endless())
        assert answer.status == 403
    except ConnectionError:
        pass  # it was cut off while it still sent
    assert given < 100 * LARGEST_BODY


@pytest.mark.parametrize("size", [LARGEST_BODY + 1, 10 * LARGEST_BODY])
async def test_too_large_a_body_is_refused(world, client, size):
    assert (await post(client, b"x" * size)).status == 413
    assert await stored(world) == []


async def test_the_largest_body_is_read(world, client):
    room = LARGEST_BODY - len(json.dumps({"update_id": 7, "x": ""}))
    body = json.dumps({"update_id": 7, "x": "x" * room}).encode()
    assert len(body) == LARGEST_BODY

    assert (await post(client, body)).status == 200

    assert [each.key for each in await stored(world)] == ["update:7"]


async def test_a_body_of_unstated_size_is_not_read_to_its_end(client):
    given = 0

    async def endless():
        nonlocal given
        while given < 100 * LARGEST_BODY:
            given += 8192
            yield b" " * 8192

    try:
        answer = await client.post(PATH, data=endless(), headers={HEADER: SECRET})
        assert answer.status == 413
    except ConnectionError:
        pass  # it was cut off while it still sent
    assert given < 100 * LARGEST_BODY


async def test_a_body_that_does_not_come_is_not_waited_for(world, client, monkeypatch):
    monkeypatch.setattr(intake, "BODY_WITHIN", 0.1)
    arrived = asyncio.Event()

    async def halting():
        yield b'{"update_id": 5'
        await arrived.wait()

    answering = asyncio.create_task(
        client.post(PATH, data=halting(), headers={HEADER: SECRET})
    )
    try:
        answer = await asyncio.wait_for(answering, 10)
        assert answer.status == 408
    finally:
        arrived.set()
    assert await stored(world) == []


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe\x00",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b'{"update_id": "5"}',
        b'{"update_id": true}',
        b'{"update_id": 5.0}',
        b'{"update_id": 5, "x": ' + b"[" * 100_000,
        b'{"update_id": ' + b"9" * 10_000 + b"}",
    ],
)
async def test_what_is_no_update_is_answered_and_the_next_is_had(
    world, client, body, caplog
):
    """Telegram would repeat it for a day, and hold back what comes after it."""
    assert (await post(client, body)).status == 200
    assert (await post(client, UPDATE)).status == 200

    assert [each.key for each in await stored(world)] == ["update:5"]
    [record] = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert record.getMessage() == "Telegram sent what is no update; it is left out"


async def test_one_that_cannot_be_handled_holds_up_nobody(world, client):
    poisoned = {"update_id": 4, "message": {"chat": {"id": 100}, "text": "x"}}

    assert (await post(client, poisoned)).status == 200
    assert (await post(client, UPDATE)).status == 200
    await world.inbox.run("all")

    assert len(await world.errors()) == 1
    assert len(await world.texts(100)) == 1


async def test_what_could_not_be_stored_is_not_said_to_be(world):
    async with serving(world, database=Broken()) as client:
        assert (await post(client, UPDATE)).status == 503
    assert world.runner.kicks == []

    async with serving(world) as client:
        assert (await post(client, UPDATE)).status == 200
    assert [each.key for each in await stored(world)] == ["update:5"]


async def test_other_methods_and_paths_are_not_ours(client):
    assert (await client.get(PATH)).status == 405
    assert (await client.post(f"{PATH}/", headers={HEADER: SECRET})).status == 404


async def test_nothing_personal_is_logged(world, client, caplog):
    caplog.set_level(logging.DEBUG, logger="harkara")
    remark = {"update_id": 9, "message": {"text": "a very private remark"}}

    await post(client, remark)
    await post(client, remark, secret="of somebody else")
    await post(client, b"a very private remark")
    async with serving(world, database=Broken()) as broken:
        await post(broken, remark)

    assert caplog.records
    for record in caplog.records:
        said = f"{record.getMessage()} {record.__dict__}"
        assert "private remark" not in said
        assert "somebody else" not in said
        assert SECRET not in said


def test_the_secret_is_one_that_telegram_takes_and_tells_nothing():
    assert len(SECRET) == 64
    assert set(SECRET) <= set("0123456789abcdef")
    assert secret_of(TOKEN) == SECRET != secret_of(TOKEN + "x")


@pytest.mark.parametrize(
    ("status", "parameters", "least"),
    [
        (502, {}, 1 + 2 + 4),
        (429, {"retry_after": 17}, 3 * 17),
        (400, {}, 1),
        (401, {}, 180),
    ],
)
async def test_the_webhook_is_asked_for_until_it_is_set(
    world, caplog, status, parameters, least
):
    caplog.set_level(logging.DEBUG, logger="harkara")
    calls: list[dict[str, object]] = []

    async def answer(request):
        calls.append(dict(await request.post()))
        refused = len(calls) <= 3
        body = {
            "ok": not refused,
            "result": True,
            "error_code": status,
            "description": "no",
            "parameters": parameters,
        }
        return web.json_response(body, status=status if refused else 200)

    app = web.Application()
    app.router.add_post("/bot{token}/setWebhook", answer)
    server = TestServer(app)
    await server.start_server()
    request = AiohttpRequest()
    await request.initialize()
    bot = Bot(TOKEN, base_url=str(server.make_url("/bot")), request=request)
    url = "https://news.example" + PATH
    before = world.clock.now()
    try:
        await asyncio.wait_for(
            announce(bot, url=url, secret=SECRET, clock=world.clock), 20
        )
    finally:
        await request.shutdown()
        await server.close()

    assert len(calls) == 4
    assert calls[-1]["url"] == url
    assert calls[-1]["secret_token"] == SECRET
    assert json.loads(str(calls[-1]["allowed_updates"])) == list(ALLOWED)
    assert calls[-1].get("drop_pending_updates", "false") == "false"
    assert world.clock.now() - before >= timedelta(seconds=least)
    for record in caplog.records:
        said = f"{record.getMessage()} {record.__dict__}"
        assert TOKEN not in said
        assert SECRET not in said


URL = "https://news.example" + PATH
ODD = [
    {"url": URL, "has_custom_certificate": False, "last_error_date": "yesterday"},
    {"url": URL},
    {"url": 7},
    {},
    [],
    "no",
    None,
    True,
]


async def test_no_answer_ends_the_watch_over_the_webhook(world, caplog):
    """Only one that names another address has it set again."""
    odd = [*ODD, {"url": ""}]
    set_again: asyncio.Event = asyncio.Event()
    announced = 0

    async def answer(request):
        nonlocal announced
        if request.match_info["method"] == "getWebhookInfo":
            return web.json_response({"ok": True, "result": odd.pop(0)})
        announced += 1
        if announced == 2:
            set_again.set()
        return web.json_response({"ok": True, "result": True})

    app = web.Application()
    app.router.add_post("/bot{token}/{method}", answer)
    async with TestServer(app) as server, AiohttpRequest() as request:
        bot = Bot(TOKEN, base_url=str(server.make_url("/bot")), request=request)
        watch = asyncio.create_task(
            keep_announced(bot, url=URL, secret=SECRET, clock=world.clock)
        )
        again = asyncio.create_task(set_again.wait())
        async with asyncio.timeout(20):
            await asyncio.wait({watch, again}, return_when=asyncio.FIRST_COMPLETED)
        assert not watch.done()
        watch.cancel()
        again.cancel()

    assert odd == []
    warned = [each.getMessage() for each in caplog.records if each.levelname != "INFO"]
    asked = "Telegram could not be asked about the webhook"
    assert warned[:-1] == [asked] * 6
    assert "taken the webhook away" in warned[-1]
