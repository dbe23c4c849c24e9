"""SIGTERM at twenty moments of a broadcast: drained in time, no doubt, all resumes."""

from __future__ import annotations

import asyncio
import random
import signal
import sqlite3
from collections import Counter
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from pydantic import SecretStr

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
    log_of,
    plan,
    settings_for,
)
from tests.stories.stage import free_port

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config import Settings
    from bot.domain.broadcasts import BroadcastId
    from bot.sandbox.faults import Fault

STOPS = 20
#: Recipients, where the moment does not matter.
FEW = 300
#: Seconds within which a stopped application has ended.
DRAINED = 10
#: Seconds that a busy machine may add to a promise.
MARGIN = 2


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


async def ended(process: asyncio.subprocess.Process, within: float) -> int:
    """Return the status of a process that has ended *within* so many seconds."""
    return await asyncio.wait_for(process.wait(), within + MARGIN)


async def states_of(settings: Settings, broadcast: BroadcastId) -> Counter[State]:
    async with open_desk(settings, online=False) as desk:
        _, coverage = await desk.broadcaster.status(broadcast)
    return Counter(coverage.states)


async def played(faults: list[Fault]) -> None:
    async with asyncio.timeout(30):
        while not all(fault.played for fault in faults):
            await asyncio.sleep(0.01)


async def finished(settings: Settings, broadcast: BroadcastId) -> None:
    async with open_desk(settings) as desk, asyncio.timeout(60):
        while True:
            found, _ = await desk.broadcaster.status(broadcast)
            if found.state is BroadcastState.FINISHED:
                return
            await asyncio.sleep(0.1)


async def test_calls_that_hang_hold_up_no_stop_and_are_in_doubt(tmp_path: Path):
    """Beside them a request whose body never comes, and a long poll."""
    path = tmp_path / "harkara.db"
    await upgrade(path)
    async with Sandbox(rate="unlimited", latency=0.02) as sandbox:
        await enrol(sandbox, path, count=FEW)
        port = free_port()
        settings = settings_for(sandbox, path).model_copy(
            update={
                "twilio_account_sid": sandbox.account_sid,
                "twilio_auth_token": SecretStr(sandbox.auth_token),
                "whatsapp_number": sandbox.whatsapp_number,
                "twilio_api": sandbox.twilio_url,
                "public_url": f"http://127.0.0.1:{port}",
                "listen": f"127.0.0.1:{port}",
            }
        )
        broadcast = await plan(settings)
        hanging = [sandbox.faults.hang(to=number) for number in (40, 50)]
        hanging += [sandbox.faults.hang(to=60, stored=True)]
        async with life(settings, tmp_path) as process:
            await played(hanging)
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                b"POST /twilio/status HTTP/1.1\r\nHost: desk\r\nContent-Length: 99\r\n"
                b"Content-Type: application/x-www-form-urlencoded\r\n\r\nMessage"
            )
            await writer.drain()
            process.send_signal(signal.SIGTERM)
            assert await ended(process, DRAINED) == 0
            writer.close()

        states = await states_of(settings, broadcast)
        assert states[State.DOUBTFUL] == len(hanging), "those, and no others"
        assert states.keys() <= {State.QUEUED, State.ACCEPTED, State.DOUBTFUL}
        assert states[State.QUEUED], "in the middle"
        log = log_of(tmp_path).read_text()
        assert "calls were given up, and are in doubt count=3" in log
        assert "not drained" not in log

        async with life(settings, tmp_path):
            await finished(settings, broadcast)
        states = await states_of(settings, broadcast)
        assert states == {State.DOUBTFUL: 3, State.ACCEPTED: FEW - 3}
        copies = Counter(record.chat for record in sandbox.log.from_us())
        assert set(copies.values()) == {1}
        assert len(copies) == FEW - 2


async def test_a_database_that_hangs_holds_up_no_stop(tmp_path: Path):
    path = tmp_path / "harkara.db"
    await upgrade(path)
    async with Sandbox(rate="unlimited", latency=0.02) as sandbox:
        await enrol(sandbox, path, count=FEW)
        settings = settings_for(sandbox, path)
        broadcast = await plan(settings)
        async with life(settings, tmp_path) as process:
            await sandbox.log.wait_for(lambda log: log.from_us(), count=20, timeout=60)
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                seen = len(sandbox.log.from_us())
                process.send_signal(signal.SIGTERM)
                assert await ended(process, DRAINED) == 1, "it was not drained"
                assert len(sandbox.log.from_us()) - seen <= CONCURRENCY
        states = await states_of(settings, broadcast)
        left = states[State.SENDING]
        assert left <= CONCURRENCY
        assert not states[State.DOUBTFUL], "nobody has looked yet"
        assert "not drained in time" in log_of(tmp_path).read_text()

        async with life(settings, tmp_path):
            await finished(settings, broadcast)
        states = await states_of(settings, broadcast)
        assert states[State.DOUBTFUL] == left
        assert states[State.ACCEPTED] == FEW - left
        copies = Counter(record.chat for record in sandbox.log.from_us())
        assert set(copies.values()) == {1}


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(tmp_path: Path, sign: signal.Signals):
    path = tmp_path / "harkara.db"
    await upgrade(path)
    async with Sandbox(rate="unlimited", latency=0.02) as sandbox:
        await enrol(sandbox, path, count=FEW)
        settings = settings_for(sandbox, path)
        broadcast = await plan(settings)
        hanging = [sandbox.faults.hang(to=number) for number in (40, 50, 60)]
        async with life(settings, tmp_path) as process:
            await played(hanging)
            process.send_signal(sign)
            await asyncio.sleep(0.5)
            assert process.returncode is None, "it waits for the calls"
            process.send_signal(sign)
            assert await ended(process, 1) == 128 + sign
        states = await states_of(settings, broadcast)
        assert states[State.SENDING] == len(hanging), "those in the air, no others"
        assert not states[State.DOUBTFUL]
        assert "stopped at once" in log_of(tmp_path).read_text()

        async with life(settings, tmp_path):
            await finished(settings, broadcast)
        states = await states_of(settings, broadcast)
        assert states == {State.DOUBTFUL: 3, State.ACCEPTED: FEW - 3}


async def test_it_ends_at_any_moment_of_its_start(tmp_path: Path):
    path = tmp_path / "harkara.db"
    await upgrade(path)
    async with Sandbox(rate="unlimited", latency=0.02) as sandbox:
        await enrol(sandbox, path, count=50)
        settings = settings_for(sandbox, path)
        broadcast = await plan(settings)
        for delay in (0, 0.1, 0.2, 0.4, 0.6, 0.8):
            async with life(settings, tmp_path) as process:
                await asyncio.sleep(delay)
                process.send_signal(signal.SIGTERM)
                # Before Python has come to our first line, nobody can listen.
                assert await ended(process, DRAINED) in {0, -signal.SIGTERM}
        for fault in ("hang", "cut_before"):
            scripted = sandbox.faults.add(fault, method="getMe", times=None)
            async with life(settings, tmp_path) as process:
                await played([scripted])
                process.send_signal(signal.SIGTERM)
                assert await ended(process, 1) == 0
            sandbox.faults.clear()
        async with life(settings, tmp_path):
            await finished(settings, broadcast)
        assert await states_of(settings, broadcast) == {State.ACCEPTED: 50}
        assert "Traceback" not in log_of(tmp_path).read_text()
