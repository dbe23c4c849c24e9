"""Corrections and recalls: what each reader has in the end, and what is said of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.articles import Draft
from bot.domain.broadcasts import BroadcastState, Purpose
from bot.domain.corrections import CorrectionPlan, Outcome
from bot.domain.deliveries import NOTES, Action, State
from bot.domain.errors import (
    Doubtful,
    FailureKind,
    NothingToSend,
    Refusal,
    Suspended,
    TooLate,
    TryLater,
    Undeliverable,
)
from bot.domain.messages import Template
from bot.domain.recipients import Address, Channel
from tests.services.conftest import NEWS

LINK = "https://news.example/1"
RIGHT = NEWS.replace("Saturday", "Sunday")
MORE = " Repairs cost nine million rupees, the treasurer added on Tuesday."
GONE = Undeliverable("message to edit not found", kind=FailureKind.BEYOND_REACH)
OLD = Undeliverable("message can't be deleted", kind=FailureKind.BEYOND_REACH)


async def right(stand, text=RIGHT):
    return await stand.editorial.take_in(Draft(text=text, link=LINK, language="en"))


async def go(stand, change):
    """Confirm a change and let everything happen."""
    assert await stand.broadcaster.confirm(change.broadcast.id)
    await end(stand)
    return change


def in_parts(stand):
    """Have every paragraph sent to Telegram as a message of its own."""
    planner = stand.broadcaster._planner
    render = planner.render

    def cut(*given):
        messages = {}
        for key, message in render(*given).items():
            audience, channel, form, _ = key
            if channel is Channel.TELEGRAM:
                for part, text in enumerate(message.text.split("\n\n"), start=1):
                    shorter = replace(message, text=text, length=len(text))
                    messages[audience, channel, form, part] = shorter
            else:
                messages[key] = message
        return messages

    planner.render = stand.corrections._render = cut


async def end(stand):
    for _ in range(4):
        await stand.work()
        await stand.sweep.run("")
    await stand.work()


async def correct(stand, plan, text=RIGHT, **more):
    article = await right(stand, text)
    change = await stand.corrections.correct(
        plan.broadcast.id, article, by="test", **more
    )
    return await go(stand, change)


async def recall(stand, plan, **more):
    return await go(
        stand, await stand.corrections.recall(plan.broadcast.id, by="test", **more)
    )


async def counts(stand, change):
    report = await stand.corrections.report(change.broadcast.id)
    return dict(report.counts)


def screen(stand, who):
    """What *who* sees of ours, in order."""
    messenger = stand.telegram if who.channel is Channel.TELEGRAM else stand.whatsapp
    seen = [
        messenger.shown[each.provider_id] for each in messenger.sent if each.to == who
    ]
    return [getattr(each, "text", each) for each in seen if each is not None]


async def state(stand, change):
    found, _ = await stand.broadcaster.status(change.broadcast.id)
    return found.state


async def test_every_copy_shows_the_new_text_and_nobody_gets_a_second_message(stand):
    readers = [await stand.reader(number) for number in range(1, 6)]
    plan = await stand.send()

    change = await correct(stand, plan)

    for reader in readers:
        (text,) = screen(stand, reader)
        assert "Sunday" in text
    assert await counts(stand, change) == {Outcome.EDITED: 5}
    assert await state(stand, change) is BroadcastState.FINISHED


async def test_what_confirming_will_do_is_counted_before(stand):
    await stand.reader(1)
    await stand.reader(1, Channel.WHATSAPP)
    plan = await stand.send()

    article = await right(stand)
    change = await stand.corrections.correct(plan.broadcast.id, article, by="test")

    assert change.count(Outcome.EDITED) == change.count(Outcome.NOTICED) == 1
    assert stand.telegram.changes == []
    shown = dict(change.previews)
    assert "Sunday" in shown[Channel.TELEGRAM][0].text


async def test_a_correction_may_be_told_in_answer_to_the_copy(stand):
    reader = await stand.reader(1)
    plan = await stand.send()
    (copy,) = stand.telegram.sent

    await correct(stand, plan, explanation="It was Sunday, not Saturday.")

    assert screen(stand, reader)[1] == "Correction: It was Sunday, not Saturday."
    assert stand.telegram.sent[-1].reply_to == copy.provider_id


async def test_parts_are_added_in_answer_to_the_first_and_removed(stand):
    in_parts(stand)
    reader = await stand.reader(1)
    plan = await stand.send()
    few = len(screen(stand, reader))
    first = stand.telegram.sent[0].provider_id

    longer = await correct(stand, plan, RIGHT + MORE)
    many = screen(stand, reader)
    assert len(many) == few + 1
    assert sum("treasurer" in text for text in many) == 1
    assert stand.telegram.sent[-1].reply_to == first
    assert await counts(stand, longer) == {Outcome.EDITED: few, Outcome.SENT: 1}

    shorter = await correct(stand, plan)
    assert len(screen(stand, reader)) == few
    assert "Sunday" in screen(stand, reader)[0]
    assert await counts(stand, shorter) == {Outcome.EDITED: few, Outcome.DELETED: 1}


async def test_a_part_too_old_to_be_deleted_says_that_it_belongs_no_more(stand):
    in_parts(stand)
    reader = await stand.reader(1)
    plan = await stand.send(NEWS + MORE)
    parts = len(screen(stand, reader))
    stand.clock.advance(timedelta(hours=47))

    change = await correct(stand, plan)

    first, *_, last = screen(stand, reader)
    assert "Sunday" in first
    assert "no longer belongs" in last
    assert await counts(stand, change) == {Outcome.EDITED: parts}


async def test_whatsapp_readers_are_told_in_text_or_by_template(stand):
    open_window = await stand.reader(1, Channel.WHATSAPP)
    closed = Address(Channel.WHATSAPP, "+923000077777")
    await stand.enrolment.enrol_by_hand(
        "valley", closed, kind_of(closed), by="test", evidence="a test"
    )
    failing = await stand.reader(3, Channel.WHATSAPP)
    stand.whatsapp.fail(failing, Undeliverable("63024", kind=FailureKind.NOT_FOUND))
    plan = await stand.send()

    change = await correct(stand, plan)

    first, second = screen(stand, open_window)
    assert "Saturday" in first
    assert second.startswith("*Correction*")
    assert "Sunday" in second
    _, template = screen(stand, closed)
    assert isinstance(template, Template)
    assert dict(template.variables)["1"].startswith("Correction: ")
    assert screen(stand, failing) == []
    assert await counts(stand, change) == {Outcome.NOTICED: 2}


def kind_of(address):
    from bot.domain.recipients import Kind

    return Kind.READER if address.channel is Channel.WHATSAPP else Kind.GROUP


async def test_what_still_waits_goes_in_the_new_version_and_nobody_gets_both(stand):
    readers = [await stand.reader(number) for number in range(1, 21)]
    phones = [await stand.reader(number, Channel.WHATSAPP) for number in range(1, 4)]
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    pump = stand.pump(concurrency=1)
    call, calls = stand.telegram.send, []

    async def seven(*given, **more):
        calls.append(given)
        if len(calls) == 7:
            pump.stop()
        return await call(*given, **more)

    stand.telegram.send = seven
    await pump.run("")
    stand.telegram.send = call
    article = await right(stand)
    change = await stand.corrections.correct(plan.broadcast.id, article, by="test")
    assert change.count(Outcome.EDITED) == 7
    assert change.count(Outcome.SENT) == 16

    await go(stand, change)

    for who in (*readers, *phones):
        (text,) = screen(stand, who)
        assert "Sunday" in text
    assert await counts(stand, change) == {Outcome.EDITED: 7, Outcome.SENT: 16}
    _, coverage = await stand.broadcaster.status(plan.broadcast.id)
    assert dict(coverage.states) == {State.ACCEPTED: 7, State.SKIPPED: 16}


@pytest.mark.parametrize("answer", ["taken", "later", "lost"])
async def test_a_call_under_way_at_that_moment_is_seen_to_when_it_has_settled(
    stand, answer
):
    reader = await stand.reader(1)
    await stand.reader(2)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    article = await right(stand)
    call = stand.telegram.send

    async def between(to, message, reference, **more):
        """The correction is confirmed while the first call is under way."""
        if to != reader:
            return await call(to, message, reference, **more)
        stand.telegram.send = call
        change = await stand.corrections.correct(plan.broadcast.id, article, by="test")
        assert await stand.broadcaster.confirm(change.broadcast.id)
        changes.append(change)
        if answer == "later":
            raise TryLater("busy")
        if answer == "lost":
            raise Doubtful("cut")
        return await call(to, message, reference, **more)

    changes: list[CorrectionPlan] = []
    stand.telegram.send = between
    await stand.pump(concurrency=1).run("")
    await end(stand)

    (change,) = changes
    assert await state(stand, change) is BroadcastState.FINISHED
    shown = screen(stand, reader)
    if answer == "lost":
        assert shown == []
        assert await counts(stand, change) == {
            Outcome.SENT: 1,
            Outcome.BEYOND_REACH: 1,
        }
        report = await stand.corrections.report(change.broadcast.id)
        assert [each.why for each in report.missed] == ["in doubt"]
        # An editor has it sent again: in its new version.
        await stand.broadcaster.decide(plan.broadcast.id, repeat=True)
        await end(stand)
        shown = screen(stand, reader)
    (text,) = shown
    assert "Sunday" in text


async def test_a_second_correction_acts_on_the_newest_version(stand):
    reader = await stand.reader(1)
    plan = await stand.send()
    first = await correct(stand, plan, explanation="It was Sunday.")

    second = await correct(
        stand, first, NEWS.replace("Saturday", "Monday"), explanation="Monday, in fact."
    )

    text, *notes = screen(stand, reader)
    assert "Monday" in text
    assert notes == ["Correction: It was Sunday.", "Correction: Monday, in fact."]
    found, _ = await stand.broadcaster.status(second.broadcast.id)
    assert found.corrects == plan.broadcast.id
    assert await counts(stand, second) == {Outcome.EDITED: 1, Outcome.NOTICED: 1}


async def test_the_same_text_twice_is_refused(stand):
    await stand.reader(1)
    plan = await stand.send()
    with pytest.raises(NothingToSend, match="says this already"):
        await correct(stand, plan, NEWS)
    await correct(stand, plan)
    with pytest.raises(NothingToSend, match="says this already"):
        await correct(stand, plan)


async def test_of_two_plans_only_the_first_that_is_confirmed_goes(stand):
    await stand.reader(1)
    plan = await stand.send()
    article = await right(stand)
    one = await stand.corrections.correct(plan.broadcast.id, article, by="a")
    two = await stand.corrections.correct(plan.broadcast.id, article, by="b")
    stand.clock.advance(timedelta(seconds=1))
    await go(stand, one)
    with pytest.raises(TooLate, match="plan it again"):
        await stand.broadcaster.confirm(two.broadcast.id)


async def test_what_was_never_confirmed_or_reached_nobody_cannot_be_corrected(stand):
    await stand.reader(1)
    plan = await stand.plan()
    with pytest.raises(TooLate, match="never confirmed"):
        await correct(stand, plan)
    stand.telegram.fail(
        Address(Channel.TELEGRAM, "1"),
        Undeliverable("chat not found", kind=FailureKind.NOT_FOUND),
    )
    await stand.broadcaster.confirm(plan.broadcast.id)
    await end(stand)
    with pytest.raises(NothingToSend, match="reached nobody"):
        await correct(stand, plan)


async def test_a_plan_asked_for_twice_is_one(stand):
    await stand.reader(1)
    plan = await stand.send()
    article = await right(stand)
    one = await stand.corrections.correct(
        plan.broadcast.id, article, by="editor:1", key="update:5"
    )
    two = await stand.corrections.correct(
        plan.broadcast.id, article, by="editor:1", key="update:5"
    )
    assert one == two


async def test_a_recall_deletes_everything_and_tells_phones(stand):
    in_parts(stand)
    reader = await stand.reader(1)
    phone = await stand.reader(1, Channel.WHATSAPP)
    plan = await stand.send(NEWS + MORE)
    await correct(stand, plan, explanation="It was Sunday.")
    copies = len(screen(stand, reader))

    change = await recall(stand, plan)

    assert screen(stand, reader) == []
    assert "withdrawn a story" in screen(stand, phone)[-1]
    assert (await counts(stand, change))[Outcome.NOTICED] == 1
    assert (await counts(stand, change))[Outcome.DELETED] == copies
    lines = await stand.lines(plan)
    states = {line.delivery.state for line in lines if line.channel == "telegram"}
    assert states == {State.RECALLED}
    with pytest.raises(TooLate, match="taken the story back"):
        await stand.corrections.recall(plan.broadcast.id, by="test")


@pytest.mark.parametrize("how", ["by age", "by refusal"])
async def test_what_is_too_old_to_be_deleted_says_that_it_is_withdrawn(stand, how):
    reader = await stand.reader(1)
    plan = await stand.send()
    if how == "by age":
        stand.clock.advance(timedelta(hours=47))
    else:
        stand.telegram.fail(reader, OLD)

    change = await recall(stand, plan)

    (text,) = screen(stand, reader)
    assert text == "The newsroom has withdrawn this message. Please do not pass it on."
    assert await counts(stand, change) == {Outcome.EDITED: 1}
    line = await stand.only(plan)
    assert line.state is State.RECALLED


async def test_a_recall_cancels_what_waits(stand):
    readers = [await stand.reader(number) for number in range(1, 4)]
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    with pytest.raises(NothingToSend):
        await recall(stand, plan)
    await stand.pump().run("")
    assert all(screen(stand, reader) for reader in readers[:1])
    await recall(stand, plan)
    assert [screen(stand, reader) for reader in readers] == [[], [], []]


async def test_who_is_beyond_reach_is_named_with_the_reason(stand):
    lost, blocked, stays = [await stand.reader(number) for number in range(1, 4)]
    plan = await stand.send()
    stand.telegram.fail(lost, GONE)
    stand.telegram.fail(
        blocked, Undeliverable("bot was blocked", kind=FailureKind.BLOCKED)
    )

    change = await correct(stand, plan)

    assert await counts(stand, change) == {Outcome.EDITED: 1, Outcome.BEYOND_REACH: 2}
    report = await stand.corrections.report(change.broadcast.id)
    assert [each.why for each in report.missed] == [
        "beyond_reach (message to edit not found)",
        "blocked (bot was blocked)",
    ]
    assert "Sunday" in screen(stand, stays)[0]
    with pytest.raises(Refusal, match="changes nothing"):
        await stand.corrections.report(plan.broadcast.id)


async def test_a_copy_that_is_lost_keeps_no_other_from_being_changed(stand):
    in_parts(stand)
    reader = await stand.reader(1)
    plan = await stand.send(NEWS)
    parts = len(screen(stand, reader))
    stand.telegram.fail(reader, GONE)

    change = await correct(stand, plan, NEWS.replace("bridge", "road"))

    assert await counts(stand, change) == {
        Outcome.EDITED: parts - 1,
        Outcome.BEYOND_REACH: 1,
    }
    assert "road" in screen(stand, reader)[1]


@pytest.mark.parametrize("when", ["before", "between", "while"])
async def test_a_group_that_moved_is_beyond_reach_and_its_new_chat_untouched(
    stand, when
):
    """The same number is another message there."""
    group = await stand.group(-100)
    plan = await stand.send()
    elsewhere = Address(Channel.TELEGRAM, "-1001")

    async def move():
        async with stand.database.transaction() as tx:
            await tx.recipients.move(group, elsewhere)

    if when == "before":
        await move()
    article = await right(stand)
    change = await stand.corrections.correct(
        plan.broadcast.id, article, by="test", explanation="Sunday."
    )
    assert await stand.broadcaster.confirm(change.broadcast.id)
    if when == "between":
        await move()
    elif when == "while":
        from bot.domain.errors import Moved

        stand.telegram.fail(group, Moved("moved", address=elsewhere))
    await end(stand)

    assert stand.telegram.changes == []
    assert (await counts(stand, change))[Outcome.BEYOND_REACH] == 1
    report = await stand.corrections.report(change.broadcast.id)
    assert report.missed[0].why.startswith("beyond_reach")
    assert all(not each.reply_to for each in stand.telegram.sent)


async def test_who_left_is_corrected_and_not_written_to(stand):
    stayed, left = [await stand.reader(number) for number in (1, 2)]
    plan = await stand.send()
    await stand.enrolment.leave(left)

    change = await correct(stand, plan, explanation="It was Sunday.")

    assert len(screen(stand, stayed)) == 2
    (text,) = screen(stand, left)
    assert "Sunday" in text
    report = await stand.corrections.report(change.broadcast.id)
    assert [(each.part > NOTES, each.why) for each in report.missed] == [
        (True, "unenrolled")
    ]


async def test_an_edit_whose_answer_was_lost_is_made_again(stand):
    reader = await stand.reader(1)
    plan = await stand.send()
    stand.telegram.fail(reader, Doubtful("cut"), Doubtful("cut"))

    change = await correct(stand, plan)

    assert "Sunday" in screen(stand, reader)[0]
    (line,) = await stand.broadcaster.report(change.broadcast.id)
    assert (line.delivery.action, line.delivery.state) == (Action.EDIT, State.ACCEPTED)
    assert line.delivery.attempts == 3


async def _never(*_given, **_more):
    await asyncio.Event().wait()


async def test_an_edit_that_a_crash_cut_off_is_made_again(stand):
    """The next owner finds it under way, and asks nobody."""
    await stand.reader(1)
    plan = await stand.send()
    article = await right(stand)
    change = await stand.corrections.correct(plan.broadcast.id, article, by="test")
    assert await stand.broadcaster.confirm(change.broadcast.id)

    edit, stand.telegram.edit = stand.telegram.edit, _never
    stand.clock.advance(timedelta(seconds=5))
    pump = stand.pump()
    running = asyncio.create_task(pump.run(""))
    while not pump.under_way:
        await asyncio.sleep(0.01)
    running.cancel()
    stand.telegram.edit = edit
    (line,) = await stand.broadcaster.report(change.broadcast.id)
    assert line.delivery.state is State.SENDING
    await end(stand)

    assert await counts(stand, change) == {Outcome.EDITED: 1}


async def test_editors_are_told_what_it_has_come_to_once(stand):
    await stand.reader(1)
    editor = await stand.editor()
    plan = await stand.send()

    change = await correct(stand, plan)
    await end(stand)

    told = [text for text in stand.telegram.texts(editor) if "has changed" in text]
    assert told == [
        (
            f"Broadcast {change.broadcast.id} has changed what broadcast "
            f"{plan.broadcast.id} sent:\n• edited in place: 1"
        )
    ]
    found, _ = await stand.broadcaster.status(change.broadcast.id)
    assert found.purpose is Purpose.CORRECTION


async def test_what_was_corrected_is_neither_retried_nor_sent_again_as_it_was(stand):
    reader = await stand.reader(1)
    await stand.reader(2)
    stand.telegram.fail(reader, Undeliverable("odd", kind=FailureKind.REFUSED))
    plan = await stand.send()
    change = await correct(stand, plan)

    with pytest.raises(TooLate, match=f"broadcast {change.broadcast.id} has changed"):
        await stand.broadcaster.retry(plan.broadcast.id)
    for which in (plan, change):
        with pytest.raises(TooLate, match="plan its newest version"):
            await stand.broadcaster.again(which.broadcast.id, by="test")
    assert screen(stand, reader) == []


@pytest.mark.parametrize("how", ["corrected", "recalled"])
async def test_a_repeat_planned_before_a_change_does_not_go_after_it(stand, how):
    reader = await stand.reader(1)
    await stand.reader(2)
    stand.telegram.fail(reader, Undeliverable("odd", kind=FailureKind.REFUSED))
    plan = await stand.send()
    await end(stand)
    repeat = await stand.broadcaster.again(plan.broadcast.id, by="test")
    change = await (correct if how == "corrected" else recall)(stand, plan)

    with pytest.raises(TooLate, match=f"broadcast {change.broadcast.id} has changed"):
        await stand.broadcaster.confirm(repeat.broadcast.id)
    await end(stand)
    assert screen(stand, reader) == []


async def test_an_update_answers_the_first_message_in_each_chat(stand):
    known = await stand.reader(1)
    plan = await stand.send()
    (first,) = stand.telegram.sent
    new = await stand.reader(2)
    article = await stand.editorial.take_in(
        Draft(text="The bridge is shut again, the city said.", link=LINK + "/2")
    )
    update = await stand.broadcaster.plan(article, ["valley"], by="test")

    answered = await stand.corrections.link(
        update.broadcast.id, answers=plan.broadcast.id
    )
    assert answered == 1
    assert await stand.broadcaster.confirm(update.broadcast.id)
    await stand.work()

    assert {each.to: each.reply_to for each in stand.telegram.sent[1:]} == {
        known: first.provider_id,
        new: "",
    }
    with pytest.raises(TooLate):
        await stand.corrections.link(update.broadcast.id, live=True)


async def test_a_live_card_is_edited_and_nobody_is_told(stand):
    reader = await stand.reader(1)
    phone = await stand.reader(1, Channel.WHATSAPP)
    plan = await stand.plan()
    await stand.corrections.link(plan.broadcast.id, live=True)
    await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.work()

    for day in ("Sunday", "Monday"):
        article = await right(stand, NEWS.replace("Saturday", day))
        change = await stand.corrections.refresh(plan.broadcast.id, article, by="test")
        await go(stand, change)
        assert await counts(stand, change) == {Outcome.EDITED: 1}
        (text,) = screen(stand, reader)
        assert day in text
    assert len(screen(stand, phone)) == 1


async def test_what_is_no_live_card_is_not_kept_fresh(stand):
    await stand.reader(1)
    plan = await stand.send()
    with pytest.raises(Refusal, match="is no live card"):
        await stand.corrections.refresh(plan.broadcast.id, await right(stand), by="x")


async def test_a_card_is_pinned_in_groups_that_allow_it_until_its_end(stand):
    """Where it may not be, nothing is wrong, and the row says so."""
    reader = await stand.reader(1)
    allows, forbids = [await stand.group(number) for number in (-100, -101)]
    plan = await stand.plan()
    await stand.corrections.link(plan.broadcast.id, live=True)
    await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.work()
    stand.telegram.fail(forbids, Suspended("not enough rights to manage pinned"))
    await end(stand)

    where = {each.provider_id: each.to for each in stand.telegram.sent}
    assert [where[each] for each in stand.telegram.pinned] == [allows]
    lines = await stand.lines(plan)
    pins = [each.delivery for each in lines if each.delivery.action is Action.PIN]
    assert [(each.state, each.reason) for each in pins] == [
        (State.ACCEPTED, ""),
        (State.SKIPPED, "not enough rights to manage pinned"),
    ]
    found, _ = await stand.broadcaster.status(plan.broadcast.id)
    assert found.state is BroadcastState.FINISHED
    assert len(screen(stand, reader)) == 1

    change = await go(
        stand, await stand.corrections.close(plan.broadcast.id, by="test")
    )
    assert stand.telegram.pinned == set()
    assert await counts(stand, change) == {Outcome.PINNED: 1}
