"""What came in, until it has had its effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import func, select, update

from bot.domain.inbound import Inbound, InboundId
from bot.ports import Backlog
from storage.codec import decode_payload, encode_payload
from storage.tables import inbound

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from bot.domain.recipients import Channel
    from storage.connection import Connection
    from storage.sealing import Keyring


class Inbox:
    """The Inbox port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def store(self, entries: Sequence[Inbound]) -> int:
        """Store what is new; how many were. A key that exists is left alone."""
        keys = self._connection.keys
        return await self._connection.run(
            self._connection.insert_new(inbound),
            [
                {
                    "channel": entry.channel,
                    "key": entry.key,
                    "payload": keys.seal(
                        encode_payload(entry.payload),
                        place=_place(entry.channel, entry.key),
                    ),
                    "received_at": entry.received_at,
                    "error": "",
                }
                for entry in entries
            ],
        )

    async def waiting(self, *, limit: int) -> list[Inbound]:
        """Return what has had no effect yet, oldest first."""
        rows = await self._connection.rows(
            select(inbound)
            .where(inbound.c.done_at.is_(None))
            .order_by(inbound.c.id)
            .limit(limit)
        )
        return [_entry(row, self._connection.keys) for row in rows]

    async def backlog(self) -> Backlog:
        """Count what has had no effect yet."""
        row = await self._connection.row(
            select(
                func.count(inbound.c.id).label("waiting"),
                func.min(inbound.c.received_at).label("oldest"),
            ).where(inbound.c.done_at.is_(None))
        )
        if row is None:
            return Backlog(waiting=0, oldest=None)
        return Backlog(waiting=row.waiting, oldest=row.oldest)

    async def done(self, entry: InboundId, *, now: datetime, error: str = "") -> None:
        """Note that it has had its effect, or was set aside with *error*."""
        await self._connection.run(
            update(inbound)
            .where(inbound.c.id == entry)
            .values(done_at=now, error=error)
        )

    async def newest(
        self, channel: Channel, kind: str, *, until: datetime | None = None
    ) -> datetime | None:
        """When the last entry came, by *until*, whose key begins with *kind*."""
        last = (
            select(inbound.c.received_at)
            .where(
                inbound.c.channel == channel,
                inbound.c.key.startswith(kind, autoescape=True),
            )
            .order_by(inbound.c.received_at.desc())
            .limit(1)
        )
        if until is not None:
            last = last.where(inbound.c.received_at <= until)
        return cast("datetime | None", await self._connection.value(last))


def _place(channel: Channel, key: str) -> str:
    return f"inbound {channel.value} {key}"


def _entry(row: Row[Any], keys: Keyring) -> Inbound:
    payload = keys.open(row.payload, place=_place(row.channel, row.key))
    return Inbound(
        id=InboundId(row.id),
        channel=row.channel,
        key=row.key,
        payload=decode_payload(payload),
        received_at=row.received_at,
    )
