"""Providers, time and work, as the core would like to ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection
    from datetime import datetime

    from bot.domain.deliveries import (
        Progress,
        Reference,
    )
    from bot.domain.errors import SendError
    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import (
        Address,
        Channel,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LookUp:
    """What a provider knows of a call that was never answered."""

    found: bool
    provider_id: str = ""
    progress: Progress | None = None
    code: str = ""


class Messenger(Protocol):
    """Hands messages to one provider, once each: repetition is the broadcaster's.

    Every failure is raised as one of `SendError`'s classes, never as anything else.
    """

    @property
    def channel(self) -> Channel:
        """The medium it serves."""

    @property
    def can_look_up(self) -> bool:
        """Whether `look_up` can ever find anything."""

    async def send(
        self,
        to: Address,
        message: OutboundMessage,
        reference: Reference | None,
        *,
        reply_to: str = "",
        paid: bool = False,
    ) -> str:
        """Send *message* and return the provider's id for it.

        Args:
            to: An address of this messenger's channel.
            message: Fits the channel; it is sent as it is.
            reference: Travels with the message where the provider can carry it, and
                comes back in receipts. None for a reply.
            reply_to: The provider's id of the message in the same chat that it
                answers, if that is still there; where the provider has no answers it
                is sent all the same.
            paid: Whether it may cost what the provider asks for messages beyond its
                free rate.

        Raises:
            SendError: Named for what to do next.
        """

    async def edit(
        self, to: Address, provider_id: str, message: OutboundMessage
    ) -> None:
        """Replace a message of ours; replacing it by its like is a success.

        Raises:
            SendError: Named for what to do next; where the message can no longer be
                changed, `Undeliverable` of the kind ``BEYOND_REACH``.
        """

    async def delete(self, to: Address, provider_id: str) -> None:
        """Take a message of ours back; that it is gone already is a success.

        Raises:
            SendError: As `edit`.
        """

    async def pin(self, to: Address, provider_id: str, *, pinned: bool) -> None:
        """Pin a message of ours without a sound, or unpin it.

        Raises:
            SendError: Named for what to do next; the right to do so may be missing.
        """

    async def look_up(
        self,
        to: Address,
        message: OutboundMessage,
        started_at: datetime,
        *,
        others: Collection[str] = (),
    ) -> LookUp | None:
        """Ask whether a message whose call was never answered was sent after all.

        Args:
            to: Whom it was for.
            message: What was to be sent.
            started_at: When the call was begun, by the machine's clock, which may
                have been wrong then.
            others: The provider's ids of what else was sent to them.

        Returns:
            None where the provider cannot tell, or not yet; otherwise what it has.
        """

    def explain(self, code: str) -> SendError:
        """Say what a code in a later report asks of us."""


class Chats(Protocol):
    """What only the provider knows about a chat and its members."""

    async def is_administrator(self, chat: Address, person: str) -> bool:
        """Whether *person*, by the provider's id, may speak for *chat*."""

    async def leave(self, chat: Address) -> None:
        """Leave a group; leaving one that we are not in is no error."""


class Clock(Protocol):
    """The present, and waiting for a later one."""

    def now(self) -> datetime:
        """Return the present moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Return seconds since some moment, by a clock that is never set."""

    async def sleep_until(self, moment: datetime) -> None:
        """Return at *moment*, at once if it is past."""


class Runner(Protocol):
    """Runs idempotent, keyed tasks; a kick is only a hint to look at the tables."""

    def register(
        self,
        task: str,
        work: Callable[[str], Awaitable[datetime | None]],
        *,
        drains: bool = False,
    ) -> None:
        """Name *work*. It takes a key and may return when to be run again.

        *drains* says that `stop` waits for its end; other work is cut short, as by a
        crash.
        """

    async def kick(self, task: str, key: str, run_at: datetime | None = None) -> None:
        """Have *task* look at *key* soon, or at *run_at*; never twice at a time."""

    def every(self, seconds: float, task: str, key: str) -> None:
        """Kick *task* for *key* again and again."""

    async def run(self) -> None:
        """Work until stopped."""

    async def stop(self) -> None:
        """Start nothing new, see out what drains, cut the rest short, and return."""
