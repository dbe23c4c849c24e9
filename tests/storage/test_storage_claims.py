"""Planning and claiming: who gets a row, and which row goes next."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.broadcasts import Broadcast, BroadcastState, ChannelPlan, Lane
from bot.domain.deliveries import DeliveryId, Progress, State
from bot.domain.errors import Fenced
from bot.domain.pacing import BELIEVED
from bot.domain.recipients import Channel, Standing
from bot.ports import Lease, NewReply
from storage import hot as storage_hot
from storage.server import PostgresDatabase
from tests import hot
from tests.storage.desk import MESSAGE, NOW, SECOND, Desk
from tests.storage.plans import reads_all_of, steps


async def states(desk: Desk, broadcast: Broadcast) -> dict[tuple[int, int], State]:
    """Every row's state, by recipient and part."""
    async with desk.database.snapshot() as tx:
        return {
            (line.delivery.recipient, line.delivery.part): line.delivery.state
            for line in await tx.deliveries.report(broadcast.id)
        }


async def arrive(desk: Desk, leases: list[Lease], epoch: int) -> None:
    """Send *leases*, all well."""
    made = [one.reference for one in await desk.mark(*leases, epoch=epoch)]
    sender = await desk.sender()
    answers = [(one.delivery, one.number, "1") for one in made]
    found = await hot.accept(desk.database, sender, now=NOW, answers=answers)
    assert found.accepted == {one.delivery for one in made}


# --- planning ----------------------------------------------------------------------


async def test_a_recipient_in_two_audiences_counts_for_the_first(desk):
    one, two = await desk.audience("one"), await desk.audience("two")
    both = await desk.recipient(one, two)
    only = await desk.recipient(two)
    sender = await desk.sender()
    broadcast = await desk.broadcast(state=BroadcastState.PLANNED)

    async with desk.database.transaction() as tx:
        planned = await tx.deliveries.plan(
            broadcast.id,
            parts={(two.id, Channel.TELEGRAM): 2, (one.id, Channel.TELEGRAM): 3},
            senders={Channel.TELEGRAM: sender},
            now=NOW,
        )
        lines = await tx.deliveries.report(broadcast.id)

    assert planned == [
        ChannelPlan(
            channel=Channel.TELEGRAM, audience=two.id, recipients=2, messages=4
        ),
        ChannelPlan(
            channel=Channel.TELEGRAM, audience=one.id, recipients=0, messages=0
        ),
    ]
    assert [
        (line.delivery.recipient, line.delivery.part, line.delivery.audience)
        for line in lines
    ] == [(who.id, part, two.id) for who in (both, only) for part in (1, 2)]


async def test_planning_twice_writes_nothing_twice(desk):
    audience = await desk.audience()
    await desk.recipient(audience)
    broadcast = await desk.broadcast(audience, parts=2)
    sender = await desk.sender()

    async with desk.database.transaction() as tx:
        again = await tx.deliveries.plan(
            broadcast.id,
            parts={(audience.id, Channel.TELEGRAM): 2},
            senders={Channel.TELEGRAM: sender},
            now=NOW,
        )
        assert (await tx.deliveries.coverage(broadcast.id)).planned == 2

    assert [each.messages for each in again] == [0]


async def test_the_gone_the_resting_and_those_who_left_get_no_row(desk):
    audience = await desk.audience()
    gone, resting, left, suspended, fine, rested = [
        await desk.recipient(audience) for _ in range(6)
    ]
    await desk.recipient(audience, value="+911", channel=Channel.WHATSAPP)
    async with desk.database.transaction() as tx:
        await tx.recipients.set_standing(gone.id, Standing.GONE, reason="blocked")
        await tx.recipients.set_standing(
            suspended.id, Standing.SUSPENDED, reason="rights"
        )
        await tx.recipients.rest(resting.id, NOW + SECOND)
        await tx.recipients.rest(rested.id, NOW)
        await tx.audiences.unenrol(left.id, reason="left", now=NOW)

    broadcast = await desk.broadcast(audience)

    assert await states(desk, broadcast) == {
        (suspended.id, 1): State.SUSPENDED,
        (fine.id, 1): State.QUEUED,
        (rested.id, 1): State.QUEUED,
    }
    async with desk.database.snapshot() as tx:
        lines = await tx.deliveries.report(broadcast.id, states={State.SUSPENDED})
    assert [line.delivery.reason for line in lines] == ["rights"]


