"""Where everything is kept, one small protocol a noun.

All moments are aware and in UTC. Any method of a `Transaction` can raise
`StorageError`; what is written is kept when the transaction's block ends without an
error, and not at all otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager
    from datetime import datetime

    from bot.domain.articles import Article, ArticleId, Draft
    from bot.domain.broadcasts import (
        Broadcast,
        BroadcastId,
        BroadcastState,
        ChannelPlan,
        Coverage,
    )
    from bot.domain.deliveries import (
        Attempt,
        Delivery,
        DeliveryId,
        Reference,
        State,
    )
    from bot.domain.digests import Digest, DigestId
    from bot.domain.inbound import Inbound, InboundId
    from bot.domain.joinlinks import JoinLink, JoinLinkId
    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import (
        Address,
        Audience,
        AudienceId,
        Channel,
        Consent,
        Kind,
        Recipient,
        RecipientId,
        SenderId,
        Standing,
    )
    from bot.ports.erasure import Erasure
    from bot.ports.senders import Senders
    from bot.ports.values import (
        Backlog,
        DeliveryLine,
        Editor,
        Lease,
        MessageKey,
        NewReply,
        ReplyLease,
        Windows,
    )


class Recipients(Protocol):
    """Who can be written to."""

    async def find(self, address: Address) -> Recipient | None:
        """Return who is at *address*, an old address of theirs included."""

    async def get(self, recipient: RecipientId) -> Recipient:
        """Return one recipient."""

    async def ensure(
        self,
        address: Address,
        kind: Kind,
        *,
        title: str = "",
        language: str = "",
        now: datetime,
    ) -> Recipient:
        """Return who is at *address*, made if need be.

        Title and language are kept fresh where given.
        """

    async def move(self, old: Address, new: Address) -> Recipient | None:
        """Give the recipient at *old* the address *new*, and keep *old* as an alias.

        Where both are known they become one: the one from *old* keeps its id, and
        what the one at *new* had is theirs. Doing it twice changes nothing.
        """

    async def set_standing(
        self,
        recipient: RecipientId,
        standing: Standing,
        *,
        reason: str = "",
        retry_at: datetime | None = None,
    ) -> bool:
        """Write the standing; whether it changed.

        *retry_at* is when a suspended recipient is worth another try, though nobody
        has told us that the rights are back.
        """

    async def to_retry(self, *, now: datetime) -> list[Recipient]:
        """Return the suspended recipients that are worth another try."""

    async def strike(self, recipient: RecipientId) -> int:
        """Count one more answer that calls the address in doubt; return the count."""

    async def clear_strikes(self, recipients: Collection[RecipientId]) -> None:
        """Forget strikes: a message has arrived."""

    async def heard_from(self, recipient: RecipientId, at: datetime) -> None:
        """Note an inbound message: it opens WhatsApp's window."""

    async def stopped(self, recipient: RecipientId, at: datetime) -> None:
        """Note that they said STOP."""

    async def window_closed(self, recipient: RecipientId, at: datetime) -> None:
        """Note that WhatsApp's window was closed at *at*; it opens by a later word."""

    async def hold(self, clocks: Mapping[RecipientId, datetime]) -> None:
        """Write to each recipient no sooner than the moment given.

        A clock only moves forward.
        """

    async def rest(self, recipient: RecipientId, until: datetime) -> None:
        """Plan nothing for the recipient before *until*."""

    async def leave_at(self, recipient: RecipientId, moment: datetime | None) -> None:
        """Note when a group that nobody vouches for is to be left; None: it stays."""

    async def to_leave(self, *, now: datetime) -> list[Recipient]:
        """Return the groups whose time to be left has come."""


