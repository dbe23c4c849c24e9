"""A pump that is told to stop: calls are waited for, and in the end given up."""

from __future__ import annotations

import asyncio

from bot.domain.deliveries import State
from bot.domain.recipients import Kind


async def hold(stand, calls: int) -> asyncio.Event:
    """Let no call be answered before the event is set; return once *calls* wait."""
    gate = asyncio.Event()
    send = stand.telegram.send

    async def held(to, message, reference, **more):
        await gate.wait()
        return await send(to, message, reference, **more)

    stand.telegram.send = held
    stand.pumping = stand.pump(concurrency=calls)
    stand.running = asyncio.create_task(stand.pumping.run(""))
    async with asyncio.timeout(5):
        while stand.pumping.under_way < calls:
            await asyncio.sleep(0.005)
    return gate


async def states(stand, plan) -> list[State]:
    return sorted(line.delivery.state for line in await stand.lines(plan))


async def test_calls_that_are_answered_in_time_leave_no_doubt(stand):
    for number in range(1, 6):
        await stand.reader(number)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    gate = await hold(stand, 2)

    stand.pumping.stop()
    await asyncio.sleep(0.05)
    assert not stand.running.done()
    gate.set()
    await asyncio.wait_for(stand.running, 5)
    stand.pumping.give_up()

    assert await states(stand, plan) == [State.ACCEPTED] * 2 + [State.QUEUED] * 3


async def test_calls_that_are_given_up_are_in_doubt_and_no_others(stand):
    for number in range(1, 6):
        await stand.reader(number)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    await hold(stand, 2)

    stand.pumping.stop()
    stand.pumping.give_up()
    await asyncio.wait_for(stand.running, 5)

    assert await states(stand, plan) == [State.DOUBTFUL] * 2 + [State.QUEUED] * 3
    assert not stand.telegram.sent


async def test_an_answer_that_is_given_up_is_not_given_again(stand):
    asker = await stand.reader(1)
    await stand.replies.answer(asker, Kind.READER, ["news"], key="update:1")
    gate = await hold(stand, 1)
    stand.pumping.stop()
    stand.pumping.give_up()
    await asyncio.wait_for(stand.running, 5)

    gate.set()
    await stand.work()

    assert not stand.telegram.sent, "perhaps it arrived; the question can be repeated"


async def test_nothing_is_called_once_calls_are_given_up(stand):
    """The mark was being written when time ran out: that call surely never left."""
    await stand.reader(1)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    pump = stand.pump()
    record = stand.database.record

    async def slowly(pages):
        written = await record(pages)
        pump.stop()
        pump.give_up()
        return written

    stand.database.record = slowly
    await pump.run("")

    assert not stand.telegram.calls
    assert (await stand.only(plan)).state is State.QUEUED


async def test_what_a_dead_owner_left_is_looked_at_though_nothing_else_is_due(stand):
    await stand.reader(1)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    gate = await hold(stand, 1)
    stand.runner.kicks.clear()

    await stand.sweep.run("")

    assert ("pump", str(stand.pumping.sender)) in stand.runner.kicks
    gate.set()
    await stand.running
    stand.runner.kicks.clear()
    await stand.sweep.run("")
    assert not stand.runner.kicks
