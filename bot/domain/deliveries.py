"""The unit of work and of truth: one part of one broadcast for one recipient."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from bot.domain.errors import FailureKind
    from bot.domain.recipients import AudienceId, RecipientId, SenderId

BroadcastId = NewType("BroadcastId", int)
DeliveryId = NewType("DeliveryId", int)


class State(StrEnum):
    """Where a delivery stands."""

    QUEUED = "queued"  #: will be sent when its time comes
    LEASED = "leased"  #: an owner, known by its epoch, has it in hand
    SENDING = "sending"  #: written before the call: from here on a crash means doubt
    ACCEPTED = "accepted"  #: the provider has taken it
    DELIVERED = "delivered"  #: the provider says so; WhatsApp only
    READ = "read"  #: the provider says so, if the reader lets it; WhatsApp only
    FAILED = "failed"  #: it will not arrive; the reason stands beside it
    SKIPPED = "skipped"  #: on purpose, for the reason beside it
    EXPIRED = "expired"  #: too old to be news
    RECALLED = "recalled"  #: taken back
    SUSPENDED = "suspended"  #: waits for the recipient's rights
    DOUBTFUL = "doubtful"  #: waits for a receipt, a look-up, a person or its expiry


#: Nothing more will happen to these of its own accord, receipts apart.
ENDED = frozenset(
    {
        State.ACCEPTED,
        State.DELIVERED,
        State.READ,
        State.FAILED,
        State.SKIPPED,
        State.EXPIRED,
        State.RECALLED,
    }
)
#: The recipient has it.
ARRIVED = frozenset({State.ACCEPTED, State.DELIVERED, State.READ})
#: The recipient has nothing, and will get nothing of its own accord.
WITHOUT = frozenset({State.FAILED, State.SKIPPED, State.EXPIRED})


class Action(StrEnum):
    """What a delivery does at the recipient's."""

    SEND = "send"
    EDIT = "edit"
    DELETE = "delete"
    PIN = "pin"
    UNPIN = "unpin"


#: To do these twice comes to the same, so a doubt about one is ended by a repeat.
REPEATABLE = frozenset({Action.EDIT, Action.DELETE, Action.PIN, Action.UNPIN})
#: Nothing is said by these.
WORDLESS = frozenset({Action.DELETE, Action.PIN, Action.UNPIN})
#: Nobody misses these: where they may not be done, nothing is wrong.
PINS = frozenset({Action.PIN, Action.UNPIN})


class Form(StrEnum):
    """Which of a digest's renderings was sent."""

    TEXT = "text"
    TEMPLATE = "template"
    NOTICE = "notice"  #: in place of what was taken back


#: Parts above this are no parts of a story: they are said about it. So many messages no
#: story has.
NOTES = 1000
#: Where a card's pin stands among the parts.
PIN_PART = 2 * NOTES


class Progress(IntEnum):
    """How far one attempt has come; when reports disagree, the higher wins."""

    SENDING = 10  #: about to be called, or under way
    DOUBTFUL = 20  #: called, and never answered
    REFUSED = 25  #: the answer said no: surely not sent
    ACCEPTED = 30  #: the provider has taken it
    FAILED = 40  #: accepted, and then reported as failed
    DELIVERED = 50  #: a delivery after a failure is real; it happens
    READ = 60  #: the reader has seen it


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something ended: our word for it and the provider's."""

    kind: FailureKind
    code: str


@dataclass(frozen=True, slots=True)
class Reference:
    """An attempt's own id: travels in Twilio's callback address and comes back."""

    delivery: DeliveryId
    number: int  #: place among the delivery's attempts, from 1

    def __str__(self) -> str:
        """Return the form that travels: ``<delivery>.<number>``."""
        return f"{self.delivery}.{self.number}"

    @classmethod
    def parse(cls, text: str) -> Reference | None:
        """Read what ``str`` wrote; None for anything else."""
        delivery, dot, number = text.partition(".")
        digits = delivery + number
        if not dot or not (delivery and number) or len(text) > 40:  # noqa: PLR2004 - longer than two 64-bit integers
            return None
        if not (digits.isascii() and digits.isdigit()):
            return None
        return cls(DeliveryId(int(delivery)), int(number))


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One call to a provider for a delivery."""

    reference: Reference
    form: Form
    progress: Progress
    started_at: datetime
    provider_id: str = ""  #: Telegram's message id or Twilio's message SID
    code: str = ""  #: the provider's own word for a refusal or failure

    def absorb(
        self, progress: Progress, *, provider_id: str = "", code: str = ""
    ) -> Attempt:
        """Reports come late, twice and out of order; only the furthest counts."""
        known = self.provider_id or provider_id
        if progress <= self.progress:
            return replace(self, provider_id=known)
        return replace(self, progress=progress, provider_id=known, code=code)


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a provider reports about an attempt after accepting it."""

    reference: Reference
    progress: Progress
    provider_id: str = ""
    code: str = ""  #: the provider's error code, where it failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One message on its way to one recipient, as part of one broadcast."""

    id: DeliveryId
    broadcast: BroadcastId
    recipient: RecipientId
    audience: AudienceId  #: the enrolment that it is sent for
    sender: SenderId
    part: int  #: place among the digest's messages, from 1
    action: Action = Action.SEND
    form: Form | None = None  #: fixed once a template must be sent; else by the window
    state: State = State.QUEUED
    epoch: int = 0  #: whose hand it is in, while leased or sending
    due_at: datetime
    attempts: int = 0  #: provider calls made so far
    failure: Failure | None = None
    reason: str = ""  #: why skipped or suspended, in a word
    #: The provider's id of the copy that is edited or deleted, or, for what is sent,
    #: of the message that it answers; empty where there is none.
    target: str = ""


_PROVEN = {
    Progress.ACCEPTED: State.ACCEPTED,
    Progress.DELIVERED: State.DELIVERED,
    Progress.READ: State.READ,
}


def proven(attempts: Iterable[Attempt]) -> State | None:
    """Say what *attempts* prove about their delivery, whatever came after.

    Returns:
        The furthest success that any attempt reports; failing that, doubtful if
        one is in doubt or under way; None if the recipient surely has nothing.
    """
    seen = [attempt.progress for attempt in attempts]
    arrived = [progress for progress in seen if progress in _PROVEN]
    if arrived:
        return _PROVEN[max(arrived)]
    if Progress.DOUBTFUL in seen or Progress.SENDING in seen:
        return State.DOUBTFUL
    return None
