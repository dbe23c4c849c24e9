"""Where everything is kept, one small protocol a noun.

All moments are aware and in UTC. Any method of a `Transaction` can raise
`StorageError`; what is written is kept when the transaction's block ends without an
error, and not at all otherwise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from bot.ports.ledger import Claims

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
    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import (
        AudienceId,
        Channel,
        RecipientId,
        SenderId,
    )
    from bot.ports.corrections import Corrections
    from bot.ports.course import Canaries, RoundUps, Unreached
    from bot.ports.erasure import Erasure
    from bot.ports.people import Audiences, Editors, JoinLinks, Recipients
    from bot.ports.senders import Senders
    from bot.ports.values import (
        Backlog,
        DeliveryLine,
        InDoubt,
        MessageKey,
        NewReply,
    )


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

    async def articles(self, digest: DigestId) -> list[ArticleId]:
        """Return the articles that a digest was made of, in their order."""

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

    async def locked(self, broadcast: BroadcastId) -> Broadcast:
        """Return one, which nobody else changes until the transaction's end."""

    async def let_go(self, *, now: datetime) -> list[Broadcast]:
        """Let those run whose time to be undone is over; return them."""

    async def audiences(self, broadcast: BroadcastId) -> list[AudienceId]:
        """Return whom it is for, in the order in which they count."""

    async def save(self, broadcast: Broadcast) -> None:
        """Write its state, its moments, its reason, and what editors said of it."""

    async def latest(self, limit: int) -> list[Broadcast]:
        """Return the newest first."""

    async def in_state(self, *states: BroadcastState) -> list[Broadcast]:
        """Return all in one of *states*, oldest first."""

    async def family(self, first: BroadcastId) -> list[Broadcast]:
        """Return a story's first broadcast, its repeats and changes, oldest first.

        Those that nobody has confirmed have changed nothing and are left out.
        """

    async def of_article(self, article: ArticleId) -> list[tuple[Broadcast, bool]]:
        """Return confirmed broadcasts of one article alone, the newest first.

        Beside each, whether it was of the article's newest version.
        """

    async def sent_before(
        self, articles: Collection[ArticleId], audiences: Collection[AudienceId]
    ) -> list[Broadcast]:
        """Return confirmed broadcasts of any of *articles* to any of *audiences*.

        The newest first.
        """

    async def repeated(self, broadcast: BroadcastId) -> list[Broadcast]:
        """Return confirmed ones of the same versions to any of the same audiences.

        The newest first; never the broadcast itself.
        """


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

    async def release(self, leases: Sequence[DeliveryId], *, epoch: int) -> None:
        """Queue again what was leased and never called."""

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
    ) -> list[InDoubt]:
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
    def corrections(self) -> Corrections:
        """Changes to what was sent."""

    @property
    def canaries(self) -> Canaries:
        """Who gets a broadcast first."""

    @property
    def unreached(self) -> Unreached:
        """Who did not get one."""

    @property
    def round_ups(self) -> RoundUps:
        """What is sent together."""

    @property
    def replies(self) -> Replies:
        """Answers and notices."""

    @property
    def inbox(self) -> Inbox:
        """What came in."""

    @property
    def erasure(self) -> Erasure:
        """What goes."""


class Database(Claims, Protocol):
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
