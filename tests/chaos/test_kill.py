"""kill -9 at twenty moments of a broadcast: the sandbox's log and the ledger agree."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bot.app import open_desk
from bot.clock import SystemClock
from bot.config import Settings
from bot.domain.articles import Draft
from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import State
from bot.domain.recipients import Address, Channel, Consent, Kind
from bot.sandbox import Sandbox
from storage import SqliteDatabase, upgrade

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.domain.broadcasts import BroadcastId

RECIPIENTS = 2_000
KILLS = 20
CONCURRENCY = 8
RATE = 400  # messages a second, so that twenty lives fit into a test
NEWS = "The pass opened on Friday, the army said. Three hundred trucks had waited."


def settings_for(sandbox: Sandbox, database: Path) -> Settings:
    return Settings.model_validate(
        {
            "bot_token": sandbox.bot_token,
            "telegram_api": sandbox.telegram_url,
            "telegram_rate": RATE,
            "concurrency": CONCURRENCY,
            "database": database,
            "log": "warning",
        }
    )


async def enrol(sandbox: Sandbox, path: Path) -> None:
    """Let the readers exist on both sides."""
    async with (
        await SqliteDatabase.open(path, exclusive=True) as database,
        database.transaction() as tx,
    ):
        now = SystemClock().now()
        audience = await tx.audiences.create("all", title="All", language="en")
        for number in range(1, RECIPIENTS + 1):
            sandbox.world.person(f"Reader {number}", id=number, started=True)
            recipient = await tx.recipients.ensure(
                Address(Channel.TELEGRAM, str(number)), Kind.READER, now=now
            )
            await tx.audiences.enrol(
                audience.id,
                recipient.id,
                link=None,
                consent=Consent(source="test", agreed_by="test", evidence="a test"),
                now=now,
            )


async def plan(settings: Settings) -> BroadcastId:
    async with open_desk(settings) as desk:
        article = await desk.editorial.take_in(
            Draft(text=NEWS, link="https://news.example/pass", language="en")
        )
        planned = await desk.broadcaster.plan(article, ["all"], by="test")
        assert planned.recipients == RECIPIENTS
        await desk.broadcaster.confirm(planned.broadcast.id)
        return planned.broadcast.id


@asynccontextmanager
async def life(
    settings: Settings, tmp_path: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``harkara run`` in a process of its own; it is dead afterwards."""
    environ = {
        "PATH": os.environ["PATH"],
        "PTB_TIMEDELTA": "1",
        "HARKARA_BOT_TOKEN": settings.bot_token.get_secret_value(),
        "HARKARA_TELEGRAM_API": settings.telegram_api,
        "HARKARA_TELEGRAM_RATE": str(settings.telegram_rate),
        "HARKARA_CONCURRENCY": str(settings.concurrency),
        "HARKARA_DATABASE": str(settings.database),
        "HARKARA_LOG": "warning",
    }
    with (tmp_path / "process.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from bot.cli import main; main()",
            "run",
            env=environ,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


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
