"""Each fault does on the wire what its name says."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import pytest

from bot.sandbox import CALL_FAULTS, CALLBACK_FAULTS, Sandbox
from bot.sandbox.faults import Faults

PHONE = "+923001234567"
DROPPED = (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)


@pytest.fixture
def reader(sandbox):
    return sandbox.world.person("Ayesha", phone=PHONE, started=True)


async def test_cut_before_stores_nothing(sandbox, api, reader):
    sandbox.faults.cut_before(to=reader)

    with pytest.raises(DROPPED):
        await api.send(reader, "x")

    assert sandbox.log.visible() == []
    assert sandbox.log.sends()[0]["status"] is None
    assert (await api.send(reader, "y"))["ok"]


async def test_cut_after_leaves_the_message_visible(sandbox, api, reader):
    sandbox.faults.cut_after(to=reader)

    with pytest.raises(DROPPED):
        await api.send(reader, "x")

    assert [m.text for m in sandbox.world.messages(reader)] == ["x"]
    assert sandbox.log.sends()[0]["stored"] is True


async def test_slow_answers_late_but_acts_at_once(sandbox, api, reader):
    sandbox.faults.slow(0.2, to=reader)
    call = asyncio.create_task(api.send(reader, "x"))
    await asyncio.sleep(0.1)

    assert not call.done()
    assert len(sandbox.log.copies_of("x")) == 1
    assert (await call)["ok"]


@pytest.mark.parametrize("stored", [False, True])
async def test_hang_never_answers(sandbox, api, reader, stored):
    sandbox.faults.hang(to=reader, stored=stored)

    with pytest.raises(TimeoutError):
        await asyncio.wait_for(api.send(reader, "x"), 0.2)

    assert len(sandbox.log.copies_of("x")) == stored


async def test_errors(sandbox, api, reader):
    faults = sandbox.faults
    for status, description in [
        (500, "Internal Server Error"),
        (502, "Bad Gateway"),
        (400, "Bad Request: CHAT_RESTRICTED"),
    ]:
        faults.error(status, description)
        answer = await api.send(reader, "x")
        assert (answer["http"], answer["description"]) == (status, description)
    faults.too_many(7)
    answer = await api.send(reader, "x")
    assert answer["description"] == "Too Many Requests: retry after 7"
    assert answer["parameters"] == {"retry_after": 7}
    assert sandbox.log.visible() == []
    faults.unauthorized()
    for _ in range(2):
        assert (await api.telegram("getMe"))["http"] == 401
    faults.clear()
    assert (await api.telegram("getMe"))["ok"]


async def test_a_502_may_have_been_carried_out(sandbox, api, reader):
    sandbox.faults.error(502, to=reader, stored=True)

    assert (await api.send(reader, "x"))["http"] == 502
    assert len(sandbox.world.messages(reader)) == 1


async def test_sent_and_immediately_deleted(sandbox, api, reader):
    sandbox.faults.immediately_deleted(to=reader)

    answer = await api.send(reader, "x")

    assert answer["http"] == 500
    assert "immediately deleted" in answer["description"]
    assert len(sandbox.log.copies_of("x")) == 1
    assert sandbox.world.messages(reader) == []


async def test_faults_hit_only_whom_they_name(sandbox, api, reader):
    other = sandbox.world.person("Bilal", started=True)
    sandbox.faults.error(500, to=reader, times=2)
    sandbox.faults.error(502, method="getMe")

    assert (await api.send(other, "x"))["ok"]
    statuses = [(await api.send(reader, "x"))["http"] for _ in range(3)]
    assert statuses == [500, 500, 200]
    assert (await api.telegram("getMe"))["http"] == 502


def test_chance_follows_the_seed():
    def drawn(seed: int) -> list[bool]:
        faults = Faults(seed=seed)
        faults.error(500, times=None, probability=0.3)
        return [bool(faults.next_call("telegram", "getMe", None)) for _ in range(200)]

    assert drawn(1) == drawn(1) != drawn(2)
    assert 30 < sum(drawn(1)) < 90


def test_unknown_faults_are_named():
    with pytest.raises(ValueError, match="cut_before"):
        Faults().add("explode")
    with pytest.raises(ValueError, match="doubled"):
        Faults().callbacks("explode")
    assert set(CALL_FAULTS) & set(CALLBACK_FAULTS) == set()


async def test_down_refuses_and_up_listens_on_the_same_port(sandbox, api, reader):
    url = sandbox.telegram_url
    assert (await api.send(reader, "x"))["ok"]
    await sandbox.faults.down("telegram")
    with pytest.raises(aiohttp.ClientConnectorError):
        await api.send(reader, "x")
    await sandbox.faults.up("telegram")

    assert sandbox.telegram_url == url
    assert (await api.send(reader, "x"))["ok"]


async def test_idle_connections_are_closed(sandbox, api, reader, session):
    await api.send(reader, "x")
    assert sandbox.faults.close_idle("telegram") == 1

    async with Sandbox(keep_alive=0.1) as short:
        url = f"{short.telegram_url}/bot{short.bot_token}/getMe"
        async with session.get(url) as response:
            assert response.status == 200
        await asyncio.sleep(0.5)
        assert short.faults.close_idle("telegram") == 0


async def test_twilio_suffers_alike(sandbox, api, reader):
    await sandbox.world.whatsapp(reader, "JOIN")
    sandbox.faults.too_many(3, to=reader, provider="twilio")
    busy = await api.whatsapp(reader, Body="x")
    assert (busy["http"], busy["code"]) == (429, 20429)
    sandbox.faults.cut_after(to=reader)
    with pytest.raises(DROPPED):
        await api.whatsapp(reader, Body="x")
    (found,) = (await api.twilio(method="GET", params={"To": reader.whatsapp}))[
        "messages"
    ]
    assert found["body"] == "x"


async def callbacks(
    sandbox: Any, api: Any, reader: Any, hook: Any, count: int
) -> list[str]:
    await sandbox.world.whatsapp(reader, "JOIN")
    sent = await api.whatsapp(reader, Body="x", StatusCallback=hook.url)
    await sandbox.log.wait_for(lambda log: log.callbacks(sid=sent["sid"]), count=count)
    return list(hook.statuses())


@pytest.mark.parametrize(
    ("kind", "details", "statuses"),
    [
        ("doubled", {}, ["sent", "sent", "delivered", "delivered"]),
        ("reordered", {"callback": "sent"}, ["delivered", "sent"]),
        ("late", {"callback": "sent", "seconds": 0.2}, ["delivered", "sent"]),
        ("lost", {"callback": "sent"}, ["delivered"]),
        ("doubled", {"times": 1}, ["sent", "sent", "delivered"]),
    ],
)
async def test_callbacks_go_astray(sandbox, api, reader, hook, kind, details, statuses):
    sandbox.faults.callbacks(kind, to=reader, **details)
    count = max(len(statuses), 2)

    assert await callbacks(sandbox, api, reader, hook, count) == statuses


async def test_callbacks_may_overtake_the_answer(sandbox, api, reader, hook):
    await sandbox.world.whatsapp(reader, "JOIN")
    sandbox.faults.callbacks("early", to=reader)

    await api.whatsapp(reader, Body="x", StatusCallback=hook.url)

    assert hook.statuses() == ["sent", "delivered"]


FROM_PAGES = [
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "http://127.0.0.1:8025"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FROM_PAGES, ids=str)
async def test_pages_may_not_call_the_pretend_providers(
    sandbox, session, reader, headers
):
    await sandbox.world.open_start(reader)
    account = f"{sandbox.twilio_url}/2010-04-01/Accounts/{sandbox.account_sid}"
    calls = (
        (f"{sandbox.telegram_url}/bot{sandbox.bot_token}/sendMessage", "chat_id"),
        (f"{account}/Messages.json", "To"),
    )
    before = list(sandbox.log.records)
    for url, to in calls:
        async with session.post(
            url, data={to: str(reader.id), "text": "x"}, headers=headers
        ) as answer:
            assert answer.status == 403
    assert sandbox.log.records == before
