"""What the world sends us, kept as it came until it has had its effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NewType

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.recipients import Channel

InboundId = NewType("InboundId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """One update, message or status report, stored before it is answered.

    ``key`` is the provider's own id for it; the same key is stored once only.
    """

    channel: Channel
    key: str  #: "update:17", "message:SM…", "status:SM…:delivered"
    payload: dict[str, Any]  #: as decoded from JSON or from a form
    received_at: datetime
    id: InboundId | None = None
