"""What the core asks of the ledger where something that was sent is changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from bot.domain.broadcasts import Broadcast, BroadcastId
    from bot.domain.corrections import Missed, Outcome
    from bot.domain.recipients import Channel
    from bot.ports.values import MessageKey


class Corrections(Protocol):
    """Changes to what was sent, planned set by set."""

    async def extent(
        self,
        broadcast: Broadcast,
        keys: Collection[MessageKey],
        *,
        now: datetime,
    ) -> Counter[tuple[Channel, Outcome]]:
        """Count what `begin` would write if it were called now, by what it is to do."""

    async def begin(self, broadcast: Broadcast, *, now: datetime) -> int:
        """Put *broadcast* in the place of what it changes; how many deliveries.

        What waits of the story is skipped, and the new version goes to whom it was
        for. Call it in the transaction that confirms.

        Raises:
            TooLate: Another change was confirmed after this one was planned.
        """

    async def lacking(self, broadcast: Broadcast, *, now: datetime) -> bool:
        """Whether copies are still to be changed that `begin` could not see.

        Those that were under way then are planned once they have settled. False for
        what is no change of anything.
        """

    async def thread(
        self, broadcast: BroadcastId, answered: Sequence[BroadcastId]
    ) -> int:
        """Have *broadcast* answer, in each chat, the first message that is there.

        Returns:
            How many deliveries have something to answer.
        """

    async def counts(self, broadcast: BroadcastId) -> Counter[Outcome]:
        """Count what a change has come to, the doubtful copies of the story too."""

    async def missed(self, broadcast: BroadcastId, *, limit: int) -> list[Missed]:
        """Name the messages that a change has not reached, and why."""

    async def folded(self, broadcasts: Sequence[BroadcastId]) -> int:
        """How many deliveries of *broadcasts* are no longer kept one by one."""
