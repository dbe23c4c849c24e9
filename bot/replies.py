"""Answers to what people write, each written down once and paced like the rest."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.recipients import Kind
from bot.notices import plain
from bot.ports import NewReply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import Address, Channel, SenderId
    from bot.ports import Clock, Database, Runner

log = logging.getLogger("harkara.replies")


@dataclass(frozen=True, slots=True)
class Quota:
    """How many messages of answers one recipient may be written, and in what time."""

    messages: int
    within: timedelta


#: Answers go ahead of deliveries to the same recipient, so whoever asks without end
#: would keep the news waiting. At a message every 3.1 seconds in a group, and every
#: 1.05 in a private chat, these leave room for a delivery.
QUOTAS = {
    Kind.READER: Quota(30, timedelta(seconds=60)),
    Kind.GROUP: Quota(3, timedelta(seconds=15)),
    Kind.TELEGRAM_CHANNEL: Quota(3, timedelta(seconds=15)),
}


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
        """Answer *to* with *messages*, in order, as far as their quota goes.

        What is beyond it is never sent: whoever asks that often has answers enough.

        Args:
            to: Where the question came from.
            kind: What stands there.
            messages: A string is sent as plain text.
            key: Names the question, so that answering it twice changes nothing.
        """
        sender = self._senders[to.channel]
        now = self._clock.now()
        async with self._database.transaction() as tx:
            known = await tx.recipients.find(to)
            if known is None and await tx.erasure.suppressed(to):
                return  # forgotten while their question was worked off
            recipient = known or await tx.recipients.ensure(to, kind, now=now)
            quota = QUOTAS[recipient.kind]
            written = await tx.replies.written_since(recipient.id, now - quota.within)
            room = max(quota.messages - written, 0)
            if len(messages) > room:
                log.warning(
                    "answers were dropped",
                    extra={"recipient": recipient.id, "count": len(messages) - room},
                )
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
                    for place, message in enumerate(messages[:room], start=1)
                ],
                now=now,
            )
        await self._runner.kick("pump", str(sender))
