"""Corrections in the ledger, on either database: who is to have what, set by set."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.domain.broadcasts import Broadcast, BroadcastId, BroadcastState, Lane, Purpose
from bot.domain.corrections import Outcome
from bot.domain.deliveries import NOTES, Action, Form, State
from bot.domain.errors import TooLate
from bot.domain.recipients import Address, Channel, Standing
from tests import hot
from tests.storage.desk import DIGEST, MESSAGE, NOW, SECOND, Desk

LATER = NOW + timedelta(minutes=5)


async def sent(desk: Desk, *, people: int = 1, taken: int = 1, parts: int = 1):
    """A broadcast that *taken* of *people* have, all parts of it."""
    audience = await desk.audience()
    who = [await desk.recipient(audience) for _ in range(people)]
    sender, epoch = await desk.owner()
    broadcast = await desk.broadcast(audience, parts=parts)
    for part in range(parts):
        moment = NOW + timedelta(minutes=part)
        leases = await desk.claim(sender, epoch, now=moment, limit=taken)
        marked = await hot.mark(desk.database, sender, epoch, now=moment, leases=leases)
        assert len(marked.calls) == taken
        for lease in leases:
            await accept(
                desk, sender, lease, f"{lease.recipient}/{lease.part}", now=moment
            )
    return audience, who, broadcast


async def accept(desk: Desk, sender, lease, provider_id: str, *, now) -> None:
    answer = (lease.id, lease.attempts + 1, provider_id)
    await hot.accept(desk.database, sender, now=now, answers=[answer])


async def change(
    desk: Desk,
    audience,
    first: Broadcast,
    *,
    parts: int = 1,
    notes: int = 0,
    taken_back: int = 0,
    purpose: Purpose = Purpose.CORRECTION,
    planned_at=NOW,
) -> Broadcast:
    """A planned change."""
    where = (audience.id, Channel.TELEGRAM)
    messages = {
        **{(*where, Form.TEXT, part): MESSAGE for part in range(1, parts + 1)},
        **{
            (*where, Form.TEXT, NOTES + place): MESSAGE for place in range(1, notes + 1)
        },
        **{
            (*where, Form.NOTICE, part): MESSAGE
            for part in range(parts + 1, parts + taken_back + 1)
        },
    }
    async with desk.database.transaction() as tx:
        digest = await tx.broadcasts.add_digest(DIGEST, [], now=NOW)
        made = await tx.broadcasts.add(
            Broadcast(
                id=BroadcastId(0),
                digest=digest,
                lane=Lane.BREAKING,
                state=BroadcastState.PLANNED,
                planned_by="editor:1",
                planned_at=planned_at,
                expires_at=NOW + timedelta(days=2),
                purpose=purpose,
                corrects=first.id,
            ),
            [audience.id],
        )
        await tx.broadcasts.add_messages(made.id, messages)
    return made


async def begin(desk: Desk, made: Broadcast) -> int:
    async with desk.database.transaction() as tx:
        keys = list(await tx.broadcasts.messages(made.id))
        foreseen = await tx.corrections.extent(made, keys, now=LATER)
        written = await tx.corrections.begin(made, now=LATER)
        assert sum(foreseen.values()) == written, "what is shown is what is done"
        await tx.broadcasts.save(
            replace(made, state=BroadcastState.RUNNING, confirmed_at=LATER)
        )
    return written


async def rows(desk: Desk, made: Broadcast):
    async with desk.database.snapshot() as tx:
        lines = await tx.deliveries.report(made.id)
    return [
        (
            line.delivery.recipient,
            line.delivery.part,
            line.delivery.action,
            line.delivery.target,
        )
        for line in lines
    ]


async def test_each_copy_is_edited_and_what_waited_goes_anew(desk):
    audience, (has, waits), broadcast = await sent(desk, people=2)
    made = await change(desk, audience, broadcast, notes=1)

    assert await begin(desk, made) == 3

    assert await rows(desk, made) == [
        (has.id, 1, Action.EDIT, f"{has.id}/1"),
        (has.id, NOTES + 1, Action.SEND, f"{has.id}/1"),
        (waits.id, 1, Action.SEND, ""),
    ]
    async with desk.database.snapshot() as tx:
        lines = await tx.deliveries.report(broadcast.id)
        assert [line.delivery.state for line in lines] == [
            State.ACCEPTED,
            State.SKIPPED,
        ]
        assert lines[1].delivery.reason == "corrected"
        assert (await tx.broadcasts.get(broadcast.id)).superseded_by == made.id


async def test_parts_come_and_go(desk):
    audience, (reader,), broadcast = await sent(desk, parts=2)
    longer = await change(desk, audience, broadcast, parts=3)
    await begin(desk, longer)
    assert await rows(desk, longer) == [
        (reader.id, 1, Action.EDIT, f"{reader.id}/1"),
        (reader.id, 2, Action.EDIT, f"{reader.id}/2"),
        (reader.id, 3, Action.SEND, f"{reader.id}/1"),
    ]
    shorter = await change(
        desk, audience, broadcast, taken_back=2, planned_at=LATER + SECOND
    )
    await begin(desk, shorter)
    assert await rows(desk, shorter) == [
        (reader.id, 1, Action.EDIT, f"{reader.id}/1"),
        (reader.id, 2, Action.DELETE, f"{reader.id}/2"),
    ], "the third never left"


async def test_one_at_a_time_for_each_recipient_copies_before_notes(desk):
    audience, _, broadcast = await sent(desk, parts=2)
    made = await change(desk, audience, broadcast, parts=2, notes=1)
    await begin(desk, made)
    sender, epoch = await desk.owner()
    order = []
    for minute in range(6, 9):
        moment = NOW + timedelta(minutes=minute)
        (lease,) = await desk.claim(sender, epoch, now=moment)
        order.append((lease.action, lease.part))
        await hot.mark(desk.database, sender, epoch, now=moment, leases=[lease])
        assert not await desk.claim(sender, epoch, now=moment + SECOND)
        await accept(desk, sender, lease, "9", now=moment)
    assert order == [
        (Action.EDIT, 1),
        (Action.EDIT, 2),
        (Action.SEND, NOTES + 1),
    ]
    async with desk.database.transaction() as tx:
        assert not await tx.corrections.lacking(made, now=LATER)
        assert await tx.corrections.counts(made.id) == {
            Outcome.EDITED: 2,
            Outcome.NOTICED: 1,
        }


async def test_a_second_change_must_have_seen_the_first(desk):
    audience, _, broadcast = await sent(desk)
    one = await change(desk, audience, broadcast)
    two = await change(desk, audience, broadcast)
    await begin(desk, one)
    with pytest.raises(TooLate, match=f"broadcast {one.id} has changed the story"):
        await begin(desk, two)


async def test_who_cannot_be_reached_has_a_row_that_says_why(desk):
    audience, (gone, muted, moved), broadcast = await sent(desk, people=3, taken=3)
    async with desk.database.transaction() as tx:
        await tx.recipients.set_standing(gone.id, Standing.GONE, reason="blocked")
        await tx.recipients.set_standing(muted.id, Standing.SUSPENDED, reason="mute")
        await tx.recipients.move(moved.address, Address(Channel.TELEGRAM, "-1001"))
    made = await change(desk, audience, broadcast, notes=1)
    await begin(desk, made)
    async with desk.database.snapshot() as tx:
        assert await tx.corrections.counts(made.id) == {
            Outcome.BEYOND_REACH: 3,  # the note to whom it cannot be sent is one
            Outcome.WAITING: 2,
        }
        missed = await tx.corrections.missed(made.id, limit=10)
        assert {(each.recipient, each.part, each.why) for each in missed} == {
            (gone.id, 1, "blocked"),
            (gone.id, NOTES + 1, "blocked"),
            (moved.id, 1, "beyond_reach (the group has moved)"),
        }
        assert not await tx.corrections.folded([made.id])


async def test_a_move_takes_what_waits_out_of_hand(desk):
    audience, (group,), broadcast = await sent(desk)
    made = await change(desk, audience, broadcast, notes=1)
    await begin(desk, made)
    async with desk.database.transaction() as tx:
        await tx.recipients.move(group.address, Address(Channel.TELEGRAM, "-1001"))
        edit, note = await tx.deliveries.report(made.id)
    assert (edit.delivery.state, note.delivery.state) == (State.FAILED, State.QUEUED)
    assert (edit.delivery.target, note.delivery.target) == (f"{group.id}/1", "")


async def test_what_was_under_way_is_waited_for_and_then_changed(desk):
    audience = await desk.audience()
    reader = await desk.recipient(audience)
    sender, epoch = await desk.owner()
    broadcast = await desk.broadcast(audience)
    (lease,) = await desk.claim(sender, epoch)
    await desk.mark(lease, epoch=epoch)
    made = await change(desk, audience, broadcast)
    assert await begin(desk, made) == 0
    async with desk.database.transaction() as tx:
        assert await tx.corrections.lacking(made, now=LATER)
    await accept(desk, sender, lease, "7", now=NOW)
    async with desk.database.transaction() as tx:
        assert await tx.corrections.lacking(made, now=LATER)
        assert not await tx.corrections.lacking(made, now=LATER)
    assert await rows(desk, made) == [(reader.id, 1, Action.EDIT, "7")]


async def test_a_recall_takes_back_everything_and_says_so(desk):
    audience, _, broadcast = await sent(desk, parts=2)
    made = await change(
        desk, audience, broadcast, parts=0, taken_back=2, purpose=Purpose.RECALL
    )
    await begin(desk, made)
    assert [row[1:3] for row in await rows(desk, made)] == [
        (1, Action.DELETE),
        (2, Action.DELETE),
    ]
    async with desk.database.transaction() as tx:
        lines = await tx.deliveries.report(made.id)
        await tx.deliveries.save(
            [replace(line.delivery, state=State.ACCEPTED) for line in lines], []
        )
        assert not await tx.corrections.lacking(made, now=LATER)
        states = await tx.deliveries.coverage(broadcast.id)
    assert dict(states.states) == {State.RECALLED: 2}


async def test_an_update_answers_the_first_message_where_there_is_one(desk):
    audience, (has, lacks, moved), broadcast = await sent(desk, people=3, taken=1)
    async with desk.database.transaction() as tx:
        await tx.recipients.move(moved.address, Address(Channel.TELEGRAM, "-1001"))
    update = await desk.broadcast(audience)
    async with desk.database.transaction() as tx:
        assert await tx.corrections.thread(update.id, [broadcast.id]) == 1
    assert [(row[0], row[3]) for row in await rows(desk, update)] == [
        (has.id, f"{has.id}/1"),
        (lacks.id, ""),
        (moved.id, ""),
    ]


async def test_taking_over_does_not_queue_an_edit_that_a_newer_one_replaced(desk):
    audience, _, broadcast = await sent(desk)
    sender, epoch = await desk.owner()
    first = await change(desk, audience, broadcast)
    await begin(desk, first)
    [lease] = await desk.claim(sender, epoch, now=LATER)
    await hot.mark(desk.database, sender, epoch, now=LATER, leases=[lease])
    second = await change(desk, audience, broadcast, planned_at=LATER + SECOND)
    await begin(desk, second)

    async with desk.database.transaction() as tx:
        taken = await tx.senders.take(sender)
        [line] = await tx.deliveries.report(first.id)
    assert (line.delivery.state, line.delivery.reason) == (State.SKIPPED, "corrected")
    assert taken.doubtful == 0
    [lease] = await desk.claim(sender, taken.sender.epoch, now=LATER + 9 * SECOND)
    assert lease.broadcast == second.id


async def test_a_call_under_way_of_any_kind_is_known_to_the_next_owner(desk):
    audience, _, broadcast = await sent(desk)
    sender, epoch = await desk.owner()
    first = await change(desk, audience, broadcast)
    await begin(desk, first)
    [lease] = await desk.claim(sender, epoch, now=LATER)
    await hot.mark(desk.database, sender, epoch, now=LATER, leases=[lease])
    async with desk.database.transaction() as tx:
        taken = await tx.senders.take(sender)
    assert taken.doubtful == 0
    assert taken.called


async def test_a_copy_taken_for_sent_is_beyond_reach_of_a_recall(desk):
    audience, (reader,), broadcast = await sent(desk, taken=0)
    sender, epoch = await desk.owner()
    [lease] = await desk.claim(sender, epoch)
    await desk.mark(lease, epoch=epoch)
    async with desk.database.transaction() as tx:
        await tx.senders.take(sender)
        loaded = await tx.deliveries.load([lease.id])
        found, _ = loaded[lease.id]
        decided = replace(found, state=State.ACCEPTED, reason="taken for sent")
        await tx.deliveries.save([decided], [])
    made = await change(
        desk, audience, broadcast, purpose=Purpose.RECALL, taken_back=1, parts=0
    )
    await begin(desk, made)
    async with desk.database.snapshot() as tx:
        counts = await tx.corrections.counts(made.id)
        missed = await tx.corrections.missed(made.id, limit=9)
    assert counts == {Outcome.BEYOND_REACH: 1}
    assert [each.recipient for each in missed] == [reader.id]
