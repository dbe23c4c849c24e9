"""What a broadcast goes through of its own accord between its confirmation and its end.

The time to be undone runs out; a few get it first and are watched; it pauses itself
when too many fail; what waited too long is put together. All of it stands in the
tables, so that whoever looks next goes on from there.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from bot.domain.broadcasts import BroadcastState
from bot.domain.errors import NothingToSend, TooLate
from bot.domain.holding import Verdict, verdict
from bot.domain.manners import overdue_after
from bot.domain.staleness import round_ups

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.broadcasts import BroadcastId
    from bot.domain.recipients import Channel, SenderId
    from bot.notices import Notices
    from bot.planning import Newsroom, Planner
    from bot.ports import Clock, Database, Runner, Watched

log = logging.getLogger("harkara.course")

#: Why a broadcast is paused whose first messages failed, or too many of all.
FIRST_FAILED = "the first messages failed"
TOO_MANY_FAILED = "too many failed"


class Course:
    """Looks at what is confirmed, whatever anybody was told."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        runner: Runner,
        notices: Notices,
        planner: Planner,
        senders: Mapping[Channel, SenderId],
        newsroom: Newsroom,
    ) -> None:
        self._database = database
        self._clock = clock
        self._runner = runner
        self._notices = notices
        self._planner = planner
        self._senders = senders
        self._newsroom = newsroom

    async def run(self, _key: str) -> None:
        """Look at everything once."""
        changed = await self.catch_up()
        async with self._database.snapshot() as tx:
            watched = await tx.canaries.watched()
        for each in watched:
            changed |= await self._judge(each)
        await self._watch()
        if changed:
            for sender in self._senders.values():
                await self._runner.kick("pump", str(sender))

    async def catch_up(self) -> bool:
        """Let go what can no longer be undone, and put together what is overdue.

        To be called before the pumps begin, too: a desk that comes back after hours
        must not have begun to send one by one what it would have merged.

        Returns:
            Whether there is more to send than before.
        """
        now = self._clock.now()
        async with self._database.snapshot() as tx:
            held = await tx.broadcasts.in_state(BroadcastState.WAITING)
        free = await self._let_go(now) if held else []
        return await self._merge(now) or bool(free)

    async def _let_go(self, now: datetime) -> list[BroadcastId]:
        async with self._database.transaction() as tx:
            free = await tx.broadcasts.let_go(now=now)
            for each in free:
                if self._newsroom.manner(each.lane).canary:
                    await tx.canaries.place(each.id, now=now)
        return [each.id for each in free]

    async def _merge(self, now: datetime) -> bool:
        after = overdue_after(self._newsroom.lanes)
        if not after:
            return False
        async with self._database.snapshot() as tx:
            waiting = await tx.round_ups.waiting(before=now - min(after.values()))
        found = round_ups(waiting, now=now, after=after)
        for audience, merged in found.items():
            tell = partial(self._notices.merged, merged=merged, now=now)
            try:
                plan = await self._planner.round_up(audience, merged, tell=tell)
            except (NothingToSend, TooLate):
                continue  # somebody stopped one of them meanwhile; the rest stands
            log.info(
                "what waited too long goes as a round-up",
                extra={"broadcast": plan, "merged": len(merged)},
            )
        return bool(found)

    async def _judge(self, watched: Watched) -> bool:
        """Let everybody follow a canary, or nobody; whether anybody may now."""
        now = self._clock.now()
        found = verdict(
            watched.canary, waited=now - watched.since, watch=self._newsroom.watch
        )
        if found is Verdict.WAIT:
            return False
        if found is Verdict.STOP:
            await self._pause(watched.broadcast, FIRST_FAILED)
            return False
        async with self._database.transaction() as tx:
            if found is Verdict.OTHERS:
                await tx.canaries.replace(watched.broadcast, watched.sender, now=now)
            else:
                await tx.canaries.release(watched.broadcast, watched.sender)
        log.info(
            "the first of a broadcast were watched",
            extra={"broadcast": watched.broadcast, "verdict": found.value},
        )
        return True

    async def _watch(self) -> None:
        """Pause what fails too often; reads what failed, and little more."""
        watch = self._newsroom.watch
        async with self._database.snapshot() as tx:
            failing = []
            for each in await tx.broadcasts.in_state(BroadcastState.RUNNING):
                failed = await tx.canaries.failed(each.id) if each.watched else 0
                if not failed:
                    continue
                arrived = await tx.canaries.arrived(each.id, most=watch.enough(failed))
                if watch.too_many(failed=failed, arrived=arrived):
                    failing.append(each.id)
        for broadcast in failing:
            await self._pause(broadcast, TOO_MANY_FAILED)

    async def _pause(self, broadcast: BroadcastId, reason: str) -> None:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.locked(broadcast)
            if found.state is not BroadcastState.RUNNING:
                return
            await tx.broadcasts.save(
                replace(found, state=BroadcastState.PAUSED, reason=reason)
            )
            await tx.deliveries.let_go(broadcast)
            coverage = await tx.deliveries.coverage(broadcast)
            await self._notices.failing(tx, broadcast, coverage, now=now)
        log.warning("a broadcast has paused itself", extra={"broadcast": broadcast})
