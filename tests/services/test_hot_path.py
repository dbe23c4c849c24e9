"""The way of every message: grouped, bounded, fenced by time, and urgent news first."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select

from bot.domain.broadcasts import Lane
from bot.domain.deliveries import State
from bot.domain.recipients import Address, Channel, Kind
from storage.tables import deliveries
from tests import hot
from tests.services.conftest import NEWS, Stand

OTHER = "Another story, from the other bank. It has two sentences."
SECOND = timedelta(seconds=1)


async def crowd(stand: Stand, size: int) -> list[Address]:
    return [await stand.reader(number) for number in range(1, size + 1)]


async def confirmed(stand: Stand, text=NEWS, **more):
    plan = await stand.plan(text, **more)
    assert await stand.broadcaster.confirm(plan.broadcast.id)
    return plan


def recorded(stand: Stand) -> list[tuple[int, int]]:
    """Note how many marks and answers each write holds."""
    writes: list[tuple[int, int]] = []
    record = stand.database.record

    async def noting(pages):
        marks = sum(len(page.calls) + len(page.replies) for page in pages)
        writes.append((marks, sum(len(page.accepted) for page in pages)))
        return await record(pages)

    stand.database.record = noting  # type: ignore[method-assign] # a wire tap
    return writes


async def test_what_starts_together_is_written_together(stand: Stand):
    await crowd(stand, 60)
    stand.rate = fast(stand)
    plan = await confirmed(stand)
    writes = recorded(stand)

    await stand.pump(concurrency=20).run("")

    assert Counter(each.delivery.state for each in await stand.lines(plan)) == {
        State.ACCEPTED: 60
    }
    assert sum(marks for marks, _ in writes) == 60
    assert sum(answers for _, answers in writes) == 60
    assert len(writes) <= 20, "sixty marks and sixty answers"
    assert max(marks for marks, _ in writes) <= 20


async def test_never_more_are_under_way_than_may_be_in_doubt(stand: Stand):
    await crowd(stand, 40)
    stand.rate = fast(stand)
    await confirmed(stand)
    seen: list[int] = []
    record = stand.database.record

    async def looking(pages):
        written = await record(pages)
        async with stand.database.snapshot() as tx:
            seen.append(
                await tx.deliveries._connection.value(
                    select(func.count()).where(deliveries.c.state == State.SENDING)
                )
            )
        return written

    stand.database.record = looking  # type: ignore[method-assign] # a wire tap
    stand.telegram.delay = timedelta(milliseconds=2)
    await stand.pump(concurrency=7).run("")

    assert max(seen) == 7
    assert len(stand.telegram.sent) == 40


def fast(stand: Stand):
    return type(stand.rate)(
        per_second=1000, private=stand.rate.private, group=stand.rate.group
    )


async def test_breaking_news_overtakes_a_broadcast_within_a_second(stand: Stand):
    readers = await crowd(stand, 120)
    await confirmed(stand)
    send = stand.telegram.send
    confirmed_at: list[datetime] = []
    seen: list[tuple[datetime, bool]] = []

    async def watching(to, message, *args, **more):
        seen.append((stand.clock.now(), "other bank" in message.text))
        if len(seen) == 40:
            await confirmed(stand, OTHER, lane=Lane.BREAKING)
            # The clock of this test goes on while the database is at work.
            confirmed_at.append(stand.clock.now())
        return await send(to, message, *args, **more)

    stand.telegram.send = watching  # type: ignore[method-assign] # a wire tap
    claims: list[set[Lane]] = []
    claim = stand.database.claim

    async def noting(order):
        hand = await claim(order)
        claims.append({lease.lane for lease in hand.leases})
        return hand

    stand.database.claim = noting  # type: ignore[method-assign] # a wire tap
    await stand.work()

    first = next(moment for moment, breaking in seen if breaking)
    assert first - confirmed_at[0] <= SECOND
    began = next(place for place, each in enumerate(claims) if Lane.BREAKING in each)
    ended = max(place for place, each in enumerate(claims) if Lane.BREAKING in each)
    # The recipients' own clocks let some of it wait: only then does the other go on.
    assert all(Lane.BREAKING in each for each in claims[began:ended] if each)
    assert len(seen) == 2 * len(readers)


async def test_what_cannot_leave_is_put_back_and_overtaken(stand: Stand):
    """The provider is slow, every place is taken: what is in hand goes stale."""
    await crowd(stand, 12)
    plan = await confirmed(stand)
    gate = asyncio.Event()
    send = stand.telegram.send
    order: list[bool] = []

    async def held(to, message, *args, **more):
        await gate.wait()
        order.append("other bank" in message.text)
        return await send(to, message, *args, **more)

    stand.telegram.send = held  # type: ignore[method-assign] # a wire tap
    pump = stand.pump(concurrency=2)
    running = asyncio.create_task(pump.run(""))
    async with asyncio.timeout(10):
        while pump.under_way < 2 or not pump._hand:
            await asyncio.sleep(0.005)
    await confirmed(stand, OTHER, lane=Lane.BREAKING)
    stand.clock.advance(2 * SECOND)
    gate.set()
    await asyncio.wait_for(running, 20)
    await stand.work()

    assert order[:2] == [False, False]
    assert order[2:12].count(True) >= 8, "breaking news first"
    assert {each.delivery.state for each in await stand.lines(plan)} == {State.ACCEPTED}


async def test_a_call_whose_moment_has_passed_is_not_made(stand: Stand):
    """The process stood still after the mark: by now it may not be the owner."""
    await crowd(stand, 3)
    plan = await confirmed(stand)
    record = stand.database.record

    async def frozen(pages):
        written = await record(pages)
        stand.clock.advance(timedelta(seconds=30))
        stand.database.record = record  # type: ignore[method-assign] # as before
        return written

    stand.database.record = frozen  # type: ignore[method-assign] # a wire tap
    pump = stand.pump()
    await pump.run("")
    assert {each.delivery.state for each in await stand.lines(plan)} <= {
        State.QUEUED,
        State.ACCEPTED,
    }
    late = 3 - len(stand.telegram.sent)
    assert late >= 1
    await stand.work()
    assert len(stand.telegram.sent) == 3


@pytest.mark.parametrize("crashed", [False, True])
async def test_a_new_owner_knows_that_the_window_may_be_full(stand: Stand, crashed):
    """Thirty have just left; whoever takes over sends none of the next too soon."""
    await crowd(stand, 60)
    await confirmed(stand)
    send, moments = stand.telegram.send, []

    async def noting(*args, **more):
        moments.append(stand.clock.now())
        if len(moments) == 30:
            first.stop()
        return await send(*args, **more)

    stand.telegram.send = noting  # type: ignore[method-assign] # a wire tap
    first = stand.pump()
    await first.run("")
    before = len(moments)
    if crashed:
        sender, now = stand.senders[Channel.TELEGRAM], stand.clock.now()
        async with stand.database.transaction() as tx:
            epoch = (await tx.senders.take(sender)).sender.epoch
        hand = await hot.claim(stand.database, sender, epoch, now=now, limit=1)
        await hot.mark(stand.database, sender, epoch, now=now, leases=hand.leases)
    last = moments[-1]

    await stand.work()

    for place, moment in enumerate(moments):
        window = [each for each in moments[place:] if each - moment < SECOND]
        assert len(window) <= 30
    assert moments[before] - last >= SECOND


async def test_a_flood_of_questions_leaves_a_broadcast_its_share(stand: Stand):
    readers = await crowd(stand, 30)
    await confirmed(stand)
    for number in range(60):
        asker = Address(Channel.TELEGRAM, str(10_000 + number))
        await stand.replies.answer(asker, Kind.READER, ["a"], key=f"update:{number}")

    await stand.work()

    first = [each.to in readers for each in stand.telegram.sent[:45]]
    assert 9 <= sum(first) <= 15, "a quarter, and the rest the questions"


async def test_an_alarm_that_is_not_needed_any_more_wakes_nobody(stand: Stand):
    """A cancelled one is done too: the pump would turn round for ever."""
    stand.clock.auto = False
    pump = stand.pump()
    first = asyncio.create_task(pump._doze(60.0))
    await asyncio.sleep(0)
    pump._ring()
    await first

    second = asyncio.create_task(pump._doze(60.0))
    for _ in range(10):
        await asyncio.sleep(0)

    assert not second.done(), "woken though nothing has happened"
    pump._ring()
    await second
