"""When the next message may leave: a clock per sender and one per recipient.

The sender's clock is GCRA, the generic cell rate algorithm: one moment, the
*theoretical arrival time*, stands for the whole window. It is kept in a table, so
that a restart or another process goes on where the last one stopped.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.recipients import Channel, Kind
from bot.domain.window import Window

if TYPE_CHECKING:
    from datetime import datetime

#: Furthest into the future that a clock is believed. A clock further ahead was set
#: before the machine's time jumped back, and would silence a sender for that long.
#: Telegram's longest flood waits are hours; anything longer is read again by asking.
BELIEVED = timedelta(hours=6)
#: A call that has not begun this long after its mark is not made: the process, or the
#: disk, stood still, and by now the moment may be another's.
HASTE = timedelta(seconds=2)
#: A provider's second by our clock: theirs and ours are not set by the same hand.
SECOND = 1.001


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """How fast one sender may go, and how far apart one recipient's messages are."""

    per_second: float
    private: timedelta  #: between two messages to one reader
    group: timedelta  #: between two messages to one group or Telegram channel

    @property
    def interval(self) -> timedelta:
        """Time between two messages of the sender."""
        return timedelta(seconds=1 / self.per_second)

    def window(self) -> Window:
        """Return what keeps the sender's calls under the rate, whatever the wire does.

        A second is taken to be a little longer: the provider's may be.
        """
        if self.per_second < 1:
            return Window(1, SECOND / self.per_second)
        calls = int(self.per_second)
        return Window(calls, SECOND * calls / self.per_second)

    def spacing(self, kind: Kind) -> timedelta:
        """Time between two messages to one recipient of *kind*."""
        return self.private if kind is Kind.READER else self.group


#: Under the published limits (core.telegram.org/bots/faq: 30/s in all, 1/s in a chat,
#: 20/min in a group; Twilio: 80/s a sender; Meta: one in 6 s to the same user).
DEFAULT_RATES = {
    Channel.TELEGRAM: Rate(
        per_second=30,
        private=timedelta(seconds=1.05),
        group=timedelta(seconds=3.1),
    ),
    Channel.WHATSAPP: Rate(
        per_second=70,
        private=timedelta(seconds=6.1),
        group=timedelta(seconds=6.1),
    ),
}


def bounded(clock: datetime, *, now: datetime) -> datetime:
    """Return *clock*, or *now* if it lies too far ahead to be believed."""
    return clock if clock <= now + BELIEVED else now


def reserve(
    clock: datetime, *, now: datetime, interval: timedelta, count: int
) -> tuple[list[datetime], datetime]:
    """Reserve *count* sending times, evenly spaced, none before *now*.

    Args:
        clock: The sender's theoretical arrival time, as stored.
        now: The present moment by the same clock.
        interval: Time between two messages.
        count: How many times to reserve.

    Returns:
        The moments, in order, and the clock to store.
    """
    start = max(bounded(clock, now=now), now)
    slots = [start + interval * place for place in range(count)]
    return slots, start + interval * count


def last_call(clock: datetime, *, now: datetime, in_doubt: bool) -> datetime:
    """Say when a sender may have been called last, by what its last owner left.

    Args:
        clock: The sender's, as stored: marks and answers move it to their moments.
        now: The present moment by the same clock.
        in_doubt: Whether calls were under way: they may have begun after their marks.
    """
    return min(clock + HASTE if in_doubt else clock, now)


def claim_size(rate: Rate, *, most: int = 1000) -> int:
    """How many deliveries to take in hand at once: about half a second's worth.

    More would delay breaking news behind what is already in hand; less would cost
    a transaction per message.
    """
    return max(1, min(most, round(rate.per_second / 2)))
