"""What happens to a broadcast between its plan and its end, set by set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from bot.domain.broadcasts import BroadcastId, ChannelPlan
    from bot.domain.deliveries import State
    from bot.domain.errors import FailureKind
    from bot.domain.recipients import AudienceId, Channel, RecipientId, SenderId
    from bot.domain.staleness import Waiting
    from bot.ports.values import DeliveryLine, Watched


class Canaries(Protocol):
    """Who gets a broadcast first, and how it fares."""

    async def place(self, broadcast: BroadcastId, *, now: datetime) -> int:
        """Let only the first few that each sender has of it go; how many."""

    async def replace(
        self, broadcast: BroadcastId, sender: SenderId, *, now: datetime
    ) -> int:
        """Let as many others go first instead; how many there were.

        Where there are none, everybody may have it.
        """

    async def watched(self) -> list[Watched]:
        """Return the canaries of all running broadcasts, oldest first."""

    async def release(
        self, broadcast: BroadcastId, sender: SenderId | None = None
    ) -> None:
        """Let everybody have it: all its senders', or the one's."""

    async def failed(self, broadcast: BroadcastId) -> int:
        """How many deliveries failed in a way that may be the message's fault."""

    async def arrived(self, broadcast: BroadcastId, *, most: int) -> int:
        """How many of its deliveries arrived; counts to *most* and no further."""


class Unreached(Protocol):
    """Who surely did not get a broadcast.

    Never those of whom it is in doubt: a person decides about them.
    """

    async def retry(
        self, broadcast: BroadcastId, kinds: Collection[FailureKind], *, now: datetime
    ) -> int:
        """Queue again what failed for one of *kinds*, and the parts behind it.

        Only for those who are still enrolled and may be written to.

        Returns:
            How many deliveries.
        """

    async def plan(
        self,
        broadcast: BroadcastId,
        origin: BroadcastId,
        *,
        parts: Mapping[tuple[AudienceId, Channel], int],
        senders: Mapping[Channel, SenderId],
        now: datetime,
    ) -> list[ChannelPlan]:
        """Write a delivery for everybody who has nothing of *origin*, set by set.

        Who left since is not among them, nor who got it, or may have, by another
        broadcast of the same origin.
        """

    async def page(
        self,
        broadcast: BroadcastId,
        *,
        states: Collection[State] | None,
        after: tuple[RecipientId, int] | None,
        limit: int,
    ) -> list[DeliveryLine]:
        """Return some of its deliveries by recipient and part, from behind *after*."""


class RoundUps(Protocol):
    """What waited too long, and is sent together instead."""

    async def waiting(self, *, before: datetime) -> list[Waiting]:
        """Return the broadcasts that run, confirmed before *before*.

        None where there is only one: nothing could be merged.
        """

    async def plan(
        self,
        broadcast: BroadcastId,
        merged: Sequence[BroadcastId],
        *,
        parts: Mapping[tuple[AudienceId, Channel], int],
        senders: Mapping[Channel, SenderId],
        now: datetime,
    ) -> list[ChannelPlan]:
        """Write a delivery for everybody who waits for several of *merged*.

        What they wait for is skipped, with the round-up's number as the reason.
        """
