"""What Telegram refuses, in Telegram's own words (platform facts, 1.2 and 1.7)."""

from __future__ import annotations

from typing import Any

import pytest

from bot.sandbox import Sandbox

KEYBOARD = {"inline_keyboard": [[{"text": "a", "callback_data": "x"}]]}


def refused(answer: dict[str, Any], status: int, description: str) -> None:
    assert answer["ok"] is False
    assert (answer["error_code"], answer["description"]) == (status, description)
    assert answer["http"] == status


@pytest.mark.parametrize(
    ("text", "mode", "description"),
    [
        ("", "", "Bad Request: message text is empty"),
        (" \n ", "", "Bad Request: message text is empty"),
        ("<b> </b>", "HTML", "Bad Request: message text is empty"),
        ("x" * 4097, "", "Bad Request: message is too long"),
        ("x" * 32_769, "", "Bad Request: text is too long"),
        (
            "a<br>b",
            "HTML",
            (
                "Bad Request: can't parse entities: "
                'Unsupported start tag "br" at byte offset 1'
            ),
        ),
        ("x", "Word", "Bad Request: unsupported parse_mode"),
    ],
)
async def test_texts(sandbox, api, text, mode, description):
    reader = sandbox.world.person("Ayesha", started=True)

    refused(await api.send(reader, text, parse_mode=mode), 400, description)
    assert sandbox.log.visible() == []


async def test_length_is_counted_after_parsing_in_code_points(sandbox, api):
    reader = sandbox.world.person("Ayesha", started=True)

    assert (await api.send(reader, "<b>" + "😀" * 4096 + "</b>", parse_mode="HTML"))[
        "ok"
    ]
    refused(
        await api.telegram(
            "sendPhoto",
            chat_id=reader.id,
            photo="https://a.org/x.jpg",
            caption="x" * 1025,
        ),
        400,
        "Bad Request: message caption is too long",
    )


async def test_wrong_addresses(sandbox, api, session):
    base, token = sandbox.telegram_url, sandbox.bot_token
    for path, status in [
        (f"/bot{token}/sendSomething", 404),
        ("/bot123/getMe", 404),
        ("/bot1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA/getMe", 401),
        ("/", 404),
    ]:
        async with session.post(base + path) as response:
            body = await response.json()
            assert response.status == body["error_code"] == status
            assert (
                body["description"] == {404: "Not Found", 401: "Unauthorized"}[status]
            )


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"txt": "x"}, 'unknown parameter "txt" of sendMessage'),
        ({"text": "x", "chat_id": ""}, "chat_id is empty"),
        ({"text": "x", "chat_id": "abc"}, "chat not found"),
        ({"text": "x", "chat_id": 999}, "chat not found"),
        ({"text": "x", "chat_id": "@nobody"}, "chat not found"),
        (
            {"text": "x", "disable_notification": "maybe"},
            'parameter "disable_notification" must be true or false',
        ),
        (
            {"text": "x", "link_preview_options": {"disabled": True}},
            'unknown field "disabled" of link_preview_options',
        ),
        (
            {"text": "x", "reply_parameters": {"message_id": 12345}},
            "message to be replied not found",
        ),
        ({"text": "x", "reply_markup": "{"}, "can't parse reply_markup JSON object"),
        ({"text": "x", "message_thread_id": 9}, "message thread not found"),
    ],
)
async def test_parameters(sandbox, api, parameters, description):
    reader = sandbox.world.person("Ayesha", started=True)

    answer = await api.telegram("sendMessage", **{"chat_id": reader.id, **parameters})

    refused(answer, 400, f"Bad Request: {description}")


@pytest.mark.parametrize(
    ("button", "description"),
    [
        ({"text": "a", "callback_data": "é" * 33}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "callback_data": ""}, "BUTTON_DATA_INVALID"),
        ({"text": "a", "url": "no address"}, "BUTTON_URL_INVALID"),
        (
            {"text": "a"},
            (
                "can't parse inline keyboard button: "
                "Text buttons are unallowed in the inline keyboard"
            ),
        ),
        (
            {"text": "a", "calback_data": "x"},
            'unknown field "calback_data" of InlineKeyboardButton',
        ),
    ],
)
async def test_buttons(sandbox, api, button, description):
    reader = sandbox.world.person("Ayesha", started=True)

    answer = await api.send(reader, "x", reply_markup={"inline_keyboard": [[button]]})

    refused(answer, 400, f"Bad Request: {description}")


