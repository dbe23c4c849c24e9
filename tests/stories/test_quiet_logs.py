"""The log of a whole run at its most talkative holds nothing personal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.deliveries import State
from bot.domain.recipients import Kind
from tests.stories.stage import AUDIENCE, HEADLINE, Stage, telegram, whatsapp
from tests.stories.test_whatsapp_kill import life

if TYPE_CHECKING:
    from pathlib import Path


async def test_no_token_no_number_no_chat_and_no_words_are_logged(
    stage: Stage, tmp_path: Path
):
    stage.values["log"] = "debug"
    world = stage.world
    async with stage.office() as desk:
        editor = await stage.editor("Meera Somebody")
        blocker, flooded = await stage.readers(2)
        (group,) = await stage.groups(1)
        (phone,) = await stage.phones(1)
        link = await desk.enrolment.create_link(AUDIENCE, Kind.READER)
    joiner = world.person("Gul Anybody", phone="+923005559999", language="en")
    blocker.blocked = True
    stage.faults.too_many(1, to=flooded, method="sendMessage")
    stage.faults.error(
        400,
        f"Bad Request: not enough rights in {group.title} {group.id}",
        to=group,
        method="sendMessage",
        times=None,
    )
    await world.refuse_with(phone, 63024)
    async with life(stage, tmp_path) as process, stage.office():
        await world.open_start(joiner, link.token)
        await stage.told(joiner, "You have joined")
        await world.whatsapp(joiner, f"JOIN {link.code}")
        await stage.enrolled(whatsapp(joiner))
        await world.whatsapp(joiner, "a secret question of mine")
        await world.say(joiner, "/privacy")
        broadcast = await stage.broadcast()
        await stage.reached(broadcast, telegram(group), State.SUSPENDED)
        await stage.reached(broadcast, whatsapp(phone), State.FAILED)
        await stage.reached(broadcast, telegram(flooded), State.ACCEPTED)
        await stage.faults.down("telegram")
        await world.say(joiner, "/help")
        await stage.faults.up("telegram")
        await stage.told(joiner, "/latest", times=2)
        assert process.returncode is None
        process.terminate()
        assert await process.wait() == 0

    told = (tmp_path / "process.log").read_text(encoding="utf-8")
    assert "DEBUG" in told or "INFO harkara.ledger delivery" in told
    assert "Traceback" not in told
    people = (editor, blocker, flooded, joiner, phone)
    secrets = {
        stage.sandbox.bot_token,
        stage.sandbox.bot_token.split(":")[1],
        stage.sandbox.auth_token,
        stage.sandbox.account_sid,
        link.token,
        link.code,
        HEADLINE,
        "army said",
        "secret question",
        "not enough rights in",
        str(group.id),
        group.title,
        *(str(person.id) for person in people),
        *(person.name for person in people),
        *((person.phone or "+-").removeprefix("+") for person in people),
        stage.sandbox.whatsapp_number,
        *(str(record["sid"]) for record in stage.log.sends() if record["sid"]),
    } - {"-"}
    assert [each for each in secrets if each in told] == []
