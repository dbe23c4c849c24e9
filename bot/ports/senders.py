"""Accounts at providers, their clocks and ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from bot.domain.portfolio import Reached
    from bot.domain.recipients import Channel, SenderId
    from bot.ports.values import Sender, Taken


class Senders(Protocol):
    """Accounts at providers."""

    async def ensure(self, channel: Channel, name: str, *, now: datetime) -> Sender:
        """Return the sender of that name, made if need be."""

    async def get(self, sender: SenderId) -> Sender:
        """Return one sender."""

    async def take(self, sender: SenderId) -> Taken:
        """Become the owner: raise the epoch and settle what the last one left.

        What was leased is queued again; what was sending is doubtful, its attempt
        too; replies likewise.
        """

    async def delay(self, sender: SenderId, until: datetime) -> None:
        """Send nothing more before *until*, whoever the owner is."""

    async def latest_moment(self) -> datetime | None:
        """Return the latest moment that the machine's clock has shown, if known.

        One that lies ahead tells that the clock was set back. What had been written
        down when `note_clock` was called last counts no more.
        """

    async def note_clock(self, *, now: datetime) -> None:
        """Write down what the machine's clock shows, and that it is believed."""

    async def end_waits(self, *, now: datetime, longest: timedelta) -> int:
        """End every wait that lies ahead of *now*, for any sender; how many.

        They were reckoned by a clock that has been set back since. What is no matter
        of pacing, a rest or a trial, ends within *longest*, and no reader has written
        later than now.
        """

    async def set_down(self, sender: SenderId, reason: str) -> None:
        """Note why the sender is down; empty when it is up again."""

    async def templated_since(self, since: datetime) -> Reached:
        """Return who was called with a template since *since*, by all senders.

        Whoever surely got none is not counted; whoever may have is.
        """

    async def has_work(self, sender: SenderId, *, now: datetime) -> bool:
        """Whether `Deliveries.claim` or `Replies.claim` would find anything."""

    async def in_hand(self, sender: SenderId) -> bool:
        """Whether an owner, alive or not, has a row in hand."""

    async def next_due(self, sender: SenderId, *, now: datetime) -> datetime | None:
        """When the next queued row comes due, pacing counted; None if none waits."""
