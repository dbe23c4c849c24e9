"""What becomes of deliveries once they are in hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.broadcasts import Broadcast
from bot.domain.deliveries import (
    ENDED,
    DeliveryId,
    Failure,
    Form,
    Progress,
    Reference,
    State,
)
from bot.domain.errors import FailureKind
from bot.domain.recipients import Recipient, SenderId, Standing
from tests import hot
from tests.storage.desk import NOW, SECOND, Desk, attempt_of


async def prepared(
    desk: Desk, people: int = 1, parts: int = 1
) -> tuple[Broadcast, list[Recipient], SenderId, int]:
    """A broadcast under way, its sender taken over."""
    audience = await desk.audience()
    recipients = [await desk.recipient(audience) for _ in range(people)]
    sender, epoch = await desk.owner()
    return await desk.broadcast(audience, parts=parts), recipients, sender, epoch


async def set_state(
    desk: Desk, broadcast: Broadcast, *states: State, **values: Any
) -> None:
    """Put rows, by recipient and part, into *states*."""
    async with desk.database.transaction() as tx:
        lines = await tx.deliveries.report(broadcast.id)
        await tx.deliveries.save(
            [
                replace(line.delivery, state=state, **values)
                for line, state in zip(lines, states, strict=True)
            ],
            [],
        )


async def states(desk: Desk, broadcast: Broadcast) -> list[State]:
    async with desk.database.snapshot() as tx:
        return [
            line.delivery.state for line in await tx.deliveries.report(broadcast.id)
        ]


async def test_a_mark_is_written_before_the_call_and_counts_it(desk):
    _, _, sender, epoch = await prepared(desk)
    (lease,) = await desk.claim(sender, epoch)

    (attempt,) = await desk.mark(lease, epoch=epoch)

    async with desk.database.transaction() as tx:
        loaded = await tx.deliveries.load([lease.id])
    delivery, attempts = loaded[lease.id]
    assert (delivery.state, delivery.attempts) == (State.SENDING, 1)
    assert attempts == [attempt]
    assert await desk.mark(lease, epoch=epoch) == [], "no longer leased"


async def test_only_the_leased_among_many_are_marked(desk):
    broadcast, people, sender, epoch = await prepared(desk, people=4)
    leases = await desk.claim(sender, epoch)
    async with desk.database.transaction() as tx:
        await tx.audiences.unenrol(people[0].id, reason="left", now=NOW)
        await tx.deliveries.release([leases[1].id], epoch=epoch)
        await tx.deliveries.release([leases[2].id], epoch=epoch - 1)
    found = await hot.mark(desk.database, sender, epoch, now=NOW, leases=leases)

    assert found.calls == {leases[2].id, leases[3].id}
    assert await states(desk, broadcast) == [
        State.SKIPPED,
        State.QUEUED,
        State.SENDING,
        State.SENDING,
    ]


async def test_what_is_saved_comes_back_and_attempts_keep_their_order(desk):
    _, _, sender, epoch = await prepared(desk)
    (lease,) = await desk.claim(sender, epoch)
    (first,) = await desk.mark(lease, epoch=epoch)
    queued = replace(
        await desk.delivery(lease),
        state=State.QUEUED,
        due_at=NOW + SECOND,
        form=Form.TEMPLATE,
        reason="window",
    )
    refused = first.absorb(Progress.REFUSED, code="63016")
    async with desk.database.transaction() as tx:
        await tx.deliveries.save([queued], [refused])
    (again,) = await desk.claim(sender, epoch, now=NOW + SECOND)
    (second,) = await desk.mark(again, epoch=epoch)
    accepted = second.absorb(Progress.ACCEPTED, provider_id="SM1")
    failed = replace(
        await desk.delivery(again),
        state=State.FAILED,
        failure=Failure(FailureKind.BLOCKED, "403"),
    )
    async with desk.database.transaction() as tx:
        await tx.deliveries.save([failed], [accepted])
        loaded = await tx.deliveries.load([failed.id, DeliveryId(999)])
        (line,) = await tx.deliveries.report(failed.broadcast)

    assert again.form is Form.TEMPLATE
    assert second.reference == Reference(lease.id, 2)
    assert loaded == {failed.id: (failed, [refused, accepted])}
    assert line.provider_id == "SM1", "the furthest attempt's"


async def test_taking_over_settles_what_the_last_owner_left(desk):
    broadcast, _, sender, epoch = await prepared(desk, people=3)
    leases = await desk.claim(sender, epoch, limit=2)
    await desk.mark(leases[0], epoch=epoch)

    async with desk.database.transaction() as tx:
        taken = await tx.senders.take(sender)
        (unsure,) = await tx.deliveries.doubtful(
            sender, now=NOW, after=DeliveryId(0), limit=9
        )
        other = await tx.senders.ensure(leases[0].address.channel, "another", now=NOW)
        untouched = await tx.senders.take(other.id)

    assert (taken.sender.epoch, taken.requeued, taken.doubtful) == (epoch + 1, 1, 1)
    assert (untouched.requeued, untouched.doubtful) == (0, 0)
    assert await states(desk, broadcast) == [
        State.DOUBTFUL,
        State.QUEUED,
        State.QUEUED,
    ]
    assert unsure.delivery.id == leases[0].id
    assert unsure.address == leases[0].address
    assert unsure.attempt == replace(attempt_of(leases[0]), progress=Progress.DOUBTFUL)


async def test_doubt_is_read_page_by_page_and_only_while_it_is_news(desk):
    _, _, sender, epoch = await prepared(desk, people=3)
    leases = await desk.claim(sender, epoch)
    await desk.mark(*leases, epoch=epoch)
    async with desk.database.transaction() as tx:
        await tx.senders.take(sender)
        first = await tx.deliveries.doubtful(
            sender, now=NOW, after=DeliveryId(0), limit=2
        )
        rest = await tx.deliveries.doubtful(
            sender, now=NOW, after=first[-1].delivery.id, limit=2
        )
        old = await tx.deliveries.doubtful(
            sender, now=NOW + timedelta(days=400), after=DeliveryId(0), limit=2
        )

    seen = [each.delivery.id for each in first + rest]
    assert seen == sorted(lease.id for lease in leases)
    assert old == []


async def test_when_a_part_ends_badly_the_later_ones_are_skipped(desk):
    broadcast, _, sender, epoch = await prepared(desk, people=2, parts=3)
    lease, _ = await desk.claim(sender, epoch)
    first = await desk.delivery(lease)

    async with desk.database.transaction() as tx:
        assert await tx.deliveries.skip_rest(first, reason="earlier part") == 2

    assert (await states(desk, broadcast))[:3] == [
        State.LEASED,
        State.SKIPPED,
        State.SKIPPED,
    ]
    assert (await states(desk, broadcast))[4:] == [State.QUEUED, State.QUEUED]


async def test_refusals_count_recipients_and_not_rows(desk):
    broadcast, *_ = await prepared(desk, people=3, parts=2)
    await set_state(
        desk,
        broadcast,
        *[State.FAILED] * 4,
        State.QUEUED,
        State.QUEUED,
        failure=Failure(FailureKind.REFUSED, "400 new words"),
    )

    async with desk.database.snapshot() as tx:
        assert await tx.deliveries.refusals(broadcast.id, "400 new words") == 2
        assert await tx.deliveries.refusals(broadcast.id, "400 others") == 0


async def test_a_recipient_who_is_back_gets_what_waited(desk):
    broadcast, (someone,), sender, epoch = await prepared(desk)
    await set_state(desk, broadcast, State.SUSPENDED, reason="rights")
    async with desk.database.transaction() as tx:
        await tx.recipients.set_standing(someone.id, Standing.ACTIVE)
        assert await tx.deliveries.recipient_back(someone.id, now=NOW + SECOND) == 1

    (lease,) = await desk.claim(sender, epoch, now=NOW + SECOND)
    delivery = await desk.delivery(lease)
    assert (delivery.due_at, delivery.reason) == (NOW + SECOND, "")


async def test_stopping_skips_what_is_not_yet_sending(desk):
    broadcast, *_ = await prepared(desk, people=6)
    await set_state(
        desk,
        broadcast,
        State.QUEUED,
        State.LEASED,
        State.SUSPENDED,
        State.SENDING,
        State.DOUBTFUL,
        State.READ,
    )

    async with desk.database.transaction() as tx:
        assert await tx.deliveries.stop(broadcast.id, reason="stopped") == 3

    assert await states(desk, broadcast) == [
        *[State.SKIPPED] * 3,
        State.SENDING,
        State.DOUBTFUL,
        State.READ,
    ]


async def test_old_news_expires(desk):
    broadcast, *_ = await prepared(desk, people=4)
    later = broadcast.expires_at + timedelta(microseconds=1)
    await set_state(
        desk, broadcast, State.QUEUED, State.SUSPENDED, State.LEASED, State.DOUBTFUL
    )

    async with desk.database.transaction() as tx:
        assert await tx.deliveries.expire(now=NOW) == 0
        assert await tx.deliveries.expire(now=later) == 2
        assert await tx.deliveries.expire(now=later) == 0

    assert await states(desk, broadcast) == [
        State.EXPIRED,
        State.EXPIRED,
        State.LEASED,
        State.DOUBTFUL,
    ]


@pytest.mark.parametrize("state", State)
async def test_what_keeps_a_broadcast_from_being_finished(desk, state):
    broadcast, *_ = await prepared(desk)
    await set_state(desk, broadcast, state)

    async with desk.database.snapshot() as tx:
        unsettled = await tx.deliveries.unsettled(broadcast.id)

    assert unsettled is (state not in ENDED | {State.DOUBTFUL})


async def test_coverage_counts_every_state(desk):
    broadcast, *_ = await prepared(desk, people=len(State))
    await set_state(desk, broadcast, *State)
    async with desk.database.snapshot() as tx:
        coverage = await tx.deliveries.coverage(broadcast.id)

    assert coverage.planned == len(State)
    assert all(coverage.states[each] == 1 for each in State)


async def test_the_parts_behind_a_doubtful_one_do_not_keep_it(desk):
    broadcast, _, sender, _ = await prepared(desk, parts=3)
    await set_state(desk, broadcast, State.ACCEPTED, State.DOUBTFUL, State.QUEUED)

    async with desk.database.snapshot() as tx:
        assert not await tx.deliveries.unsettled(broadcast.id)
        assert not await tx.senders.has_work(sender, now=NOW)
        assert await tx.senders.next_due(sender, now=NOW) is None


async def test_a_report_by_recipient_and_part(desk):
    broadcast, people, *_ = await prepared(desk, people=2, parts=2)
    await set_state(
        desk, broadcast, State.READ, State.SKIPPED, State.READ, State.FAILED
    )
    async with desk.database.snapshot() as tx:
        lines = await tx.deliveries.report(
            broadcast.id, states={State.READ, State.FAILED}
        )
        first = await tx.deliveries.report(broadcast.id, limit=1)

    assert [(each.delivery.recipient, each.delivery.part) for each in lines] == [
        (people[0].id, 1),
        (people[1].id, 1),
        (people[1].id, 2),
    ]
    assert lines[0].provider_id == ""
    assert len(first) == 1
