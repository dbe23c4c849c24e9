"""Harkara: the whole application as `harkara run` starts it, log and all.

From the editor's word (`Broadcaster.confirm`) to the last outcome in the tables. The
rate limit is out of the way unless one is asked for; nothing else is. Afterwards each
delivery must stand as accepted, each under another of the provider's numbers.
"""

from __future__ import annotations

import asyncio
import cProfile
import os
import socket
import ssl
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

os.environ.setdefault("PTB_TIMEDELTA", "1")

from benchmarks.crowd import AUDIENCE, KEY, NEWS, ask
from benchmarks.measuring import (
    ACCOUNT,
    FROM,
    PASSWORD,
    TOKEN,
    Measured,
    Spec,
    Stopwatch,
    rss_mb,
    run,
)
from benchmarks.server import Stats
from bot import logs
from bot.app import running
from bot.cli.loops import run_long
from bot.config import Settings
from bot.domain.broadcasts import Lane

if TYPE_CHECKING:
    from typing import Self

    from bot.domain.broadcasts import BroadcastId

#: Out of the way: nobody sells as much.
UNLIMITED = 1_000_000.0
#: Seconds between two looks at whether all is done.
GLANCE = 0.02
LEFT = """
    SELECT EXISTS (SELECT 1 FROM delivery WHERE broadcast_id = ?
    AND state IN ('queued', 'leased', 'sending'))
"""
KEPT = """
    SELECT count(*), count(DISTINCT a.provider_id) FROM delivery d
    JOIN attempt a ON a.delivery_id = d.id
    WHERE d.broadcast_id = ? AND d.state = 'accepted' AND a.provider_id <> ''
"""


async def main(spec: Spec) -> Measured:
    """Plan, confirm, and wait for the last row."""
    database = str(spec.options["database"])
    settings = settings_for(spec, database)
    logs.set_up(settings.log)
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(running(settings))
        looking = await stack.enter_async_context(Looking(spec.base))
        article = await desk.editorial.take_in(NEWS)
        planning = Stopwatch()
        plan = await desk.broadcaster.plan(
            article, [AUDIENCE], lane=Lane.BREAKING, by="bench"
        )
        planned = planning.stop(spec.messages)
        broadcast = plan.broadcast.id
        before = rss_mb("VmRSS")
        profile = cProfile.Profile() if spec.options.get("profile") else None
        if profile is not None:
            profile.enable()
        watch = Stopwatch()
        await desk.broadcaster.confirm(broadcast)
        if spec.seconds:
            await _time_is_up(spec, looking)
        else:
            await _all_done(spec, looking, database, broadcast)
        measured = watch.stop(
            spec.messages,
            planning_seconds=planned.seconds,
            rss_before_mb=before,
            rss_after_mb=rss_mb("VmRSS"),
        )
        if profile is not None:
            profile.disable()
            profile.dump_stats(spec.options["profile"])
        if spec.seconds:
            await desk.broadcaster.stop(broadcast)
            measured.messages = (await looking.stats()).accepted
        else:
            rows, numbers = ask(database, KEPT, broadcast)[0]
            measured.verified = rows == numbers == spec.messages
    return measured


def settings_for(spec: Spec, database: str) -> Settings:
    """Return the settings as shipped, but for accounts, rates and concurrency."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    values: dict[str, Any] = {
        "database": database,
        "encryption_key": KEY,
        "listen": f"127.0.0.1:{port}",
        "public_url": f"http://127.0.0.1:{port}",
        "concurrency": spec.concurrency,
        "log": spec.options.get("log", "info"),
    }
    rate = spec.rate or UNLIMITED
    if spec.options["provider"] == "telegram":
        values |= {"bot_token": TOKEN, "telegram_api": spec.base}
        limits = {"telegram_rate": rate}
    else:
        values |= {
            "twilio_account_sid": ACCOUNT,
            "twilio_auth_token": PASSWORD,
            "whatsapp_number": FROM,
            "twilio_api": spec.base,
        }
        limits = {"whatsapp_rate": rate}
    # Past the settings' own bounds: they are there to keep people from harm.
    return Settings.model_validate(values).model_copy(update=limits)


class Looking:
    """Asks the server over one connection, at little cost to who is measured."""

    def __init__(self, base: str) -> None:
        self._address = urlsplit(base)

    async def __aenter__(self) -> Self:
        """Connect."""
        secure = None
        if self._address.scheme == "https":
            secure = ssl.create_default_context()
        self._reader, self._writer = await asyncio.open_connection(
            self._address.hostname, self._address.port, ssl=secure
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        """Let go."""
        self._writer.close()

    async def stats(self) -> Stats:
        """Return what it has counted."""
        self._writer.write(b"GET /stats HTTP/1.1\r\n\r\n")
        head = await self._reader.readuntil(b"\r\n\r\n")
        return Stats.parse(await self._reader.readexactly(int(head.split()[-1])))


async def _all_done(
    spec: Spec, looking: Looking, database: str, broadcast: BroadcastId
) -> None:
    while (await looking.stats()).accepted < spec.messages:
        await asyncio.sleep(GLANCE)
    while (await asyncio.to_thread(ask, database, LEFT, broadcast))[0][0]:
        await asyncio.sleep(GLANCE / 4)


async def _time_is_up(spec: Spec, looking: Looking) -> None:
    while (await looking.stats()).since_first < spec.seconds:
        await asyncio.sleep(GLANCE * 10)


if __name__ == "__main__":
    run(main, start=run_long)
