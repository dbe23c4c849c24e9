"""SIGTERM at twenty moments of a broadcast: drained in time, no doubt, all resumes."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from pathlib import Path

from bot.app import open_desk
from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import State
from bot.sandbox import Sandbox
from storage import upgrade
from tests.chaos.harness import RECIPIENTS, enrol, life, plan, settings_for

STOPS = 20
#: Seconds within which a stopped application has ended.
DRAINED = 10


async def test_twenty_stops_leave_no_doubt(tmp_path: Path):
    rng = random.Random(15)  # noqa: S311 - repeatable moments
    path = tmp_path / "harkara.db"
    await upgrade(path)
    async with Sandbox(rate="unlimited", latency=(0.005, 0.03), seed=3) as sandbox:
        await enrol(sandbox, path)
        settings = settings_for(sandbox, path)
        broadcast = await plan(settings)

        for _ in range(STOPS):
            goal = len(sandbox.log.from_us()) + rng.randint(1, 60)
            async with life(settings, tmp_path) as process:
                await sandbox.log.wait_for(
                    lambda log: log.from_us(), count=goal, timeout=60
                )
                await asyncio.sleep(rng.uniform(0, 0.02))
                process.send_signal(signal.SIGTERM)
                assert await asyncio.wait_for(process.wait(), DRAINED) == 0
            async with open_desk(settings) as desk:
                _, coverage = await desk.broadcaster.status(broadcast)
            states = coverage.states
            assert states[State.QUEUED], "the stop was in the middle of the broadcast"
            assert states.keys() <= {State.QUEUED, State.ACCEPTED}

        async with life(settings, tmp_path), open_desk(settings) as desk:
            async with asyncio.timeout(60):
                while True:
                    found, coverage = await desk.broadcaster.status(broadcast)
                    if found.state is BroadcastState.FINISHED:
                        break
                    await asyncio.sleep(0.1)

        assert coverage.states == {State.ACCEPTED: RECIPIENTS}
        copies = Counter(record.chat for record in sandbox.log.from_us())
        assert len(copies) == RECIPIENTS
        assert set(copies.values()) == {1}
