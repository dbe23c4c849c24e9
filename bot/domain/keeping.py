"""How long what concerns people is kept, once it has had its effect."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

#: What has come once may come again: Telegram repeats for 24 hours, and Twilio's list
#: is looked through for what was missed in seven days (`handlers.whatsapp.missed`).
#: Its number is kept for longer, so that no repeat is had twice.
REPEATS = timedelta(days=8)
#: What could not be handled waits this long, at least, for somebody to look at it.
SET_ASIDE = timedelta(days=30)
#: A clock that went on by more since the last look may have been set wrong; what it
#: would have erased cannot be had back.
LEAP = timedelta(days=2)
#: It is believed once we have run beside it for so long, and nobody has put it right.
BELIEVED_AFTER = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """What the newsroom has decided."""

    #: What people write, and what they were answered, once it has had its effect.
    updates: timedelta = timedelta(days=7)
    #: Who was sent what, after a broadcast's end; then only the counts are left.
    deliveries: timedelta = timedelta(days=180)
    #: The evidence of an agreement, and whose it was, after its end.
    consents: timedelta = timedelta(days=1095)


#: Unless somebody decides otherwise.
USUAL = Keeping()


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """Before which moments things are no longer kept, seen from one moment."""

    words: datetime  #: what was handled, and answers: their content
    set_aside: datetime  #: what could not be handled
    traces: datetime  #: that it came at all, and who wrote without ever joining
    deliveries: datetime
    consents: datetime


def bounds(keeping: Keeping, *, now: datetime) -> Bounds:
    """Say what may go at *now*.

    Content goes first, traces never sooner than a provider may repeat itself.
    """
    traces = max(keeping.updates, REPEATS)
    return Bounds(
        words=now - keeping.updates,
        set_aside=now - max(keeping.updates, SET_ASIDE),
        traces=now - traces,
        deliveries=now - keeping.deliveries,
        consents=now - keeping.consents,
    )


@dataclass(frozen=True, slots=True)
class Leap:
    """A leap of the clock, as it was when we first saw it."""

    now: datetime  #: by that clock
    running: timedelta  #: how long we had run


def leap(
    now: datetime, running: timedelta, *, last: datetime | None, seen: Leap | None
) -> Leap | None:
    """Say whether the clock is to be believed.

    Args:
        now: What it says, aware, in UTC.
        running: For how long we have run, by what nobody can set.
        last: What the last clock that was believed said; None if there was none.
        seen: The leap that this has returned before, if it did.

    Returns:
        None where it is; otherwise the leap that keeps it from being believed.
    """
    if last is not None and now - last <= LEAP:
        return None
    if seen is None or abs((now - seen.now) - (running - seen.running)) > LEAP:
        return Leap(now=now, running=running)
    return None if running - seen.running >= BELIEVED_AFTER else seen
