"""The machine's clock is set back: nobody waits for a moment that will not come."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest

from bot.domain.deliveries import State
from bot.domain.recipients import Channel, Kind
from bot.sweep import Sweep
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
