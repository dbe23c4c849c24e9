"""Answers to what people write, each written down once and paced like the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.notices import plain
from bot.ports import NewReply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import Address, Channel, Kind, SenderId
    from bot.ports import Clock, Database, Runner


class Replies:
    """Writes answers down; the sender's pump sends them ahead of everything else."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        runner: Runner,
        senders: Mapping[Channel, SenderId],
    ) -> None:
        self._database = database
        self._clock = clock
        self._runner = runner
        self._senders = senders

    async def answer(
        self,
        to: Address,
        kind: Kind,
        messages: Sequence[OutboundMessage | str],
        *,
        key: str,
    ) -> None:
        """Answer *to* with *messages*, in order.

        Args:
            to: Where the question came from.
            kind: What stands there.
            messages: A string is sent as plain text.
            key: Names the question, so that answering it twice changes nothing.
        """
        sender = self._senders[to.channel]
        now = self._clock.now()
        async with self._database.transaction() as tx:
            recipient = await tx.recipients.ensure(to, kind, now=now)
            await tx.replies.add(
                [
                    NewReply(
                        key=f"{key}:{place}",
                        sender=sender,
                        recipient=recipient.id,
                        message=plain(message, to.channel)
                        if isinstance(message, str)
                        else message,
                    )
                    for place, message in enumerate(messages, start=1)
                ],
                now=now,
            )
        await self._runner.kick("pump", str(sender))
