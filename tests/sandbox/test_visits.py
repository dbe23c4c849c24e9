"""What a visitor of the page may do on every phone."""

from __future__ import annotations

import pytest

BUTTONS = {
    "inline_keyboard": [
        [{"text": "Send", "callback_data": "go"}, {"text": "Read", "url": "t.me/x"}]
    ]
}


# --- on a phone ----------------------------------------------------------------


async def test_start_opens_the_private_chat_and_lets_her_write(stage, api):
    key = stage.ayesha.id
    before = await stage.chat(key)
    assert (before["started"], before["can_write"]) == (False, [])
    told = await stage.refused("write", chat=key, person=key, text="hi")
    assert "has not pressed Start" in told

    await stage.done("start", person=key)
    await stage.done("write", chat=str(key), person=key, text=" /latest ")

    after = await stage.chat(key)
    assert (after["started"], after["can_write"]) == (True, [key])
    updates = await api.updates()
    assert [u["message"]["text"] for u in updates] == ["/start", "/latest"]


async def test_a_group_hears_its_members_and_nobody_else(stage):
    group = stage.group
    shown = await stage.chat(group.id)
    assert shown["can_write"] == [stage.bilal.id, stage.imran.id]
    assert shown["members_names"] == ["Bilal", "Imran"]
    wrote = {"chat": group, "text": "hello"}
    assert (await stage.done("write", person=stage.imran, **wrote))["chat"] == str(
        group.id
    )
    assert "is not in Neighbours" in await stage.refused(
        "write", person=stage.ayesha, **wrote
    )
    assert "phone" in await stage.refused(
        "write", person=stage.imran, chat=stage.gul.whatsapp, text="x"
    )
    await stage.sandbox.world.forbid_sending(group, quietly=True)
    assert (await stage.chat(group.id))["can_write"] == [stage.bilal.id]
    assert "members may not write" in await stage.refused(
        "write", person=stage.imran, **wrote
    )


async def test_only_who_runs_a_channel_posts_there(stage):
    assert (await stage.chat(stage.channel.id))["can_write"] == [stage.bilal.id]
    await stage.done("write", person=stage.bilal, chat=stage.channel, text="News")
    assert stage.texts(stage.channel) == ["News"]


async def test_a_moved_group_is_written_to_where_it_is_now(stage):
    old = stage.group.id
    new = await stage.sandbox.world.migrate(stage.group)
    answer = await stage.done("write", person=stage.imran, chat=old, text="still here")
    assert answer["chat"] == str(new)
    assert (await stage.chat(old))["can_write"] == []


async def test_whatsapp_reaches_the_application(stage, hook):
    stage.sandbox.twilio.configure(inbound_url=hook.url)
    gul = stage.gul
    answer = await stage.done("write", person=gul, chat=gul.whatsapp, text="LATEST")
    assert answer["chat"] == gul.whatsapp
    assert "note" not in answer
    assert hook.calls[0][1]["Body"] == "LATEST"


async def test_nobody_hears_whatsapp_while_the_application_is_dead(stage):
    stage.sandbox.twilio.configure(inbound_url="http://127.0.0.1:9/gone")
    gul = stage.gul
    answer = await stage.done("write", person=gul, chat=gul.whatsapp, text="LATEST")
    assert "nobody has heard" in answer["note"]


@pytest.mark.parametrize(
    ("text", "why"), [("", "nothing"), ("  ", "nothing"), ("x" * 4097, "too long")]
)
async def test_what_cannot_be_sent_is_said(stage, text, why):
    where = {"person": stage.imran, "chat": stage.imran.id}
    assert why in await stage.refused("write", text=text, **where)


async def test_an_inline_button_is_pressed_by_its_data(stage, api):
    imran = stage.imran
    sent = await api.send(imran, "Shall it go?", reply_markup=BUTTONS)
    where = {
        "person": imran,
        "chat": imran.id,
        "message": sent["result"]["message_id"],
    }
    (row,) = (await stage.chat(imran.id))["messages"][0]["buttons"]
    assert row[0] == {"text": "Send", "url": None, "data": "go"}

    await stage.done("press", data="go", **where)
    assert await stage.done("press", label="Read", **where) == {"url": "t.me/x"}
    (update,) = await api.updates()
    assert update["callback_query"]["data"] == "go"
    assert "no button" in await stage.refused("press", data="stop", **where)
    other = {**where, "person": stage.bilal}
    assert "not Bilal's phone" in await stage.refused("press", data="go", **other)


