"""The machine's clock is set back: nobody waits for a moment that will not come."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from bot.domain.deliveries import State
from bot.domain.outcomes import REST
from bot.domain.recipients import Address, Channel, Kind, Standing
from bot.sweep import LONGEST, Sweep
from tests.services.conftest import Stand

FAR = (timedelta(days=1), timedelta(hours=3), timedelta(minutes=5))


def told(caplog) -> list[logging.LogRecord]:
    """What the sweep warned of; other voices are heard too while a test listens."""
    return [
        each
        for each in caplog.records
        if each.name == "harkara.sweep" and each.levelno >= logging.WARNING
    ]


def restarted(stand: Stand) -> Sweep:
    """A sweep that remembers nothing."""
    return Sweep(
        database=stand.database,
        clock=stand.clock,
        runner=stand.runner,
        senders=stand.senders,
        notices=stand.notices,
    )


@pytest.mark.parametrize("again", [False, True], ids=["in mid-run", "before a start"])
@pytest.mark.parametrize("far", FAR, ids=str)
async def test_everything_goes_on_at_once(stand: Stand, far, again, caplog):
    readers = [
        await stand.reader(n, channel) for n in range(1, 4) for channel in Channel
    ]
    first = await stand.send()
    plan = await stand.plan("The pass is open again. Three hundred trucks had waited.")
    assert await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.replies.answer(readers[0], Kind.READER, ["hello"], key="update:1")
    await stand.sweep.run("all")
    sent = len(stand.telegram.sent) + len(stand.whatsapp.sent)

    stand.clock.set(stand.clock.now() - far)
    sweep = restarted(stand) if again else stand.sweep
    with caplog.at_level(logging.WARNING, "harkara.sweep"):
        await sweep.run("all")
        began = stand.clock.now()
        await stand.work()

    assert {each.delivery.state for each in await stand.lines(plan)} == {State.ACCEPTED}
    assert {each.delivery.state for each in await stand.lines(first)} == {
        State.ACCEPTED
    }
    assert len(stand.telegram.sent) + len(stand.whatsapp.sent) == sent + 7
    assert stand.clock.now() - began < timedelta(seconds=30), "pacing only"
    [record] = told(caplog)
    assert "the clock was set back; harkara check" in record.getMessage()
    seconds = record.__dict__["seconds"]
    assert abs(seconds - far.total_seconds()) < 30


async def test_it_is_said_once_and_a_steady_clock_is_left_alone(stand: Stand, caplog):
    await stand.reader(1)
    await stand.send()
    with caplog.at_level(logging.WARNING, "harkara.sweep"):
        for seconds in (1, -30, 1, 3600):
            stand.clock.set(stand.clock.now() + timedelta(seconds=seconds))
            await stand.sweep.run("all")
        assert not told(caplog)
        stand.clock.set(stand.clock.now() - timedelta(days=1))
        for _ in range(3):
            await stand.sweep.run("all")
    assert len(told(caplog)) == 1


async def test_no_wait_outlives_the_clock_that_named_it(stand: Stand):
    group = await stand.group(-5)
    reader = await stand.reader(9, Channel.WHATSAPP)
    stranger = Address(Channel.TELEGRAM, "-77")
    right = stand.clock.now()
    stand.clock.set(right + timedelta(days=400))
    await stand.sweep.run("all")
    await stand.enrolment.rights_lost(group, reason="muted")
    await stand.enrolment.added_to(stranger, Kind.GROUP, title="Strangers")
    await stand.enrolment.heard_from(reader, Kind.READER)
    async with stand.database.transaction() as tx:
        resting = await tx.recipients.find(reader)
        assert resting
        await tx.recipients.rest(resting.id, stand.clock.now() + REST)

    back = right + timedelta(minutes=1)
    stand.clock.set(back)
    await restarted(stand).run("all")

    async with stand.database.snapshot() as tx:
        found = await tx.recipients.find(reader)
        assert found
        assert found.last_inbound_at == back
    stand.clock.set(back + LONGEST)
    await stand.sweep.run("all")
    async with stand.database.snapshot() as tx:
        muted = await tx.recipients.find(group)
        leaving = await tx.recipients.to_leave(now=stand.clock.now())
    assert muted
    assert muted.standing is Standing.ACTIVE
    assert [each.title for each in leaving] == ["Strangers"]
    plan = await stand.plan()
    assert {each.channel for each in await stand.lines(plan)} == set(Channel)


async def test_one_row_from_a_clock_ahead_is_found_once(stand: Stand, caplog):
    await stand.reader(1)
    right = stand.clock.now()
    stand.clock.set(right + timedelta(days=400))
    await stand.send()
    stand.clock.set(right)
    with caplog.at_level(logging.WARNING, "harkara.sweep"):
        for _ in range(5):
            stand.clock.advance(timedelta(days=1))
            await restarted(stand).run("all")
        assert len(told(caplog)) == 1
        stand.clock.advance(timedelta(hours=-3))
        await restarted(stand).run("all")
    assert len(told(caplog)) == 2, "set back anew, though that row is further ahead"
