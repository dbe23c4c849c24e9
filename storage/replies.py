"""Answers and notices."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import case, func, select, update

from bot.domain.deliveries import State
from storage.codec import encode_message
from storage.connection import chunks
from storage.tables import replies

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from bot.domain.recipients import RecipientId
    from bot.ports import NewReply
    from storage.connection import Connection

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
