"""Erasing what is no longer kept, and whoever asks for it.

Only what has ended is touched. A delivery that goes leaves its count behind, so that
a broadcast's coverage stays what it was.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    and_,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    text,
    update,
)

from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import State
from bot.domain.recipients import RecipientId, Standing
from storage.connection import chunks
from storage.replies import EMPTIED
from storage.tables import (
    MESSAGES,
    OPEN,
    PENDING,
    aliases,
    attempts,
    broadcasts,
    consents,
    coverages,
    deliveries,
    editors,
    enrolments,
    inbound,
    invitations,
    looks,
    recipients,
    replies,
    suppressions,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Table

    from bot.domain.recipients import Address
    from storage.connection import Connection

#: Something is still to come of these.
_UNENDED = (State.QUEUED, State.LEASED, State.SENDING, State.SUSPENDED)
_OVER = (BroadcastState.FINISHED, BroadcastState.CANCELLED)
#: What stands where a payload was.
_NOTHING = b""

FORGOTTEN = "forgotten"


class Erasure:
    """The Erasure port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def last_look(self) -> datetime | None:
        """When anything could last be erased, by a clock that was believed."""
        moment: datetime | None = await self._connection.value(
            select(func.max(looks.c.at))
        )
        return moment

    async def looked(self, now: datetime) -> None:
        """Note that it is *now*; what was noted is not taken back."""
        await self._connection.run(
            self._connection.insert_new(looks).values(id=1, at=now)
        )
        await self._connection.run(update(looks).where(looks.c.at < now).values(at=now))

    async def inbound(
        self, *, handled: datetime, set_aside: datetime, limit: int
    ) -> int:
        """Drop what came in and was done with before the moments given.

        The last message stays, as a mark of how far we have heard: without it nobody
        would know since when to look for what was missed.
        """
        last = (
            select(inbound.c.id)
            .where(text(MESSAGES))
            .order_by(inbound.c.received_at.desc())
            .limit(1)
        )
        done = _done(handled=handled, set_aside=set_aside)
        return await self._drop(inbound, done & inbound.c.id.not_in(last), limit=limit)

    async def words(self, before: datetime, *, set_aside: datetime, limit: int) -> int:
        """Empty what was done with before the moments given; that it came stays known.

        Of what was set aside that is the last message, which `inbound` leaves.
        """
        done = _done(handled=before, set_aside=set_aside)
        some = (
            select(inbound.c.id).where(done, inbound.c.payload != _NOTHING).limit(limit)
        )
        return await self._connection.run(
            update(inbound).where(inbound.c.id.in_(some)).values(payload=_NOTHING)
        )

    async def replies(self, before: datetime, *, limit: int) -> int:
        """Drop settled answers and notices written before *before*.

        Not those that something waiting in the inbox may have caused: should it be
        handled a second time, they are what keeps it from being answered twice.
        """
        waiting = select(func.min(inbound.c.received_at)).where(
            inbound.c.done_at.is_(None)
        )
        oldest = await self._connection.value(waiting)
        until = before if oldest is None else min(before, oldest)
        return await self._drop(
            replies,
            (replies.c.written_at < until) & replies.c.state.not_in(OPEN),
            limit=limit,
        )

    async def deliveries(self, before: datetime, *, limit: int) -> int:
        """Fold ended deliveries of broadcasts that expired before *before*.

        They and their attempts go, and their number is added to what the
        broadcast's coverage counts.
        """
        over = select(broadcasts.c.id).where(
            broadcasts.c.state.in_(_OVER), broadcasts.c.expires_at < before
        )
        some = await self._connection.rows(
            select(deliveries.c.id, deliveries.c.broadcast_id, deliveries.c.state)
            .where(
                deliveries.c.broadcast_id.in_(over),
                deliveries.c.state.not_in(_UNENDED),
            )
            .limit(limit)
        )
        for numbers in chunks([row.id for row in some]):
            await self._connection.run(
                delete(attempts).where(attempts.c.delivery_id.in_(numbers))
            )
            await self._connection.run(
                delete(deliveries).where(deliveries.c.id.in_(numbers))
            )
        counts = Counter((row.broadcast_id, row.state) for row in some)
        for (broadcast, state), number in counts.items():
            await self._count(broadcast, state, number)
        return len(some)

    async def enrolments(self, before: datetime, *, limit: int) -> int:
        """Drop enrolments that ended before *before*, with their evidence."""
        some = await self._connection.values(
            select(enrolments.c.id)
            .where(enrolments.c.ended_at.is_not(None), enrolments.c.ended_at < before)
            .limit(limit)
        )
        await self._drop_enrolments(some)
        return len(some)

    async def invitations(self, before: datetime, *, limit: int) -> int:
        """Drop invitations to the desk that were used, or expired, before *before*."""
        some = (
            select(invitations.c.token_hash)
            .where(
                or_(invitations.c.used_at < before, invitations.c.expires_at < before)
            )
            .limit(limit)
        )
        return await self._connection.run(
            delete(invitations).where(invitations.c.token_hash.in_(some))
        )

    async def unmentioned(self, before: datetime, *, limit: int) -> list[RecipientId]:
        """Return recipients not heard of since *before* whom nothing refers to.

        It looks at everybody: do it in a snapshot, where it holds nobody up.
        """
        some = await self._connection.values(
            select(recipients.c.id).where(_unmentioned(before)).limit(limit)
        )
        return [RecipientId(each) for each in some]

    async def recipients(
        self, some: Collection[RecipientId], *, before: datetime
    ) -> int:
        """Drop those of *some* for whom `unmentioned` holds still; how many."""
        dropped = 0
        for each in chunks(some):
            numbers = await self._connection.values(
                select(recipients.c.id).where(
                    recipients.c.id.in_(each), _unmentioned(before)
                )
            )
            await self._connection.run(
                delete(aliases).where(aliases.c.recipient_id.in_(numbers))
            )
            dropped += await self._connection.run(
                delete(recipients).where(recipients.c.id.in_(numbers))
            )
        return dropped

    async def forget(self, recipient: RecipientId) -> None:
        """Leave of a recipient only rows of the ledger that name nobody.

        Their enrolments must have been ended. What is on its way to them at this
        moment cannot be called back, and is counted like the rest. Answers in hand
        are emptied and stay: whoever has them in hand is told so by their state.
        """
        whose = (recipients.c.id == recipient) | (recipients.c.merged_into == recipient)
        numbers = await self._connection.values(select(recipients.c.id).where(whose))
        ended = select(enrolments.c.id).where(enrolments.c.recipient_id.in_(numbers))
        await self._drop_enrolments(await self._connection.values(ended))
        await self._forget_replies(numbers)
        await self._connection.run(
            update(deliveries)
            .where(
                deliveries.c.recipient_id.in_(numbers), deliveries.c.state.in_(PENDING)
            )
            .values(state=State.SKIPPED, reason=FORGOTTEN)
        )
        names = select(editors.c.name).where(editors.c.recipient_id.in_(numbers))
        await self._connection.run(
            delete(invitations).where(
                invitations.c.used_at.is_not(None), invitations.c.name.in_(names)
            )
        )
        for table in (aliases, editors):
            await self._connection.run(
                delete(table).where(table.c.recipient_id.in_(numbers))
            )
        for number in numbers:
            await self._connection.run(
                update(recipients)
                .where(recipients.c.id == number)
                .values(
                    value=f"{FORGOTTEN} {number}",
                    sealed=None,
                    title="",
                    language="",
                    standing=Standing.GONE,
                    standing_reason=FORGOTTEN,
                    last_inbound_at=None,
                    stopped_at=None,
                    next_at=None,
                    retry_at=None,
                    rest_until=None,
                    leave_at=None,
                )
            )

    async def _forget_replies(self, numbers: Sequence[int]) -> None:
        theirs = replies.c.recipient_id.in_(numbers)
        in_hand = replies.c.state.in_((State.LEASED, State.SENDING))
        await self._connection.run(delete(replies).where(theirs, ~in_hand))
        leased = replies.c.state == State.LEASED
        await self._connection.run(
            update(replies)
            .where(theirs)
            .values(
                body=EMPTIED,
                state=case((leased, State.SKIPPED), else_=replies.c.state),
            )
        )

    async def suppress(self, address: Address, *, now: datetime) -> None:
        """Note, by its hash alone, that *address* asked to be forgotten, and when."""
        hashed = self._hashed(address)
        await self._connection.run(
            self._connection.insert_new(suppressions).values(
                address_hash=hashed, since=now
            )
        )
        await self._connection.run(
            update(suppressions)
            .where(suppressions.c.address_hash == hashed, suppressions.c.since < now)
            .values(since=now)
        )

    async def suppressed(
        self, address: Address, *, written_at: datetime | None = None
    ) -> bool:
        """Whether *address* asked to be forgotten, and has not come back since.

        With *written_at*, whether they asked then or later: what they wrote before is
        to have no effect any more.
        """
        found = select(suppressions).where(
            suppressions.c.address_hash == self._hashed(address)
        )
        if written_at is not None:
            found = found.where(suppressions.c.since >= written_at)
        return await self._connection.row(found) is not None

    async def welcome_back(self, address: Address) -> None:
        """Take back what `suppress` noted: they have come of their own accord."""
        await self._connection.run(
            delete(suppressions).where(
                suppressions.c.address_hash == self._hashed(address)
            )
        )

    def _hashed(self, address: Address) -> str:
        """Return what tells nothing of an address, Telegram's included."""
        return self._connection.keys.hashed(
            f"forgotten {address.channel.value} {address.value} {address.thread or 0}"
        )

    async def _drop_enrolments(self, numbers: Sequence[int]) -> None:
        for some in chunks(numbers):
            await self._connection.run(
                delete(consents).where(consents.c.enrolment_id.in_(some))
            )
            await self._connection.run(
                delete(enrolments).where(enrolments.c.id.in_(some))
            )

    async def _count(self, broadcast: int, state: State, number: int) -> None:
        await self._connection.run(
            self._connection.insert_new(coverages).values(
                broadcast_id=broadcast, state=state, number=0
            )
        )
        await self._connection.run(
            update(coverages)
            .where(coverages.c.broadcast_id == broadcast, coverages.c.state == state)
            .values(number=coverages.c.number + number)
        )

    async def _drop(
        self, table: Table, condition: ColumnElement[bool], *, limit: int
    ) -> int:
        some: Any = select(table.c.id).where(condition).limit(limit)
        return await self._connection.run(delete(table).where(table.c.id.in_(some)))


def _done(*, handled: datetime, set_aside: datetime) -> ColumnElement[bool]:
    """Say that an entry had its effect, or was set aside, before the moments given."""
    return inbound.c.done_at.is_not(None) & or_(
        (inbound.c.error == "") & (inbound.c.done_at < handled),
        inbound.c.done_at < min(set_aside, handled),
    )


def _unmentioned(before: datetime) -> ColumnElement[bool]:
    """Say that nothing refers to a recipient, and nothing was heard since *before*."""
    merged = recipients.alias("merged")
    return and_(
        recipients.c.created_at < before,
        or_(
            recipients.c.last_inbound_at.is_(None),
            recipients.c.last_inbound_at < before,
        ),
        recipients.c.leave_at.is_(None),
        *(
            ~exists().where(table.c.recipient_id == recipients.c.id)
            for table in (enrolments, editors, deliveries, replies)
        ),
        recipients.c.id.not_in(
            select(merged.c.merged_into).where(merged.c.merged_into.is_not(None))
        ),
    )