async def test_private_chats(sandbox, api):
    world = sandbox.world
    never, met = world.person("Never"), world.person("Met")
    group = world.group("G", members=[met], with_bot=True)
    await world.say(met, f"/help@{sandbox.bot_username}", group)
    blocked, gone = (world.person(name, started=True) for name in ("B", "D"))
    await world.block(blocked)
    await world.deactivate(gone)

    refused(await api.send(never, "x"), 400, "Bad Request: chat not found")
    refused(
        await api.send(met, "x"),
        403,
        "Forbidden: bot can't initiate conversation with a user",
    )
    refused(await api.send(blocked, "x"), 403, "Forbidden: bot was blocked by the user")
    refused(await api.send(gone, "x"), 403, "Forbidden: user is deactivated")
    await world.unblock(blocked)
    assert (await api.send(blocked, "x"))["ok"]


@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
async def test_out_of_a_chat(sandbox, api, kind):
    world = sandbox.world
    admin = world.person("Admin")

    def chat() -> Any:
        if kind == "channel":
            return world.channel("C", admins=[admin], with_bot=True)
        return world.group(
            "G", admins=[admin], supergroup=kind != "group", with_bot=True
        )

    kicked, left, deleted = chat(), chat(), chat()
    await world.remove_bot(admin, kicked)
    assert (await api.telegram("leaveChat", chat_id=left.id))["ok"]
    await world.delete_group(deleted)

    refused(
        await api.send(kicked, "x"),
        403,
        f"Forbidden: bot was kicked from the {kind} chat",
    )
    refused(
        await api.send(left, "x"),
        403,
        f"Forbidden: bot is not a member of the {kind} chat",
    )
    refused(
        await api.send(deleted, "x"), 403, f"Forbidden: the {kind} chat was deleted"
    )


async def test_rights(sandbox, api):
    world = sandbox.world
    admin = world.person("Admin")
    channel = world.channel("C", admins=[admin], with_bot=True)
    await world.promote_bot(admin, channel, can_edit_messages=True)
    group = world.group("G", admins=[admin], with_bot=True)
    muted = world.group("M", admins=[admin], with_bot=True)
    await world.forbid_sending(group)
    await world.forbid_sending(muted, quietly=True)

    need = "Bad Request: need administrator rights in the channel chat"
    rights = "Bad Request: not enough rights to send {} to the chat"
    refused(await api.send(channel, "x"), 400, need)
    refused(await api.send(group, "x"), 400, rights.format("text messages"))
    refused(await api.send(muted, "x"), 400, rights.format("text messages"))
    photo = await api.telegram("sendPhoto", chat_id=group.id, photo="https://a.org/x")
    refused(photo, 400, rights.format("photos"))
    await world.allow_sending(group)
    assert (await api.send(group, "x"))["ok"]


async def test_topics(sandbox, api):
    world = sandbox.world
    admin = world.person("Admin")
    forum = world.group("F", admins=[admin], topics=["News", "Talk"], with_bot=True)

    sent = await api.send(forum, "x", message_thread_id=2)
    assert sent["result"]["message_thread_id"] == 2
    await world.close_topic(forum, 2)
    await world.close_topic(forum, 3, delete=True)
    closed = await api.send(forum, "x", message_thread_id=2)
    refused(closed, 400, "Bad Request: TOPIC_CLOSED")
    deleted = await api.send(forum, "x", message_thread_id=3)
    refused(deleted, 400, "Bad Request: TOPIC_DELETED")


async def test_edits(sandbox, api):
    world = sandbox.world
    reader = world.person("Ayesha", started=True)
    number = (await api.send(reader, "<b>x</b>", parse_mode="HTML"))["result"][
        "message_id"
    ]
    theirs = await world.say(reader, "hello")
    keyboard = {"keyboard": [[{"text": "a"}]]}
    fixed = (await api.send(reader, "y", reply_markup=keyboard))["result"]["message_id"]

    async def edit(message: Any, text: str, **more: Any) -> Any:
        return await api.telegram(
            "editMessageText", chat_id=reader.id, message_id=message, text=text, **more
        )

    refused(
        await edit(number, "<b>x</b>", parse_mode="HTML"),
        400,
        "Bad Request: message is not modified: specified new message content and "
        "reply markup are exactly the same as a current content and reply markup of "
        "the message",
    )
    refused(await edit(4711, "z"), 400, "Bad Request: message to edit not found")
    refused(await edit(theirs.id, "z"), 400, "Bad Request: message can't be edited")
    refused(await edit(fixed, "z"), 400, "Bad Request: message can't be edited")
    edited = await edit(number, "z", reply_markup=KEYBOARD)
    assert edited["result"]["text"] == "z"
    assert edited["result"]["edit_date"] >= edited["result"]["date"]
    assert world.messages(reader)[0].buttons[0]["text"] == "a"
    markup = await api.telegram(
        "editMessageReplyMarkup", chat_id=reader.id, message_id=number
    )
    assert "reply_markup" not in markup["result"]
    assert [record["text"] for record in sandbox.log.edits(reader)] == ["z", "z"]


