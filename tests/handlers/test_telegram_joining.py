"""Join links, invitations and channels, as people use them on Telegram."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.errors import TryLater
from bot.domain.recipients import Kind
from bot.enrolment import offer_id
from tests.handlers.world import group, telegram

PRIVATE = {"id": 100, "type": "private", "first_name": "A"}
MEMBER = {"status": "member"}
ANONYMOUS = {"id": 1087968824, "is_bot": True, "first_name": "Group"}


async def link(world, kind=Kind.READER, **more):
    return await world.enrolment.create_link("valley", kind, **more)


async def test_a_reader_joins_and_is_welcomed_in_their_language(world):
    token = (await link(world)).token

    await world.says(f"/start {token}", language="ur")

    [text] = await world.texts(100)
    assert text.startswith("خوش آمدید!")
    assert await world.joined(telegram(100)) == ["valley"]
    # The language is kept: an update without one is answered in it too.
    await world.says("/help", language="")
    assert "/latest" in (await world.texts(100))[0]
    found = await world.enrolment.find(telegram(100))
    assert found[0].language == "ur"


async def test_the_same_update_twice_answers_once(world):
    token = (await link(world, max_uses=5)).token
    key = await world.says(f"/start {token}")

    await world.again(key)

    [text] = await world.texts(100)
    assert text.startswith("Welcome!")
    assert (await world.enrolment.links())[0][0].uses == 1


@pytest.mark.parametrize("text", ["/start {}", "/help"])
async def test_what_telegram_held_back_while_they_were_forgotten_undoes_nothing(
    world, text
):
    """Telegram keeps what it could not hand on for a day."""
    text = text.format((await link(world)).token)
    await world.says("/help")
    await world.texts(100)
    assert await world.enrolment.forget(telegram(100))
    second = int(world.clock.now().timestamp())
    world.clock.advance(timedelta(minutes=5))

    await world.says(text, date=second)
    await world.place(PRIVATE, {"status": "kicked", "until_date": 0}, MEMBER)

    assert await world.enrolment.find(telegram(100)) is None
    assert await world.texts(100) == []

    await world.says(text, date=second + 1)
    assert await world.enrolment.find(telegram(100)) is not None
    assert len(await world.texts(100)) == 1


async def test_joining_again_says_so(world):
    token = (await link(world)).token
    await world.says(f"/start {token}")
    await world.texts(100)

    await world.says(f"/start {token}")

    assert "already" in (await world.texts(100))[0]


@pytest.mark.parametrize("text", ["/start", "/start nonsense", "/start editor-x"])
async def test_without_a_good_token_nobody_is_enrolled(world, text):
    await world.says(text)

    [answer] = await world.texts(100)
    assert answer
    assert await world.joined(telegram(100)) == []
    assert await world.errors() == []


async def test_a_group_link_opened_in_private_says_where_it_belongs(world):
    token = (await link(world, Kind.GROUP)).token

    await world.says(f"/start {token}")

    assert "for a group" in (await world.texts(100))[0]


async def test_an_administrator_enrols_a_group(world):
    token = (await link(world, Kind.GROUP)).token
    world.chats.administrators.add(("-500", "100"))

    await world.says(f"/start@Desk_Bot {token}", chat=group())

    [text] = await world.texts(-500)
    assert "now enrolled in Valley" in text
    assert await world.joined(telegram(-500)) == ["valley"]


async def test_an_anonymous_administrator_enrols_a_group(world):
    token = (await link(world, Kind.GROUP)).token
    fields = {"from": ANONYMOUS, "sender_chat": group()}

    await world.says(f"/start@desk_bot {token}", chat=group(), **fields)

    assert await world.joined(telegram(-500)) == ["valley"]


async def test_another_channel_speaking_in_a_group_enrols_nothing(world):
    token = (await link(world, Kind.GROUP)).token
    fields = {
        "from": {"id": 136817688, "is_bot": True, "first_name": "Channel"},
        "sender_chat": {"id": -9000, "type": "channel", "title": "Elsewhere"},
    }

    await world.says(f"/start@desk_bot {token}", chat=group(), **fields)

    assert await world.joined(telegram(-500)) == []


async def test_a_member_cannot_enrol_a_group(world):
    made = await link(world, Kind.GROUP)

    await world.says(f"/start@desk_bot {made.token}", chat=group())

    assert "Only an administrator" in (await world.texts(-500))[0]
    assert await world.joined(telegram(-500)) == []
    assert (await world.enrolment.links())[0][0].uses == 0


async def test_when_telegram_cannot_say_who_administers_it_is_said(world):
    token = (await link(world, Kind.GROUP)).token
    world.chats.error = TryLater("flood")

    await world.says(f"/start@desk_bot {token}", chat=group())

    assert "could not be checked" in (await world.texts(-500))[0]
    assert await world.errors() == []


async def test_a_command_for_another_bot_is_none_of_ours(world):
    await world.says("/start@other_bot abc", chat=group())
    await world.says("/unheard_of", chat=group())
    await world.says("good morning all", chat=group())

    assert await world.texts(-500) == []
    assert await world.errors() == []


async def test_start_in_a_group_without_a_token_is_one_polite_line(world):
    await world.says("/start@desk_bot", chat=group())

    [text] = await world.texts(-500)
    assert "not enrolled" in text


async def test_a_topic_is_enrolled_by_itself_and_keeps_the_group(world):
    token = (await link(world, Kind.GROUP)).token
    world.chats.administrators.add(("-500", "100"))
    await world.enrolment.added_to(telegram(-500), Kind.GROUP, title="Anantnag")

    await world.says(
        f"/start@desk_bot {token}",
        chat=group(is_forum=True),
        message_thread_id=42,
        is_topic_message=True,
    )

    assert await world.joined(telegram(-500, 42)) == ["valley"]
    assert len(await world.texts(telegram(-500, 42))) == 1
    world.clock.set(world.clock.now().replace(year=2027))
    async with world.database.snapshot() as tx:
        assert await tx.recipients.to_leave(now=world.clock.now()) == []


async def test_an_editor_accepts_an_invitation(world):
    token = await world.editorial.invite_editor("Meera")

    key = await world.says(f"/start {token}")
    await world.again(key)

    welcome, what = await world.texts(100)
    assert "Welcome to the desk, Meera" in welcome
    assert "/broadcast" in what
    assert await world.editorial.editor(telegram(100)) is not None


async def test_an_invitation_works_for_one_person_only(world):
    token = await world.editorial.invite_editor("Meera")
    await world.says(f"/start {token}")

    await world.says(f"/start {token}", person=101)

    assert "has been used" in (await world.texts(101))[0]
    assert await world.editorial.editor(telegram(101)) is None


# --- a Telegram channel ------------------------------------------------------


async def shares(world, number: int, channel: int = -900, person: int = 100):
    return await world.says(
        "",
        person=person,
        chat_shared={"request_id": number, "chat_id": channel, "title": "Valley TV"},
    )


async def test_a_channel_is_offered_chosen_and_enrolled(world):
    token = (await link(world, Kind.TELEGRAM_CHANNEL)).token
    await world.says(f"/start {token}")
    [offer] = await world.sent(100)
    assert offer.picker is not None
    assert 0 <= offer.picker.request_id < 2**31
    world.chats.administrators.add(("-900", "100"))

    await shares(world, offer.picker.request_id)

    [text] = await world.texts(100)
    assert "Valley TV is now enrolled in Valley" in text
    assert await world.joined(telegram(-900)) == ["valley"]
    assert await world.texts(-900) == []


async def test_a_channel_that_is_not_theirs_is_refused(world):
    token = (await link(world, Kind.TELEGRAM_CHANNEL)).token

    await shares(world, offer_id(token, "100"))

    assert "Only an administrator of that channel" in (await world.texts(100))[0]
    assert await world.joined(telegram(-900)) == []


async def test_an_offer_is_worth_nothing_in_other_hands(world):
    token = (await link(world, Kind.TELEGRAM_CHANNEL)).token
    world.chats.administrators |= {("-900", "100"), ("-900", "101")}

    await shares(world, offer_id(token, "100"), person=101)
    await shares(world, 1, person=100)

    assert "open the newsroom's link" in (await world.texts(101))[0]
    assert "open the newsroom's link" in (await world.texts(100))[0]
    assert await world.joined(telegram(-900)) == []


async def test_an_offer_of_a_revoked_link_is_refused(world):
    made = await link(world, Kind.TELEGRAM_CHANNEL)
    world.chats.administrators.add(("-900", "100"))
    await world.enrolment.revoke_link(made.id)

    await shares(world, offer_id(made.token, "100"))

    assert "withdrawn" in (await world.texts(100))[0]
