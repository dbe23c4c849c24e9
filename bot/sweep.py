"""What only time brings about: expiry, endings, and kicks that were forgotten."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.broadcasts import BroadcastState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.recipients import Channel, SenderId
    from bot.ports import Clock, Database, Runner, Transaction

log = logging.getLogger("harkara.sweep")


class Sweep:
    """Looks at the tables, whatever anybody was told."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        runner: Runner,
        senders: Mapping[Channel, SenderId],
    ) -> None:
        self._database = database
        self._clock = clock
        self._runner = runner
        self._senders = senders

    async def run(self, _key: str) -> None:
        """Look at everything once."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await tx.deliveries.expire(now=now)
            await self._finish(tx, now=now)
        for sender in self._senders.values():
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
