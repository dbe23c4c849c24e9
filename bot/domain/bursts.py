"""Paying Telegram to go faster: what a broadcast may still pay for.

A message that is sent with ``allow_paid_broadcast`` may go beyond the free thirty a
second, up to a thousand; each one beyond costs a tenth of a Star (Bot API,
`sendMessage`; core.telegram.org/bots/faq). Telegram does not say in its answer what it
charged. So each message sent that way is reckoned as charged: a cap is never exceeded,
and what a burst really costs is a little less.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.domain.pacing import Rate

#: Messages for one Star.
PER_STAR = 10
#: Most messages a second that Telegram sells.
FASTEST = 1000


def left(stars: int, paid: int) -> int:
    """Say how many messages may still be sent as paid ones.

    Args:
        stars: The most that the broadcast may cost; 0 is no burst.
        paid: How many of its messages have been sent so, answered or not.
    """
    return max(0, stars * PER_STAR - paid)


def rate(free: Rate, *, stars: int, paid: int) -> Rate:
    """Return the rate at which a broadcast's next messages may leave.

    Spacing in one chat is no matter of money, and stays.
    """
    if not left(stars, paid):
        return free
    return replace(free, per_second=max(free.per_second, FASTEST))
