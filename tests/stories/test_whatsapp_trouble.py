"""Twilio's troubles: after each, the sandbox's log and the ledger agree."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from bot.domain.deliveries import Form, State
from bot.domain.errors import FailureKind
from bot.domain.recipients import Standing
from bot.transports.whatsapp import WhatsAppMessenger
from tests.stories.stage import TEMPLATE, Stage, until, whatsapp

if TYPE_CHECKING:
    from bot.sandbox import Person

GOOD = (State.ACCEPTED, State.DELIVERED, State.READ)


async def reports_in(stage: Stage) -> None:
    """Wait until every report that was made has been worked off."""

    async def empty() -> bool:
        async with stage.desk.database.snapshot() as tx:
            return not await tx.inbox.waiting(limit=1)

    await until(empty, "an empty inbox")


@pytest.mark.parametrize("kind", ["late", "doubled", "reordered"])
async def test_however_reports_come_the_furthest_counts(stage: Stage, kind: str):
    async with stage.office():
        phones = await stage.phones(3)
    for phone in phones:
        phone.auto_read = True
    only = {"callback": "sent"} if kind != "doubled" else {}
    stage.faults.callbacks(kind, seconds=1, **only)
    async with stage.app():
        broadcast = await stage.broadcast()
        for phone in phones:
            await stage.reached(broadcast, whatsapp(phone), State.READ)
        wanted = 18 if kind == "doubled" else 9
        await stage.log.wait_for(lambda log: log.callbacks(), count=wanted)
        assert {each["answer"] for each in stage.log.callbacks()} == {204}
        await reports_in(stage)
        for phone in phones:
            line = await stage.line(broadcast, whatsapp(phone))
            assert (line.delivery.state, line.delivery.attempts) == (State.READ, 1)
            assert stage.copies(phone) == 1


async def test_reports_that_overtake_the_answer_find_their_attempt(stage: Stage):
    async with stage.office():
        (phone,) = await stage.phones(1)
    stage.faults.callbacks("early")
    async with stage.app():
        broadcast = await stage.broadcast()
        line = await stage.reached(broadcast, whatsapp(phone), State.DELIVERED)
        (sent,) = stage.log.sends(phone)
        assert line.provider_id == sent["sid"]
        assert stage.copies(phone) == 1


async def test_lost_reports_leave_what_the_answer_proved(stage: Stage):
    async with stage.office():
        (phone,) = await stage.phones(1)
    stage.faults.callbacks("lost")
    async with stage.app():
        broadcast = await stage.broadcast()
        await stage.finished(broadcast)
        await until(lambda: stage.copies(phone) == 1, "the message")
        line = await stage.line(broadcast, whatsapp(phone))
        assert line.delivery.state is State.ACCEPTED


async def test_a_window_closed_behind_our_back_brings_the_template(stage: Stage):
    async with stage.office():
        (phone,) = await stage.phones(1)
    stage.world.close_window(phone)
    async with stage.app():
        broadcast = await stage.broadcast()
        line = await stage.reached(broadcast, whatsapp(phone), State.DELIVERED)
        assert (line.delivery.form, line.delivery.attempts) == (Form.TEMPLATE, 2)
        text, template = stage.log.sends(phone)
        assert "Body" in text["params"]
        assert template["params"]["ContentSid"] == TEMPLATE
        assert template.time - text.time >= 6, "Meta's pace for one reader"
        assert stage.copies(phone) == 1


async def test_a_closed_window_without_a_template_fails_with_its_name(stage: Stage):
    stage.values.pop("content_sid")
    async with stage.office():
        (phone,) = await stage.phones(1)
        (never,) = await stage.phones(1, open_window=False)
    stage.world.close_window(phone)
    async with stage.app():
        broadcast = await stage.broadcast()
        for who in (phone, never):
            line = await stage.reached(broadcast, whatsapp(who), State.FAILED)
            assert line.delivery.failure
            assert line.delivery.failure.kind is FailureKind.WINDOW_CLOSED
        await stage.finished(broadcast)
        assert not stage.log.sends(never), "no call for what must fail"
        assert stage.copies() == 0


async def unreachable(stage: Stage, phone: Person) -> None:
    """Broadcast once more, and see it fail."""
    broadcast = await stage.broadcast()
    line = await stage.reached(broadcast, whatsapp(phone), State.FAILED)
    assert line.delivery.failure
    assert line.delivery.failure.kind is FailureKind.UNREACHABLE
    assert line.delivery.failure.code == "63024"
    _, audiences = await stage.found(whatsapp(phone))
    assert audiences, "no proof of a wrong number: it stays enrolled"


async def test_a_number_without_whatsapp_fails_with_its_name_and_stays(stage: Stage):
    async with stage.office():
        (phone,) = await stage.phones(1)
    await stage.world.refuse_with(phone, 63024)
    async with stage.app():
        await unreachable(stage, phone)
        assert stage.copies(phone) == 0


async def test_a_number_without_whatsapp_is_suspended_at_the_third_time(stage: Stage):
    async with stage.office():
        (phone,) = await stage.phones(1)
    await stage.world.refuse_with(phone, 63024)
    async with stage.app():
        for _ in range(3):
            await unreachable(stage, phone)
        who, _ = await stage.found(whatsapp(phone))
        assert who.standing is Standing.SUSPENDED


async def test_a_refusal_of_who_opted_out_at_twilio_unenrols(stage: Stage):
    async with stage.office():
        phone, other = await stage.phones(2)
    phone.opted_out = True  # at another sender of the account: we were not told
    async with stage.app():
        broadcast = await stage.broadcast()
        line = await stage.reached(broadcast, whatsapp(phone), State.FAILED)
        assert line.delivery.failure
        assert line.delivery.failure.kind is FailureKind.OPTED_OUT
        await stage.enrolled(whatsapp(phone), wanted=False)
        await stage.reached(broadcast, whatsapp(other), State.DELIVERED)
        (sent,) = stage.log.sends(phone)
        assert sent["code"] == 21610


async def test_too_many_calls_rest_the_whole_account_and_lose_nothing(stage: Stage):
    async with stage.office():
        phones = await stage.phones(6)
    stage.values["concurrency"] = 1
    stage.faults.too_many(2, provider="twilio", method="Messages.create")
    async with stage.app():
        broadcast = await stage.broadcast()
        for phone in phones:
            await stage.reached(broadcast, whatsapp(phone), State.DELIVERED)
        refused, *sent = sorted(stage.log.sends(), key=lambda record: record.time)
        assert refused["status"] == 429
        assert len(sent) == len(phones)
        again = [each for each in sent if each.chat == refused.chat]
        assert again[0].time - refused.time >= 2
        assert [stage.copies(phone) for phone in phones] == [1] * len(phones)


@pytest.mark.parametrize(
    ("fault", "details"),
    [("cut_after", {}), ("error", {"status": 503, "stored": True})],
)
async def test_a_report_resolves_a_call_that_was_never_answered(
    stage: Stage, fault: str, details: dict[str, object]
):
    async with stage.office():
        phone, other = await stage.phones(2)
    stage.faults.add(fault, to=phone, method="Messages.create", **details)
    async with stage.app():
        broadcast = await stage.broadcast()
        line = await stage.reached(broadcast, whatsapp(phone), State.DELIVERED)
        await stage.reached(broadcast, whatsapp(other), State.DELIVERED)
        (sent,) = stage.log.sends(phone)
        assert line.delivery.attempts == 1
        assert line.provider_id == sent["sid"], "the report brought the id"
        assert stage.copies(phone) == 1


async def test_without_reports_twilio_is_asked_and_answers(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.app.DOUBTS_EVERY", 0.5)
    async with stage.office():
        arrived, vanished = await stage.phones(2)
    stage.faults.callbacks("lost")
    stage.faults.cut_after(to=arrived, method="Messages.create")
    stage.faults.cut_before(to=vanished, method="Messages.create")
    async with stage.app() as desk:
        broadcast = await stage.broadcast()
        line = await stage.reached(broadcast, whatsapp(arrived), *GOOD)
        assert line.delivery.attempts == 1
        await stage.reached(broadcast, whatsapp(vanished), State.DOUBTFUL)
        messenger = desk.messengers[whatsapp(vanished).channel]
        assert isinstance(messenger, WhatsAppMessenger)
        # Two minutes later: long enough to be sure that it was never sent.
        monkeypatch.setattr(messenger, "_clock", Ahead(desk.clock, minutes=2))
        line = await stage.reached(broadcast, whatsapp(vanished), *GOOD)
        assert line.delivery.attempts == 2
        assert stage.log.calls("Messages.list")
        await until(lambda: stage.copies(vanished) == 1, "the message")
        assert stage.copies(arrived) == 1
        assert not stage.log.doubled()


class Ahead:
    """A clock that goes before another one."""

    def __init__(self, clock, *, minutes: int) -> None:
        self._clock = clock
        self._by = timedelta(minutes=minutes)

    def now(self):
        return self._clock.now() + self._by


async def test_a_refused_connection_is_tried_again_until_it_holds(stage: Stage):
    async with stage.office():
        phones = await stage.phones(5)
    await stage.faults.down("twilio")
    async with stage.app() as desk:
        broadcast = await stage.broadcast()

        async def tried_in_vain() -> bool:
            lines = await desk.broadcaster.report(broadcast, states={State.QUEUED})
            return all(line.delivery.attempts for line in lines)

        await until(tried_in_vain, "refused connections")
        await stage.faults.up("twilio")
        for phone in phones:
            await stage.reached(broadcast, whatsapp(phone), State.DELIVERED)
        assert [stage.copies(phone) for phone in phones] == [1] * 5
        assert (await stage.states(broadcast))[State.DOUBTFUL] == 0
