"""What goes: of age, or because somebody asks to be forgotten."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from bot.domain.recipients import Address, RecipientId


class Erasure(Protocol):
    """Erasing what is no longer kept. Each erases *limit* rows at most; how many."""

    async def last_look(self) -> datetime | None:
        """When anything could last be erased, by a clock that was believed."""

    async def looked(self, now: datetime) -> None:
        """Note that it is *now*; what was noted is not taken back."""

    async def inbound(
        self, *, handled: datetime, set_aside: datetime, limit: int
    ) -> int:
        """Drop what came in and was done with before the moments given."""

    async def words(self, before: datetime, *, set_aside: datetime, limit: int) -> int:
        """Empty what was done with before the moments given; it stays known."""

    async def replies(self, before: datetime, *, limit: int) -> int:
        """Drop settled answers and notices written before *before*."""

    async def deliveries(self, before: datetime, *, limit: int) -> int:
        """Fold ended deliveries of broadcasts that expired before *before*.

        They go, and `Deliveries.coverage` counts them as before.
        """

    async def enrolments(self, before: datetime, *, limit: int) -> int:
        """Drop enrolments that ended before *before*, with their evidence."""

    async def invitations(self, before: datetime, *, limit: int) -> int:
        """Drop invitations to the desk that were used, or expired, before *before*."""

    async def unmentioned(self, before: datetime, *, limit: int) -> list[RecipientId]:
        """Return recipients not heard of since *before* whom nothing refers to.

        It looks at everybody: do it in a snapshot, where it holds nobody up.
        """

    async def recipients(
        self, some: Collection[RecipientId], *, before: datetime
    ) -> int:
        """Drop those of *some* for whom `unmentioned` holds still; how many."""

    async def forget(self, recipient: RecipientId) -> None:
        """Leave of a recipient, unenrolled, only ledger rows that name nobody."""

    async def suppress(self, address: Address, *, now: datetime) -> None:
        """Note, by its hash alone, that *address* asked to be forgotten."""

    async def suppressed(
        self, address: Address, *, written_at: datetime | None = None
    ) -> bool:
        """Whether *address* asked to be forgotten, and has not come back since.

        With *written_at*, whether they asked then or later: what they wrote before is
        to have no effect any more.
        """

    async def welcome_back(self, address: Address) -> None:
        """Take back what `suppress` noted: they have come of their own accord."""
