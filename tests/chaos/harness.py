"""A broadcast to 2,000 readers, and the application as a process that can be ended."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr

from bot.app import open_desk
from bot.clock import SystemClock
from bot.config import Settings
from bot.domain.articles import Draft
from bot.domain.recipients import Address, Channel, Consent, Kind
from bot.sandbox import Sandbox
from storage import SqliteDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from bot.domain.broadcasts import BroadcastId

RECIPIENTS = 2_000
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
            "listen": "127.0.0.1:0",
            "undo_seconds": 0,
            "canary": False,
            "log": "warning",
        }
    )


async def enrol(sandbox: Sandbox, path: Path, count: int = RECIPIENTS) -> None:
    """Let *count* readers exist on both sides."""
    async with (
        await SqliteDatabase.open(path, exclusive=True) as database,
        database.transaction() as tx,
    ):
        now = SystemClock().now()
        audience = await tx.audiences.create("all", title="All", language="en")
        for number in range(1, count + 1):
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
        await desk.broadcaster.confirm(planned.broadcast.id)
        return planned.broadcast.id


def log_of(tmp_path: Path) -> Path:
    """Where the processes of a test write their logs, one after the other."""
    return tmp_path / "process.log"


@asynccontextmanager
async def life(
    settings: Settings, tmp_path: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``harkara run`` in a process of its own; it is dead afterwards."""
    environ = {"PATH": os.environ["PATH"], "PTB_TIMEDELTA": "1"}
    for name, value in settings.model_dump(exclude_defaults=True).items():
        plain = value.get_secret_value() if isinstance(value, SecretStr) else value
        environ[f"HARKARA_{name.upper()}"] = str(plain)
    with log_of(tmp_path).open("ab") as log:
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