class Audiences(Protocol):
    """Named sets of enrolments."""

    async def create(self, name: str, *, title: str, language: str) -> Audience:
        """Make one. Raises Refusal when the name is taken."""

    async def by_name(self, name: str) -> Audience:
        """Return one. Raises Unknown."""

    async def get(self, audience: AudienceId) -> Audience:
        """Return one. Raises Unknown."""

    async def all(self) -> list[Audience]:
        """Return all, by name."""

    async def enrol(
        self,
        audience: AudienceId,
        recipient: RecipientId,
        *,
        link: JoinLinkId | None,
        consent: Consent,
        now: datetime,
    ) -> bool:
        """Enrol; whether that was new. The consent is kept, once for each link."""

    async def unenrol(
        self,
        recipient: RecipientId,
        *,
        audience: AudienceId | None = None,
        reason: str,
        now: datetime,
    ) -> list[Audience]:
        """End the recipient's enrolments, or the one; return the audiences left.

        Deliveries of theirs that are not yet sending are skipped with *reason*.
        """

    async def of(
        self, recipient: RecipientId, *, before: datetime | None = None
    ) -> list[Audience]:
        """Return the audiences that the recipient is enrolled in, by name.

        With *before*, only those that they have not agreed to since.
        """

    async def members(self, audience: AudienceId) -> list[Recipient]:
        """Return who is enrolled."""

    async def departed(
        self, audience: AudienceId, *, limit: int
    ) -> list[tuple[Recipient, str]]:
        """Return who left last and is not back, with the reason, newest first."""

    async def chats(self) -> list[Recipient]:
        """Return the groups and Telegram channels in any audience, by number."""

    async def windows(self, *, since: datetime) -> Windows:
        """Count enrolled WhatsApp readers by whether they wrote after *since*."""


class JoinLinks(Protocol):
    """Ways into audiences."""

    async def add(self, link: JoinLink) -> JoinLink:
        """Store a new link (its ``id`` is ignored) and return it with its id."""

    async def by_token(self, token: str) -> JoinLink | None:
        """Return the link with that token."""

    async def by_code(self, code: str) -> JoinLink | None:
        """Return the link with that code."""

    async def get(self, link: JoinLinkId) -> JoinLink:
        """Return one. Raises Unknown."""

    async def count_use(self, link: JoinLinkId) -> None:
        """Count one more use."""

    async def revoke(self, link: JoinLinkId, *, now: datetime) -> None:
        """Withdraw it."""

    async def all(self) -> list[JoinLink]:
        """Return all, newest first."""


class Editors(Protocol):
    """People with a role at the desk."""

    async def add_invitation(
        self, token_hash: str, *, name: str, expires_at: datetime
    ) -> None:
        """Store a one-time invitation by the hash of its token."""

    async def use_invitation(self, token_hash: str, *, now: datetime) -> str | None:
        """Use one up and return the name it was made for; None if there is none."""

    async def add(self, recipient: RecipientId, *, name: str, now: datetime) -> None:
        """Give the role; giving it twice changes nothing."""

    async def find(self, address: Address) -> Editor | None:
        """Return the editor who writes from *address*."""

    async def all(self) -> list[Editor]:
        """Return all."""


class Articles(Protocol):
    """What the newsroom publishes, with versions."""

    async def add(self, draft: Draft, *, fingerprint: str, now: datetime) -> Article:
        """Take an article in.

        The same *fingerprint* (of its address, or of its text where it has none)
        is the same article: with the same content nothing is written; with another,
        a new version of it.
        """

    async def get(self, article: ArticleId) -> Article:
        """Return the newest version. Raises Unknown."""

    async def latest(self, limit: int) -> list[Article]:
        """Return the newest articles, the most recently taken in first."""


class Broadcasts(Protocol):
    """Digests on their way."""

    async def add_digest(
        self, digest: Digest, articles: Sequence[Article], *, now: datetime
    ) -> DigestId:
        """Fix a digest."""

    async def digest(self, digest: DigestId) -> Digest:
        """Return a digest."""

    async def add(
        self, broadcast: Broadcast, audiences: Sequence[AudienceId]
    ) -> Broadcast:
        """Store a new broadcast (its ``id`` is ignored) and return it with its id."""

    async def add_messages(
        self, broadcast: BroadcastId, messages: Mapping[MessageKey, OutboundMessage]
    ) -> None:
        """Store what will be sent, once per audience, channel, form and part."""

    async def messages(
        self, broadcast: BroadcastId
    ) -> dict[MessageKey, OutboundMessage]:
        """Return what `add_messages` stored."""

    async def get(self, broadcast: BroadcastId) -> Broadcast:
        """Return one. Raises Unknown."""

    async def save(self, broadcast: Broadcast) -> None:
        """Write its state, moments and reason."""

    async def latest(self, limit: int) -> list[Broadcast]:
        """Return the newest first."""

    async def in_state(self, *states: BroadcastState) -> list[Broadcast]:
        """Return all in one of *states*, oldest first."""

    async def sent_before(
        self, articles: Collection[ArticleId], audiences: Collection[AudienceId]
    ) -> list[Broadcast]:
        """Return confirmed broadcasts of any of *articles* to any of *audiences*."""


