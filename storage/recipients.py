"""Who can be written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, delete, or_, select, update

from bot.domain.errors import Unknown
from bot.domain.pacing import BELIEVED
from bot.domain.recipients import Recipient, RecipientId, Standing
from storage.connection import chunks
from storage.copies import leave_copies
from storage.merging import merge
from storage.tables import aliases, recipients

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row, Table

    from bot.domain.recipients import Address, Kind
    from storage.connection import Connection
    from storage.sealing import Keyring

_table = recipients

_MERGES = 20  #: longest chain of merged recipients that is followed


class Recipients:
    """The Recipients port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def find(self, address: Address) -> Recipient | None:
        """Return who is at *address*, an old address of theirs included."""
        there = select(recipients).where(
            self._at(recipients, address), recipients.c.merged_into.is_(None)
        )
        row = await self._connection.row(there)
        if row is None:
            before = (
                select(recipients)
                .join(aliases, aliases.c.recipient_id == recipients.c.id)
                .where(self._at(aliases, address))
            )
            row = await self._connection.row(before)
        return None if row is None else to_recipient(row, self._connection.keys)

    async def get(self, recipient: RecipientId) -> Recipient:
        """Return one recipient; of one that was merged, the one it lives on in."""
        wanted: int = recipient
        for _ in range(_MERGES):
            row = await self._connection.row(
                select(recipients).where(recipients.c.id == wanted)
            )
            if row is None:
                break
            if row.merged_into is None:
                return to_recipient(row, self._connection.keys)
            wanted = row.merged_into
        raise Unknown(f"there is no recipient {recipient}")

    async def ensure(
        self,
        address: Address,
        kind: Kind,
        *,
        title: str = "",
        language: str = "",
        now: datetime,
    ) -> Recipient:
        """Return who is at *address*, made if need be."""
        found = await self.find(address)
        if found is None:
            await self._connection.add(
                recipients,
                **self._connection.keys.stored(address),
                kind=kind,
                title=title,
                language=language,
                standing=Standing.ACTIVE,
                standing_reason="",
                strikes=0,
                created_at=now,
            )
            made = await self.find(address)
            if made is None:
                raise Unknown("the recipient just made is not there")
            return made
        fresh = {
            name: value
            for name, value in (("title", title), ("language", language))
            if value and value != getattr(found, name)
        }
        if fresh:
            await self._set(found.id, **fresh)
            return await self.get(found.id)
        return found

    async def move(self, old: Address, new: Address) -> Recipient | None:
        """Give the recipient at *old* the address *new*, and keep *old* as an alias.

        Where another is at *new* already, it is merged into the one from *old*,
        whose number survives: it is the one that somebody may have in hand.
        """
        moving = await self.find(old)
        if moving is None:
            return None
        there = await self.find(new)
        if there is not None and there.id == moving.id and moving.address != old:
            return moving  # moved before, and perhaps further since
        if moving.address == new:
            return moving
        await leave_copies(self._connection, moving.id)
        if there is not None and there.id != moving.id:
            await merge(self._connection, keep=moving.id, end=there.id)
        await self._alias(moving.address, moving.id)
        await self._alias(old, moving.id)
        await self._connection.run(delete(aliases).where(self._at(aliases, new)))
        await self._set(moving.id, **self._connection.keys.stored(new))
        return await self.get(moving.id)

    async def set_standing(
        self,
        recipient: RecipientId,
        standing: Standing,
        *,
        reason: str = "",
        retry_at: datetime | None = None,
    ) -> bool:
        """Write the standing; whether it changed."""
        changed = await self._connection.run(
            update(recipients)
            .where(
                recipients.c.id == recipient,
                recipients.c.standing != standing,
                recipients.c.merged_into.is_(None),
            )
            .values(standing=standing, standing_reason=reason, retry_at=retry_at)
        )
        return changed > 0

    async def to_retry(self, *, now: datetime) -> list[Recipient]:
        """Return the suspended recipients that are worth another try."""
        due = (
            select(recipients)
            .where(recipients.c.retry_at.is_not(None), recipients.c.retry_at <= now)
            .where(recipients.c.standing == Standing.SUSPENDED)
            .where(recipients.c.merged_into.is_(None))
        )
        keys = self._connection.keys
        return [to_recipient(row, keys) for row in await self._connection.rows(due)]

    async def strike(self, recipient: RecipientId) -> int:
        """Count one more answer that calls the address in doubt; return the count."""
        counted = await self._connection.value(
            update(recipients)
            .where(recipients.c.id == recipient)
            .values(strikes=recipients.c.strikes + 1)
            .returning(recipients.c.strikes)
        )
        return int(counted or 0)

    async def clear_strikes(self, recipients: Collection[RecipientId]) -> None:
        """Forget strikes: a message has arrived."""
        for some in chunks(recipients):
            await self._connection.run(
                update(_table)
                .where(_table.c.id.in_(some), _table.c.strikes > 0)
                .values(strikes=0)
            )

    async def heard_from(self, recipient: RecipientId, at: datetime) -> None:
        """Note an inbound message; one that comes late takes nothing back."""
        await self._connection.run(
            update(recipients)
            .where(
                recipients.c.id == recipient,
                or_(
                    recipients.c.last_inbound_at.is_(None),
                    recipients.c.last_inbound_at < at,
                ),
            )
            .values(last_inbound_at=at)
        )

    async def stopped(self, recipient: RecipientId, at: datetime) -> None:
        """Note that they said STOP at *at*; one that comes late takes nothing back."""
        await self._connection.run(
            update(recipients)
            .where(
                recipients.c.id == recipient,
                or_(recipients.c.stopped_at.is_(None), recipients.c.stopped_at < at),
            )
            .values(stopped_at=at)
        )

    async def window_closed(self, recipient: RecipientId, at: datetime) -> None:
        """Note that WhatsApp's window was closed at *at*; it opens by a later word."""
        await self._connection.run(
            update(recipients)
            .where(recipients.c.id == recipient, recipients.c.last_inbound_at <= at)
            .values(last_inbound_at=None)
        )

    async def hold(self, clocks: Mapping[RecipientId, datetime]) -> None:
        """Write to each recipient no sooner than the moment given.

        A clock only moves forward, except from where it cannot be believed.
        """
        await self._connection.run(
            update(recipients)
            .where(
                recipients.c.id == bindparam("held"),
                or_(
                    recipients.c.next_at.is_(None),
                    recipients.c.next_at < bindparam("until"),
                    recipients.c.next_at > bindparam("absurd"),
                ),
            )
            .values(next_at=bindparam("until")),
            [
                {"held": recipient, "until": until, "absurd": until + BELIEVED}
                for recipient, until in clocks.items()
            ],
        )

    async def rest(self, recipient: RecipientId, until: datetime) -> None:
        """Plan nothing for the recipient before *until*."""
        await self._set(recipient, rest_until=until)

    async def leave_at(self, recipient: RecipientId, moment: datetime | None) -> None:
        """Note when a group that nobody vouches for is to be left; None: it stays."""
        await self._set(recipient, leave_at=moment)

    async def to_leave(self, *, now: datetime) -> list[Recipient]:
        """Return the groups whose time to be left has come."""
        due = (
            select(recipients)
            .where(recipients.c.leave_at.is_not(None), recipients.c.leave_at <= now)
            .where(recipients.c.merged_into.is_(None))
            .order_by(recipients.c.leave_at, recipients.c.id)
        )
        keys = self._connection.keys
        return [to_recipient(row, keys) for row in await self._connection.rows(due)]

    async def _set(self, recipient: RecipientId, **values: Any) -> None:
        await self._connection.run(
            update(recipients).where(recipients.c.id == recipient).values(**values)
        )

    async def _alias(self, address: Address, recipient: RecipientId) -> None:
        await self._connection.run(delete(aliases).where(self._at(aliases, address)))
        await self._connection.run(
            aliases.insert().values(
                **self._connection.keys.stored(address), recipient_id=recipient
            )
        )

    def _at(self, table: Table, address: Address) -> ColumnElement[bool]:
        """Say that a row of *table* has *address*."""
        return (
            (table.c.channel == address.channel)
            & (table.c.value == self._connection.keys.known_as(address))
            & (table.c.thread == (address.thread or 0))
        )


def to_recipient(row: Row[Any], keys: Keyring) -> Recipient:
    """Read a recipient from its row."""
    return Recipient(
        id=RecipientId(row.id),
        address=keys.address(row),
        kind=row.kind,
        title=row.title,
        language=row.language,
        standing=row.standing,
        last_inbound_at=row.last_inbound_at,
        stopped_at=row.stopped_at,
        strikes=row.strikes,
        leave_at=row.leave_at,
    )
