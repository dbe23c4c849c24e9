"""The rates of platform facts 1.6 and 3.8, by the sandbox's own clock."""

from __future__ import annotations

import asyncio

import pytest

from bot.sandbox import Sandbox


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def strict(clock):
    async with Sandbox(clock=clock) as sandbox:
        yield sandbox


async def test_one_message_a_second_to_one_person(strict, api_of, clock):
    api = api_of(strict)
    reader = strict.world.person("Ayesha", started=True)

    assert (await api.send(reader, "1"))["ok"]
    refused = await api.send(reader, "2")
    assert refused["http"] == 429
    assert refused["description"] == "Too Many Requests: retry after 1"
    assert refused["parameters"] == {"retry_after": 1}
    clock.now += 1
    assert (await api.send(reader, "3"))["ok"]
    assert [r["window"] for r in strict.log.refusals(reader)] == ["chat"]


@pytest.mark.parametrize("kind", ["group", "channel"])
async def test_twenty_a_minute_in_one_group_or_channel(strict, api_of, clock, kind):
    api, world = api_of(strict), strict.world
    admin = world.person("Admin")
    make = world.group if kind == "group" else world.channel
    chat = make("G", admins=[admin], with_bot=True)

    for number in range(20):
        assert (await api.send(chat, f"{number}"))["ok"]
        clock.now += 1
    refused = await api.send(chat, "too many")
    assert refused["parameters"] == {"retry_after": 40}
    assert strict.log.refusals(chat)[-1]["window"] == "group"
    clock.now += 40
    assert (await api.send(chat, "again"))["ok"]


async def test_one_a_second_in_one_group_too(strict, api_of, clock):
    api, world = api_of(strict), strict.world
    chat = world.group("G", admins=[world.person("Admin")], with_bot=True)

    answers = [(await api.send(chat, f"{number}"))["http"] for number in range(2)]

    assert answers == [200, 429]
    assert strict.log.refusals(chat)[-1]["window"] == "chat"


async def test_a_window_slides_to_the_moment(strict, api_of, clock):
    api = api_of(strict)
    reader = strict.world.person("Ayesha", started=True)

    assert (await api.send(reader, "1"))["ok"]
    clock.now += 0.999
    assert (await api.send(reader, "2"))["http"] == 429
    clock.now += 0.001
    assert (await api.send(reader, "3"))["ok"]


async def test_who_pays_may_send_a_thousand_and_is_charged_beyond_thirty(api_of, clock):
    async with Sandbox(clock=clock, paid_broadcast=True) as sandbox:
        api = api_of(sandbox)
        readers = [sandbox.world.person(f"R{n}", started=True) for n in range(1003)]

        async def send(reader, **more):
            return (await api.send(reader, "x", **more))["http"]

        free = [await send(reader) for reader in readers[:30]]
        assert free == [200] * 30
        assert sandbox.stars == 0
        paid = [
            await send(reader, allow_paid_broadcast=True) for reader in readers[30:1002]
        ]
        assert paid == [200] * 970 + [429] * 2
        assert sandbox.stars == 97.0
        assert await send(readers[1002]) == 429
        clock.now += 1
        assert await send(readers[1002], allow_paid_broadcast=True) == 200
        assert sandbox.stars == 97.0


async def test_thirty_a_second_for_the_bot(strict, api_of, clock):
    api = api_of(strict)
    readers = [strict.world.person(f"R{n}", started=True) for n in range(31)]

    answers = [(await api.send(reader, "x"))["http"] for reader in readers]
    assert answers == [200] * 30 + [429]
    assert strict.log.refusals()[0]["window"] == "bot"
    clock.now += 1
    assert (await api.send(readers[30], "x"))["ok"]


async def test_edits_count_and_deletes_do_not(strict, api_of, clock):
    api = api_of(strict)
    reader = strict.world.person("Ayesha", started=True)
    number = (await api.send(reader, "1"))["result"]["message_id"]

    edit = {"chat_id": reader.id, "message_id": number}
    assert (await api.telegram("editMessageText", text="2", **edit))["http"] == 429
    assert (await api.telegram("deleteMessage", **edit))["ok"]


async def test_a_pair_on_whatsapp(strict, api_of, clock):
    api = api_of(strict)
    reader = strict.world.person("Ayesha", phone="+923001234567")
    await strict.world.whatsapp(reader, "JOIN")

    sids = [(await api.whatsapp(reader, Body=str(n)))["sid"] for n in range(4)]
    await strict.log.wait_for(
        lambda log: [r for r in log.statuses(reader) if r["status"] != "sent"], count=4
    )

    errors = [strict.log.statuses(sid=sid)[-1]["error"] for sid in sids]
    assert errors == [None, None, None, 63018]


async def test_a_sender_on_whatsapp(strict, api_of, clock):
    api = api_of(strict)
    strict.add_template(sid="HX1", body="News")
    readers = [
        strict.world.person(f"R{n}", phone=f"+92300000{n:04}") for n in range(81)
    ]

    await asyncio.gather(*(api.whatsapp(r, ContentSid="HX1") for r in readers))
    failed = await strict.log.wait_for(
        lambda log: [r for r in log.statuses() if r["status"] == "failed"]
    )

    assert [record["error"] for record in failed] == [63017]


async def test_two_thousand_messages_when_unlimited(sandbox, api):
    readers = [sandbox.world.person(f"R{n}", started=True) for n in range(2000)]
    gate = asyncio.Semaphore(50)

    async def send(reader):
        async with gate:
            return (await api.send(reader, "<b>News</b>", parse_mode="HTML"))["http"]

    statuses = await asyncio.gather(*map(send, readers))

    assert set(statuses) == {200}
    assert len(sandbox.log.sends()) == len(sandbox.log.copies_of("News")) == 2000
    assert sandbox.log.doubled() == {}
    assert all(len(sandbox.log.copies_of("News", r)) == 1 for r in readers[:50])
