"""What people do, and how a real Bot sees it."""

from __future__ import annotations

import asyncio
import io
from typing import TYPE_CHECKING

import aiohttp
import pytest
import telegram
from telegram import (
    ChatAdministratorRights,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    KeyboardButtonRequestChat,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
    ReplyParameters,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

RIGHTS = ChatAdministratorRights(
    is_anonymous=False,
    can_manage_chat=True,
    can_delete_messages=False,
    can_manage_video_chats=False,
    can_restrict_members=False,
    can_promote_members=False,
    can_change_info=False,
    can_invite_users=False,
    can_post_stories=False,
    can_edit_stories=False,
    can_delete_stories=False,
    can_post_messages=True,
)


@pytest.fixture
async def bot(sandbox):
    bot = telegram.Bot(sandbox.bot_token, base_url=f"{sandbox.telegram_url}/bot")
    async with bot:
        yield bot


def kinds(updates: Sequence[telegram.Update]) -> list[str]:
    """Return which of its optional fields each update has."""
    return [
        next(name for name in update.to_dict() if name != "update_id")
        for update in updates
    ]


async def test_a_start_link(sandbox, bot):
    reader = sandbox.world.person("Ayesha", language="ur")
    await sandbox.world.open_start(reader, "TOKEN_1")

    (update,) = await bot.get_updates()

    assert update.message.text == "/start TOKEN_1"
    assert update.effective_user.language_code == "ur"
    assert update.effective_chat.id == reader.id
    assert update.message.entities[0].type == "bot_command"
    with pytest.raises(ValueError, match="payload"):
        await sandbox.world.open_start(reader, "two words")


async def test_a_startgroup_link(sandbox, bot):
    world = sandbox.world
    editor = world.person("Editor")
    group = world.group("Kashmir Watch", admins=[editor])
    await world.open_startgroup(editor, group, "TOKEN")

    updates = await bot.get_updates()

    assert kinds(updates) == ["my_chat_member", "message", "message"]
    assert updates[0].my_chat_member.old_chat_member.status == "left"
    assert updates[0].my_chat_member.new_chat_member.status == "member"
    assert updates[1].message.new_chat_members[0].id == bot.id
    assert updates[2].message.text == f"/start@{sandbox.bot_username} TOKEN"
    admin = await bot.get_chat_member(group.id, editor.id)
    assert admin.status == "creator"


async def test_privacy_mode(sandbox, bot):
    world = sandbox.world
    member = world.person("Member")
    group = world.group("G", admins=[member], with_bot=True)
    await world.say(member, "only talk", group)
    await world.say(member, "/help", group)
    await world.say(member, "/help@another_bot", group)
    await world.say(member, f"/help@{sandbox.bot_username}", group)
    ours = await bot.send_message(group.id, "hello")
    await world.say(member, "/stop", group)
    await world.say(
        member, "an answer", group, reply_to=world.chats[group.id].messages[ours.id]
    )
    await world.promote_bot(member, group)
    await world.say(member, "heard", group)

    updates = await bot.get_updates()

    texts = [update.message.text for update in updates if update.message]
    assert texts == [f"/help@{sandbox.bot_username}", "/stop", "an answer", "heard"]


async def test_anonymous_administrators_and_channel_posts(sandbox, bot):
    world = sandbox.world
    admin = world.person("Admin")
    group = world.group("G", admins=[admin], supergroup=True, with_bot=True)
    channel = world.channel("C", admins=[admin], with_bot=True)
    await world.say(admin, f"/start@{sandbox.bot_username}", group, anonymous=True)
    await world.say(admin, "a post", channel)

    anonymous, post = await bot.get_updates()

    assert anonymous.message.from_user.id == 1087968824
    assert anonymous.message.sender_chat.id == group.id
    assert post.channel_post.from_user is None
    assert post.channel_post.sender_chat.id == channel.id


async def test_pressing_a_button(sandbox, bot):
    world = sandbox.world
    reader = world.person("Ayesha", started=True)
    keyboard = InlineKeyboardMarkup(
        [
            [InlineKeyboardButton("Yes", callback_data="yes:1")],
            [InlineKeyboardButton("Site", url="https://example.org")],
        ]
    )
    sent = await bot.send_message(reader.id, "Well?", reply_markup=keyboard)
    await world.press(reader, sent.message_id, "Yes")

    (update,) = await bot.get_updates()

    assert update.callback_query.data == "yes:1"
    assert update.callback_query.message.message_id == sent.message_id
    assert await update.callback_query.answer("Thanks")
    assert await world.press(reader, sent.message_id, "Site") == "https://example.org"
    with pytest.raises(LookupError):
        await world.press(reader, sent.message_id, "No")


async def test_sharing_a_channel(sandbox, bot):
    world = sandbox.world
    editor, stranger = world.person("Editor", started=True), world.person("Stranger")
    channel = world.channel("Harkara News", admins=[editor])
    foreign = world.channel("Other", admins=[stranger])
    request = KeyboardButtonRequestChat(
        7,
        chat_is_channel=True,
        request_title=True,
        user_administrator_rights=RIGHTS,
        bot_administrator_rights=RIGHTS,
    )
    button = KeyboardButton("Choose", request_chat=request)
    await bot.send_message(
        editor.id, "Which?", reply_markup=ReplyKeyboardMarkup([[button]])
    )

    with pytest.raises(ValueError, match="does not run"):
        await world.share_chat(editor, foreign, 7)
    with pytest.raises(LookupError):
        await world.share_chat(editor, channel, 8)
    await world.share_chat(editor, channel, 7)
    member, shared = await bot.get_updates()

    assert member.my_chat_member.new_chat_member.can_post_messages
    assert shared.message.chat_shared.chat_id == channel.id
    assert shared.message.chat_shared.title == "Harkara News"
    assert (await bot.send_message(channel.id, "first")).chat.type == "channel"


async def test_membership_is_reported(sandbox, bot):
    world = sandbox.world
    admin = world.person("Admin", started=True)
    group = world.group("G", admins=[admin])
    await world.add_bot(admin, group)
    await world.forbid_sending(group)
    await world.promote_bot(admin, group)
    await world.demote_bot(admin, group)
    await world.remove_bot(admin, group)
    await world.block(admin)
    await world.unblock(admin)

    updates = await bot.get_updates()

    changes = [u.my_chat_member.new_chat_member for u in updates if u.my_chat_member]
    assert [change.status for change in changes] == [
        "member",
        "restricted",
        "administrator",
        "member",
        "kicked",
        "kicked",
        "member",
    ]
    assert changes[1].can_send_messages is False
    assert changes[1].is_member is True


async def test_everything_a_message_may_carry(sandbox, bot):
    world = sandbox.world
    reader = world.person("Ayesha", started=True)
    first = await bot.send_message(reader.id, "one")
    sent = await bot.send_message(
        reader.id,
        "two <a href='https://a.org/x'>link</a>",
        parse_mode="HTML",
        link_preview_options=LinkPreviewOptions(is_disabled=True),
        disable_notification=True,
        protect_content=True,
        allow_paid_broadcast=False,
        reply_parameters=ReplyParameters(first.message_id),
    )
    photo = await bot.send_photo(
        reader.id, b"\xff\xd8 not much", caption="<i>c</i>", parse_mode="HTML"
    )

    assert sent.text == "two link"
    assert sent.entities[0].url == "https://a.org/x"
    assert sent.link_preview_options.is_disabled
    assert sent.has_protected_content
    assert sent.reply_to_message.message_id == first.message_id
    assert photo.caption == "c"
    assert [m.text for m in world.messages(reader)] == ["one", "two link", "c"]


async def test_chats_and_commands(sandbox, bot):
    world = sandbox.world
    admin = world.person("Admin")
    channel = world.channel("C", admins=[admin], username="c_news", with_bot=True)
    group = world.group("G", members=[admin], with_bot=True)

    assert (await bot.get_chat("@c_news")).id == channel.id
    assert (await bot.get_chat_member(channel.id, bot.id)).can_post_messages
    assert [a.user.id for a in await bot.get_chat_administrators(channel.id)] == [
        admin.id
    ]
    assert (await bot.get_chat(group.id)).permissions.can_send_messages
    assert await bot.get_chat_member_count(group.id) == 2
    assert await bot.set_my_commands([("help", "What I can do")])
    assert (await bot.get_my_commands())[0].command == "help"
    assert await bot.leave_chat(group.id)
    with pytest.raises(telegram.error.Forbidden):
        await bot.get_chat(group.id)


async def test_two_pollers_conflict(sandbox, bot, api):
    first = asyncio.create_task(bot.get_updates(timeout=5))
    await asyncio.sleep(0.1)
    assert await api.updates() == []

    with pytest.raises(telegram.error.Conflict, match="terminated by other getUpdates"):
        await first


async def test_long_polling_answers_as_soon_as_something_comes(sandbox, bot):
    reader = sandbox.world.person("Ayesha")
    waiting = asyncio.create_task(bot.get_updates(timeout=20))
    await asyncio.sleep(0.05)
    await sandbox.world.open_start(reader)

    (update,) = await asyncio.wait_for(waiting, 5)
    assert await bot.get_updates(offset=update.update_id + 1) == ()


async def test_allowed_updates(sandbox, bot):
    world = sandbox.world
    await bot.get_updates(allowed_updates=["my_chat_member"])
    reader = world.person("Ayesha")
    await world.open_start(reader)
    await world.block(reader)

    assert kinds(await bot.get_updates()) == ["my_chat_member"]


async def test_a_webhook_gets_updates_with_its_secret(sandbox, bot, hook):
    reader = sandbox.world.person("Ayesha")
    sandbox.world.updates.retry_first = 0.02
    hook.answers = [500, 200]
    await bot.set_webhook(hook.url, secret_token="s3cret", max_connections=5)

    with pytest.raises(telegram.error.Conflict, match="webhook is active"):
        await bot.get_updates()
    await sandbox.world.open_start(reader, "T")
    await sandbox.log.wait_for(lambda log: log.of("webhook"), count=2)

    assert [update["message"]["text"] for update in hook.json] == ["/start T"] * 2
    assert hook.calls[0][2]["X-Telegram-Bot-Api-Secret-Token"] == "s3cret"
    info = await bot.get_webhook_info()
    assert info.url == hook.url
    assert "500" in info.last_error_message
    await bot.delete_webhook()
    assert await bot.get_updates() == ()


async def test_parameters_arrive_in_every_form(sandbox, session):
    reader = sandbox.world.person("Ayesha", started=True)
    url = f"{sandbox.telegram_url}/bot{sandbox.bot_token}/SENDmessage"
    given = {"chat_id": str(reader.id), "text": "x"}
    form = aiohttp.FormData(given)
    form.add_field("disable_notification", "true", content_type="text/plain")
    for arguments in (
        {"json": given},
        {"data": given},
        {"data": form},
        {"params": given},
    ):
        async with session.post(url, **arguments) as response:
            assert (await response.json())["ok"], arguments
    assert len(sandbox.log.copies_of("x", reader)) == 4


async def test_large_uploads_pass_and_larger_ones_do_not(sandbox, bot, session):
    reader = sandbox.world.person("Ayesha", started=True)

    assert (await bot.send_photo(reader.id, b"\xff" * 3_000_000)).photo
    url = f"{sandbox.telegram_url}/bot{sandbox.bot_token}/sendPhoto"
    form = aiohttp.FormData({"chat_id": str(reader.id)})
    form.add_field("photo", io.BytesIO(bytes(51 * 2**20)), filename="x.jpg")
    async with session.post(url, data=form) as response:
        assert response.status == 413
        assert (await response.json())["description"] == "Request Entity Too Large"


async def test_an_update_can_come_again_by_polling_and_by_webhook(sandbox, bot, hook):
    reader = sandbox.world.person("Ayesha")
    await sandbox.world.open_start(reader, "T")
    [first] = await bot.get_updates()
    assert await bot.get_updates(offset=first.update_id + 1, timeout=0) == ()
    sandbox.world.updates.again(first.update_id)
    assert [each.update_id for each in await bot.get_updates()] == [first.update_id]

    await bot.set_webhook(hook.url)
    await sandbox.log.wait_for(lambda log: log.of("webhook"), count=1)
    sandbox.world.updates.again(first.update_id)
    await sandbox.log.wait_for(lambda log: log.of("webhook"), count=2)

    assert [update["update_id"] for update in hook.json] == [first.update_id] * 2
    with pytest.raises(LookupError):
        sandbox.world.updates.again(first.update_id + 1)