class Deliveries(Protocol):
    """The ledger."""

    async def plan(
        self,
        broadcast: BroadcastId,
        *,
        parts: Mapping[tuple[AudienceId, Channel], int],
        senders: Mapping[Channel, SenderId],
        now: datetime,
    ) -> list[ChannelPlan]:
        """Write every delivery in one statement per audience, channel and part.

        A recipient in several audiences counts for the first in *parts*. One whose
        standing is suspended gets suspended rows; one at rest, or gone, none.
        """

    async def claim(
        self,
        sender: SenderId,
        *,
        epoch: int,
        now: datetime,
        limit: int,
        excluding: Collection[RecipientId] = (),
    ) -> list[Lease]:
        """Take up to *limit* due deliveries of running, unexpired broadcasts in hand.

        By lane, then the broadcast's age, then due time; at most one for each
        recipient, whose own clock has come; a later part only after the earlier
        ones have arrived. *excluding* names recipients with something else in hand.

        Raises:
            Fenced: *epoch* is no longer the sender's.
        """

    async def release(self, leases: Sequence[DeliveryId], *, epoch: int) -> None:
        """Queue again what was leased and never called."""

    async def mark_sending(
        self, attempts: Sequence[Attempt], *, epoch: int
    ) -> set[DeliveryId]:
        """Write down that calls are about to be made.

        Returns:
            The deliveries for which that holds; one that is no longer leased under
            *epoch*, or whose sender has another owner, is not among them.
        """

    async def load(
        self, deliveries: Collection[DeliveryId]
    ) -> dict[DeliveryId, tuple[Delivery, list[Attempt]]]:
        """Return deliveries with their attempts, in order, locked until the end."""

    async def save(
        self, deliveries: Sequence[Delivery], attempts: Sequence[Attempt]
    ) -> None:
        """Write what is stated of deliveries and of attempts that exist."""

    async def let_go(self, broadcast: BroadcastId) -> int:
        """Queue again what any owner has in hand and not begun to send; how many."""

    async def skip_rest(self, delivery: Delivery, *, reason: str) -> int:
        """Skip the later parts for the same recipient; how many."""

    async def refusals(self, broadcast: BroadcastId, code: str) -> int:
        """How many recipients of the broadcast failed as refused with *code*."""

    async def recipient_back(self, recipient: RecipientId, *, now: datetime) -> int:
        """Queue a recipient's suspended rows again; how many."""

    async def doubtful(
        self,
        sender: SenderId,
        *,
        now: datetime,
        after: DeliveryId,
        limit: int,
    ) -> list[tuple[Lease, Attempt]]:
        """Return rows in doubt that are still news, with the attempt in question.

        By number, and only those above *after*, so that a few that cannot be
        resolved do not keep the others from being asked about.
        """

    async def provider_ids(
        self, recipient: RecipientId, *, besides: Reference
    ) -> set[str]:
        """Return the provider's ids of all that a recipient was sent.

        Answers and notices too; not what the attempt *besides* has.
        """

    async def stop(self, broadcast: BroadcastId, *, reason: str) -> int:
        """Skip everything not yet sending; how many."""

    async def expire(self, *, now: datetime) -> int:
        """Expire queued and suspended rows of broadcasts past their time; how many."""

    async def coverage(self, broadcast: BroadcastId) -> Coverage:
        """Count a broadcast's deliveries by state."""

    async def unsettled(self, broadcast: BroadcastId) -> bool:
        """Whether any row keeps the broadcast from being finished.

        Ended and doubtful rows do not, nor do the parts behind a doubtful one;
        suspended rows do, until they expire.
        """

    async def report(
        self,
        broadcast: BroadcastId,
        *,
        states: Collection[State] | None = None,
        limit: int = 100_000,
    ) -> list[DeliveryLine]:
        """Return a broadcast's deliveries, by recipient and part."""


