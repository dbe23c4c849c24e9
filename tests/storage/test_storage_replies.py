"""Answers, and what they answer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from bot.domain.deliveries import State
from bot.domain.inbound import Inbound
from bot.domain.recipients import Channel, Recipient, SenderId
from bot.ports import NewReply
from tests import hot
from tests.storage.desk import MESSAGE, NOW, SECOND, Desk


async def written(desk: Desk, *recipients: Recipient) -> tuple[SenderId, int]:
    """One reply to each, in order, and the owner of their sender."""
    sender, epoch = await desk.owner()
    async with desk.database.transaction() as tx:
        await tx.replies.add(
            [
                NewReply(
                    key=f"update:{place}",
                    sender=sender,
                    recipient=recipient.id,
                    message=MESSAGE,
                )
                for place, recipient in enumerate(recipients)
            ],
            now=NOW,
        )
    return sender, epoch


async def claimed(
    desk: Desk, sender: SenderId, epoch: int, now: datetime = NOW, limit: int = 9
) -> list[int]:
    hand = await hot.claim(desk.database, sender, epoch, now=now, limit=limit)
    return [lease.id for lease in hand.replies]


async def marked(desk: Desk, sender: SenderId, epoch: int, *which: int) -> set[int]:
    found = await hot.mark(desk.database, sender, epoch, now=NOW, replies=which)
    return found.replies


async def test_the_same_answer_is_written_once(desk):
    someone = await desk.recipient()
    sender, _ = await written(desk, someone)
    async with desk.database.transaction() as tx:
        again = [
            NewReply(key=key, sender=sender, recipient=someone.id, message=MESSAGE)
            for key in ("update:0", "update:1")
        ]
        assert await tx.replies.add(again, now=NOW) == 1
        assert await tx.replies.add([], now=NOW) == 0


async def test_answers_are_counted_and_notices_are_not(desk):
    one, two = await desk.recipient(), await desk.recipient()
    sender, _ = await written(desk, one, one, two)
    async with desk.database.transaction() as tx:
        notice = NewReply(
            key="notice:down:1", sender=sender, recipient=one.id, message=MESSAGE
        )
        later = NewReply(
            key="update:9", sender=sender, recipient=one.id, message=MESSAGE
        )
        await tx.replies.add([notice, later], now=NOW + SECOND)

    async with desk.database.snapshot() as tx:
        before = NOW - SECOND
        assert await tx.replies.written_since(one.id, before) == 3
        assert await tx.replies.written_since(two.id, before) == 1
        assert await tx.replies.written_since(one.id, NOW) == 1
        assert await tx.replies.written_since(one.id, NOW + SECOND) == 0


async def test_oldest_first_and_one_for_each_recipient(desk):
    one, two = await desk.recipient(), await desk.recipient()
    sender, epoch = await written(desk, one, one, two)

    assert await claimed(desk, sender, epoch) == [1, 3]
    assert await claimed(desk, sender, epoch) == [], "the first is still in hand"
    assert await marked(desk, sender, epoch, 1, 2, 3) == {1, 3}
    async with desk.database.transaction() as tx:
        await tx.replies.settle(1, State.ACCEPTED, provider_id="77")
    (lease,) = (await hot.claim(desk.database, sender, epoch, now=NOW)).replies
    assert (
        lease.id,
        lease.recipient,
        lease.address,
        lease.message,
        lease.attempts,
    ) == (
        2,
        one.id,
        one.address,
        MESSAGE,
        0,
    )


async def test_one_that_waits_keeps_the_later_ones_behind_it(desk):
    someone = await desk.recipient()
    sender, epoch = await written(desk, someone, someone)
    assert await claimed(desk, sender, epoch) == [1]
    await marked(desk, sender, epoch, 1)
    async with desk.database.transaction() as tx:
        await tx.replies.settle(1, State.QUEUED, code="429", due_at=NOW + 3 * SECOND)

    assert await claimed(desk, sender, epoch) == []
    async with desk.database.transaction() as tx:
        assert not await tx.senders.has_work(sender, now=NOW)
        assert await tx.senders.next_due(sender, now=NOW) == NOW + 3 * SECOND
    hand = await hot.claim(desk.database, sender, epoch, now=NOW + 3 * SECOND)
    (lease,) = hand.replies
    assert (lease.id, lease.attempts) == (1, 1)


async def test_a_held_recipient_is_answered_later(desk):
    someone = await desk.recipient()
    sender, epoch = await written(desk, someone)
    async with desk.database.transaction() as tx:
        await tx.recipients.hold({someone.id: NOW + SECOND})
        assert await tx.senders.next_due(sender, now=NOW) == NOW + SECOND

    assert await claimed(desk, sender, epoch) == []
    assert await claimed(desk, sender, epoch, now=NOW + SECOND) == [1]


async def test_taking_over_queues_the_leased_and_doubts_the_called(desk):
    people = [await desk.recipient() for _ in range(3)]
    sender, epoch = await written(desk, *people)
    assert await claimed(desk, sender, epoch, limit=2) == [1, 2]
    await marked(desk, sender, epoch, 1)
    _, new = await desk.owner()

    assert await marked(desk, sender, epoch, 2) == set()
    assert await claimed(desk, sender, new) == [2, 3], "the first is in doubt"


async def test_what_is_released_is_claimed_again(desk):
    someone = await desk.recipient()
    sender, epoch = await written(desk, someone)
    assert await claimed(desk, sender, epoch) == [1]
    async with desk.database.transaction() as tx:
        await tx.replies.release([1], epoch=epoch + 1)
        assert not await tx.senders.has_work(sender, now=NOW)
        await tx.replies.release([1], epoch=epoch)
        assert await tx.senders.has_work(sender, now=NOW)


def inbound(key: str, channel: Channel = Channel.TELEGRAM, **payload: Any) -> Inbound:
    return Inbound(channel=channel, key=key, payload=payload, received_at=NOW)


async def test_what_comes_in_twice_is_stored_once(database):
    async with database.transaction() as tx:
        first = await tx.inbox.store([inbound("update:1"), inbound("update:2")])
        second = await tx.inbox.store([inbound("update:2"), inbound("update:3")])
        other = await tx.inbox.store([inbound("update:2", Channel.WHATSAPP)])
        assert await tx.inbox.store([]) == 0
        waiting = await tx.inbox.waiting(limit=3)

    assert (first, second, other) == (2, 1, 1)
    assert [each.key for each in waiting] == ["update:1", "update:2", "update:3"]


async def test_what_had_its_effect_waits_no_more(database):
    entry = inbound("message:SM1", Channel.WHATSAPP, Body="JOIN ABC", MediaUrl=None)
    async with database.transaction() as tx:
        await tx.inbox.store([entry, inbound("update:5")])
        found, broken = await tx.inbox.waiting(limit=9)
        await tx.inbox.done(found.id, now=NOW)
        await tx.inbox.done(broken.id, now=NOW, error="KeyError")
        left = await tx.inbox.waiting(limit=9)
        again = await tx.inbox.store([entry])

    assert (found.channel, found.key, found.payload, found.received_at) == (
        entry.channel,
        entry.key,
        entry.payload,
        entry.received_at,
    )
    assert left == []
    assert again == 0


async def test_when_the_last_of_a_kind_came_in(database):
    entries = [
        replace(inbound(key, channel), received_at=NOW + place * SECOND)
        for place, (key, channel) in enumerate(
            [
                ("message:SM2", Channel.WHATSAPP),
                ("message:SM1", Channel.WHATSAPP),
                ("status:SM1:sent", Channel.WHATSAPP),
                ("message:1", Channel.TELEGRAM),
            ]
        )
    ]
    async with database.transaction() as tx:
        nothing = await tx.inbox.newest(Channel.WHATSAPP, "message:")
        await tx.inbox.store(entries)
        newest = await tx.inbox.newest(Channel.WHATSAPP, "message:")
        by_then = [
            await tx.inbox.newest(Channel.WHATSAPP, "message:", until=NOW + each)
            for each in (SECOND, SECOND / 2, -SECOND)
        ]

    assert nothing is None
    assert newest == NOW + SECOND
    assert by_then == [NOW + SECOND, NOW, None]