async def test_two_thousand_are_planned_in_as_many_statements_as_two(desk, statements):
    audience = await desk.audience()
    await desk.crowd(audience, 2000)
    statements.clear()

    broadcast = await desk.broadcast(audience, parts=2)

    inserts = [each for each, _ in statements if "INTO delivery" in each]
    assert len(inserts) == 2, "one for each part"
    async with desk.database.snapshot() as tx:
        assert (await tx.deliveries.coverage(broadcast.id)).planned == 4000


# --- claiming ----------------------------------------------------------------------


async def test_the_urgent_first_and_then_the_older(desk):
    audience = await desk.audience()
    await desk.recipient(audience)
    sender, epoch = await desk.owner()
    late = await desk.broadcast(audience, confirmed_at=NOW)
    early = await desk.broadcast(audience, confirmed_at=NOW - SECOND)
    breaking = await desk.broadcast(audience, lane=Lane.BREAKING)

    claimed = []
    for _ in range(4):  # one for each recipient at a time
        claimed += await desk.claim(sender, epoch)

    assert [lease.broadcast for lease in claimed] == [
        breaking.id,
        early.id,
        late.id,
    ]
    assert claimed[0].lane is Lane.BREAKING
    first = await desk.delivery(claimed[0])
    assert first.state is State.LEASED
    assert first.epoch == epoch


async def test_only_what_runs_and_is_still_news_is_claimed(desk):
    audience = await desk.audience()
    await desk.recipient(audience)
    sender, epoch = await desk.owner()
    for state in set(BroadcastState) - {BroadcastState.RUNNING}:
        await desk.broadcast(audience, state=state)
    await desk.broadcast(audience, expires_in=timedelta(0))

    assert await desk.claim(sender, epoch) == []
    async with desk.database.snapshot() as tx:
        assert not await tx.senders.has_work(sender, now=NOW)
        assert await tx.senders.next_due(sender, now=NOW) is None


async def test_a_later_part_waits_until_the_earlier_has_arrived(desk):
    audience = await desk.audience()
    await desk.recipient(audience)
    sender, epoch = await desk.owner()
    await desk.broadcast(audience, parts=3)

    parts = []
    for _ in range(3):
        (lease,) = await desk.claim(sender, epoch)
        assert await desk.claim(sender, epoch) == []
        await desk.mark(lease, epoch=epoch)
        assert await desk.claim(sender, epoch) == []
        async with desk.database.transaction() as tx:
            found, attempts = (await tx.deliveries.load([lease.id]))[lease.id]
            await tx.deliveries.save(
                [replace(found, state=State.DELIVERED)],
                [attempts[0].absorb(Progress.DELIVERED)],
            )
        parts.append(lease.part)

    assert parts == [1, 2, 3]
    assert await desk.claim(sender, epoch) == []


async def test_recipients_wait_for_their_clock_unless_it_is_absurd(desk):
    audience = await desk.audience()
    soon, absurd = [await desk.recipient(audience) for _ in range(2)]
    sender, epoch = await desk.owner()
    await desk.broadcast(audience)
    async with desk.database.transaction() as tx:
        await tx.recipients.hold(
            {soon.id: NOW + SECOND, absurd.id: NOW + BELIEVED + SECOND}
        )

    claimed = await desk.claim(sender, epoch)

    assert [lease.recipient for lease in claimed] == [absurd.id]
    async with desk.database.snapshot() as tx:
        assert not await tx.senders.has_work(sender, now=NOW)
        assert await tx.senders.next_due(sender, now=NOW) == NOW + SECOND
        assert await tx.senders.has_work(sender, now=NOW + SECOND)
    claimed = await desk.claim(sender, epoch, now=NOW + SECOND)
    assert [lease.recipient for lease in claimed] == [soon.id]


