"""The sending of one digest to audiences."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from bot.domain.deliveries import ARRIVED, BroadcastId, State

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.digests import Digest, DigestId, Note
    from bot.domain.messages import Text
    from bot.domain.recipients import AudienceId, Channel

__all__ = [
    "Broadcast",
    "BroadcastId",
    "BroadcastState",
    "ChannelPlan",
    "Coverage",
    "Lane",
    "Plan",
    "Purpose",
]


class Lane(IntEnum):
    """Urgency; the lower goes first."""

    REPLY = 0  #: answers and notices; no broadcast has it
    BREAKING = 10  #: goes before everything else that is due
    REGULAR = 20  #: unless an editor says otherwise
    ROUND_UP = 30  #: when nothing more urgent is due


class BroadcastState(StrEnum):
    """Where a broadcast stands."""

    PLANNED = "planned"  #: every delivery is written; nobody has confirmed
    WAITING = "waiting"  #: confirmed; for a moment it can still be undone
    RUNNING = "running"  #: confirmed; the pumps work it off
    PAUSED = "paused"  #: stopped by an editor or by its own errors; can go on
    FINISHED = "finished"  #: every delivery has ended, or only a person can tell
    CANCELLED = "cancelled"  #: stopped by an editor, or never confirmed in time


class Purpose(StrEnum):
    """What a broadcast is for."""

    NEWS = "news"  #: a story, sent
    UPDATE = "update"  #: more of a story, in answer to its first message
    LIVE = "live"  #: a card that is edited in place, and each such edit
    CLOSING = "closing"  #: the end of a live card: it is unpinned
    CORRECTION = "correction"  #: the right text in place of the wrong
    RECALL = "recall"  #: taking a story back


@dataclass(frozen=True, slots=True, kw_only=True)
class Broadcast:
    """One digest on its way to audiences."""

    id: BroadcastId
    digest: DigestId
    lane: Lane
    state: BroadcastState
    planned_by: str  #: an opaque id: "editor:3", "command line"
    planned_at: datetime
    expires_at: datetime  #: nothing is taken in hand after this
    confirmed_at: datetime | None = None
    finished_at: datetime | None = None
    reason: str = ""  #: why paused or cancelled
    held_until: datetime | None = None  #: it can be undone before this
    again: bool = False  #: said twice: it may go, though it went before
    #: pauses of its own accord when too many fail, until an editor says go on
    watched: bool = True
    stars: int = 0  #: most Telegram Stars a paid burst may cost; 0: none
    origin: BroadcastId | None = None  #: whose recipients these were before
    merged_into: BroadcastId | None = None  #: the round-up that its rest went into
    purpose: Purpose = Purpose.NEWS
    corrects: BroadcastId | None = None  #: the first broadcast of the story it changes
    #: the newest that has taken its place; what waits or is repeated goes with that
    superseded_by: BroadcastId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a broadcast has come to, counted by state."""

    states: Counter[State] = field(default_factory=Counter)

    @property
    def planned(self) -> int:
        """Deliveries written down in all."""
        return self.states.total()

    @property
    def arrived(self) -> int:
        """Deliveries that a provider has accepted, at least."""
        return sum(self.states[state] for state in ARRIVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelPlan:
    """What one channel's readers will be sent."""

    channel: Channel
    audience: AudienceId
    recipients: int
    messages: int  #: deliveries, all parts counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A planned broadcast as an editor sees it before confirming."""

    broadcast: Broadcast
    digest: Digest
    channels: tuple[ChannelPlan, ...]
    previews: tuple[tuple[Channel, tuple[Text, ...]], ...]  #: exactly what is sent
    lint: tuple[Note, ...]
    #: the newest first: the same went to the same before; must be said twice to go
    before: tuple[BroadcastId, ...] = ()
    audiences: tuple[str, ...] = ()  #: their names

    @property
    def recipients(self) -> int:
        """How many recipients will be written to."""
        return sum(each.recipients for each in self.channels)

    @property
    def messages(self) -> int:
        """How many messages that makes."""
        return sum(each.messages for each in self.channels)