async def test_a_quick_reply_is_pressed_by_its_label(stage, api, hook):
    box, gul = stage.sandbox, stage.gul
    box.twilio.configure(inbound_url=hook.url)
    box.add_template(sid="HX1", body="Hello", buttons=["Stop"])
    await api.whatsapp(gul, ContentSid="HX1")
    await box.log.wait_for(lambda log: log.statuses(gul.whatsapp), count=2)
    message = box.world.messages(gul, whatsapp=True)[0].id
    where = {"person": gul, "chat": gul.whatsapp, "message": message}
    assert "no button" in await stage.refused("press", label="Go", **where)
    await stage.done("press", label="Stop", **where)
    assert hook.calls[-1][1]["ButtonText"] == "Stop"


async def test_a_key_that_asks_for_a_chat_names_those_that_fit(stage, api):
    world = stage.sandbox.world
    await world.open_start(stage.bilal)
    request = {"request_id": 5, "chat_is_channel": True}
    keyboard = {"keyboard": [[{"text": "Choose", "request_chat": request}, "Not now"]]}
    await api.send(stage.bilal, "Which channel?", reply_markup=keyboard)

    shown = await stage.chat(stage.bilal.id)
    chats = [{"id": str(stage.channel.id), "title": "Headlines"}]
    assert shown["keyboard"] == [["Choose", "Not now"]]
    assert shown["keys"] == [
        [
            {"text": "Choose", "request": 5, "chats": chats},
            {"text": "Not now", "request": None},
        ]
    ]
    share = {"person": stage.bilal, "request": 5}
    assert "other kind" in await stage.refused("share", chat=stage.group, **share)
    await stage.done("share", chat=stage.channel, **share)
    shared = (await api.updates())[-1]["message"]["chat_shared"]
    assert shared["chat_id"] == stage.channel.id


# --- links ---------------------------------------------------------------------


async def test_links_do_what_the_phone_s_apps_do(stage, hook):
    box = stage.sandbox
    box.twilio.configure(inbound_url=hook.url)
    bot, number = box.bot_username, box.whatsapp_number.lstrip("+")

    start = f"https://t.me/{bot}?start=TOKEN-1"
    await stage.done("follow", person=stage.ayesha, url=start)
    assert stage.texts(stage.ayesha) == ["/start TOKEN-1"]

    group = f"https://t.me/{bot}?startgroup=TOKEN-2"
    assert "choose the group" in await stage.refused(
        "follow", person=stage.bilal, url=group
    )
    assert "does not run" in await stage.refused(
        "follow", person=stage.imran, url=group, group=stage.group
    )
    assert "is no group" in await stage.refused(
        "follow", person=stage.bilal, url=group, group=stage.channel
    )
    await stage.done("follow", person=stage.bilal, url=group, group=stage.group)
    assert stage.texts(stage.group)[-1] == f"/start@{bot} TOKEN-2"

    join = f"https://wa.me/{number}?text=JOIN%20K7"
    await stage.done("follow", person=stage.gul, url=join)
    assert hook.calls[-1][1]["Body"] == "JOIN K7"
    assert "not on WhatsApp" in await stage.refused(
        "follow", person=stage.ayesha, url=join
    )


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://t.me/somebody_else_bot?start=T", "there is no @somebody_else_bot"),
        ("https://wa.me/15550001111?text=JOIN", "there is no +15550001111"),
        ("https://wa.me/14155550100", "no words"),
        ("https://kashmirwatch.example/bridge", "only t.me and wa.me"),
        ("javascript:alert(1)", "no app opens this"),
        ("", "no app opens this"),
        ("https://t.me/harkara_demo_bot?start=not%20a%20token", "start payload"),
    ],
)
async def test_other_links_lead_nowhere(stage, url, why):
    assert why in await stage.refused("follow", person=stage.gul, url=url)


# --- mistakes ------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"do": "fly"}, "cannot do 'fly'; known: write"),
        ({}, "cannot do None"),
        ({"do": "start", "person": 1}, "there is no person 1"),
        ({"do": "start"}, "say which person"),
        ({"do": "start", "person": True}, "say which person"),
        ({"do": "start", "person": "x"}, "x is no person"),
        ({"do": "switch", "what": "slow"}, "true or false"),
        ({"do": "switch", "what": "sound", "on": True}, "no such switch"),
        ({"do": "switch", "what": "block", "on": True}, "say whom"),
        ({"do": "publish"}, "start `harkara demo`"),
        ({"do": "kill"}, "start `harkara demo`"),
    ],
)
async def test_mistakes_are_named(stage, given, why):
    assert why in await stage.refused(given.pop("do", None), **given)


async def test_what_is_not_there_is_named(stage):
    imran = stage.imran.id
    told = await stage.refused("write", person=imran, chat=5, text="x")
    assert told == "there is no chat 5"
    press = {"person": imran, "chat": imran, "data": "x"}
    assert "not there any more" in await stage.refused("press", message=7, **press)
