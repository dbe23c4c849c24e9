"""Telegram by webhook, by polling, and from one to the other: every effect once."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta

import pytest

from bot.domain.recipients import Kind
from handlers.telegram.webhook import PATH
from tests.stories.stage import AUDIENCE, Stage, free_port, telegram, until


def by_webhook(stage: Stage, wanted: bool = True) -> None:  # noqa: FBT001, FBT002 - the switch itself
    stage.values["telegram_webhook"] = wanted


async def test_updates_by_webhook_have_their_effect_and_nobody_polls(stage: Stage):
    stage.without_whatsapp()
    stage.values["public_url"] = f"http://127.0.0.1:{stage.port}/"
    by_webhook(stage)
    reader = stage.world.person("Ayesha", language="en", started=True)
    async with stage.app() as desk:
        link = await desk.enrolment.create_link(AUDIENCE, Kind.READER)
        await stage.world.say(reader, f"/start {link.token}")
        await stage.enrolled(telegram(reader))
        await stage.told(reader, "You have joined The Valley")
        await stage.world.say(reader, "/stop")
        await stage.enrolled(telegram(reader), wanted=False)
        await stage.idle()
    assert not stage.log.calls("getUpdates")
    (call,) = stage.log.calls("setWebhook")
    assert call["params"]["url"] == f"http://127.0.0.1:{stage.port}{PATH}"
    assert stage.world.updates.url, "it stays set while nothing runs"


async def test_the_webhook_is_set_once_telegram_can_be_asked(stage: Stage):
    by_webhook(stage)
    stage.faults.error(502, method="setWebhook")
    reader = stage.world.person("Ayesha", language="en", started=True)
    await stage.world.say(reader, "/help")
    async with stage.app():
        await stage.told(reader, "What you can write")
    assert [call["status"] for call in stage.log.calls("setWebhook")] == [502, 200]


async def test_switching_to_and_fro_loses_nothing_and_doubles_nothing(stage: Stage):
    """Twenty people write ten times each, while the application runs and while not."""
    people = [
        stage.world.person(f"Reader {place}", language="en", started=True)
        for place in range(20)
    ]

    async def write() -> None:
        for person in people:
            await stage.world.say(person, "/help")
            await asyncio.sleep(0.005)
        # One that no handler can read comes in between, and from one of them.
        broken = {"chat": {"id": people[0].id}, "text": "/help"}
        stage.world.updates.put("message", broken)

    def answers() -> Counter[int]:
        return Counter({person.id: len(stage.texts(person)) for person in people})

    for webhook in (False, True, False, True, True):
        by_webhook(stage, webhook)
        async with stage.app():
            enough = answers().total() + 10
            writing = asyncio.create_task(write())
            while answers().total() < enough:
                await asyncio.sleep(0.01)
        # It was stopped in the middle of them, and more come while nothing runs.
        await writing
        await write()
    wanted = Counter({person.id: 10 for person in people})
    by_webhook(stage, wanted=False)
    async with stage.app():
        await until(lambda: answers() >= wanted, "every answer", timeout=60)
        await stage.idle()
    by_webhook(stage)
    async with stage.app() as desk:
        await stage.idle()
        for sender in desk.senders.values():
            async with desk.database.snapshot() as tx:
                assert not await tx.senders.has_work(sender, now=desk.clock.now())
    assert answers() == wanted
    assert len(stage.log.of("update")) == 10 * (len(people) + 1)


@pytest.mark.parametrize("webhook", [True, False])
async def test_what_was_stored_and_never_confirmed_is_had_once(
    stage: Stage,
    webhook: bool,  # noqa: FBT001 - a parameter of the test
):
    """The application died before Telegram knew; the other way brings it again."""
    reader = stage.world.person("Ayesha", language="en", started=True)
    by_webhook(stage, webhook)
    async with stage.app():
        await stage.world.say(reader, "/help")
        await stage.told(reader, "What you can write")
        await stage.idle()
    (record,) = stage.log.of("update")
    update = record["update"]
    stage.world.updates._queue.append(
        (update["update_id"], stage.sandbox.clock(), update)
    )
    by_webhook(stage, not webhook)
    async with stage.app():
        await stage.world.say(reader, "/stop")
        await until(lambda: len(stage.texts(reader)) > 1, "the next answer")
        await stage.idle()
    first, second = stage.texts(reader)
    assert first.startswith("What you can write")
    assert first != second


@pytest.mark.parametrize("webhook", [True, False])
async def test_the_webhook_is_taken_back_from_somebody_else(
    stage: Stage,
    monkeypatch: pytest.MonkeyPatch,
    webhook: bool,  # noqa: FBT001 - a parameter of the test
):
    """They hold our token too; without this nothing would ever come in again."""
    monkeypatch.setattr("handlers.telegram.webhook.WATCH", timedelta(seconds=0.1))
    wait = timedelta(seconds=0.1)
    monkeypatch.setattr("handlers.telegram.backoff.CONFLICT_WAIT", wait)
    reader = stage.world.person("Ayesha", language="en", started=True)
    by_webhook(stage, webhook)
    stage.faults.error(502, method="getWebhookInfo")
    async with stage.app():
        await stage.world.say(reader, "/help")
        await stage.told(reader, "What you can write")
        elsewhere = "" if webhook else f"http://127.0.0.1:{free_port()}/"
        stage.world.updates.set_webhook(elsewhere, None, 40)
        await stage.world.say(reader, "/help")
        await stage.told(reader, "What you can write", times=2)
    assert stage.world.updates.url == (
        f"{stage.values['public_url']}{PATH}" if webhook else ""
    )