async def test_deletes(session, api_of):
    now = 1_800_000_000.0
    async with Sandbox(rate="unlimited", clock=lambda: now) as sandbox:
        api, world = api_of(sandbox), sandbox.world
        reader = world.person("Ayesha", started=True)
        group = world.group("G", members=[reader], with_bot=True)
        old = (await api.send(reader, "old"))["result"]["message_id"]
        theirs = await world.say(reader, "hello", group)

        async def delete(chat: Any, number: Any) -> Any:
            return await api.telegram(
                "deleteMessage", chat_id=chat.id, message_id=number
            )

        refused(
            await delete(group, theirs.id), 400, "Bad Request: message can't be deleted"
        )
        now += 48 * 3600 - 1
        new = (await api.send(reader, "new"))["result"]["message_id"]
        now += 1
        late = "Bad Request: message can't be deleted for everyone"
        refused(await delete(reader, old), 400, late)
        assert (await delete(reader, new))["result"] is True
        missing = "Bad Request: message to delete not found"
        refused(await delete(reader, new), 400, missing)
        edited = await api.telegram(
            "editMessageText", chat_id=reader.id, message_id=old, text="still editable"
        )
        assert edited["ok"]
        assert [m.text for m in world.messages(reader)] == ["still editable"]


async def test_migration(sandbox, api):
    world = sandbox.world
    admin = world.person("Admin")
    group = world.group("G", admins=[admin], with_bot=True)
    number = (await api.send(group, "before"))["result"]["message_id"]
    new = await world.migrate(group)

    moved = "Bad Request: group chat was upgraded to a supergroup chat"
    answer = await api.send(group, "x")
    refused(answer, 400, moved)
    assert answer["parameters"] == {"migrate_to_chat_id": new}
    assert str(new).startswith("-100")
    gone = await api.telegram(
        "editMessageText", chat_id=new, message_id=number, text="z"
    )
    refused(gone, 400, "Bad Request: message to edit not found")
    to, back = await api.updates()
    assert to["message"]["chat"]["id"] == group.id
    assert to["message"]["migrate_to_chat_id"] == new
    assert back["message"]["chat"]["id"] == new
    assert back["message"]["migrate_from_chat_id"] == group.id
    assert (await api.send(new, "after"))["ok"]
    assert [m.text for m in world.messages(group) if m.outgoing] == ["before", "after"]
    assert [r["text"] for r in sandbox.log.from_us(group)] == ["before", "after"]


async def test_old_queries_cannot_be_answered(sandbox, api):
    answer = await api.telegram("answerCallbackQuery", callback_query_id="1")

    refused(
        answer,
        400,
        "Bad Request: query is too old and response timeout expired or query ID is "
        "invalid",
    )


async def test_pinning_wants_the_right_to(sandbox, api):
    world = sandbox.world
    admin = world.person("Admin", started=True)
    group = world.group("Group", [], [admin], with_bot=True)
    number = (await api.send(group, "card"))["result"]["message_id"]

    async def pin(method: str = "pinChatMessage", message: Any = number) -> Any:
        return await api.telegram(method, chat_id=group.id, message_id=message)

    rights = "Bad Request: not enough rights to manage pinned messages in the chat"
    refused(await pin(), 400, rights)
    await world.promote_bot(admin, group, can_pin_messages=True)
    refused(await pin(message=4711), 400, "Bad Request: message to pin not found")
    assert (await pin())["ok"]
    assert group.pinned == [number]
    assert (await pin("unpinChatMessage"))["ok"]
    again = await pin("unpinChatMessage")
    refused(again, 400, "Bad Request: message to unpin not found")
