"""What storage hands out besides the domain's own values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.broadcasts import BroadcastId
    from bot.domain.deliveries import (
        Attempt,
        Delivery,
        Form,
    )
    from bot.domain.holding import Canary
    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import (
        Address,
        AudienceId,
        Channel,
        Kind,
        RecipientId,
        SenderId,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One account at a provider, its rate's clock and its owner's number."""

    id: SenderId
    channel: Channel
    name: str
    epoch: int
    clock: datetime  #: GCRA's theoretical arrival time
    down: str = ""  #: why nothing is sent at present; empty when all is well


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A sender newly taken over, and what its last owner left behind."""

    sender: Sender
    requeued: int  #: leased and never called
    doubtful: int  #: called, and the answer never written down
    called: bool  #: whether any call was under way, an edit or an answer too


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubt:
    """A delivery in doubt, whom it was for, and the attempt in question."""

    delivery: Delivery
    address: Address
    attempt: Attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReply:
    """A message that answers an inbound one, or tells an editor of an event.

    ``key`` is unique: the same answer is never written twice.
    """

    key: str
    sender: SenderId
    recipient: RecipientId
    message: OutboundMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Editor:
    """A person with a role at the desk, known by the chat they write from."""

    recipient: RecipientId
    address: Address
    name: str
    language: str
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryLine:
    """One line of a broadcast's report."""

    delivery: Delivery
    title: str
    kind: Kind
    channel: Channel
    provider_id: str  #: of the furthest attempt


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """Those who get a broadcast first by one sender, and how they fare."""

    broadcast: BroadcastId
    sender: SenderId
    since: datetime  #: when it was let go
    canary: Canary


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """How much came in and has had no effect yet."""

    waiting: int
    oldest: datetime | None  #: when the first of them came in; None if none waits


@dataclass(frozen=True, slots=True, kw_only=True)
class Windows:
    """How many enrolled WhatsApp readers may be sent text, and how many may not."""

    open: int
    closed: int


MessageKey = tuple["AudienceId", "Channel", "Form", int]  # the last: part, from 1
