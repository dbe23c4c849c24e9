"""Stops, restarts and repetitions: every effect once."""

from __future__ import annotations

import copy
from urllib.parse import urlencode

import aiohttp

from bot.domain.deliveries import State
from bot.domain.inbound import Inbound
from bot.domain.recipients import Channel, Kind
from bot.sandbox.callbacks import sign
from tests.stories.stage import AUDIENCE, NEWS, Stage, telegram, until, whatsapp


async def test_what_was_stored_and_not_worked_off_is_worked_off_once(stage: Stage):
    reader = stage.world.person("Ayesha", language="en", started=True)
    async with stage.office() as desk:
        link = await desk.enrolment.create_link(AUDIENCE, Kind.READER)
        stage.world.updates.allow(["message"])
        await stage.world.say(reader, f"/start {link.token}")
        (record,) = stage.log.of("update")
        update = record["update"]
        # The last application stored the update, and died before anything else.
        async with desk.database.transaction() as tx:
            stored = await tx.inbox.store(
                [
                    Inbound(
                        channel=Channel.TELEGRAM,
                        key=f"update:{update['update_id']}",
                        payload=update,
                        received_at=desk.clock.now(),
                    )
                ]
            )
        assert stored == 1
    async with stage.app() as desk:  # Telegram brings the same update once more
        await stage.enrolled(telegram(reader))
        await stage.idle()
        await stage.told(reader, "You have joined The Valley")
    async with stage.app() as desk:  # and a third life finds nothing to do
        await stage.idle()
        ((link, _),) = await desk.enrolment.links()
        assert link.uses == 1
        assert len(stage.texts(reader)) == 1


async def test_an_update_that_telegram_brings_twice_has_one_effect(stage: Stage):
    async with stage.office() as desk:
        editor = await stage.editor()
        await stage.readers(1)
        await desk.editorial.take_in(NEWS)
    async with stage.app():
        await stage.world.say(editor, "/broadcast")
        await stage.told(editor, "Nothing is sent before you confirm")
        await stage.idle()
        (first,) = stage.log.of("update")
        queue = stage.world.updates._queue
        before = len(stage.texts(editor))
        again = copy.deepcopy(first["update"])
        queue.append((again["update_id"], stage.sandbox.clock(), again))
        stage.world.updates._arrived.set()
        await stage.world.say(editor, "/help")  # comes after it, and is answered
        await until(lambda: len(stage.texts(editor)) > before, "the next answer")
        await stage.idle()
        assert len(await stage.desk.broadcaster.latest(10)) == 1
        plans = [text for text in stage.texts(editor) if "before you confirm" in text]
        assert len(plans) == 1


async def test_what_twilio_calls_twice_about_has_one_effect(stage: Stage):
    gul = stage.world.person("Gul", phone="+923005550101")
    async with stage.app() as desk:
        link = await desk.enrolment.create_link(AUDIENCE, Kind.READER)
        message = await stage.world.whatsapp(gul, f"JOIN {link.code}")
        await stage.told(gul, "You have joined The Valley")
        address = f"http://127.0.0.1:{stage.port}/twilio/inbound"
        form = stage.sandbox.twilio.network._inbound_parameters(
            gul, str(message.id), f"JOIN {link.code}", None
        )
        signature = sign(stage.sandbox.auth_token, address, form)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature,
        }
        async with aiohttp.ClientSession() as session:
            for _ in range(3):
                async with session.post(
                    address, data=urlencode(form).encode(), headers=headers
                ) as answer:
                    assert answer.status == 200
            async with session.post(
                address,
                data=urlencode({**form, "Body": "STOP"}).encode(),
                headers=headers,
            ) as forged:
                assert forged.status == 403
        await stage.idle()

        async def worked_off() -> bool:
            async with desk.database.snapshot() as tx:
                return not await tx.inbox.waiting(limit=1)

        await until(worked_off, "an empty inbox")
        await stage.enrolled(whatsapp(gul))
        ((link, _),) = await desk.enrolment.links()
        assert link.uses == 1
        assert len(stage.texts(gul)) == 1


async def test_a_broadcast_confirmed_while_nothing_ran_goes_out_at_the_start(
    stage: Stage,
):
    async with stage.office():
        readers = await stage.readers(3)
        broadcast = await stage.broadcast()
    async with stage.app():
        await stage.finished(broadcast)
    async with stage.app():
        await stage.idle()
        assert [stage.copies(reader) for reader in readers] == [1, 1, 1]


async def test_a_stop_in_the_middle_leaves_no_doubt_and_the_next_start_goes_on(
    stage: Stage,
):
    async with stage.office():
        readers = await stage.readers(60)
    stage.values["telegram_rate"] = 60
    async with stage.app():
        broadcast = await stage.broadcast()
        await stage.log.wait_for(lambda log: log.from_us(), count=10)
    async with stage.office():
        states = await stage.states(broadcast)
        assert states[State.DOUBTFUL] == states[State.SENDING] == 0
        assert states[State.QUEUED] > 0
        assert states[State.ACCEPTED] == len(stage.log.from_us())
    async with stage.app():
        await stage.finished(broadcast)
        assert [stage.copies(reader) for reader in readers] == [1] * len(readers)
