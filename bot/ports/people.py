"""People and groups, and how they come to be written to: one protocol a noun.

What `bot.ports.storage` says of moments and errors holds here too.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from bot.domain.joinlinks import JoinLink, JoinLinkId
    from bot.domain.recipients import (
        Address,
        Audience,
        AudienceId,
        Consent,
        Kind,
        Recipient,
        RecipientId,
        Standing,
    )
    from bot.ports.values import Editor, Windows


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
