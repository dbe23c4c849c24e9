"""What becomes of a recipient when the bot's own place changes."""

from __future__ import annotations

from datetime import timedelta

from bot.domain.recipients import Kind, Standing
from tests.handlers.world import group, telegram

OUT = {"status": "left"}
KICKED = {"status": "kicked", "until_date": 0}
MEMBER = {"status": "member"}
PRIVATE = {"id": 100, "type": "private", "first_name": "A"}
CHANNEL = {"id": -900, "type": "channel", "title": "Valley TV"}


def restricted(*, member: bool = True, send: bool = False):
    rights = dict.fromkeys(
        [
            "can_change_info",
            "can_invite_users",
            "can_pin_messages",
            "can_send_polls",
            "can_send_other_messages",
            "can_add_web_page_previews",
            "can_manage_topics",
            "can_send_audios",
            "can_send_documents",
            "can_send_photos",
            "can_send_videos",
            "can_send_video_notes",
            "can_send_voice_notes",
            "can_edit_tag",
            "can_react_to_messages",
        ],
        False,
    )
    return {
        "status": "restricted",
        "is_member": member,
        "can_send_messages": send,
        "until_date": 0,
        **rights,
    }


def administrator(*, post: bool = True):
    rights = dict.fromkeys(
        [
            "can_be_edited",
            "is_anonymous",
            "can_manage_chat",
            "can_delete_messages",
            "can_manage_video_chats",
            "can_restrict_members",
            "can_promote_members",
            "can_change_info",
            "can_invite_users",
            "can_post_stories",
            "can_edit_stories",
            "can_delete_stories",
        ],
        False,
    )
    return {"status": "administrator", "can_post_messages": post, **rights}


async def standing(world, number):
    found = await world.enrolment.find(telegram(number))
    return found[0].standing


async def enrolled_group(world):
    await world.enrolment.enrol_by_hand(
        "valley", telegram(-500), Kind.GROUP, by="test", evidence="a test"
    )


async def test_a_group_that_adds_the_bot_hears_nothing_yet(world):
    await world.place(group(), OUT, MEMBER)

    assert await world.texts(-500) == []
    async with world.database.snapshot() as tx:
        later = world.clock.now() + timedelta(days=2)
        [stranger] = await tx.recipients.to_leave(now=later)
    assert stranger.title == "Anantnag"


async def test_a_removed_bot_writes_no_more(world):
    await enrolled_group(world)

    await world.place(group(), MEMBER, KICKED)

    assert await standing(world, -500) is Standing.GONE
    assert await world.joined(telegram(-500)) == []


async def test_a_muted_bot_waits_and_goes_on(world):
    await world.editor()
    await enrolled_group(world)

    await world.place(group(), MEMBER, restricted())
    assert await standing(world, -500) is Standing.SUSPENDED
    assert "cannot be sent there" in (await world.texts(999))[0]

    await world.place(group(), restricted(), restricted(send=True))
    assert await standing(world, -500) is Standing.ACTIVE
    assert await world.joined(telegram(-500)) == ["valley"]


async def test_restricted_and_no_member_is_gone(world):
    await enrolled_group(world)

    await world.place(group(), MEMBER, restricted(member=False))

    assert await standing(world, -500) is Standing.GONE


async def test_a_channel_needs_the_right_to_post(world):
    await world.place(CHANNEL, OUT, administrator(post=False))
    assert await standing(world, -900) is Standing.SUSPENDED

    await world.place(CHANNEL, administrator(post=False), administrator())
    assert await standing(world, -900) is Standing.ACTIVE


async def test_a_reader_blocks_the_bot_and_comes_back(world):
    await world.says("/help")
    await world.enrolment.enrol_by_hand(
        "valley", telegram(100), Kind.READER, by="test", evidence="a test"
    )

    await world.place(PRIVATE, MEMBER, KICKED)
    assert await standing(world, 100) is Standing.GONE

    await world.place(PRIVATE, KICKED, MEMBER)
    assert await standing(world, 100) is Standing.ACTIVE
    assert await world.joined(telegram(100)) == []


async def test_a_group_that_becomes_a_supergroup_is_followed(world):
    await enrolled_group(world)
    old = {"id": -500, "type": "group", "title": "Anantnag"}

    await world.says("", chat=old, migrate_to_chat_id=-1001)
    await world.says("", chat=group(-1001), migrate_from_chat_id=-500)

    assert await world.joined(telegram(-1001)) == ["valley"]
    found = await world.enrolment.find(telegram(-500))
    assert found[0].address == telegram(-1001)


async def test_service_messages_and_edits_are_ignored(world):
    person = {"id": 5, "is_bot": False, "first_name": "B"}

    await world.says("", chat=group(), new_chat_members=[person])
    await world.says("", chat=group(), left_chat_member=person)
    await world.update(edited_message={"message_id": 1})

    assert await world.texts(-500) == []
