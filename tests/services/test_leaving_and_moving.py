"""Who has left is not written to, whatever was under way; who moved is followed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import Progress, Receipt, Reference, State
from bot.domain.errors import (
    Doubtful,
    SenderDown,
    Suspended,
    TryLater,
    Unknown,
    WrongPlace,
)
from bot.domain.recipients import Address, Channel, Kind, Standing
from tests.services.conftest import Stand

ELSEWHERE = Address(Channel.TELEGRAM, "-100777")
MINUTE = timedelta(minutes=1)


async def test_who_left_while_in_doubt_is_not_sent_it_again(stand: Stand):
    reader = await stand.reader(1)
    stand.telegram.fail(reader, Doubtful("timeout"))
    plan = await stand.send()
    await stand.enrolment.leave(reader)

    await stand.broadcaster.decide(plan.broadcast.id, repeat=True)
    stand.clock.set(stand.clock.now() + MINUTE)
    await stand.work()

    assert stand.telegram.texts(reader) == []
    assert (await stand.only(plan)).state is State.SKIPPED


async def test_who_left_while_the_call_was_under_way_is_not_tried_again(stand: Stand):
    reader = await stand.reader(1)
    send = stand.telegram.send

    async def leaving(to, message, reference, **more):
        await stand.enrolment.leave(reader)
        raise TryLater("busy")

    stand.telegram.send = leaving  # type: ignore[method-assign] # they leave just now
    plan = await stand.send()
    stand.telegram.send = send  # type: ignore[method-assign] # as before
    await stand.work()

    assert stand.telegram.texts(reader) == []
    assert (await stand.only(plan)).state is State.SKIPPED


async def test_an_outage_of_an_hour_loses_nothing(stand: Stand):
    readers = [await stand.reader(number) for number in range(1, 4)]
    for reader in readers:
        stand.telegram.fail(reader, *[TryLater("connection refused")] * 18)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    began = stand.clock.now()
    for _ in range(100):
        again = await stand.pump().run("")
        if again is None:
            break
        stand.clock.set(max(again, stand.clock.now()))

    assert stand.clock.now() - began > timedelta(minutes=50)
    assert len(stand.telegram.sent) == len(readers)
    lines = await stand.lines(plan)
    assert {line.delivery.state for line in lines} == {State.ACCEPTED}


async def test_a_revoked_account_is_tried_once_a_minute_not_once_a_second(stand: Stand):
    reader = await stand.reader(1)
    stand.telegram.fail(reader, *[SenderDown("Unauthorized")] * 9)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    pump = stand.pump()

    for _ in range(120):
        await pump.run("")
        stand.clock.set(stand.clock.now() + timedelta(seconds=1))

    assert stand.telegram.calls <= 3


async def test_an_account_at_fault_by_a_receipt_ends_the_delivery(stand: Stand):
    await stand.reader(1, Channel.WHATSAPP)
    stand.whatsapp.meanings["63020"] = SenderDown("63020")
    plan = await stand.send()
    delivery = await stand.only(plan)

    await stand.broadcaster.receive(
        Channel.WHATSAPP,
        Receipt(
            reference=Reference(delivery.id, 1),
            progress=Progress.FAILED,
            code="63020",
        ),
    )
    await stand.work()

    assert (await stand.only(plan)).state is State.FAILED
    assert len(stand.whatsapp.sent) == 1


async def test_a_suspended_group_that_moves_goes_on_there(stand: Stand):
    group = await stand.group(-7)
    stand.telegram.fail(group, Suspended("upgraded"))
    plan = await stand.send()

    await stand.enrolment.moved(group, ELSEWHERE)
    stand.clock.set(stand.clock.now() + MINUTE)
    await stand.work()

    assert (await stand.only(plan)).state is State.ACCEPTED
    assert stand.telegram.texts(ELSEWHERE)


async def test_a_suspended_reader_who_writes_is_back(stand: Stand):
    reader = await stand.reader(1, Channel.WHATSAPP)
    stand.whatsapp.fail(reader, Suspended("unreachable"))
    plan = await stand.send()

    await stand.enrolment.heard_from(reader, Kind.READER)
    stand.clock.set(stand.clock.now() + MINUTE)
    await stand.work()

    assert (await stand.only(plan)).state is State.ACCEPTED


async def test_a_suspension_that_nobody_lifts_is_tried_again_after_a_day(stand: Stand):
    group = await stand.group(-7)
    stand.telegram.fail(group, Suspended("topic_closed"))
    await stand.send()
    stand.clock.set(stand.clock.now() + timedelta(hours=25))

    await stand.sweep.run("")

    found = await stand.enrolment.find(group)
    assert found
    assert found[0].standing is Standing.ACTIVE


async def test_what_is_paused_or_never_confirmed_ends_with_its_time(stand: Stand):
    await stand.reader(1)
    never = await stand.plan()
    stand.clock.set(stand.clock.now() + timedelta(hours=25))

    await stand.sweep.run("")

    broadcast, _ = await stand.broadcaster.status(never.broadcast.id)
    assert (broadcast.state, broadcast.reason) == (BroadcastState.CANCELLED, "expired")


async def test_a_reader_of_the_audience_is_not_taken_for_their_channel(stand: Stand):
    """A link for channels, opened in private, must lead to the picker."""
    reader = await stand.reader(1)
    link = await stand.enrolment.create_link("valley", Kind.TELEGRAM_CHANNEL)

    with pytest.raises(WrongPlace):
        await stand.enrolment.redeem(
            link.token, by=reader, kind=Kind.READER, agreed_by="telegram:1"
        )


async def test_an_old_accept_button_does_not_bring_a_group_back(stand: Stand):
    group = Address(Channel.TELEGRAM, "-7")
    await stand.enrolment.added_to(group, Kind.GROUP, title="Neighbours")
    found = await stand.enrolment.find(group)
    assert found
    [(audience, _)] = await stand.enrolment.audiences()
    await stand.enrolment.vouch(found[0].id, audience.id, by="editor:1")
    await stand.enrolment.leave(group)

    with pytest.raises(Unknown):
        await stand.enrolment.vouch(found[0].id, audience.id, by="editor:1")
