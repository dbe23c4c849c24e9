"""Fetches what readers wrote while we could not be reached.

Twilio calls us once, once more if it finds nobody, and then never again. But it lists
what it has received, so that no reader's STOP is lost to a restart.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.errors import SendError
from bot.domain.recipients import Channel

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from bot.domain.inbound import Inbound
    from bot.ports import Clock, Database, Runner

log = logging.getLogger("harkara.whatsapp")

#: How much of what was looked at before is looked at again: lists lag, clocks differ.
OVERLAP = timedelta(hours=1)
#: How far back is looked at the most; an older wish is no longer one.
FURTHEST = timedelta(days=7)
#: How soon Twilio is asked again when it could not be.
AGAIN = timedelta(minutes=1)


class MissedMessages:
    """Stores what has not come by itself; what has is known by its key.

    Where nothing has ever come in nothing is fetched: the number may have served
    somebody else until now.

    Args:
        listed: Asks the provider what it has received since a moment.
    """

    def __init__(
        self,
        *,
        listed: Callable[[datetime], Awaitable[list[Inbound]]],
        database: Database,
        clock: Clock,
        runner: Runner,
    ) -> None:
        self._listed = listed
        self._database = database
        self._clock = clock
        self._runner = runner
        self._seen_until: datetime | None = None

    async def begin(self) -> None:
        """Note what was the last to come in; call it before anything new can."""
        now = self._clock.now()
        async with self._database.snapshot() as tx:
            last = await tx.inbox.newest(Channel.WHATSAPP, "message:", until=now)
            if last is None:
                # What a clock that was ahead has dated says only that there was some.
                last = await tx.inbox.newest(Channel.WHATSAPP, "message:")
        self._seen_until = last

    async def run(self, _key: str) -> datetime | None:
        """Fetch what is missing; return when to try again, where that failed."""
        now = self._clock.now()
        if self._seen_until is None:
            self._seen_until = now
            return None
        since = max(self._seen_until - OVERLAP, now - FURTHEST)
        if self._seen_until > now:
            # The clock was ahead: nobody knows what was looked at by then.
            since = now - FURTHEST
        try:
            entries = await self._listed(since)
        except SendError as error:
            log.warning(
                "Twilio could not be asked for what was missed",
                extra={"error": error.code},
            )
            return now + AGAIN
        async with self._database.transaction() as tx:
            missed = await tx.inbox.store(entries)
        self._seen_until = now
        if missed:
            log.info("messages that had not reached us came in", extra={"n": missed})
            await self._runner.kick("inbox", "all")
        return None
