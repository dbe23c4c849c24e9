"""What a visitor of the page may do: on every phone, and to the providers."""

from __future__ import annotations

import json

import pytest

from bot.sandbox import Hooks, Sandbox

BUTTONS = {
    "inline_keyboard": [
        [{"text": "Send", "callback_data": "go"}, {"text": "Read", "url": "t.me/x"}]
    ]
}
SLOWER = 0.01  #: seconds; the switch's own would only make the test wait


class Stage:
    """A cast, and what the page asks."""

    def __init__(self, sandbox, session):
        self.sandbox = sandbox
        self.session = session
        world = sandbox.world
        self.ayesha = world.person("Ayesha", role="reader")
        self.imran = world.person("Imran", started=True)
        self.gul = world.person("Gul", phone="+923005550101", role="reader")
        self.bilal = world.person("Bilal", role="keeper")
        self.group = world.group("Neighbours", [self.imran], [self.bilal])
        self.channel = world.channel("Headlines", [self.bilal])

    async def visit(self, do, **given):
        url = f"{self.sandbox.page_url}/sandbox/visit"
        given = {k: getattr(v, "id", v) for k, v in given.items()}
        async with self.session.post(url, json={"do": do, **given}) as response:
            return response.status, await response.json()

    async def done(self, do, **given):
        status, answer = await self.visit(do, **given)
        assert status == 200, answer
        assert answer.pop("ok") is True
        return answer

    async def refused(self, do, **given):
        status, answer = await self.visit(do, **given)
        assert status == 400
        return answer["error"]

    async def state(self):
        url = f"{self.sandbox.page_url}/sandbox/state"
        async with self.session.get(url) as response:
            return await response.json()

    async def chat(self, key):
        return next(c for c in (await self.state())["chats"] if c["id"] == str(key))

    def texts(self, where):
        return [m.text for m in self.sandbox.world.messages(where)]


@pytest.fixture
def stage(sandbox, session):
    return Stage(sandbox, session)


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


# --- switches ------------------------------------------------------------------


async def test_blocking_is_told_to_the_bot_and_shown(stage, api):
    imran = stage.imran
    await api.send(imran, "Welcome")
    await stage.done("switch", what="block", on=True, person=imran)
    assert (await stage.state())["switches"]["blocked"] == [imran.id]
    assert (await stage.chat(imran.id))["blocked"] is True
    assert (await api.send(imran, "x"))["http"] == 403
    await stage.done("switch", what="block", on=False, person=imran)
    statuses = [
        update["my_chat_member"]["new_chat_member"]["status"]
        for update in await api.updates()
    ]
    assert statuses == ["kicked", "member"]
    assert "not pressed Start" in await stage.refused(
        "switch", what="block", on=True, person=stage.ayesha
    )


async def test_a_window_is_closed_by_us_and_opened_by_her_alone(stage):
    gul = stage.gul
    await stage.done("write", person=gul, chat=gul.whatsapp, text="hello")
    assert (await stage.state())["switches"]["windows"] == []
    await stage.done("switch", what="window", on=True, person=gul)
    assert (await stage.state())["switches"]["windows"] == [gul.phone]
    assert "write something as them" in await stage.refused(
        "switch", what="window", on=False, person=gul
    )
    assert "not on WhatsApp" in await stage.refused(
        "switch", what="window", on=True, person=stage.imran
    )


async def test_a_slow_network_answers_late_until_it_is_off(stage, api, monkeypatch):
    monkeypatch.setattr("bot.sandbox.switches.SLOW", SLOWER)
    await stage.done("switch", what="slow", on=True)
    await stage.done("switch", what="slow", on=True)  # twice is once
    assert (await stage.state())["switches"]["slow"] is True
    for _ in range(2):
        assert (await api.send(stage.imran, "x"))["ok"]
    await api.telegram("getMe")
    await stage.done("switch", what="slow", on=False)
    await api.send(stage.imran, "x")
    played = [call["fault"] for call in stage.sandbox.log.calls()]
    assert played == ["slow", "slow", None, None]
    assert (await stage.state())["switches"]["slow"] is False


async def test_a_flood_refuses_the_next_message_once(stage, api):
    await stage.done("switch", what="slow", on=True)
    await stage.done("switch", what="flood", on=True, person=stage.imran)
    switches = (await stage.state())["switches"]
    assert (switches["flood"], switches["flooded"]) == (True, [stage.imran.id])
    refused = await api.send(stage.imran, "x")
    assert (refused["http"], refused["parameters"]["retry_after"]) == (429, 3)
    await stage.done("switch", what="slow", on=False)
    assert (await api.send(stage.imran, "x"))["ok"]
    assert (await stage.state())["switches"]["flood"] is False
    assert "not pressed Start" in await stage.refused(
        "switch", what="flood", on=True, person=stage.ayesha
    )


