"""What editors do from their chat."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.articles import Draft
from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import State
from bot.domain.errors import Doubtful, FailureKind, Undeliverable
from bot.domain.manners import usual
from bot.domain.messages import utf16_length
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


def bare(message):
    """What Telegram shows of a preview."""
    return html.unescape(re.sub("</?pre>", "", message.text))


async def states(world):
    return [each.state for each, _ in reversed(await world.broadcaster.latest())]


async def planned(world, text="/broadcast"):
    await world.says(text, person=999)
    return await world.sent(999)


async def test_a_plan_is_shown_exactly_and_waits_for_a_button(desk):
    preview, whatsapp, summary = await planned(desk)

    assert preview.markup == "HTML"
    assert "<b>" in preview.text
    assert whatsapp.markup == "HTML"
    assert "<pre>*Bridge reopens*" in whatsapp.text
    assert whatsapp.length == utf16_length(bare(whatsapp))
    assert "2 recipients, 2 messages" in summary.text
    assert [each.data for each in summary.buttons[0]] == ["confirm:1", "cancel:1"]
    assert await states(desk) == [BroadcastState.PLANNED]
    assert await desk.texts(100) == []


async def test_the_template_is_shown_below_what_whatsapp_readers_get(desk):
    _, whatsapp, _ = await planned(desk)

    text, heading, variables = whatsapp.text.split("\n\n<pre>", 1)[1].rpartition(
        "Readers who have not written for a day get the template:"
    )
    assert text.endswith("</pre>\n\n")
    assert heading
    lines = variables.strip().removeprefix("<pre>").removesuffix("</pre>").splitlines()
    assert lines[0] == "1: Bridge reopens"
    assert lines[1].startswith("2: The old bridge reopened")
    assert lines[2] == "3: https://news.example/1"
    assert whatsapp.length <= whatsapp.limit == 4096


async def test_nothing_in_a_quoted_preview_is_live(desk):
    await desk.editorial.take_in(
        Draft(
            text="He wrote <b>boo</b> & /stop_broadcast @durov evil.example. Gone.",
            headline="Odd",
            language="en",
        )
    )
    _, whatsapp, _ = await planned(desk)

    inside = re.findall(r"<pre>(.*?)</pre>", whatsapp.text, re.DOTALL)
    outside = re.sub(r"<pre>.*?</pre>", "", whatsapp.text, flags=re.DOTALL)
    assert any("/stop_broadcast" in each for each in inside)
    assert not any(re.search(r"[<>]|&(?!lt;|gt;|amp;)", each) for each in inside)
    assert "/" not in outside
    assert "@" not in outside


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


async def in_doubt(desk):
    """One delivery of two of which nobody knows whether it arrived."""
    await planned(desk)
    desk.messengers[Channel.TELEGRAM].fail(telegram(100), Doubtful("timeout"))
    await desk.presses("confirm:1")
    await desk.texts(100)
    await desk.texts(999)
    desk.toasts.clear()


async def doubt(desk):
    _, coverage = await desk.broadcaster.status(1)
    return coverage.states[State.DOUBTFUL]


async def test_doubtful_messages_are_taken_as_sent_once(desk):
    await in_doubt(desk)

    await desk.presses("decide:sent:1")
    await desk.presses("decide:repeat:1")

    assert [text for _, text in desk.toasts] == [
        "Take as sent",
        "This has been settled already",
    ]
    assert await desk.texts(999) == ["Broadcast 1: 1 message is taken as sent."]
    assert await desk.texts(100) == []
    assert await doubt(desk) == 0


async def test_doubtful_messages_are_sent_again(desk):
    await in_doubt(desk)

    await desk.presses("decide:repeat:1")

    assert [text for _, text in desk.toasts] == ["Send again"]
    assert await desk.texts(999) == ["Broadcast 1: 1 message is sent again."]
    assert await doubt(desk) == 0
    sent = desk.messengers[Channel.TELEGRAM].sent
    assert ["Bridge" in each.message.text for each in sent] == [True]


async def test_news_that_is_too_old_is_not_sent_again(desk):
    await in_doubt(desk)
    desk.clock.advance(timedelta(hours=25))

    await desk.presses("decide:repeat:1")

    assert desk.toasts[0][1].startswith("It is too late for that.")
    assert await doubt(desk) == 1


async def test_only_editors_decide_about_doubt(desk):
    await in_doubt(desk)

    await desk.presses("decide:sent:1", person=100)

    assert desk.toasts == [("77", "This button is for editors only")]
    assert await doubt(desk) == 1


@pytest.mark.parametrize(
    "data", ["", "decide:", "decide:1", "confirm:", "confirm:x", "confirm:99", "boo:1"]
)
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
    ("text", "told"),
    [
        ("/broadcast 77", "article: 77"),
        ("/broadcast nobody", "audience: nobody"),
        ("/broadcast o'brien", "audience: o'brien"),
        ("/preview 77", "article: 77"),
        ("/status 77", "broadcast: 77"),
        ("/stop_broadcast 77", "broadcast: 77"),
        (f"/broadcast {'9' * 40}", f"article: {'9' * 15}"),
    ],
)
async def test_what_is_not_there_is_said_not_stumbled_over(desk, text, told):
    await desk.says(text, person=999)

    [answer] = await desk.texts(999)
    assert answer == f"There is no such {told}"
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


async def test_nothing_in_a_group_s_title_can_be_tapped(world):
    await world.editor()
    title = "News /stop_broadcast @durov http://evil.example #tag $BTC"
    await world.enrolment.added_to(telegram(-500), Kind.GROUP, title=title)
    await world.enrolment.ask_for_voucher(telegram(-500))

    [notice] = await world.texts(999)
    assert re.search(r"[/@#$]\w|\w\.\w", notice) is None
    assert title in notice.replace("\u2060", "")


async def test_without_any_audience_it_is_said(tmp_path, world):
    await world.editor()

    await world.says("/broadcast", person=999)

    [answer] = await world.texts(999)
    assert answer.startswith("There is nothing to send.")


def verbs(message):
    """What the buttons under a message do."""
    return [each.data for row in message.buttons for each in row]


async def test_a_confirmation_can_be_undone_for_a_moment(desk):
    desk.lanes |= usual()
    await planned(desk)
    await desk.presses("confirm:1")

    [held] = await desk.sent(999)
    assert "Seconds until it goes out: 10" in held.text
    assert verbs(held) == ["undo:1"]
    assert await desk.texts(100) == []
    await desk.presses("undo:1")
    assert await desk.texts(999) == ["Broadcast 1 is undone. Nothing was sent."]
    assert await states(desk) == [BroadcastState.CANCELLED]
    await desk.presses("undo:1")
    [late] = await desk.texts(999)
    assert late.startswith("It is too late for that.")


async def test_the_same_story_again_has_a_button_of_its_own(desk):
    await planned(desk)
    await desk.presses("confirm:1")
    await desk.texts(100)
    await desk.texts(999)

    *_, summary = await planned(desk)
    assert "went to this audience before" in summary.text
    assert [(each.label, each.data) for each in summary.buttons[0]] == [
        ("Send again", "again:2"),
        ("Cancel", "cancel:2"),
    ]
    await desk.presses("confirm:2")  # a button of a plan made before the other went
    [refused] = await desk.sent(999)
    assert "Nothing is sent unless you say so a second time" in refused.text
    assert verbs(refused) == ["again:2"]
    assert await desk.texts(100) == []
    await desk.presses("again:2")
    assert len(await desk.texts(100)) == 1


async def test_a_broadcast_is_paused_and_goes_on_by_buttons(desk):
    await planned(desk)
    await desk.presses("confirm:1")
    await desk.says("/status 1", person=999)
    *_, shown = await desk.sent(999)
    assert verbs(shown) == ["pause:1", "cancel:1"]

    await desk.presses("pause:1")
    [paused] = await desk.sent(999)
    assert verbs(paused) == ["resume:1"]
    assert await states(desk) == [BroadcastState.PAUSED]
    await desk.presses("resume:1")
    assert await states(desk) == [BroadcastState.RUNNING]
    assert await desk.texts(999) == ["Broadcast 1 goes on."]


async def over(desk, kind):
    """One of two failed, and the broadcast is over."""
    await planned(desk)
    error = Undeliverable("400", kind=kind)
    desk.messengers[Channel.TELEGRAM].fail(telegram(100), error)
    await desk.presses("confirm:1")
    await desk.texts(100)
    await desk.pump(Channel.WHATSAPP)
    async with desk.database.transaction() as tx:
        found = await tx.broadcasts.get(1)
        await tx.broadcasts.save(replace(found, state=BroadcastState.FINISHED))
    await desk.texts(999)


async def test_what_failed_is_tried_again_by_a_button(desk):
    await over(desk, FailureKind.REFUSED)
    await desk.says("/status 1", person=999)
    [shown] = await desk.sent(999)
    assert verbs(shown) == ["retry:1", "missed:1"]

    await desk.presses("retry:1")

    assert await desk.texts(999) == [
        "Broadcast 1: messages that are tried again: 1",
    ]
    assert len(await desk.texts(100)) == 1


async def test_those_without_it_get_a_plan_of_their_own(desk):
    await over(desk, FailureKind.REFUSED)

    key = await desk.presses("missed:1")
    await desk.again(key)  # the update is worked off twice: one plan, one answer

    [summary] = await desk.sent(999)
    assert "1 recipient, 1 message" in summary.text
    assert verbs(summary) == ["confirm:2", "cancel:2"]
    await desk.presses("confirm:2")
    assert len(await desk.texts(100)) == 1
