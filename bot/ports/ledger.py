"""What a pump asks of the ledger for every message: two transactions, in one go each.

`Claims.claim` takes rows in hand and reserves their moments; `Claims.record` writes
what is about to be called and what has been taken. Everything here is lean on
purpose: there is one of each for every message.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime, timedelta

    from bot.domain.broadcasts import BroadcastId, Lane
    from bot.domain.deliveries import Action, DeliveryId, Form
    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import (
        Address,
        AudienceId,
        Kind,
        RecipientId,
        SenderId,
    )


class Lease(NamedTuple):
    """One delivery in hand, with what is needed to send it."""

    id: DeliveryId
    broadcast: BroadcastId
    recipient: RecipientId
    audience: AudienceId
    lane: Lane
    part: int  #: place among the digest's messages, from 1
    attempts: int  #: calls made before this one
    action: Action
    target: str  #: the provider's id of the copy acted on, or answered
    form: Form | None  #: fixed once a template must be sent
    address: Address
    kind: Kind
    last_inbound_at: datetime | None  #: known on WhatsApp only
    strikes: int  #: answers in a row that call the address in doubt


class ReplyLease(NamedTuple):
    """One reply in hand."""

    id: int
    recipient: RecipientId
    address: Address
    kind: Kind
    message: OutboundMessage
    attempts: int  #: calls made before this one


class Order(NamedTuple):
    """What a pump wants to take in hand."""

    sender: SenderId
    epoch: int  #: of the sender's owner, who asks
    now: datetime
    limit: int  #: most rows
    kept: int  #: how many of them replies leave to broadcasts that have any due
    interval: timedelta  #: between two moments on the sender's clock
    ahead: timedelta  #: nothing is taken while that clock is further ahead
    excluding: Collection[RecipientId] = ()  #: who have something else in hand


class Hand(NamedTuple):
    """What was taken: the replies first, then by lane, age and due time."""

    replies: list[ReplyLease]
    leases: list[Lease]
    start: datetime  #: the first one's moment; each later one's an interval after
    down: bool = False  #: the sender is down, and nothing was taken


class Page(NamedTuple):
    """What one owner writes down at one moment. Marks hold under its epoch only."""

    sender: SenderId
    epoch: int
    moment: datetime
    #: Deliveries about to be called, each with its attempt's number and form.
    calls: list[tuple[DeliveryId, int, Form]]
    replies: list[int]  #: replies about to be called
    #: Deliveries that the provider has taken, each with the attempt and its id there.
    accepted: list[tuple[DeliveryId, int, str]]
    in_template: list[DeliveryId]  #: of these, those whose later parts are not sent
    #: Until when nothing more may be sent to whom.
    holds: list[tuple[datetime, list[RecipientId]]]
    #: Of these, those with whose arrival the recipient's strikes are forgotten.
    arrived: list[tuple[DeliveryId, RecipientId]]


class Written(NamedTuple):
    """For which of a page's rows that holds."""

    calls: set[DeliveryId]
    replies: set[int]
    accepted: set[DeliveryId]


class Claims(Protocol):
    """The two transactions that every message takes."""

    async def claim(self, order: Order) -> Hand:
        """Take what is due in hand, and reserve a moment for each.

        Deliveries of running, unexpired broadcasts, by lane, then the broadcast's age,
        then due time; replies, oldest first, before them. At most one for each
        recipient, whose own clock has come and who is not excluded; a later part only
        after the earlier ones have arrived; a reply that waits keeps the later ones to
        the same recipient waiting.

        Raises:
            Fenced: The epoch is no longer the sender's.
        """

    async def record(self, pages: Sequence[Page]) -> list[Written]:
        """Write pages in one transaction; say for which rows that holds.

        A mark holds while the row is leased under the page's epoch and the sender has
        no newer owner. An acceptance holds while nothing else is known: the delivery
        is sending, and the attempt is its latest and under way. Of every other row
        nothing is written; somebody has to look at it.
        """
