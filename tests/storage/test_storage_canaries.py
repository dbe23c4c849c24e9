"""Who goes first, found without reading who comes later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, text

from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import State
from bot.domain.holding import Canary, Verdict, Watch, verdict
from bot.domain.recipients import Standing
from storage import SqliteDatabase
from storage.tables import deliveries
from tests.storage.desk import NOW, SECOND, Desk


async def placed(desk: Desk, broadcast, *, now=NOW) -> int:
    async with desk.database.transaction() as tx:
        return await tx.canaries.place(broadcast.id, now=now)


async def test_only_the_first_are_claimed_until_all_may_follow(desk: Desk):
    audience = await desk.audience()
    await desk.crowd(audience, 150)
    broadcast = await desk.broadcast(audience)
    assert await placed(desk, broadcast) == 2
    sender, epoch = await desk.owner()

    first = await desk.claim(sender, epoch)
    assert [each.id for each in first] == [1, 2]
    async with desk.database.snapshot() as tx:
        assert not await tx.senders.has_work(sender, now=NOW)
        assert await tx.senders.next_due(sender, now=NOW) is None
        [watched] = await tx.canaries.watched()
    assert watched.canary == Canary(under_way=2)
    assert (watched.sender, watched.since) == (sender, NOW)

    async with desk.database.transaction() as tx:
        await tx.canaries.release(broadcast.id, sender)
    assert len(await desk.claim(sender, epoch, limit=500)) == 148


async def test_others_take_their_place_and_none_are_left_at_the_end(desk: Desk):
    audience = await desk.audience()
    await desk.crowd(audience, 21)
    broadcast = await desk.broadcast(audience)
    await placed(desk, broadcast)
    sender, epoch = await desk.owner()
    for number in range(1, 22):
        assert [each.id for each in await desk.claim(sender, epoch)] == [number]
        async with desk.database.transaction() as tx:
            there = await tx.canaries.replace(broadcast.id, sender, now=NOW + SECOND)
        assert there == (1 if number < 21 else 0)
    async with desk.database.snapshot() as tx:
        assert await tx.canaries.watched() == []


async def test_another_sender_and_another_broadcast_are_not_bound(desk: Desk):
    audience = await desk.audience()
    await desk.crowd(audience, 30)
    held, free = await desk.broadcast(audience), await desk.broadcast(audience)
    await placed(desk, held)
    sender, epoch = await desk.owner()

    claimed = await desk.claim(sender, epoch, limit=500)

    assert [each.broadcast for each in claimed].count(held.id) == 1
    assert [each.broadcast for each in claimed].count(free.id) == 29


@pytest.mark.parametrize("question", ["has_work", "next_due"])
async def test_a_glance_at_the_first_reads_nobody_else(
    desk: Desk, database: SqliteDatabase, path, question
):
    """A million others must not be looked through for a hundred; as SQLite reads."""
    audience = await desk.audience()
    await desk.crowd(audience, 30)
    broadcast = await desk.broadcast(audience)
    await placed(desk, broadcast)
    sender, _ = await desk.owner()
    plans: list[str] = []

    async with database.snapshot() as tx:
        raw: Any = tx.canaries._connection._connection

        @event.listens_for(raw, "before_cursor_execute")
        def explain(_on, cursor, statement, parameters, *_):
            if "FROM delivery" in statement and "BETWEEN" in statement:
                cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans.extend(row[3] for row in cursor.fetchall())

        await getattr(tx.senders, question)(sender, now=NOW)
        event.remove(raw, "before_cursor_execute", explain)

    read = [each for each in plans if " delivery " in f"{each} "]
    assert read, "the deliveries were asked for"
    assert all("INTEGER PRIMARY KEY (rowid>? AND rowid<?)" in each for each in read)


async def test_what_failed_is_counted_apart_from_who_left(desk: Desk):
    audience = await desk.audience()
    await desk.crowd(audience, 40)
    broadcast = await desk.broadcast(audience)

    async def end(low: int, high: int, **values: Any) -> None:
        async with desk.database.transaction() as tx:
            await tx.deliveries._connection.run(
                deliveries.update()
                .where(deliveries.c.id.between(low, high))
                .values(**values)
            )

    await end(1, 10, state=State.ACCEPTED)
    await end(11, 14, state=State.FAILED, failure_kind="refused")
    await end(15, 19, state=State.FAILED, failure_kind="blocked")
    async with desk.database.snapshot() as tx:
        assert await tx.canaries.failed(broadcast.id) == 4
        assert await tx.canaries.arrived(broadcast.id, most=100) == 10
        assert await tx.canaries.arrived(broadcast.id, most=3) == 3


async def test_what_can_be_undone_is_let_go_when_its_time_is_over_and_once(desk: Desk):
    audience = await desk.audience()
    await desk.crowd(audience, 1)
    broadcast = await desk.broadcast(audience, state=BroadcastState.WAITING)
    async with desk.database.transaction() as tx:
        await tx.broadcasts._connection.run(
            text("UPDATE broadcast SET held_until = planned_at")
        )
    for later, free in ((-SECOND, []), (SECOND, [broadcast.id]), (SECOND, [])):
        async with desk.database.transaction() as tx:
            found = await tx.broadcasts.let_go(now=NOW + later)
        assert [each.id for each in found] == free


@pytest.mark.parametrize("why", ["suspended", "made to wait"])
async def test_one_who_cannot_be_called_holds_nobody_up(desk: Desk, why):
    audience = await desk.audience()
    who = [await desk.recipient(audience) for _ in range(30)]
    broadcast = await desk.broadcast(audience)
    await placed(desk, broadcast)
    sender, epoch = await desk.owner()
    async with desk.database.transaction() as tx:
        if why == "suspended":
            await tx.recipients.set_standing(who[0].id, Standing.SUSPENDED)
        else:
            await tx.recipients.hold({who[0].id: NOW + timedelta(hours=1)})

    assert await desk.claim(sender, epoch) == []
    async with desk.database.snapshot() as tx:
        [watched] = await tx.canaries.watched()
    found = verdict(watched.canary, waited=SECOND, watch=Watch())
    assert found is Verdict.OTHERS

    async with desk.database.transaction() as tx:
        await tx.canaries.replace(broadcast.id, sender, now=NOW + SECOND)
    [lease] = await desk.claim(sender, epoch, now=NOW + SECOND)
    assert lease.recipient == who[1].id


async def test_one_who_waits_a_moment_is_waited_for(desk: Desk):
    audience = await desk.audience()
    who = [await desk.recipient(audience) for _ in range(30)]
    broadcast = await desk.broadcast(audience)
    await placed(desk, broadcast)
    async with desk.database.transaction() as tx:
        await tx.recipients.hold({who[0].id: NOW + 3 * SECOND})
    async with desk.database.snapshot() as tx:
        [watched] = await tx.canaries.watched()
    assert watched.canary == Canary(under_way=1)
