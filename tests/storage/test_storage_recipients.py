"""Recipients: found, moved, merged."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.domain.broadcasts import Broadcast
from bot.domain.deliveries import State
from bot.domain.errors import Unknown
from bot.domain.recipients import (
    Address,
    Audience,
    Channel,
    Kind,
    Recipient,
    RecipientId,
    Standing,
)
from bot.ports import NewReply
from tests import hot
from tests.storage.desk import CONSENT, MESSAGE, NOW, SECOND, Desk

OLD = Address(Channel.TELEGRAM, "-100")
NEW = Address(Channel.TELEGRAM, "-1001234567890123")
THIRD = Address(Channel.TELEGRAM, "-1009")


async def test_the_same_address_is_the_same_recipient(desk):
    topic = replace(NEW, thread=7)
    async with desk.database.transaction() as tx:
        group = await tx.recipients.ensure(NEW, Kind.GROUP, title="Desk", now=NOW)
        again = await tx.recipients.ensure(NEW, Kind.GROUP, language="hi", now=NOW)
        inside = await tx.recipients.ensure(topic, Kind.GROUP, now=NOW)
        long = Address(Channel.WHATSAPP, "IN.ENT." + "a" * 128)
        reader = await tx.recipients.ensure(long, Kind.READER, now=NOW)
        assert await tx.recipients.find(NEW) == again
        assert await tx.recipients.find(topic) == inside
        assert await tx.recipients.get(reader.id) == reader
        assert reader.address == long

    assert again == replace(group, language="hi")
    assert inside.address.thread == 7
    assert inside.id != group.id
    assert group.address == NEW


async def test_nobody_is_unknown(database):
    async with database.snapshot() as tx:
        assert await tx.recipients.find(OLD) is None
        with pytest.raises(Unknown):
            await tx.recipients.get(RecipientId(9))


async def test_a_move_keeps_the_old_address_as_another_name(desk):
    someone = await desk.recipient(value=OLD.value, kind=Kind.GROUP)
    async with desk.database.transaction() as tx:
        for _ in range(2):
            moved = await tx.recipients.move(OLD, NEW)
            assert moved == replace(someone, address=NEW)
            assert await tx.recipients.find(OLD) == moved
            assert await tx.recipients.find(NEW) == moved
            assert await tx.recipients.ensure(OLD, Kind.GROUP, now=NOW) == moved
        assert await tx.recipients.move(THIRD, OLD) is None
        further = await tx.recipients.move(NEW, THIRD)
        assert await tx.recipients.move(OLD, NEW) == further, (
            "stale, and without effect"
        )
        assert await tx.recipients.move(THIRD, THIRD) == further
        back = await tx.recipients.move(THIRD, NEW)
        assert back == moved
        assert await tx.recipients.find(THIRD) == moved


async def both(desk: Desk) -> tuple[Audience, Audience, Recipient, Recipient]:
    """The group under its old address and, seen first there, under its new one."""
    audience, second = await desk.audience(), await desk.audience("second")
    old = await desk.recipient(audience, value=OLD.value, kind=Kind.GROUP)
    new = await desk.recipient(audience, second, value=NEW.value, kind=Kind.GROUP)
    return audience, second, old, new


async def test_two_that_are_the_same_become_one(desk):
    audience, second, old, new = await both(desk)
    sender, epoch = await desk.owner()
    only_new = await desk.broadcast(second)
    async with desk.database.transaction() as tx:
        await tx.recipients.set_standing(old.id, Standing.SUSPENDED, reason="moved")
        await tx.replies.add(
            [NewReply(key="a", sender=sender, recipient=new.id, message=MESSAGE)],
            now=NOW,
        )
        await tx.editors.add(new.id, name="Asma", now=NOW)
        await tx.recipients.move(THIRD, NEW)
        for _ in range(2):
            merged = await tx.recipients.move(OLD, NEW)
            assert merged is not None
            assert merged.address == NEW
            assert merged.standing is Standing.ACTIVE
            assert await tx.recipients.find(OLD) == merged
            assert await tx.recipients.find(NEW) == merged
            for known in (old, new):
                assert await tx.recipients.get(known.id) == merged
        assert await tx.audiences.members(audience.id) == [merged]
        assert await tx.audiences.of(merged.id) == [audience, second]
        (line,) = await tx.deliveries.report(only_new.id)
        assert line.delivery.recipient == merged.id
        editor = await tx.editors.find(OLD)
        assert editor is not None
        assert editor.address == NEW
    (reply,) = (await hot.claim(desk.database, sender, epoch, now=NOW)).replies
    assert reply.recipient == merged.id
    async with desk.database.transaction() as tx:
        assert not await tx.recipients.set_standing(new.id, Standing.ACTIVE)


async def in_broadcast(
    desk: Desk, broadcast: Broadcast
) -> list[tuple[int, int, State]]:
    async with desk.database.snapshot() as tx:
        return [
            (line.delivery.recipient, line.delivery.part, line.delivery.state)
            for line in await tx.deliveries.report(broadcast.id)
        ]


async def test_rows_of_both_in_one_broadcast_are_sent_once(desk):
    audience, _, old, new = await both(desk)
    broadcast = await desk.broadcast(audience, parts=2)
    sender, epoch = await desk.owner()
    async with desk.database.transaction() as tx:
        await tx.recipients.move(OLD, NEW)

    assert await in_broadcast(desk, broadcast) == [
        (old.id, 1, State.QUEUED),
        (old.id, 2, State.QUEUED),
        (new.id, 1, State.SKIPPED),
        (new.id, 2, State.SKIPPED),
    ]
    (lease,) = await desk.claim(sender, epoch)
    assert lease.address == NEW


async def test_the_rows_that_got_further_count(desk):
    """The new address has part 1 already: it must not come again."""
    audience, _, old, new = await both(desk)
    broadcast = await desk.broadcast(audience, parts=2)
    sender, epoch = await desk.owner()
    async with desk.database.transaction() as tx:
        lines = await tx.deliveries.report(broadcast.id)
        arrived = [
            line.delivery
            for line in lines
            if (line.delivery.recipient, line.delivery.part) == (new.id, 1)
        ]
        await tx.deliveries.save([replace(arrived[0], state=State.ACCEPTED)], [])
        await tx.recipients.move(OLD, NEW)

    assert await in_broadcast(desk, broadcast) == [
        (old.id, 1, State.ACCEPTED),
        (old.id, 2, State.QUEUED),
        (new.id, 1, State.SKIPPED),
        (new.id, 2, State.SKIPPED),
    ]
    (lease,) = await desk.claim(sender, epoch)
    assert (lease.part, lease.recipient) == (2, old.id)


async def test_a_stop_that_comes_late_takes_nothing_back_and_lives_on(desk):
    old, new = await desk.recipient(), await desk.recipient()
    async with desk.database.transaction() as tx:
        for who, moments in ((old, (1, 2, 0)), (new, (1,))):
            for moment in moments:
                await tx.recipients.stopped(who.id, NOW + moment * SECOND)
        await tx.recipients.move(old.address, new.address)
        assert (await tx.recipients.get(old.id)).stopped_at == NOW + 2 * SECOND
        await tx.erasure.forget(old.id)
        assert (await tx.recipients.get(old.id)).stopped_at is None


async def test_standing_strikes_and_inbound(desk):
    someone = await desk.recipient()
    async with desk.database.transaction() as tx:
        change = tx.recipients.set_standing
        assert await change(someone.id, Standing.GONE, reason="blocked")
        assert not await change(someone.id, Standing.GONE)
        assert [await tx.recipients.strike(someone.id) for _ in range(2)] == [1, 2]
        await tx.recipients.clear_strikes({someone.id, RecipientId(99)})
        assert await tx.recipients.strike(someone.id) == 1
        await tx.recipients.heard_from(someone.id, NOW)
        await tx.recipients.heard_from(someone.id, NOW - SECOND)
        found = await tx.recipients.get(someone.id)

    assert found == replace(
        someone, standing=Standing.GONE, strikes=1, last_inbound_at=NOW
    )


async def test_groups_whose_time_has_come(desk):
    stays, leaves, later = [await desk.recipient(kind=Kind.GROUP) for _ in range(3)]
    async with desk.database.transaction() as tx:
        await tx.recipients.leave_at(stays.id, NOW)
        await tx.recipients.leave_at(stays.id, None)
        await tx.recipients.leave_at(leaves.id, NOW)
        await tx.recipients.leave_at(later.id, NOW + SECOND)
        assert await tx.recipients.to_leave(now=NOW) == [replace(leaves, leave_at=NOW)]


async def test_consents_of_the_merged_are_kept(desk):
    audience, _, old, new = await both(desk)
    async with desk.database.transaction() as tx:
        await tx.recipients.move(OLD, NEW)
        new_one = await tx.audiences.enrol(
            audience.id, old.id, link=None, consent=CONSENT, now=NOW
        )
        assert not new_one
    assert new.id != old.id