async def test_a_clock_moves_forward_only(desk):
    audience = await desk.audience()
    someone = await desk.recipient(audience)
    sender, _ = await desk.owner()
    await desk.broadcast(audience)
    async with desk.database.transaction() as tx:
        await tx.recipients.hold({someone.id: NOW + 5 * SECOND})
        await tx.recipients.hold({someone.id: NOW + SECOND})
        assert await tx.senders.next_due(sender, now=NOW) == NOW + 5 * SECOND
        await tx.recipients.hold({someone.id: NOW + 2 * BELIEVED})
        await tx.recipients.hold({someone.id: NOW + SECOND})
        assert await tx.senders.next_due(sender, now=NOW) == NOW + SECOND


async def test_what_is_not_due_the_excluded_and_the_suspended_wait(desk):
    audience = await desk.audience()
    later, busy, suspended = [await desk.recipient(audience) for _ in range(3)]
    sender, epoch = await desk.owner()
    broadcast = await desk.broadcast(audience)
    async with desk.database.transaction() as tx:
        lines = await tx.deliveries.report(broadcast.id)
        await tx.deliveries.save(
            [replace(lines[0].delivery, due_at=NOW + 9 * SECOND)], []
        )
        await tx.recipients.set_standing(suspended.id, Standing.SUSPENDED)
    hand = await hot.claim(desk.database, sender, epoch, now=NOW, excluding=[busy.id])
    assert hand.leases == []
    async with desk.database.snapshot() as tx:
        assert await tx.senders.next_due(sender, now=NOW) == NOW
    claimed = await desk.claim(sender, epoch)
    assert [lease.recipient for lease in claimed] == [busy.id]
    async with desk.database.snapshot() as tx:
        assert await tx.senders.next_due(sender, now=NOW) == NOW + 9 * SECOND
    assert later.id == lines[0].delivery.recipient


async def test_no_more_than_the_limit_over_all_broadcasts(desk):
    audience = await desk.audience()
    for _ in range(4):
        await desk.recipient(audience)
    sender, epoch = await desk.owner()
    await desk.broadcast(audience)
    await desk.broadcast(audience)

    claims = [len(await desk.claim(sender, epoch, limit=3)) for _ in range(4)]

    assert claims == [3, 3, 2, 0]


async def test_an_old_owner_is_fenced_off(desk):
    audience = await desk.audience()
    await desk.recipient(audience)
    sender, old = await desk.owner()
    await desk.broadcast(audience)
    (lease,) = await desk.claim(sender, old)
    _, new = await desk.owner()

    assert await desk.mark(lease, epoch=old) == []
    with pytest.raises(Fenced):
        await desk.claim(sender, old)
    hand = await hot.claim(desk.database, sender, new, now=NOW, interval=SECOND)
    async with desk.database.snapshot() as tx:
        assert (await tx.senders.get(sender)).clock == NOW + SECOND
    (again,) = hand.leases
    assert again.id == lease.id
    assert await desk.mark(again, epoch=old) == []
    assert len(await desk.mark(again, epoch=new)) == 1


async def test_five_hundred_are_claimed_and_marked_in_few_statements(desk, statements):
    audience = await desk.audience()
    await desk.crowd(audience, 500)
    sender, epoch = await desk.owner()
    broadcast = await desk.broadcast(audience)
    statements.clear()

    leases = await desk.claim(sender, epoch, limit=500)
    await hot.mark(desk.database, sender, epoch, now=NOW, leases=leases)
    answers = [(lease.id, 1, "1") for lease in leases]
    await hot.accept(desk.database, sender, now=NOW, answers=answers)

    assert len(leases) == 500
    asked = [each for each, _ in statements if "BEGIN" not in each]
    assert len([each for each in asked if "pg_advisory" not in each]) <= 12
    async with desk.database.snapshot() as tx:
        coverage = await tx.deliveries.coverage(broadcast.id)
    assert coverage.arrived == 500


