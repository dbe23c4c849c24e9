"""How the broadcasts of a lane are held, and for how long they are news."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.broadcasts import Lane

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """What is asked of one lane's broadcasts. As made, nothing is held."""

    undo_for: timedelta = timedelta(0)  #: after the confirmation it can be undone
    canary: bool = False  #: whether a few get it before everybody does
    keep_for: timedelta = DAY  #: after that a story is no news
    #: what has waited longer goes out as a round-up; None: one by one, however late
    overdue_after: timedelta | None = None


def usual(
    *,
    undo_for: timedelta = timedelta(seconds=10),
    canary: bool = True,
    keep_for: timedelta = DAY,
    overdue_after: timedelta | None = timedelta(hours=2),
) -> dict[Lane, Manner]:
    """Return the lanes as shipped: breaking news waits for nothing, the rest does."""
    held = Manner(
        undo_for=undo_for,
        canary=canary,
        keep_for=keep_for,
        overdue_after=overdue_after,
    )
    return {
        Lane.BREAKING: Manner(keep_for=keep_for),
        Lane.REGULAR: held,
        Lane.ROUND_UP: held,
    }


def overdue_after(lanes: Mapping[Lane, Manner]) -> dict[Lane, timedelta]:
    """Return how long each lane's broadcasts may wait, of those with a limit."""
    return {
        lane: manner.overdue_after
        for lane, manner in lanes.items()
        if manner.overdue_after is not None
    }
