"""Before, during and after a broadcast, over the real ledger."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from bot.course import FIRST_FAILED, TOO_MANY_FAILED, Course
from bot.domain.articles import Draft
from bot.domain.broadcasts import BroadcastState, Lane
from bot.domain.deliveries import State
from bot.domain.errors import (
    Doubtful,
    FailureKind,
    Malformed,
    NothingToSend,
    SentBefore,
    TooLate,
    TryLater,
    Undeliverable,
)
from bot.domain.manners import Manner, usual
from bot.domain.messages import OutboundMessage, Text
from bot.domain.recipients import Address, Channel, Kind
from tests.services.conftest import NEWS, Stand

HOUR = timedelta(hours=1)
UNDO_FOR = timedelta(seconds=10)
REFUSED = Undeliverable("400 what", kind=FailureKind.REFUSED)
BLOCKED = Undeliverable("403 blocked", kind=FailureKind.BLOCKED)


async def state(stand: Stand, plan) -> BroadcastState:
    found, _ = await stand.broadcaster.status(plan.broadcast.id)
    return found.state


def said(message: OutboundMessage) -> str:
    assert isinstance(message, Text)
    return message.text


async def states(stand: Stand, plan) -> Counter[State]:
    _, coverage = await stand.broadcaster.status(plan.broadcast.id)
    return coverage.states


async def told(stand: Stand, editor) -> list[str]:
    await stand.work()
    return [said(each.message) for each in stand.telegram.sent if each.to == editor]


def at_call(stand: Stand, number: int, act) -> None:
    """Do something while the call of that number is under way."""
    send = stand.telegram.send
    begun = 0

    async def sending(*what, **more):
        nonlocal begun
        begun += 1
        if begun == number:
            await act()
        return await send(*what, **more)

    setattr(stand.telegram, "send", sending)  # noqa: B010 - a method, for the type checker


# --- the time to be undone ---------------------------------------------------------


async def test_what_is_confirmed_waits_and_then_goes(stand: Stand):
    stand.lanes |= usual(canary=False)
    await stand.reader(1)
    plan = await stand.plan()

    assert await stand.broadcaster.confirm(plan.broadcast.id)
    assert not await stand.broadcaster.confirm(plan.broadcast.id), "a double click"
    stand.clock.advance(UNDO_FOR - timedelta(milliseconds=1))
    await stand.live()
    assert await state(stand, plan) is BroadcastState.WAITING
    assert not stand.telegram.sent
    stand.clock.advance(timedelta(milliseconds=1))
    await stand.live()

    assert await state(stand, plan) is BroadcastState.FINISHED
    assert len(stand.telegram.sent) == 1


async def test_breaking_news_waits_for_nothing(stand: Stand):
    stand.lanes |= usual()
    for number in range(40):
        await stand.reader(number + 1)
    plan = await stand.plan(lane=Lane.BREAKING)

    await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.work()

    assert len(stand.telegram.sent) == 40


async def test_what_is_undone_has_reached_nobody_and_counts_as_never_sent(
    stand: Stand,
):
    stand.lanes |= usual()
    await stand.reader(1)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    assert await stand.broadcaster.undo(plan.broadcast.id) == 1
    stand.clock.advance(HOUR)
    await stand.live()

    assert await state(stand, plan) is BroadcastState.CANCELLED
    assert not stand.telegram.sent
    assert (await stand.plan()).before == (), "as though it never had been"
    with pytest.raises(TooLate):
        await stand.broadcaster.undo(plan.broadcast.id)
    with pytest.raises(TooLate):
        await stand.broadcaster.confirm(plan.broadcast.id)


async def test_once_it_has_gone_it_cannot_be_undone(stand: Stand):
    stand.lanes |= usual(canary=False)
    await stand.reader(1)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    stand.clock.advance(UNDO_FOR)
    await stand.course.run("all")

    with pytest.raises(TooLate, match="cannot be undone"):
        await stand.broadcaster.undo(plan.broadcast.id)


# --- the first of it ---------------------------------------------------------------


async def crowd(stand: Stand, size: int = 30) -> list[Address]:
    stand.lanes |= {Lane.REGULAR: Manner(canary=True)}
    return [await stand.reader(number + 1) for number in range(size)]


async def test_one_gets_it_first_and_then_everybody(stand: Stand):
    readers = await crowd(stand)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    await stand.work()
    assert [each.to for each in stand.telegram.sent] == readers[:1]
    await stand.live()

    assert Counter(each.to for each in stand.telegram.sent) == dict.fromkeys(readers, 1)
    assert await state(stand, plan) is BroadcastState.FINISHED


async def test_each_sender_has_its_own_first(stand: Stand):
    await crowd(stand)
    for number in range(25):
        await stand.reader(number + 1, Channel.WHATSAPP)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    await stand.work()
    assert (len(stand.telegram.sent), len(stand.whatsapp.sent)) == (1, 1)
    await stand.live()
    assert (len(stand.telegram.sent), len(stand.whatsapp.sent)) == (30, 25)


async def test_a_few_have_no_first(stand: Stand):
    await crowd(stand, 20)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    await stand.work()

    assert len(stand.telegram.sent) == 20


async def test_a_bad_message_reaches_nobody_but_the_first(stand: Stand):
    editor = await stand.editor()
    readers = await crowd(stand)
    stand.telegram.fail(readers[0], REFUSED)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.live()

    found, coverage = await stand.broadcaster.status(plan.broadcast.id)
    assert (found.state, found.reason) == (BroadcastState.PAUSED, FIRST_FAILED)
    assert coverage.states == {State.FAILED: 1, State.QUEUED: 29}
    [notice] = await told(stand, editor)
    assert "has paused itself: too many of its messages fail" in notice

    # A person has looked at it: it goes on to everybody, and is not held again.
    await stand.broadcaster.resume(plan.broadcast.id)
    await stand.live()
    assert await states(stand, plan) == {State.FAILED: 1, State.ACCEPTED: 29}


async def test_a_first_error_that_blames_the_message_stops_it_at_once(stand: Stand):
    readers = await crowd(stand)
    stand.telegram.fail(readers[0], Malformed("400 can't parse entities"))
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    await stand.work()

    assert await state(stand, plan) is BroadcastState.PAUSED
    assert (await states(stand, plan))[State.QUEUED] == 29


async def test_a_first_that_has_left_says_nothing_and_another_goes_first(stand: Stand):
    readers = await crowd(stand)
    for each in readers[:2]:
        stand.telegram.fail(each, BLOCKED)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    for sent in (0, 0, 1):
        await stand.work()
        assert len(stand.telegram.sent) == sent
        await stand.course.run("all")
    await stand.live()

    assert await states(stand, plan) == {State.FAILED: 2, State.ACCEPTED: 28}


async def test_a_first_chat_that_must_wait_holds_the_others_up_a_minute_only(
    stand: Stand,
):
    readers = await crowd(stand)
    stand.telegram.fail(
        readers[0], TryLater("429", after=timedelta(hours=6), throttled=True)
    )
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.pump().run("")
    stand.clock.advance(timedelta(seconds=59))
    await stand.course.run("all")
    await stand.pump().run("")
    assert not stand.telegram.sent
    stand.clock.advance(timedelta(seconds=1))
    await stand.course.run("all")
    await stand.pump().run("")

    assert len(stand.telegram.sent) == 29


async def test_whoever_looks_next_goes_on_with_the_first(stand: Stand):
    """Nothing of it is in memory: new services over the same tables."""
    await crowd(stand)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.work()
    course = stand.course
    stand.course = Course(
        database=course._database,
        clock=course._clock,
        runner=course._runner,
        notices=course._notices,
        planner=course._planner,
        senders=course._senders,
        newsroom=course._newsroom,
    )
    await stand.live()

    assert await state(stand, plan) is BroadcastState.FINISHED


# --- too many fail -----------------------------------------------------------------


async def test_a_broadcast_stops_itself_when_too_many_fail(stand: Stand):
    readers = [await stand.reader(number + 1) for number in range(100)]
    for place, each in enumerate(readers):
        if place % 3 == 0:
            code = f"400 {place}"  # no two alike, or the words themselves would stop it
            stand.telegram.fail(each, Undeliverable(code, kind=FailureKind.REFUSED))
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    at_call(stand, 30, lambda: stand.course.run("all"))
    await stand.live()

    found, coverage = await stand.broadcaster.status(plan.broadcast.id)
    assert (found.state, found.reason) == (BroadcastState.PAUSED, TOO_MANY_FAILED)
    assert coverage.states[State.QUEUED] > 50, "stopped on its way, not at its end"


async def test_readers_who_left_are_no_reason_to_stop(stand: Stand):
    readers = [await stand.reader(number + 1) for number in range(30)]
    for each in readers[:20]:
        stand.telegram.fail(each, BLOCKED)
    plan = await stand.send()
    await stand.course.run("all")
    await stand.sweep.run("all")

    assert await state(stand, plan) is BroadcastState.FINISHED


# --- pause and go on, by hand ------------------------------------------------------


async def test_what_an_editor_pauses_goes_on_as_it_was(stand: Stand):
    readers = await crowd(stand)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.broadcaster.pause(plan.broadcast.id)
    await stand.live()
    assert not stand.telegram.sent
    with pytest.raises(TooLate):
        await stand.broadcaster.pause(plan.broadcast.id)

    await stand.broadcaster.resume(plan.broadcast.id)
    await stand.work()
    assert len(stand.telegram.sent) == 1, "its first are still its first"
    await stand.live()
    assert len(stand.telegram.sent) == len(readers)


# --- the same once more ------------------------------------------------------------


async def test_the_same_to_the_same_must_be_said_twice(stand: Stand):
    await stand.reader(1)
    first = await stand.send()

    with pytest.raises(SentBefore, match=f"broadcast {first.broadcast.id}") as refused:
        await stand.plan()
    assert refused.value.broadcasts == (first.broadcast.id,)
    assert len(await stand.broadcaster.latest()) == 1, "nothing was written"

    offer = await stand.plan(ask=True)
    assert offer.before == (first.broadcast.id,)
    with pytest.raises(SentBefore):
        await stand.broadcaster.confirm(offer.broadcast.id)
    assert await stand.broadcaster.confirm(offer.broadcast.id, again=True)

    third = await stand.plan(again=True)
    assert third.before == ()
    assert await stand.broadcaster.confirm(third.broadcast.id)


async def test_two_plans_of_the_same_do_not_both_go(stand: Stand):
    """Nothing had gone when either was planned."""
    await stand.reader(1)
    one, two = await stand.plan(), await stand.plan()
    assert await stand.broadcaster.confirm(one.broadcast.id)

    with pytest.raises(SentBefore):
        await stand.broadcaster.confirm(two.broadcast.id)


async def test_a_new_version_or_another_audience_is_not_the_same(stand: Stand):
    address = await stand.reader(1)
    await stand.enrolment.create_audience("city", title="City")
    await stand.send()

    assert (await stand.plan(NEWS + " It was later.")).before == ()
    await stand.send(NEWS + " It was later still.")
    with pytest.raises(SentBefore):
        await stand.plan(NEWS + " It was later still.")
    await stand.enrolment.enrol_by_hand(
        "city", address, Kind.READER, by="test", evidence="a test"
    )
    article = await stand.editorial.article()
    plan = await stand.broadcaster.plan(article, ["city"], by="test")
    assert plan.before == ()


# --- those who did not get it ------------------------------------------------------


async def test_what_may_be_mended_is_tried_again_and_nothing_else(stand: Stand):
    fine, gone, unknown, doubtful = [await stand.reader(n) for n in (1, 2, 3, 4)]
    stand.telegram.fail(gone, BLOCKED)
    stand.telegram.fail(unknown, REFUSED)
    stand.telegram.fail(doubtful, Doubtful("timeout"))
    plan = await stand.send()
    await stand.sweep.run("all")

    assert await stand.broadcaster.retry(plan.broadcast.id) == 1
    assert await state(stand, plan) is BroadcastState.RUNNING
    await stand.live()

    sent = Counter(each.to for each in stand.telegram.sent)
    assert sent == {fine: 1, unknown: 1}
    assert await states(stand, plan) == {
        State.ACCEPTED: 2,
        State.FAILED: 1,
        State.DOUBTFUL: 1,
    }
    with pytest.raises(NothingToSend):
        await stand.broadcaster.retry(plan.broadcast.id)


async def test_a_failure_behind_a_doubt_is_not_tried_again(stand: Stand):
    """The first call may have arrived, whatever became of the second."""
    reader = await stand.reader(1)
    stand.telegram.fail(reader, Doubtful("timeout"), REFUSED)
    plan = await stand.send()
    await stand.broadcaster.decide(plan.broadcast.id, repeat=True)
    await stand.live()
    assert await states(stand, plan) == {State.FAILED: 1}

    with pytest.raises(NothingToSend):
        await stand.broadcaster.retry(plan.broadcast.id)
    with pytest.raises(NothingToSend):
        await stand.broadcaster.again(plan.broadcast.id, by="test")


async def test_the_same_goes_to_those_who_surely_did_not_get_it(stand: Stand):
    fine, refused, doubtful, left = [await stand.reader(n) for n in (1, 2, 3, 4)]
    stand.telegram.fail(refused, REFUSED)
    stand.telegram.fail(left, REFUSED)
    stand.telegram.fail(doubtful, Doubtful("timeout"))
    plan = await stand.send()
    with pytest.raises(TooLate, match="wait for its end"):
        await stand.broadcaster.again(plan.broadcast.id, by="test")
    await stand.sweep.run("all")
    await stand.enrolment.leave(left, reason="stop")

    more = await stand.broadcaster.again(plan.broadcast.id, by="test")
    assert more.recipients == 1
    with pytest.raises(NothingToSend):  # a second click: they are in the first plan
        await stand.broadcaster.again(plan.broadcast.id, by="test")
    assert await stand.broadcaster.confirm(more.broadcast.id), "it was said on purpose"
    await stand.live()

    assert Counter(each.to for each in stand.telegram.sent) == {fine: 1, refused: 1}
    with pytest.raises(NothingToSend):
        await stand.broadcaster.again(more.broadcast.id, by="test")


async def test_a_stopped_broadcast_can_go_to_the_rest(stand: Stand):
    readers = [await stand.reader(number + 1) for number in range(30)]
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    at_call(stand, 10, lambda: stand.broadcaster.stop(plan.broadcast.id))
    await stand.live()
    assert await state(stand, plan) is BroadcastState.CANCELLED
    assert 10 <= len(stand.telegram.sent) < len(readers)
    more = await stand.broadcaster.again(plan.broadcast.id, by="test")
    await stand.broadcaster.confirm(more.broadcast.id)
    await stand.live()

    assert Counter(each.to for each in stand.telegram.sent) == dict.fromkeys(readers, 1)


async def test_a_report_is_read_page_by_page(stand: Stand, monkeypatch):
    monkeypatch.setattr("bot.broadcaster.PAGE", 2)
    for number in range(5):
        await stand.reader(number + 1)
    plan = await stand.send()

    lines = [each async for each in stand.broadcaster.lines(plan.broadcast.id)]

    assert lines == await stand.lines(plan)
    nobody = stand.broadcaster.lines(plan.broadcast.id, states={State.FAILED})
    assert [each async for each in nobody] == []


# --- what waited too long ----------------------------------------------------------


async def confirmed(stand: Stand, number: int, *audiences: str, lane=Lane.REGULAR):
    """A story of its own, confirmed; nothing runs that would send it."""
    article = await stand.editorial.take_in(
        Draft(
            text=f"{NEWS} It was day {number}.",
            headline=f"Bridge opens, day {number}",
            link=f"https://news.example/day-{number}",
            language="en",
        )
    )
    plan = await stand.broadcaster.plan(
        article, list(audiences) or ["valley"], by="test", lane=lane
    )
    await stand.broadcaster.confirm(plan.broadcast.id)
    return plan


async def test_after_hours_of_silence_one_round_up_comes_instead_of_a_flood(
    stand: Stand,
):
    stand.lanes |= usual(undo_for=timedelta(0), canary=False)
    editor = await stand.editor()
    old = await stand.reader(1)
    plans = [await confirmed(stand, 1), await confirmed(stand, 2)]
    new = await stand.reader(2)
    plans.append(await confirmed(stand, 3))
    urgent = await confirmed(stand, 4, lane=Lane.BREAKING)
    stand.clock.advance(5 * HOUR)
    fresh = await confirmed(stand, 5)
    await stand.live()

    def received(address):
        return [
            said(each.message) for each in stand.telegram.sent if each.to == address
        ]

    # Breaking news and what is fresh come by themselves, the rest as one.
    breaking, regular, round_up = received(old)
    assert "day 4" in breaking
    assert "day 5" in regular
    assert "Round-up" in round_up
    for day in (1, 2, 3):
        assert f"Bridge opens, day {day}" in round_up
        assert f"https://news.example/day-{day}" in round_up
    # Who would have got only one of them gets that one.
    assert len(received(new)) == 3
    assert not any("Round-up" in text for text in received(new))

    newest, _ = (await stand.broadcaster.latest(1))[0]
    for plan in plans:
        found, _ = await stand.broadcaster.status(plan.broadcast.id)
        assert found.merged_into == newest.id
        assert found.state is BroadcastState.FINISHED
        [line] = [
            each
            for each in await stand.lines(plan)
            if each.delivery.state is State.SKIPPED
        ]
        assert line.delivery.reason == f"in round-up {newest.id}"
    assert newest.lane is Lane.ROUND_UP
    assert await state(stand, urgent) is BroadcastState.FINISHED
    assert await state(stand, fresh) is BroadcastState.FINISHED
    merged = [each for each in await told(stand, editor) if "waited too long" in each]
    assert len(merged) == 1
    with pytest.raises(NothingToSend):  # they have it, in the round-up
        await stand.broadcaster.again(plans[0].broadcast.id, by="test")
    with pytest.raises(SentBefore):
        await confirmed(stand, 1)


async def test_what_has_begun_is_not_merged(stand: Stand):
    stand.lanes |= usual(undo_for=timedelta(0), canary=False)
    readers = [await stand.reader(number + 1) for number in range(3)]
    await confirmed(stand, 1)
    stand.telegram.fail(
        readers[0], TryLater("429", after=timedelta(hours=4), throttled=True)
    )
    await stand.pump().run("")
    await confirmed(stand, 2)
    stand.clock.advance(5 * HOUR)
    await stand.live()

    assert len(stand.telegram.sent) == 6
    assert not any("Round-up" in said(each.message) for each in stand.telegram.sent)


async def test_each_audience_has_its_own_round_up(stand: Stand):
    stand.lanes |= usual(undo_for=timedelta(0), canary=False)
    await stand.enrolment.create_audience("city", title="City", language="hi")
    both = await stand.reader(1)
    city = await stand.reader(2)
    await stand.enrolment.leave(city, reason="test")
    for each in (both, city):
        await stand.enrolment.enrol_by_hand(
            "city", each, Kind.READER, by="test", evidence="a test"
        )
    for number in (1, 2):
        await confirmed(stand, number, "valley", "city")
    stand.clock.advance(5 * HOUR)
    await stand.live()

    texts = {each.to: said(each.message) for each in stand.telegram.sent}
    assert len(stand.telegram.sent) == 2
    assert "Round-up" in texts[both], "counted for the first audience, as before"
    assert "समाचार सार" in texts[city]


async def test_a_lane_may_wait_for_ever(stand: Stand):
    await stand.reader(1)
    for number in (1, 2):
        await confirmed(stand, number)
    stand.clock.advance(5 * HOUR)
    await stand.live()

    assert len(stand.telegram.sent) == 2
