"""What Twilio reports of messages it has accepted."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from bot.domain.deliveries import Receipt, Reference
from bot.domain.receipts import progress_of_status
from bot.domain.recipients import Channel

if TYPE_CHECKING:
    from bot.broadcaster import Broadcaster
    from bot.domain.inbound import Inbound

log = logging.getLogger("harkara.whatsapp")

#: The largest number that the tables hold.
_LARGEST = 2**63 - 1


class WhatsAppReceipts:
    """Folds status reports into the ledger."""

    def __init__(self, broadcaster: Broadcaster) -> None:
        self._broadcaster = broadcaster

    async def handle(self, entry: Inbound, *, key: str) -> None:
        """Pass a report on; one of an answer, or of no attempt of ours, says nothing.

        Whatever order they come in, the furthest counts.
        """
        payload = entry.payload
        progress = progress_of_status(str(payload.get("MessageStatus", "")))
        reference = Reference.parse(str(payload.get("ref", "")))
        if (
            progress is None
            or reference is None
            or max(reference.delivery, reference.number) > _LARGEST
        ):
            log.info("a report of no attempt of ours", extra={"inbound": entry.id})
            return
        del key
        await self._broadcaster.receive(
            Channel.WHATSAPP,
            Receipt(
                reference=reference,
                progress=progress,
                provider_id=str(payload.get("MessageSid", "")),
                code=str(payload.get("ErrorCode", "")),
            ),
        )
