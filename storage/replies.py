"""Answers and notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, exists, func, select, update

from bot.domain.deliveries import State
from bot.domain.recipients import RecipientId
from bot.ports import ReplyLease
from storage import due
from storage.codec import decode_message, encode_message
from storage.connection import chunks
from storage.tables import replies, senders

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from sqlalchemy import Row

    from bot.domain.recipients import SenderId
    from bot.ports import NewReply
    from storage.connection import Connection
    from storage.sealing import Keyring

#: What stands where the words were, once their recipient has been forgotten.
EMPTIED = ""


class Replies:
    """The Replies port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, replies: Sequence[NewReply], *, now: datetime) -> int:
        """Write answers down; how many were new. A key that exists is left alone."""
        return await self._connection.run(
            self._connection.insert_new(_table),
            [
                {
                    "key": reply.key,
                    "sender_id": reply.sender,
                    "recipient_id": reply.recipient,
                    "body": encode_message(reply.message),
                    "state": State.QUEUED,
                    "epoch": 0,
                    "due_at": now,
                    "attempts": 0,
                    "provider_id": "",
                    "code": "",
                    "written_at": now,
                }
                for reply in replies
            ],
        )

    async def written_since(self, recipient: RecipientId, moment: datetime) -> int:
        """How many answers to *recipient* were written after *moment*; no notices."""
        found = await self._connection.value(
            select(func.count()).where(
                replies.c.recipient_id == recipient,
                replies.c.written_at > moment,
                replies.c.key.not_like("notice:%"),
            )
        )
        return int(found)

    async def claim(
        self,
        sender: SenderId,
        *,
        epoch: int,
        now: datetime,
        limit: int,
        excluding: Collection[RecipientId] = (),
    ) -> list[ReplyLease]:
        """Take due replies in hand, oldest first, at most one for each recipient.

        One that waits for its time keeps the later ones to the same recipient
        waiting too.
        """
        await due.require_owner(self._connection, sender, epoch=epoch)
        found = await self._connection.rows(
            due.due_replies(sender, now=now).limit(limit + len(excluding))
        )
        rows = [row for row in found if row.recipient_id not in excluding][:limit]
        for some in chunks([row.id for row in rows]):
            await self._connection.run(
                update(replies)
                .where(replies.c.id.in_(some))
                .values(state=State.LEASED, epoch=epoch)
            )
        return [_lease(row, self._connection.keys) for row in rows]

    async def mark_sending(self, replies: Sequence[int], *, epoch: int) -> set[int]:
        """Write down that calls are about to be made; return for which that holds."""
        marked: set[int] = set()
        for some in chunks(replies):
            marked.update(
                await self._connection.values(
                    update(_table)
                    .where(
                        _table.c.id.in_(some),
                        _table.c.state == State.LEASED,
                        _table.c.epoch == epoch,
                        exists().where(
                            senders.c.id == _table.c.sender_id,
                            senders.c.epoch == epoch,
                        ),
                    )
                    .values(state=State.SENDING, attempts=_table.c.attempts + 1)
                    .returning(_table.c.id)
                )
            )
        return marked

    async def settle(
        self,
        reply: int,
        state: State,
        *,
        provider_id: str = "",
        code: str = "",
        due_at: datetime | None = None,
    ) -> None:
        """Write how a reply ended, or when it is tried again.

        One whose recipient was forgotten meanwhile is not: nothing is left to send.
        """
        emptied = replies.c.body == EMPTIED
        values: dict[str, Any] = {
            "state": case((emptied, State.SKIPPED), else_=state)
            if state is State.QUEUED
            else state,
            "provider_id": provider_id,
            "code": code,
        }
        if due_at is not None:
            values["due_at"] = due_at
        await self._connection.run(
            update(replies).where(replies.c.id == reply).values(**values)
        )

    async def release(self, replies: Sequence[int], *, epoch: int) -> None:
        """Queue again what was leased and never called."""
        for some in chunks(replies):
            await self._connection.run(
                update(_table)
                .where(
                    _table.c.id.in_(some),
                    _table.c.state == State.LEASED,
                    _table.c.epoch == epoch,
                )
                .values(state=State.QUEUED)
            )


_table = replies


def _lease(row: Row[Any], keys: Keyring) -> ReplyLease:
    return ReplyLease(
        id=row.id,
        recipient=RecipientId(row.recipient_id),
        address=keys.address(row),
        kind=row.kind,
        message=decode_message(row.body),
        attempts=row.attempts,
    )