async def test_claims_and_counts_do_not_scan_the_ledger(desk, statements):
    """Every statement on deliveries finds its rows by an index."""
    audience = await desk.audience()
    someone = await desk.recipient(audience)
    sender, epoch = await desk.owner()
    broadcast = await desk.broadcast(audience, parts=2)
    statements.clear()
    leases = await desk.claim(sender, epoch)
    await arrive(desk, leases, epoch)
    async with desk.database.transaction() as tx:
        await tx.replies.add(
            [NewReply(key="a", sender=sender, recipient=someone.id, message=MESSAGE)],
            now=NOW,
        )
    await desk.claim(sender, epoch)
    first = await desk.delivery(leases[0])
    async with desk.database.transaction() as tx:
        await tx.senders.next_due(sender, now=NOW)
        await tx.deliveries.coverage(broadcast.id)
        await tx.deliveries.unsettled(broadcast.id)
        await tx.deliveries.refusals(broadcast.id, "400")
        await tx.deliveries.doubtful(sender, now=NOW, after=DeliveryId(0), limit=5)
        await tx.deliveries.report(broadcast.id)
        await tx.deliveries.release([leases[0].id], epoch=epoch)
        await tx.deliveries.skip_rest(first, reason="earlier part")
        await tx.deliveries.recipient_back(someone.id, now=NOW)
        await tx.deliveries.stop(broadcast.id, reason="stopped")
        await tx.deliveries.expire(now=NOW)
        await tx.senders.take(sender)
        await tx.audiences.unenrol(someone.id, reason="left", now=NOW)
        asked = list(statements)
        plans = []
        for statement, parameters in asked:
            if any(each in statement for each in ("delivery", "reply", "attempt")):
                on = tx.senders._connection._connection
                plans += [
                    (step, statement) for step in steps(on, statement, parameters)
                ]

    scanned = [
        plan for plan in plans if reads_all_of(plan[0], "delivery", "reply", "attempt")
    ]
    assert scanned == []
    used = " ".join(step for step, _ in plans)
    for index in (
        "ix_delivery_queue",
        "ix_delivery_states",
        "ix_delivery_in_hand",
        "ix_reply_open",
    ):
        assert index in used


async def test_what_is_claimed_while_an_editor_pauses_is_not_called(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
):
    audience = await desk.audience()
    await desk.crowd(audience, 5)
    broadcast = await desk.broadcast(audience)
    sender, epoch = await desk.owner()
    claimed, go_on = threading.Event(), threading.Event()
    leasing = storage_hot._lease

    def lease_slowly(on: Any, table: str, numbers: list[int], epoch: int) -> None:
        leasing(on, table, numbers, epoch)
        if table == "delivery":
            claimed.set()
            go_on.wait(10)

    monkeypatch.setattr(storage_hot, "_lease", lease_slowly)

    async def pause() -> None:
        async with desk.database.transaction() as tx:
            found = await tx.broadcasts.locked(broadcast.id)
            await tx.broadcasts.save(replace(found, state=BroadcastState.PAUSED))
            await tx.deliveries.let_go(broadcast.id)

    claiming = asyncio.create_task(desk.claim(sender, epoch))
    await asyncio.to_thread(claimed.wait, 10)
    pausing = asyncio.create_task(pause())
    await asyncio.wait({pausing}, timeout=0.3)
    go_on.set()
    leases = await claiming
    await pausing

    assert len(leases) == 5
    assert await desk.mark(*leases, epoch=epoch) == []


async def test_one_that_is_being_decided_about_holds_no_claim_up(desk: Desk):
    if not isinstance(desk.database, PostgresDatabase):
        return  # one transaction at a time writes
    audience = await desk.audience()
    await desk.crowd(audience, 2)
    decided, other = await desk.broadcast(audience), await desk.broadcast(audience)
    sender, epoch = await desk.owner()

    async with desk.database.transaction() as tx:
        await tx.broadcasts.locked(decided.id)
        async with asyncio.timeout(5):
            leases = await desk.claim(sender, epoch)

    assert {each.broadcast for each in leases} == {other.id}
