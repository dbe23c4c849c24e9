"""Claims and marks in a line, for tests that need rows in hand or under way."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.deliveries import Attempt, Form, Progress, Reference
from bot.ports import Order, Page

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from bot.domain.deliveries import DeliveryId
    from bot.domain.recipients import RecipientId, SenderId
    from bot.ports import Claims, Hand, Lease, Written

AHEAD = timedelta(seconds=2)


async def claim(
    database: Claims,
    sender: SenderId,
    epoch: int,
    *,
    now: datetime,
    limit: int = 100,
    kept: int = 0,
    interval: timedelta = timedelta(0),
    excluding: Collection[RecipientId] = (),
) -> Hand:
    """Take what is due in hand."""
    return await database.claim(
        Order(sender, epoch, now, limit, kept, interval, AHEAD, excluding)
    )


def page(sender: SenderId, epoch: int, moment: datetime) -> Page:
    """A page on which nothing stands yet."""
    return Page(sender, epoch, moment, [], [], [], [], [], [])


async def mark(
    database: Claims,
    sender: SenderId,
    epoch: int,
    *,
    now: datetime,
    leases: Sequence[Lease] = (),
    replies: Sequence[int] = (),
) -> Written:
    """Mark rows as about to be called."""
    written = page(sender, epoch, now)
    written.calls.extend((each.id, each.attempts + 1, Form.TEXT) for each in leases)
    written.replies.extend(replies)
    [found] = await database.record([written])
    return found


async def accept(
    database: Claims,
    sender: SenderId,
    *,
    now: datetime,
    answers: Sequence[tuple[DeliveryId, int, str]],
) -> Written:
    """Write that the provider took some."""
    written = page(sender, 0, now)
    written.accepted.extend(answers)
    [found] = await database.record([written])
    return found


def attempt_of(lease: Lease, *, now: datetime) -> Attempt:
    """The attempt that marking *lease* makes."""
    return Attempt(
        reference=Reference(lease.id, lease.attempts + 1),
        form=Form.TEXT,
        progress=Progress.SENDING,
        started_at=now,
    )
