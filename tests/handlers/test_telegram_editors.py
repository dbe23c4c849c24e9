"""What editors do from their chat."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.broadcasts import BroadcastState
from bot.domain.recipients import Address, Channel, Kind
from tests.handlers.world import group, telegram


@pytest.fixture
async def desk(world):
    """An editor, an article, a reader on each channel."""
    await world.editor()
    await world.article()
    for address in (telegram(100), Address(Channel.WHATSAPP, "+923001234567")):
        await world.enrolment.enrol_by_hand(
            "valley", address, Kind.READER, by="test", evidence="a test"
        )
    return world


async def states(world):
    return [each.state for each, _ in reversed(await world.broadcaster.latest())]


async def planned(world, text="/broadcast"):
    await world.says(text, person=999)
    return await world.sent(999)


async def test_a_plan_is_shown_exactly_and_waits_for_a_button(desk):
    preview, whatsapp, summary = await planned(desk)

    assert preview.markup == "HTML"
    assert "<b>" in preview.text
    assert whatsapp.markup is None
    assert "*Bridge reopens*" in whatsapp.text
    assert "2 recipients, 2 messages" in summary.text
    assert [each.data for each in summary.buttons[0]] == ["confirm:1", "cancel:1"]
    assert await states(desk) == [BroadcastState.PLANNED]
    assert await desk.texts(100) == []


async def test_the_same_update_twice_plans_once(desk):
    await desk.says("/broadcast", person=999)

    await desk.again("telegram:update:1")

    assert len(await desk.sent(999)) == 3
    assert await states(desk) == [BroadcastState.PLANNED]


async def test_a_crash_between_plan_and_answer_shows_the_same_plan(desk):
    article = await desk.editorial.article()
    editor = await desk.editorial.editor(telegram(999))
    by, key = f"editor:{editor.recipient}", "telegram:update:1"
    first = await desk.broadcaster.plan(article, ["valley"], by=by, key=key)

    preview, _, summary = await planned(desk)

    again = await desk.broadcaster.plan(article, ["valley"], by=by, key=key)
    assert again == first
    assert preview == first.previews[0][1][0]
    assert "2 recipients, 2 messages" in summary.text
    assert await states(desk) == [BroadcastState.PLANNED]


async def test_confirming_sends_once(desk):
    *_, summary = await planned(desk)

    await desk.presses(summary.buttons[0][0].data)
    await desk.presses(summary.buttons[0][0].data)

    assert [text for _, text in desk.toasts] == [
        "On its way",
        "It was confirmed before",
    ]
    [status] = await desk.texts(999)
    assert "under way" in status
    [story] = await desk.texts(100)
    assert "Bridge reopens" in story


async def test_cancelling_spares_everybody(desk):
    await planned(desk)

    await desk.presses("cancel:1")
    await desk.presses("confirm:1")

    assert desk.toasts[0] == ("77", "Cancelled")
    stopped, late = await desk.texts(999)
    assert "2 messages will not be sent" in stopped
    assert late.startswith("It is too late for that.")
    assert await desk.texts(100) == []


async def test_a_button_is_worth_nothing_in_other_hands(desk):
    await planned(desk)

    for data in ("confirm:1", "cancel:1", "accept:1:1"):
        await desk.presses(data, person=100)

    assert {text for _, text in desk.toasts} == {"This button is for editors only"}
    assert await states(desk) == [BroadcastState.PLANNED]


@pytest.mark.parametrize("data", ["", "confirm:", "confirm:x", "confirm:99", "boo:1"])
async def test_odd_buttons_change_nothing(desk, data):
    await planned(desk)

    await desk.presses(data)

    assert await states(desk) == [BroadcastState.PLANNED]
    assert await desk.errors() == []
    assert len(desk.toasts) == 1


async def test_a_press_too_old_to_be_answered_has_its_effect(desk):
    await planned(desk)

    await desk.update(
        callback_query={
            "id": "late",
            "from": {"id": 999, "is_bot": False, "first_name": "E"},
            "chat_instance": "1",
            "data": "confirm:1",
        }
    )

    assert await states(desk) == [BroadcastState.RUNNING]
    assert await desk.errors() == []


@pytest.mark.parametrize(
    "text",
    [
        "/broadcast 77",
        "/broadcast nobody",
        "/preview 77",
        "/status 77",
        "/stop_broadcast 77",
        f"/broadcast {'9' * 40}",
    ],
)
async def test_what_is_not_there_is_said_not_stumbled_over(desk, text):
    await desk.says(text, person=999)

    [answer] = await desk.texts(999)
    assert answer.startswith("I could not find that.")
    assert await desk.errors() == []


async def test_preview_plans_nothing(desk):
    telegrams, whatsapp = await planned(desk, "/preview")

    assert telegrams.markup == "HTML"
    assert "on WhatsApp" in whatsapp.text
    assert await states(desk) == []


async def test_status_and_stopping_the_newest(desk):
    assert (await planned(desk, "/status"))[0].text == "There is no such broadcast."
    await planned(desk)
    await desk.presses("confirm:1")
    await desk.texts(999)

    [status] = await planned(desk, "/status")
    assert "Broadcast 1: under way" in status.text


async def test_stopping_twice_after_a_crash_stops_one_only(desk):
    await planned(desk)
    await planned(desk)
    desk.clock.advance(timedelta(minutes=1))
    key = await desk.says("/stop_broadcast", person=999)

    await desk.again(key)

    assert await states(desk) == [BroadcastState.PLANNED, BroadcastState.CANCELLED]
    desk.clock.advance(timedelta(minutes=1))
    await desk.says("/stop_broadcast", person=999)
    assert await states(desk) == [BroadcastState.CANCELLED, BroadcastState.CANCELLED]


async def test_the_desk_is_private(desk):
    await desk.says("/broadcast", person=999, chat=group())

    assert await desk.texts(-500) == []
    assert await states(desk) == []


async def test_a_group_without_a_token_is_accepted_by_an_editor(world):
    await world.editor()
    await world.enrolment.added_to(telegram(-500), Kind.GROUP, title="عوام")
    await world.enrolment.ask_for_voucher(telegram(-500))
    [notice] = await world.sent(999)
    assert "\u2068عوام\u2069" in notice.text

    await world.presses(notice.buttons[0][0].data)

    assert await world.joined(telegram(-500)) == ["valley"]
    assert "now enrolled in Valley" in (await world.texts(999))[0]
    assert world.toasts == [("77", "Accepted")]


async def test_without_any_audience_it_is_said(tmp_path, world):
    await world.editor()

    await world.says("/broadcast", person=999)

    [answer] = await world.texts(999)
    assert answer.startswith("There is nothing to send.")
