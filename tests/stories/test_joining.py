"""Ways in and ways out, as people take them with their phones."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.recipients import Kind, Standing
from bot.sandbox import Person
from tests.stories.stage import AUDIENCE, HEADLINE, Stage, telegram, until, whatsapp


def offered(stage: Stage, person: Person) -> int:
    """The number of the channel picker that *person* was shown."""
    for message in reversed(stage.world.messages(person)):
        for row in (message.keyboard or {}).get("keyboard", []):
            for button in row:
                if "request_chat" in button:
                    return int(button["request_chat"]["request_id"])
    return 0


async def test_every_way_in_and_the_story_arrives_everywhere(stage: Stage):
    world = stage.world
    reader = world.person("Ayesha", language="en")
    phone = world.person("Gul", phone="+923005550101")
    chatty = world.person("Omar", phone="+923005550102")
    keeper = world.person("Bilal", language="en")
    group = world.group("Neighbours", [], [keeper])
    channel = world.channel("Headlines", [keeper])
    async with stage.app() as desk:
        link = await desk.enrolment.create_link(AUDIENCE, Kind.READER)
        await world.open_start(reader, link.token)
        await world.whatsapp(phone, f"JOIN {link.code}")
        await world.whatsapp(chatty, f"hello! join {link.code.lower()}, please")
        for_group = await desk.enrolment.create_link(AUDIENCE, Kind.GROUP)
        await world.open_startgroup(keeper, group, for_group.token)
        for_channel = await desk.enrolment.create_link(AUDIENCE, Kind.TELEGRAM_CHANNEL)
        await world.open_start(keeper, for_channel.token)
        await until(lambda: offered(stage, keeper) > 0, "the channel picker")
        await world.share_chat(keeper, channel, offered(stage, keeper))

        everybody = [
            telegram(reader),
            whatsapp(phone),
            whatsapp(chatty),
            telegram(group),
            telegram(channel),
        ]
        for who in everybody:
            await stage.enrolled(who)
        await stage.told(reader, "You have joined The Valley")
        await stage.told(phone, "You have joined The Valley")
        await stage.told(group, "now enrolled in The Valley")
        await stage.told(keeper, "Headlines is now enrolled in The Valley")

        broadcast = await stage.broadcast()
        await stage.finished(broadcast)
        for person in (reader, phone, chatty, group, channel):
            await stage.told(person, HEADLINE)
            assert stage.copies(person) == 1
        uses = {link.id: link.uses for link, _ in await desk.enrolment.links()}
        assert uses == {link.id: 3, for_group.id: 1, for_channel.id: 1}


async def test_tokens_that_let_nobody_in(stage: Stage):
    world = stage.world
    people = [world.person(f"Stranger {n}", language="en") for n in range(5)]
    gul = world.person("Gul", phone="+923005550101")
    async with stage.app() as desk:
        now = desk.clock.now()
        create = desk.enrolment.create_link
        expired = await create(
            AUDIENCE, Kind.READER, expires_at=now - timedelta(seconds=1)
        )
        revoked = await create(AUDIENCE, Kind.READER)
        await desk.enrolment.revoke_link(revoked.id)
        once = await create(AUDIENCE, Kind.READER, max_uses=1)
        wrong, late, withdrawn, first, second = people
        await world.open_start(wrong, "never-made")
        await world.open_start(late, expired.token)
        await world.open_start(withdrawn, revoked.token)
        await world.open_start(first, once.token)
        await stage.told(first, "You have joined")
        await world.open_start(second, once.token)
        await world.open_start(first, once.token)  # who used it may press it again
        await world.whatsapp(gul, f"JOIN {revoked.code}")

        await stage.told(wrong, "not known")
        await stage.told(late, "time of this join link is over")
        await stage.told(withdrawn, "link")
        await stage.told(second, "link")
        await stage.told(first, "already")
        await until(lambda: len(stage.texts(gul)) == 1, "an answer on WhatsApp")
        for person in (wrong, late, withdrawn, second):
            assert not (await stage.found(telegram(person)))[1], person.name
        assert not (await stage.found(whatsapp(gul)))[1]
        said = {stage.texts(each)[-1] for each in (wrong, late, withdrawn, second)}
        assert len(said) == 4, "each is told its own reason"


async def test_an_invitation_makes_one_editor_and_is_spent(stage: Stage):
    meera = stage.world.person("Meera", language="en")
    thief = stage.world.person("Thief", language="en")
    async with stage.app() as desk:
        token = await desk.editorial.invite_editor("Meera")
        await stage.world.open_start(meera, token)
        await stage.told(meera, "Welcome to the desk, Meera")
        await stage.world.open_start(thief, token)
        await until(lambda: len(stage.texts(thief)) == 1, "an answer")
        assert await desk.editorial.editor(telegram(meera))
        assert await desk.editorial.editor(telegram(thief)) is None


async def test_a_reader_blocks_and_comes_back(stage: Stage):
    async with stage.office():
        reader, other = await stage.readers(2)
    async with stage.app() as desk:
        await stage.idle()
        await stage.world.block(reader)
        await stage.enrolled(telegram(reader), wanted=False)
        first = await stage.broadcast()
        await stage.finished(first)
        assert not stage.log.sends(reader)
        assert stage.copies(other) == 1

        await stage.world.unblock(reader)
        await stage.standing(telegram(reader), Standing.ACTIVE)
        _, joined = await stage.found(telegram(reader))
        assert not joined, "to come back is not to join"
        link = await desk.enrolment.create_link(AUDIENCE, Kind.READER)
        await stage.world.open_start(reader, link.token)
        await stage.enrolled(telegram(reader))


async def test_stop_is_obeyed_on_both_channels(stage: Stage):
    async with stage.office():
        (reader,) = await stage.readers(1)
        gul, omar = await stage.phones(2)
    async with stage.app():
        await stage.idle()
        await stage.world.say(reader, "/stop")
        await stage.world.whatsapp(gul, "stop.")
        await stage.world.opt_out(omar)  # and Twilio will refuse us from now on
        for who in (telegram(reader), whatsapp(gul), whatsapp(omar)):
            await stage.enrolled(who, wanted=False)
        await until(lambda: len(stage.texts(reader)) == 1, "goodbye")
        await until(lambda: len(stage.texts(gul)) == 1, "goodbye")
        assert stage.texts(omar) == []
