"""Changing what was sent: what it comes to, counted and named."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.broadcasts import Purpose
from bot.domain.deliveries import ARRIVED, NOTES, Action, State

if TYPE_CHECKING:
    from bot.domain.broadcasts import Broadcast
    from bot.domain.digests import Note
    from bot.domain.messages import Text
    from bot.domain.recipients import Channel

#: Telegram lets a bot delete for 48 hours; nearer the end than this we edit instead.
YOUNG = timedelta(hours=47)
#: How long a change is tried: what was muted may come back, and who was away too.
MEND_FOR = timedelta(hours=48)
#: Why what waited of a story did not go: by the purpose of what took its place.
INSTEAD = {
    Purpose.CORRECTION: "corrected",
    Purpose.RECALL: "recalled",
    Purpose.LIVE: "edited",
    Purpose.CLOSING: "closed",
}
#: Why a message was not needed; nobody lacks it.
IN_TEMPLATE = "in template"


class Outcome(StrEnum):
    """What a change has come to for one message."""

    EDITED = "edited"  #: the copy shows the new text
    DELETED = "deleted"  #: the copy is gone
    NOTICED = "noticed"  #: a message beside the copy tells of the change
    PINNED = "pinned"  #: the card was pinned or unpinned
    SENT = "sent"  #: the new text, to whom the old had not reached
    WAITING = "waiting"  #: still on its way
    BEYOND_REACH = "beyond_reach"  #: the copy stands as it was
    NEEDLESS = "needless"  #: said already by another message


_DONE = {
    Action.EDIT: Outcome.EDITED,
    Action.DELETE: Outcome.DELETED,
    Action.PIN: Outcome.PINNED,
    Action.UNPIN: Outcome.PINNED,
}
_ON_ITS_WAY = frozenset({State.QUEUED, State.LEASED, State.SENDING, State.SUSPENDED})


def outcome(action: Action, part: int, state: State, reason: str) -> Outcome:
    """Say what a delivery of a correction or recall has come to."""
    if state in ARRIVED:
        said = Outcome.NOTICED if part > NOTES else Outcome.SENT
        return _DONE.get(action, said)
    if state in _ON_ITS_WAY:
        return Outcome.WAITING
    if state is State.SKIPPED and reason == IN_TEMPLATE:
        return Outcome.NEEDLESS
    return Outcome.BEYOND_REACH


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionPlan:
    """A planned change as an editor sees it before confirming."""

    broadcast: Broadcast
    counts: Counter[tuple[Channel, Outcome]]  #: messages, as it stands now
    previews: tuple[tuple[Channel, tuple[Text, ...]], ...]  #: what will be shown
    lint: tuple[Note, ...] = ()

    def count(self, outcome: Outcome) -> int:
        """Messages of one outcome, over all channels."""
        return sum(n for (_, what), n in self.counts.items() if what is outcome)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """One message that a change did not reach."""

    recipient: int
    title: str
    channel: Channel
    part: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CorrectionReport:
    """What a change has come to, and whom it did not reach."""

    broadcast: Broadcast
    counts: Counter[Outcome] = field(default_factory=Counter)
    missed: tuple[Missed, ...] = ()
    folded: int = 0  #: deliveries that are no longer kept one by one
