"""What Telegram is sent, and how the token is kept to ourselves."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import traceback
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from telegram import Bot
from telegram.error import NetworkError, TelegramError, TimedOut

from bot.domain.errors import (
    Doubtful,
    FailureKind,
    Malformed,
    Moved,
    SendError,
    TryLater,
    Undeliverable,
)
from bot.domain.messages import Button, ChatPicker, Template
from bot.domain.recipients import Address, Channel
from bot.transports.telegram import AiohttpRequest, TelegramChats, TelegramMessenger
from tests.transports.scripted import Answer, Rude, serving, unused_port
from tests.transports.stands import CHAT, PLAIN, TEXT, TOKEN, telegram

if TYPE_CHECKING:
    from bot.domain.messages import Text

OK = Answer.json({"ok": True, "result": {"message_id": 41}})
TRUE = Answer.json({"ok": True, "result": True})
TEMPLATE = Template(content_sid="HX1", variables=())


def refused(status: int, text: str, **parameters: Any) -> Answer:
    content = {"ok": False, "description": text, "parameters": parameters}
    return Answer.json(content, status)


async def sent(message: Text, to: Address = CHAT, **more: Any) -> dict[str, Any]:
    async with serving(OK) as server, telegram(server) as bot:
        assert await TelegramMessenger(bot).send(to, message, None, **more) == "41"
    asked = server.asked[0]
    assert asked.path == f"/bot{TOKEN}/sendMessage"
    assert asked.headers["content-type"] == "application/json"
    content: dict[str, Any] = json.loads(asked.body)
    return content


async def test_html_goes_out_as_it_is() -> None:
    assert await sent(TEXT) == {
        "chat_id": "777000123",
        "text": "Rain <b>tomorrow</b>",
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": False},
    }


async def test_plain_text_has_no_parse_mode() -> None:
    assert "parse_mode" not in await sent(PLAIN)


async def test_every_script_arrives() -> None:
    text = "کل بارش 🌧 कल बारिश & <>+%\n"
    assert (await sent(replace(PLAIN, text=text)))["text"] == text


async def test_a_topic_is_named() -> None:
    form = await sent(TEXT, Address(Channel.TELEGRAM, "-1001", thread=5))
    assert form["message_thread_id"] == 5


async def test_a_pin_makes_no_sound_and_its_end_may_come_twice() -> None:
    done = Answer.json({"ok": True, "result": True})
    gone = refused(400, "Bad Request: message to unpin not found")
    async with serving(done, gone) as server, telegram(server) as bot:
        messenger = TelegramMessenger(bot)
        await messenger.pin(CHAT, "41", pinned=True)
        await messenger.pin(CHAT, "41", pinned=False)
    pin, unpin = server.asked
    assert pin.path.endswith("/pinChatMessage")
    assert pin.form["disable_notification"] == "true"
    assert unpin.path.endswith("/unpinChatMessage")
    assert unpin.form["message_id"] == "41"


async def test_an_answer_names_what_it_answers_if_that_is_still_there() -> None:
    assert (await sent(TEXT, reply_to="17"))["reply_parameters"] == {
        "message_id": 17,
        "allow_sending_without_reply": True,
    }


async def test_what_is_paid_for_says_so() -> None:
    assert (await sent(TEXT, paid=True))["allow_paid_broadcast"] is True
    assert "allow_paid_broadcast" not in await sent(TEXT)


async def test_buttons_stand_in_their_rows() -> None:
    rows = (
        (Button("Yes", data="y"), Button("No", data="n")),
        (Button("Site", url="https://news.example/"),),
    )
    form = await sent(replace(TEXT, buttons=rows))
    assert form["reply_markup"] == {
        "inline_keyboard": [
            [
                {"text": "Yes", "callback_data": "y"},
                {"text": "No", "callback_data": "n"},
            ],
            [{"text": "Site", "url": "https://news.example/"}],
        ]
    }


async def test_a_picker_asks_for_a_channel_where_both_may_post() -> None:
    form = await sent(replace(PLAIN, picker=ChatPicker("Choose", 3)))
    keyboard = form["reply_markup"]
    assert keyboard["one_time_keyboard"]
    assert keyboard["resize_keyboard"]
    [[button]] = keyboard["keyboard"]
    assert button["text"] == "Choose"
    wanted = button["request_chat"]
    assert (wanted["request_id"], wanted["chat_is_channel"]) == (3, True)
    assert wanted["request_title"] is True
    for who in ("user_administrator_rights", "bot_administrator_rights"):
        granted = {name for name, given in wanted[who].items() if given}
        assert granted == {"can_post_messages"}


@pytest.mark.parametrize(
    "message",
    [
        TEMPLATE,
        replace(TEXT, text="half a letter: \ud83c"),
        replace(TEXT, buttons=((Button("dead"),),)),
        replace(TEXT, buttons=((Button("both", data="d", url="https://x.example"),),)),
        replace(
            TEXT, buttons=((Button("b", data="d"),),), picker=ChatPicker("Choose", 3)
        ),
    ],
)
async def test_what_telegram_cannot_carry_is_not_sent(message: Any) -> None:
    async with serving(OK) as server, telegram(server) as bot:
        with pytest.raises(Malformed):
            await TelegramMessenger(bot).send(CHAT, message, None)
    assert server.asked == []


async def test_a_migrated_group_is_found_again() -> None:
    text = "Bad Request: group chat was upgraded to a supergroup chat"
    answer = refused(400, text, migrate_to_chat_id=-100777)
    async with serving(answer) as server, telegram(server) as bot:
        with pytest.raises(Moved) as caught:
            await TelegramMessenger(bot).send(CHAT, TEXT, None)
    assert caught.value.address == Address(Channel.TELEGRAM, "-100777")


async def test_a_deleted_message_may_have_been_seen() -> None:
    text = (
        "Internal Server Error: sent message was immediately deleted "
        "and can't be returned"
    )
    async with serving(refused(500, text)) as server, telegram(server) as bot:
        with pytest.raises(Doubtful, match="immediately deleted"):
            await TelegramMessenger(bot).send(CHAT, TEXT, None)


async def test_nothing_can_be_looked_up() -> None:
    async with serving() as server, telegram(server) as bot:
        messenger = TelegramMessenger(bot)
        moment = datetime(2026, 11, 22, tzinfo=UTC)
        assert await messenger.look_up(CHAT, TEXT, moment) is None
        assert not messenger.can_look_up


# --- edits and pressed buttons ---------------------------------------------------


async def test_an_edit_names_the_message_and_keeps_the_preview() -> None:
    async with serving(OK) as server, telegram(server) as bot:
        await TelegramMessenger(bot).edit(CHAT, "41", TEXT)
    form = server.asked[0].form
    assert server.asked[0].path.endswith("/editMessageText")
    assert (form["message_id"], form["text"]) == ("41", TEXT.text)
    assert json.loads(form["link_preview_options"]) == {"is_disabled": False}


async def test_an_edit_that_changes_nothing_is_a_success() -> None:
    text = (
        "Bad Request: message is not modified: specified new message content and "
        "reply markup are exactly the same as a current content"
    )
    async with serving(refused(400, text)) as server, telegram(server) as bot:
        await TelegramMessenger(bot).edit(CHAT, "41", TEXT)


@pytest.mark.parametrize(
    "words",
    ["message to edit not found", "message can't be edited", "MESSAGE_ID_INVALID"],
)
async def test_an_edit_of_what_cannot_be_edited_says_so(words: str) -> None:
    answer = refused(400, f"Bad Request: {words}")
    async with serving(answer) as server, telegram(server) as bot:
        with pytest.raises(Undeliverable, match=words.lower()) as caught:
            await TelegramMessenger(bot).edit(CHAT, "41", TEXT)
    assert caught.value.kind is FailureKind.BEYOND_REACH


async def test_a_refusal_that_is_not_about_the_copy_keeps_its_meaning() -> None:
    answer = refused(403, "Forbidden: bot was blocked by the user")
    async with serving(answer, answer) as server, telegram(server) as bot:
        messenger = TelegramMessenger(bot)
        for change in (messenger.edit(CHAT, "41", TEXT), messenger.delete(CHAT, "41")):
            with pytest.raises(Undeliverable) as caught:
                await change
            assert caught.value.kind is FailureKind.BLOCKED


async def test_a_deletion_names_the_message() -> None:
    done = Answer.json({"ok": True, "result": True})
    async with serving(done) as server, telegram(server) as bot:
        await TelegramMessenger(bot).delete(CHAT, "41")
    assert server.asked[0].path.endswith("/deleteMessage")
    assert server.asked[0].form == {"chat_id": CHAT.value, "message_id": "41"}


async def test_what_is_gone_already_is_deleted() -> None:
    answer = refused(400, "Bad Request: message to delete not found")
    async with serving(answer) as server, telegram(server) as bot:
        await TelegramMessenger(bot).delete(CHAT, "41")


async def test_what_is_too_old_to_be_deleted_says_so() -> None:
    answer = refused(400, "Bad Request: message can't be deleted for everyone")
    async with serving(answer) as server, telegram(server) as bot:
        with pytest.raises(Undeliverable) as caught:
            await TelegramMessenger(bot).delete(CHAT, "41")
    assert caught.value.kind is FailureKind.BEYOND_REACH


async def test_an_edit_has_no_picker() -> None:
    async with serving() as server, telegram(server) as bot:
        with pytest.raises(Malformed):
            await TelegramMessenger(bot).edit(
                CHAT, "41", replace(PLAIN, picker=ChatPicker("Choose", 3))
            )


async def test_a_pressed_button_is_answered() -> None:
    async with serving(TRUE) as server, telegram(server) as bot:
        await TelegramMessenger(bot).answer_callback("77", "Done")
    assert server.asked[0].path.endswith("/answerCallbackQuery")
    assert server.asked[0].form == {"callback_query_id": "77", "text": "Done"}


# --- chats -----------------------------------------------------------------------

PERSON = {"id": 5, "is_bot": False, "first_name": "A"}
RIGHTS = {
    "can_be_edited": False,
    "is_anonymous": False,
    "can_manage_chat": True,
    "can_delete_messages": False,
    "can_manage_video_chats": False,
    "can_restrict_members": False,
    "can_promote_members": False,
    "can_change_info": False,
    "can_invite_users": False,
    "can_post_stories": False,
    "can_edit_stories": False,
    "can_delete_stories": False,
}


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({"status": "creator", "is_anonymous": False}, True),
        ({"status": "administrator", **RIGHTS}, True),
        ({"status": "member"}, False),
        ({"status": "left"}, False),
    ],
)
async def test_who_administers(member: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column of the table
    answer = Answer.json({"ok": True, "result": {"user": PERSON, **member}})
    async with serving(answer) as server, telegram(server) as bot:
        assert await TelegramChats(bot).is_administrator(CHAT, "5") is expected


async def test_a_chat_that_speaks_for_itself_is_an_administrator() -> None:
    async with serving() as server, telegram(server) as bot:
        assert await TelegramChats(bot).is_administrator(CHAT, CHAT.value)
        assert not await TelegramChats(bot).is_administrator(CHAT, "@someone")
    assert server.asked == []


async def test_a_stranger_is_no_administrator() -> None:
    answer = refused(400, "Bad Request: user not found")
    async with serving(answer) as server, telegram(server) as bot:
        assert not await TelegramChats(bot).is_administrator(CHAT, "5")


async def test_silence_is_no_answer_about_an_administrator() -> None:
    async with serving(Rude.CUT) as server, telegram(server) as bot:
        with pytest.raises(SendError):
            await TelegramChats(bot).is_administrator(CHAT, "5")


@pytest.mark.parametrize(
    "answer",
    [
        TRUE,
        refused(403, "Forbidden: bot is not a member of the supergroup chat"),
        refused(403, "Forbidden: bot was kicked from the group chat"),
        refused(400, "Bad Request: chat not found"),
    ],
)
async def test_leaving_twice_is_no_error(answer: Answer) -> None:
    async with serving(answer) as server, telegram(server) as bot:
        await TelegramChats(bot).leave(CHAT)
    assert server.asked[0].path.endswith("/leaveChat")


async def test_leaving_may_have_to_wait() -> None:
    answer = refused(429, "Too Many Requests: retry after 3", retry_after=3)
    async with serving(answer) as server, telegram(server) as bot:
        with pytest.raises(TryLater):
            await TelegramChats(bot).leave(CHAT)


# --- the request class -----------------------------------------------------------


async def test_no_error_shows_the_token(caplog: pytest.LogCaptureFixture) -> None:
    """Neither its text, nor what it chains, nor any log line at any level."""
    caplog.set_level(logging.DEBUG)
    short = timedelta(milliseconds=100)
    refusing = await unused_port()
    async with serving(
        Rude.CUT, Rude.HANG, Answer(200, b"nonsense"), Answer(502, b"<html>oops")
    ) as server:
        urls = [f"{server.url}/bot{TOKEN}/getMe"] * 4
        urls += [
            f"http://127.0.0.1:{refusing}/bot{TOKEN}/getMe",
            f"https://127.0.0.1:{server.port}/bot{TOKEN}/getMe",
            f"http://no-such-host.invalid/bot{TOKEN}/getMe",
            f"not a url/bot{TOKEN}/getMe",
        ]
        async with AiohttpRequest(read=short, connect=timedelta(seconds=1)) as request:
            for url in urls:
                with pytest.raises(TelegramError) as caught:
                    await request.post(url)
                shown = "".join(traceback.format_exception(caught.value))
                assert "never-to-be-seen" not in shown
                assert "123456" not in repr(caught.value.__context__)
    assert "never-to-be-seen" not in caplog.text
    assert "nonsense" not in caplog.text


async def test_a_long_poll_may_wait_longer_than_the_default() -> None:
    """PTB adds the poll's time-out to the class's own, and hands on the sum."""
    late = replace(Answer.json({"ok": True, "result": []}), delay=0.9)
    read = timedelta(milliseconds=400)
    async with serving(late, rest=Rude.HANG) as server:
        request = AiohttpRequest(read=read)
        bot = Bot(
            TOKEN,
            base_url=f"{server.url}/bot",
            request=request,
            get_updates_request=request,
        )
        async with request:
            assert await bot.get_updates(timeout=timedelta(seconds=1)) == ()
            began = time.monotonic()
            with pytest.raises(TimedOut):
                await bot.get_updates(timeout=timedelta(seconds=1))
            assert 1.3 < time.monotonic() - began < 4


async def test_a_server_that_never_stops_dripping_is_cut_off() -> None:
    """The read time-out alone would begin anew with each byte."""

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
        try:
            for _ in range(200):
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            pass
        finally:
            writer.close()

    listening = await asyncio.start_server(drip, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    third = timedelta(milliseconds=300)
    async with (
        listening,
        AiohttpRequest(read=third, write=third, connect=third) as slow,
    ):
        began = time.monotonic()
        with pytest.raises(TimedOut):
            await slow.post(f"http://127.0.0.1:{port}")
        assert time.monotonic() - began < 3


async def test_files_are_uploaded() -> None:
    message = {
        "message_id": 1,
        "date": 1,
        "chat": {"id": 777000123, "type": "private"},
    }
    picture = BytesIO(b"\x89PNG" + b"\0" * 1_500_000)
    async with (
        serving(Answer.json({"ok": True, "result": message})) as server,
        telegram(server) as bot,
    ):
        await bot.send_photo(CHAT.value, picture, caption="Rain", filename="rain.png")
    asked = server.asked[0]
    assert asked.headers["content-type"].startswith("multipart/form-data")
    assert b'filename="rain.png"' in asked.body
    assert b"\x89PNG" in asked.body
    assert len(asked.body) > 1_500_000


async def test_a_file_is_downloaded() -> None:
    async with serving(Answer(200, b"\0\1\2")) as server, telegram(server) as bot:
        assert await bot.request.retrieve(f"{server.url}/file") == b"\0\1\2"


async def test_opening_and_closing_twice_changes_nothing() -> None:
    request = AiohttpRequest()
    await request.shutdown()
    await request.initialize()
    opened = request._session
    await request.initialize()
    assert request._session is opened
    await request.shutdown()
    await request.shutdown()
    with pytest.raises(NetworkError):
        await request.post("http://127.0.0.1")
