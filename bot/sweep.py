"""What only time brings about: expiry, endings, and kicks that were forgotten."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.consequences import RETRY_AFTER
from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import State
from bot.domain.outcomes import REST
from bot.domain.recipients import Channel, Standing
from bot.enrolment import VOUCH_WITHIN

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.broadcasts import BroadcastId
    from bot.domain.recipients import SenderId
    from bot.notices import Notices
    from bot.ports import Clock, Database, Runner, Transaction

log = logging.getLogger("harkara.sweep")

#: A clock that is behind the latest moment we know by more was set back.
SET_BACK = timedelta(minutes=1)
#: How often is written down what the clock shows, for the next start to compare with.
NOTE_EVERY = timedelta(minutes=1)
#: The longest rest of a recipient, trial of a suspended one, or stay of a stranger.
LONGEST = max(REST, RETRY_AFTER, VOUCH_WITHIN)


class Sweep:
    """Looks at the tables, whatever anybody was told."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        runner: Runner,
        senders: Mapping[Channel, SenderId],
        notices: Notices,
    ) -> None:
        self._database = database
        self._clock = clock
        self._runner = runner
        self._senders = senders
        self._notices = notices
        self._seen: datetime | None = None
        self._noted: datetime | None = None

    async def run(self, _key: str) -> None:
        """Look at everything once."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await self._look_at_the_clock(tx, now=now)
            await tx.deliveries.expire(now=now)
            await self._finish(tx, now=now)
            for recipient in await tx.recipients.to_retry(now=now):
                await tx.recipients.set_standing(recipient.id, Standing.ACTIVE)
                await tx.deliveries.recipient_back(recipient.id, now=now)
        for sender in self._senders.values():
            async with self._database.snapshot() as tx:
                work = await tx.senders.has_work(sender, now=now)
                # What a dead owner left waits for the next; a living one is asked to
                # look once more when it is done.
                work = work or await tx.senders.in_hand(sender)
            if work:
                await self._runner.kick("pump", str(sender))

    async def _look_at_the_clock(self, tx: Transaction, *, now: datetime) -> None:
        """Let nobody wait for a moment that the old clock named, if it was set back.

        What must not come too soon is asked for again: a provider that wanted us to
        wait says so once more.
        """
        seen = self._seen or await tx.senders.latest_moment()
        if seen is not None and seen - now > SET_BACK:
            ended = await tx.senders.end_waits(now=now, longest=LONGEST)
            self._noted = None
            log.warning(
                "the clock was set back; harkara check compares it with the providers'",
                extra={"seconds": round((seen - now).total_seconds()), "waits": ended},
            )
        self._seen = now
        if self._noted is None or now - self._noted >= NOTE_EVERY:
            await tx.senders.note_clock(now=now)
            self._noted = now

    async def _finish(self, tx: Transaction, *, now: datetime) -> None:
        open_ones = await tx.broadcasts.in_state(
            BroadcastState.PLANNED,
            BroadcastState.WAITING,
            BroadcastState.RUNNING,
            BroadcastState.PAUSED,
        )
        for broadcast in open_ones:
            over = now >= broadcast.expires_at
            if broadcast.state is BroadcastState.PLANNED:
                end = BroadcastState.CANCELLED if over else None
            elif broadcast.state is not BroadcastState.RUNNING and not over:
                end = None
            else:
                unsettled = await tx.deliveries.unsettled(broadcast.id)
                end = None if unsettled else BroadcastState.FINISHED
            if end is not None:
                reason = broadcast.reason or ("expired" if over else "")
                ended = replace(broadcast, state=end, finished_at=now, reason=reason)
                await tx.broadcasts.save(ended)
                await tx.canaries.release(broadcast.id)
                log.info(
                    "broadcast over",
                    extra={"broadcast": broadcast.id, "state": end.value},
                )
                if end is BroadcastState.FINISHED:
                    coverage = await tx.deliveries.coverage(broadcast.id)
                    if ended.merged_into is None or coverage.arrived:
                        await self._notices.over(tx, ended, coverage, now=now)
                    await self._tell_of_doubt(tx, broadcast.id, now=now)

    async def _tell_of_doubt(
        self, tx: Transaction, broadcast: BroadcastId, *, now: datetime
    ) -> None:
        """Let the editors decide what nobody else can; `Doubts` asks Twilio."""
        lines = await tx.deliveries.report(broadcast, states={State.DOUBTFUL})
        count = sum(line.channel is Channel.TELEGRAM for line in lines)
        if count:
            await self._notices.unsure(tx, broadcast, count, now=now)
