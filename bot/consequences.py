"""What a failure asks for beyond its own delivery."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.broadcasts import BroadcastState
from bot.domain.errors import Moved, TryLater
from bot.domain.outcomes import REST, STRIKES, UNKNOWN_REFUSALS, Consequence
from bot.domain.recipients import Standing

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.deliveries import BroadcastId, Delivery
    from bot.domain.errors import SendError
    from bot.domain.recipients import RecipientId, SenderId
    from bot.notices import Notices
    from bot.ports import Transaction

log = logging.getLogger("harkara.consequences")

#: Two recipients throttled within this time mean that the sender is too fast.
TOGETHER = timedelta(seconds=1)
#: A suspended recipient is tried again after this, though nobody has told us that
#: the rights are back: not every change of rights is told (platform-facts §1.7).
RETRY_AFTER = timedelta(days=1)


class Consequences:
    """Unenrols, suspends, moves, throttles, pauses; all in the caller's transaction."""

    def __init__(self, notices: Notices) -> None:
        self._notices = notices
        self._throttled: dict[SenderId, list[tuple[datetime, RecipientId]]] = {}

    async def throttle(
        self,
        tx: Transaction,
        sender: SenderId,
        recipient: RecipientId,
        error: TryLater,
        *,
        now: datetime,
    ) -> None:
        """Move the recipient's clock, and the sender's where several must wait."""
        until = now + error.after
        await tx.recipients.hold({recipient: until})
        recent = [
            (moment, who)
            for moment, who in self._throttled.get(sender, [])
            if timedelta(0) <= now - moment < TOGETHER
        ]
        recent.append((now, recipient))
        self._throttled[sender] = recent
        several = len({who for _, who in recent}) > 1
        if several or error.sender_wide:
            await tx.senders.delay(sender, until)

    async def sender_down(
        self, tx: Transaction, sender: SenderId, code: str, *, now: datetime
    ) -> None:
        """Note that nothing leaves through *sender*, and tell the editors."""
        found = await tx.senders.get(sender)
        if not found.down:
            await tx.senders.set_down(sender, code)
            log.error("sender down", extra={"sender": sender, "code": code})
            await self._notices.sender_down(tx, found, code, now=now)

    async def draw(  # noqa: C901, PLR0912 - a table: one case a consequence
        self,
        tx: Transaction,
        delivery: Delivery,
        consequence: Consequence,
        error: SendError,
        *,
        now: datetime,
    ) -> None:
        """Do what *error*, which ended an attempt, asks for beyond its delivery."""
        recipient, code = delivery.recipient, error.code
        if isinstance(error, TryLater) and error.throttled:
            await self.throttle(tx, delivery.sender, recipient, error, now=now)
        match consequence:
            case Consequence.NONE:
                return
            case Consequence.UNENROL:
                await self._gone(tx, delivery, now=now)
            case Consequence.STRIKE:
                if await tx.recipients.strike(recipient) >= STRIKES:
                    await self._gone(tx, delivery, now=now)
            case Consequence.STRIKE_SUSPEND:
                if await tx.recipients.strike(recipient) >= STRIKES:
                    await self._suspend(tx, recipient, code, now=now)
            case Consequence.SUSPEND:
                await self._suspend(tx, recipient, code, now=now)
            case Consequence.REST:
                await tx.recipients.rest(recipient, now + REST)
            case Consequence.MOVE:
                if isinstance(error, Moved):
                    known = await tx.recipients.get(recipient)
                    await tx.recipients.move(known.address, error.address)
            case Consequence.COUNT:
                same = await tx.deliveries.refusals(delivery.broadcast, code)
                if same >= UNKNOWN_REFUSALS:
                    await self._pause(tx, delivery.broadcast, code, now=now)
            case Consequence.STOP:
                await self._pause(tx, delivery.broadcast, code, now=now)
            case Consequence.SENDER_DOWN:
                await self.sender_down(tx, delivery.sender, code, now=now)

    async def _gone(
        self, tx: Transaction, delivery: Delivery, *, now: datetime
    ) -> None:
        reason = delivery.failure.kind.value if delivery.failure else "gone"
        await tx.recipients.set_standing(
            delivery.recipient, Standing.GONE, reason=reason
        )
        await tx.audiences.unenrol(delivery.recipient, reason=reason, now=now)

    async def _suspend(
        self, tx: Transaction, recipient: RecipientId, code: str, *, now: datetime
    ) -> None:
        changed = await tx.recipients.set_standing(
            recipient, Standing.SUSPENDED, reason=code, retry_at=now + RETRY_AFTER
        )
        if changed:
            who = await tx.recipients.get(recipient)
            await self._notices.suspended(tx, who, code, now=now)

    async def _pause(
        self, tx: Transaction, broadcast: BroadcastId, code: str, *, now: datetime
    ) -> None:
        found = await tx.broadcasts.locked(broadcast)
        if found.state is BroadcastState.RUNNING:
            await tx.broadcasts.save(
                replace(found, state=BroadcastState.PAUSED, reason=code)
            )
            await tx.deliveries.let_go(broadcast)
            await self._notices.paused(tx, broadcast, code, now=now)
