"""kill -9 at twenty moments of a broadcast: the sandbox's log and the ledger agree."""

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
from tests.chaos.harness import (
    CONCURRENCY,
    RECIPIENTS,
    enrol,
    life,
    plan,
    settings_for,
)

KILLS = 20


async def test_twenty_kills_lose_nothing_and_hide_no_doubt(tmp_path: Path):
    rng = random.Random(20)  # noqa: S311 - repeatable moments
    path = tmp_path / "harkara.db"
    await upgrade(path)
    async with Sandbox(rate="unlimited", latency=(0.005, 0.03), seed=7) as sandbox:
        await enrol(sandbox, path)
        settings = settings_for(sandbox, path)
        broadcast = await plan(settings)

        doubtful_before = 0
        for kill in range(KILLS):
            share = RECIPIENTS * 0.9 / KILLS
            goal = int(share * kill + rng.uniform(0.2, 0.9) * share)
            goal = max(goal, len(sandbox.log.from_us()) + rng.randint(1, 30))
            async with life(settings, tmp_path) as process:
                await sandbox.log.wait_for(
                    lambda log: log.from_us(), count=goal, timeout=60
                )
                await asyncio.sleep(rng.uniform(0, 0.02))
                assert process.returncode is None, "it ended by itself"
                process.send_signal(signal.SIGKILL)
                await process.wait()
            async with open_desk(settings) as desk:
                _, coverage = await desk.broadcaster.status(broadcast)
            states = coverage.states
            assert states[State.QUEUED], "the kill was in the middle of the broadcast"
            assert len(sandbox.log.from_us()) >= goal
            doubt = states[State.SENDING] + states[State.DOUBTFUL] - doubtful_before
            assert 0 <= doubt <= CONCURRENCY, f"kill {kill}: {doubt} in doubt"
            doubtful_before += doubt

        async with life(settings, tmp_path), open_desk(settings) as desk:
            for _ in range(600):
                found, coverage = await desk.broadcaster.status(broadcast)
                if found.state is BroadcastState.FINISHED:
                    break
                await asyncio.sleep(0.1)
            lines = await desk.broadcaster.report(broadcast)
            addresses = {}
            async with desk.database.snapshot() as tx:
                for line in lines:
                    who = await tx.recipients.get(line.delivery.recipient)
                    addresses[line.delivery.id] = who.address.value

        copies = Counter(record.chat for record in sandbox.log.from_us())
        ids = {record.chat: record["message_id"] for record in sandbox.log.from_us()}
        assert found.state is BroadcastState.FINISHED
        assert len(lines) == RECIPIENTS, "nothing lost from the ledger"
        assert set(copies.values()) == {1}, "nobody has two copies"
        for line in lines:
            address = addresses[line.delivery.id]
            if line.delivery.state is State.ACCEPTED:
                assert copies[address] == 1
                assert line.provider_id == str(ids[address])
            else:
                assert line.delivery.state is State.DOUBTFUL
        doubtful = [each for each in lines if each.delivery.state is State.DOUBTFUL]
        assert len(doubtful) == doubtful_before <= KILLS * CONCURRENCY
        unseen = [each for each in doubtful if not copies[addresses[each.delivery.id]]]
        seen = len(doubtful) - len(unseen)
        assert len(copies) == RECIPIENTS - len(unseen)
        print(  # noqa: T201 - the figures that the documents quote
            f"\n{KILLS} kills, {RECIPIENTS} recipients: {len(doubtful)} doubtful, "
            f"of which {seen} had arrived and {len(unseen)} had not; "
            f"{len(copies)} copies, none twice"
        )
