"""What Twilio has received for our number, whether or not it could hand it on."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import TYPE_CHECKING

from bot.domain.errors import TryLater
from bot.domain.inbound import Inbound
from bot.domain.recipients import Channel

if TYPE_CHECKING:
    from twilio.rest import Client  # type: ignore[import-untyped] # it ships none
    from twilio.rest.api.v2010.account.message import (  # type: ignore[import-untyped]
        MessageInstance,
    )

log = logging.getLogger("harkara.whatsapp")

#: Messages on one page of Twilio's list; its most.
PAGE = 1000
#: Messages that one look-up reads at the most, the newest first.
MOST = 20_000


async def received_since(client: Client, own: str, since: datetime) -> list[Inbound]:
    """Return what readers have written to *own* since *since*, the oldest first.

    Each has the key that it has when Twilio calls us, and as much of the form as the
    list knows; ``Fetched`` tells it from one that came by itself.

    Args:
        client: From `open_client`.
        own: Our number, as Twilio writes it: ``whatsapp:+14155550100``.
        since: A moment by Twilio's clock.

    Raises:
        TryLater: Twilio could not be asked, or its answer cannot be read.
    """
    try:
        listed = await client.messages.list_async(
            to=own, date_sent_after=since, limit=MOST, page_size=PAGE
        )
    except Exception as error:  # noqa: BLE001 - a call that failed, or an odd answer
        raise TryLater(type(error).__name__) from None
    if len(listed) >= MOST:
        log.error("more was received than one look-up reads; the oldest is left out")
    found = [_entry(each, own) for each in listed]
    return sorted(
        (each for each in found if each is not None and each.received_at >= since),
        key=lambda each: each.received_at,
    )


def _entry(message: MessageInstance, own: str) -> Inbound | None:
    """Read what a reader wrote; None for what we sent ourselves, or cannot be read."""
    received_at = message.date_sent or message.date_created
    if (
        message.direction != "inbound"
        or message.to != own
        or not isinstance(received_at, datetime)
        or not isinstance(message.sid, str)
    ):
        return None
    return Inbound(
        channel=Channel.WHATSAPP,
        key=f"message:{message.sid}",
        payload={
            "MessageSid": message.sid,
            "From": str(message.from_),
            "To": own,
            "Body": message.body or "",
            "Fetched": "1",
        },
        received_at=received_at,
    )