class Replies(Protocol):
    """Answers and notices, paced with everything else their sender sends."""

    async def add(self, replies: Sequence[NewReply], *, now: datetime) -> int:
        """Write answers down; how many were new. A key that exists is left alone."""

    async def written_since(self, recipient: RecipientId, moment: datetime) -> int:
        """How many answers to *recipient* were written after *moment*.

        Notices, whose keys begin with ``notice:``, do not count.
        """

    async def claim(
        self,
        sender: SenderId,
        *,
        epoch: int,
        now: datetime,
        limit: int,
        excluding: Collection[RecipientId] = (),
    ) -> list[ReplyLease]:
        """Take due replies in hand, oldest first, at most one for each recipient.

        *excluding* names recipients with something else in hand.

        Raises:
            Fenced: *epoch* is no longer the sender's.
        """

    async def mark_sending(self, replies: Sequence[int], *, epoch: int) -> set[int]:
        """As `Deliveries.mark_sending`."""

    async def settle(
        self,
        reply: int,
        state: State,
        *,
        provider_id: str = "",
        code: str = "",
        due_at: datetime | None = None,
    ) -> None:
        """Write how a reply ended, or when it is tried again."""

    async def release(self, replies: Sequence[int], *, epoch: int) -> None:
        """Queue again what was leased and never called."""


class Inbox(Protocol):
    """What came in, until it has had its effect."""

    async def store(self, entries: Sequence[Inbound]) -> int:
        """Store what is new; how many were. A key that exists is left alone."""

    async def waiting(self, *, limit: int) -> list[Inbound]:
        """Return what has had no effect yet, oldest first."""

    async def backlog(self) -> Backlog:
        """Count what has had no effect yet."""

    async def done(self, entry: InboundId, *, now: datetime, error: str = "") -> None:
        """Note that it has had its effect, or was set aside with *error*."""

    async def newest(
        self, channel: Channel, kind: str, *, until: datetime | None = None
    ) -> datetime | None:
        """When the last entry came, by *until*, whose key begins with *kind*."""


class Transaction(Protocol):
    """One unit of work: all of it is kept, or nothing."""

    @property
    def senders(self) -> Senders:
        """Accounts at providers."""

    @property
    def recipients(self) -> Recipients:
        """Who can be written to."""

    @property
    def audiences(self) -> Audiences:
        """Named sets of enrolments."""

    @property
    def links(self) -> JoinLinks:
        """Ways into audiences."""

    @property
    def editors(self) -> Editors:
        """People with a role at the desk."""

    @property
    def articles(self) -> Articles:
        """What the newsroom publishes."""

    @property
    def broadcasts(self) -> Broadcasts:
        """Digests on their way."""

    @property
    def deliveries(self) -> Deliveries:
        """The ledger."""

    @property
    def replies(self) -> Replies:
        """Answers and notices."""

    @property
    def inbox(self) -> Inbox:
        """What came in."""

    @property
    def erasure(self) -> Erasure:
        """What goes."""


class Database(Protocol):
    """Where everything is kept."""

    def transaction(self) -> AbstractAsyncContextManager[Transaction]:
        """Open a unit of work that may write."""

    def snapshot(self) -> AbstractAsyncContextManager[Transaction]:
        """Open one that only reads."""

    async def checkpoint(self) -> bool:
        """Empty the write-ahead log, which may hold what was erased; whether it is.

        It is not while somebody reads an earlier moment, another process writes, or the
        disk is at fault.
        """

    async def probe(self) -> None:
        """Prove that it can be read and written, changing nothing.

        Raises:
            StorageError: Why not, and what to do.
        """
