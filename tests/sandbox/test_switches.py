"""The trouble a visitor may cause, and what the page shows beside its phones."""

from __future__ import annotations

import json

import pytest

from bot.sandbox import Hooks, Sandbox
from tests.sandbox.conftest import Stage

SLOWER = 0.01  #: seconds; the switch's own would only make the test wait


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
