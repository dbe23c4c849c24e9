"""How many WhatsApp readers may be written to first, within a day.

Meta counts, for all numbers of a business portfolio together, the different people to
whom a template went in the last 24 hours: 250, 2,000, 10,000, 100,000, or as many as
one likes, by the portfolio's tier. Who has been counted may be written to again.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

#: Over which Meta counts.
DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """Who had a template in the last 24 hours."""

    readers: int  #: different ones
    first: datetime | None = None  #: of their latest templates the earliest


def room(limit: int, reached: Reached) -> int | None:
    """Say how many more readers a template may go to now.

    Args:
        limit: The portfolio's tier; 0 is without end.
        reached: Who had one.

    Returns:
        None without end.
    """
    return max(0, limit - reached.readers) if limit else None


def again_at(limit: int, reached: Reached, *, now: datetime) -> datetime:
    """Say when there is room for another reader."""
    if room(limit, reached) != 0 or reached.first is None:
        return now
    return max(now, reached.first + DAY)
