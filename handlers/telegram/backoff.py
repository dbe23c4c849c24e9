"""How long to leave Telegram alone after a call about updates that failed."""

from __future__ import annotations

import logging
from datetime import timedelta

from telegram.error import Conflict, InvalidToken, RetryAfter

log = logging.getLogger("harkara.telegram")

#: Waits after a failed call: the first, which doubles, and the longest.
FIRST_WAIT = timedelta(seconds=1)
LONGEST_WAIT = timedelta(minutes=1)
#: How long to wait while somebody else polls with our token.
CONFLICT_WAIT = timedelta(seconds=10)


def wait_after(error: Exception, failures: int) -> timedelta:
    """Return how long to wait, and log what only a person can mend.

    Args:
        error: What the last call ended with.
        failures: How many calls have failed since the last that did not.
    """
    wait: timedelta = min(FIRST_WAIT * 2 ** min(failures - 1, 10), LONGEST_WAIT)
    match error:
        case RetryAfter(retry_after=asked):
            asked = asked if isinstance(asked, timedelta) else timedelta(0, asked)
            wait = max(wait, asked)
        case Conflict():
            wait = CONFLICT_WAIT
            log.error(
                "somebody else fetches this bot's updates; run only one "
                "application with its token, and no webhook"
            )
        case InvalidToken():
            wait = LONGEST_WAIT
            log.error("Telegram does not accept the bot's token")
    return wait