async def test_a_flood_for_all_reaches_every_chat_and_can_be_taken_back(stage, api):
    await stage.sandbox.world.add_bot(stage.bilal, stage.group)
    await stage.done("switch", what="flood", on=True)
    assert (await api.send(stage.group, "x"))["http"] == 429
    assert (await api.whatsapp(stage.gul, Body="x"))["http"] == 429
    await stage.done("switch", what="flood", on=False)
    assert (await api.send(stage.imran, "x"))["ok"]


@pytest.mark.parametrize("provider", ["telegram", "twilio"])
async def test_a_provider_goes_down_and_comes_back(stage, provider):
    listener = getattr(stage.sandbox, provider).listener
    await stage.done("switch", what=f"{provider}_down", on=True)
    assert not listener.is_up
    assert (await stage.state())["switches"][f"{provider}_down"] is True
    await stage.done("switch", what=f"{provider}_down", on=False)
    assert listener.is_up


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


# --- beside the phones -----------------------------------------------------------


async def test_the_cast_is_shown_before_anybody_wrote(stage):
    state = await stage.state()
    people = {person["name"]: person for person in state["people"]}
    assert list(people) == ["Ayesha", "Gul", "Bilal", "Imran"], "the cast first"
    assert people["Gul"] == {
        "id": stage.gul.id,
        "name": "Gul",
        "language": None,
        "phone": "+923005550101",
        "telegram": False,
        "role": "reader",
        "chat": str(stage.gul.id),
        "whatsapp": stage.gul.whatsapp,
        "blocked": False,
        "started": False,
        "window": False,
    }
    shown = {chat["id"] for chat in state["chats"]}
    assert {str(stage.ayesha.id), stage.gul.whatsapp} <= shown
    assert str(stage.gul.id) not in shown, "she has only WhatsApp"
    assert str(stage.imran.id) not in shown, "no part to play, nothing said"


async def test_hooks_offer_what_only_the_application_s_side_has(session):
    done = []

    async def publish():
        done.append("published")
        return {"title": "Bridge"}

    async def kill():
        done.append("killed")

    link = {"label": "Readers", "url": "https://t.me/x?start=T", "kind": "start"}
    life = {"state": "up", "starts": 2, "recovered_in": 2.4}
    hooks = Hooks(publish=publish, application=lambda: life, links=[link])
    async with Sandbox(hooks=hooks) as sandbox:
        stage = Stage(sandbox, session)
        state = await stage.state()
        assert state["can"] == ["publish"]
        assert state["links"] == [link]
        assert state["application"] == {**life, "down_for": None, "doubtful": None}
        hooks.kill = kill
        assert (await stage.state())["can"] == ["kill", "publish"]
        assert await stage.done("publish") == {"title": "Bridge"}
        await stage.done("kill")
    assert done == ["published", "killed"]


async def test_nothing_is_touched_while_the_stage_is_closed(stage):
    stage.sandbox.hooks.closed = "The story is still being played."
    told = await stage.refused("start", person=stage.ayesha)
    assert told == "The story is still being played."
    assert (await stage.state())["closed"] == told
    stage.sandbox.hooks.closed = ""
    await stage.done("start", person=stage.ayesha)


async def test_the_stream_tells_what_changed_beside_the_phones(session):
    life = {"state": "up", "starts": 1, "down_for": None}
    hooks = Hooks(application=lambda: dict(life))
    async with Sandbox(hooks=hooks) as sandbox:
        stage = Stage(sandbox, session)
        url = f"{sandbox.page_url}/sandbox/stream?since={len(sandbox.log)}"
        async with session.get(url) as response:

            async def bundle():
                async for line in response.content:
                    if line.startswith(b"data: "):
                        return json.loads(line.removeprefix(b"data: "))
                raise AssertionError("the stream ended")

            first = await bundle()
            assert first["application"]["state"] == "up"
            assert {"people", "switches", "links", "chats"} <= first.keys()

            life |= {"state": "down", "down_for": 0.1}
            sandbox.log.add("application", None, state="down")
            second = await bundle()
            assert second["application"]["down_for"] == 0.1
            assert "people" not in second
            assert "switches" not in second

            life["down_for"] = 0.2  # time that passes is no news
            sandbox.log.add("application", None, state="down")
            await stage.done("switch", what="slow", on=True)
            third = await bundle()
            assert third["switches"]["slow"] is True
            assert "application" not in third
