"""When a broadcast may go on to everybody, and when it stops of its own accord."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from math import ceil

from bot.domain.errors import FailureKind

#: Failures that say something of one recipient and nothing of the message.
OF_ONE = frozenset(
    {
        FailureKind.BLOCKED,
        FailureKind.DEACTIVATED,
        FailureKind.REMOVED,
        FailureKind.DELETED,
        FailureKind.OPTED_OUT,
        FailureKind.CAPPED,
        FailureKind.WINDOW_CLOSED,
        FailureKind.BEYOND_REACH,
    }
)
#: Failures that a second try may mend: what stood in the way may be gone.
MENDABLE = frozenset(
    {
        FailureKind.GAVE_UP,
        FailureKind.SENDER_DOWN,
        FailureKind.REFUSED,
        FailureKind.UNREACHABLE,
        FailureKind.CAPPED,
        FailureKind.WINDOW_CLOSED,
    }
)

#: A broadcast to fewer has no canary: it would be over before anybody had looked.
CANARY_FROM = 20  # recipients of one sender
#: Of a sender's recipients, how many get it first.
CANARY_SHARE = 0.01
#: More would not tell more.
CANARY_MOST = 100
#: A canary that has begun and cannot end, because one chat has to wait, holds up the
#: others no longer than this.
CANARY_FOR = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """When too many fail."""

    share: float = 0.2  #: of the outcomes
    least: int = 10  #: outcomes before anything is said of their share

    def too_many(self, *, failed: int, arrived: int) -> bool:
        """Whether *failed*, of so many outcomes, are more than may be.

        Failures of one recipient alone (`OF_ONE`) are in neither number.
        """
        outcomes = failed + arrived
        return outcomes >= self.least and failed > self.share * outcomes

    def enough(self, failed: int) -> int:
        """How many arrivals make *failed* bearable; more need not be counted."""
        if self.share <= 0:
            return max(self.least - failed, 0)
        return max(ceil(failed / self.share) - failed, self.least - failed, 0)


class Verdict(StrEnum):
    """What becomes of a canary."""

    WAIT = "wait"  #: it has not ended
    GO = "go"  #: everybody may have it
    OTHERS = "others"  #: it told nothing of the message: others are to go first
    STOP = "stop"  #: pause the broadcast


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """How those fare who get a broadcast first."""

    under_way: int = 0  #: messages that have not ended
    arrived: int = 0
    tried: int = 0  #: calls made so far
    failures: Counter[FailureKind] = field(default_factory=Counter)

    @property
    def failed(self) -> int:
        """Failures that speak against the message."""
        return sum(n for kind, n in self.failures.items() if kind not in OF_ONE)


def canary_size(recipients: int) -> int:
    """How many of a sender's *recipients* go first; 0 where it is not worth while."""
    if recipients <= CANARY_FROM:
        return 0
    return min(max(1, ceil(recipients * CANARY_SHARE)), CANARY_MOST)


def verdict(canary: Canary, *, waited: timedelta, watch: Watch) -> Verdict:
    """Say whether everybody may follow *canary*.

    Args:
        canary: How its messages stand.
        waited: Since it was let go.
        watch: When too many fail.

    Returns:
        STOP as soon as an error says that the message itself is bad, or too many
        fail, or none arrived and the message could be at fault. GO when it has ended
        with at least one arrival, or has begun, takes too long and has nothing against
        it. OTHERS when it has ended and says nothing of the message.
    """
    if canary.failures[FailureKind.MALFORMED] or watch.too_many(
        failed=canary.failed, arrived=canary.arrived
    ):
        return Verdict.STOP
    late = canary.tried > 0 and waited >= CANARY_FOR
    if canary.under_way and not late:
        return Verdict.WAIT
    if canary.arrived:
        return Verdict.GO
    if canary.failed:
        return Verdict.STOP
    return Verdict.GO if canary.under_way else Verdict.OTHERS
