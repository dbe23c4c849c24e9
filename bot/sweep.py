"""What only time brings about: expiry, endings, doubt resolved, forgotten kicks."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import Progress, State
from bot.domain.outcomes import Report
from bot.ledger import reopen

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.deliveries import Attempt, DeliveryId
    from bot.domain.recipients import Channel, SenderId
    from bot.ledger import Ledger
    from bot.ports import Clock, Database, Messenger, Runner, Transaction

log = logging.getLogger("harkara.sweep")

#: How often a provider is asked about calls in doubt, and about how many at a time.
LOOK_UP_EVERY = timedelta(seconds=10)
LOOK_UPS = 50


class Sweep:
    """Does what only time brings about: expiry, endings, doubt, forgotten kicks."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        runner: Runner,
        ledger: Ledger,
        senders: Mapping[Channel, SenderId],
        messengers: Mapping[Channel, Messenger],
        repeat_doubtful: bool = False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._runner = runner
        self._ledger = ledger
        self._senders = senders
        self._messengers = messengers
        self._repeat = repeat_doubtful
        self._asked: dict[SenderId, datetime] = {}

    async def run(self, _key: str) -> None:
        """Look at everything once."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await tx.deliveries.expire(now=now)
            await self._finish(tx, now=now)
        for channel, sender in self._senders.items():
            await self._resolve(channel, sender, now=now)
            async with self._database.snapshot() as tx:
                work = await tx.senders.has_work(sender, now=now)
            if work:
                await self._runner.kick("pump", str(sender))

    async def _finish(self, tx: Transaction, *, now: datetime) -> None:
        for broadcast in await tx.broadcasts.in_state(BroadcastState.RUNNING):
            if not await tx.deliveries.unsettled(broadcast.id):
                await tx.broadcasts.save(
                    replace(broadcast, state=BroadcastState.FINISHED, finished_at=now)
                )
                log.info("broadcast finished", extra={"broadcast": broadcast.id})

    async def _resolve(
        self, channel: Channel, sender: SenderId, *, now: datetime
    ) -> None:
        """Ask the provider about calls in doubt, or follow the newsroom's rule."""
        messenger = self._messengers[channel]
        asked = self._asked.get(sender)
        if asked is not None and now - asked < LOOK_UP_EVERY:
            return
        self._asked[sender] = now
        async with self._database.snapshot() as tx:
            doubtful = await tx.deliveries.doubtful(sender, limit=LOOK_UPS)
            messages = {
                lease.delivery.broadcast: await tx.broadcasts.messages(
                    lease.delivery.broadcast
                )
                for lease, _ in doubtful
            }
        for lease, attempt in doubtful:
            delivery = lease.delivery
            if not messenger.can_look_up:
                if self._repeat:
                    await self._queue_again(delivery.id)
                continue
            key = (delivery.audience, channel, attempt.form, delivery.part)
            message = messages[delivery.broadcast].get(key)
            if message is None:
                continue
            found = await messenger.look_up(lease.address, message, attempt.started_at)
            if found is None:
                continue
            if not found.found or found.progress is None:
                await self._queue_again(
                    delivery.id, attempt.absorb(Progress.REFUSED, code="absent")
                )
                continue
            await self._ledger.report(
                Report(
                    reference=attempt.reference,
                    progress=found.progress,
                    provider_id=found.provider_id,
                    error=messenger.explain(found.code)
                    if found.progress is Progress.FAILED
                    else None,
                )
            )

    async def _queue_again(
        self, delivery: DeliveryId, attempt: Attempt | None = None
    ) -> None:
        """Send it after all: it surely was not, or the newsroom takes the risk."""
        async with self._database.transaction() as tx:
            loaded = await tx.deliveries.load([delivery])
            found, _ = loaded[delivery]
            if found.state is State.DOUBTFUL:
                again = replace(found, state=State.QUEUED, due_at=self._clock.now())
                await tx.deliveries.save([again], [attempt] if attempt else [])
                await reopen(tx, again)
