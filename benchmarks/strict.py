"""Harkara before the strictest Telegram: ``python -m benchmarks.strict``.

The sandbox counts 30 messages in any second, one a second in each chat and twenty a
minute in each group, to the moment, and answers 429 beyond. The application runs as it
is shipped. Half-way through a broadcast a breaking one is confirmed. Both take turns on
this machine's time, so a broadcast to 5,000 takes three minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import socket
import sys
import tempfile
import time
from bisect import bisect_left, bisect_right
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.crowd import CONSENT, KEY
from bot.app import running
from bot.cli.loops import run_long
from bot.config import Settings
from bot.domain.articles import Draft
from bot.domain.broadcasts import Lane
from bot.domain.holding import CANARY_MOST
from bot.domain.recipients import Address, Channel, Kind
from bot.sandbox import Sandbox
from storage import KeySource, SqliteDatabase, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from multiprocessing.connection import Connection

    from bot.app import Desk
    from bot.domain.broadcasts import BroadcastId

LIMIT = 30  #: messages in any second
FIRST_GROUP = -1_000_001
FIRST_READER = 10_001
REGULAR = "The pass was opened on Friday after nine days of snow, the army said."
BREAKING = "The pass has been closed again: an avalanche has buried the road."
#: Messages in breaking news, of every ten in the broadcast around it.
SHARE = 10
#: What is looked for, as the issue has it.
USED, WITHIN = 0.94, 1.0


@dataclass(frozen=True, slots=True)
class Seen:
    """What the sandbox has seen: moments in seconds since the epoch, in order."""

    regular: list[float]
    breaking: list[float]
    refused: int  #: with 429


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure once; 1 if something falls short."""
    parser = argparse.ArgumentParser(prog="benchmarks.strict", description=__doc__)
    parser.add_argument("--recipients", type=int, default=5_000)
    parser.add_argument("--groups", type=int, default=300, help="of the recipients")
    parser.add_argument("--latency", type=float, default=0.005, help="seconds a call")
    asked = parser.parse_args(arguments)
    ours, theirs = multiprocessing.get_context("spawn").Pipe()
    provider = multiprocessing.get_context("spawn").Process(
        target=_provide,
        args=(theirs, asked.groups, asked.recipients - asked.groups, asked.latency),
    )
    provider.start()
    try:
        with tempfile.TemporaryDirectory() as folder:
            confirmed, seen = run_long(_measure(asked, Path(folder), ours))
    finally:
        ours.send("end")
        provider.join()
    return _report(asked, confirmed, seen)


# --- the provider, a process of its own ----------------------------------------------


def _provide(pipe: Connection, groups: int, readers: int, latency: float) -> None:
    asyncio.run(_sandbox(pipe, groups, readers, latency))


async def _sandbox(pipe: Connection, groups: int, readers: int, latency: float) -> None:
    async with Sandbox(rate="strict", latency=latency) as sandbox:
        admin = sandbox.world.person("Editor")
        for number in range(groups):
            sandbox.world.group(
                f"Group {number}",
                admins=[admin],
                with_bot=True,
                id=FIRST_GROUP - number,
            )
        for number in range(readers):
            sandbox.world.person(
                f"Reader {number}", id=FIRST_READER + number, started=True
            )
        pipe.send((sandbox.telegram_url, sandbox.bot_token))
        while (await asyncio.to_thread(pipe.recv)) != "end":
            log = sandbox.log
            pipe.send(
                Seen(
                    [each.time for each in log.copies_of(REGULAR[:40])],
                    [each.time for each in log.copies_of(BREAKING[:40])],
                    len(log.refusals()),
                )
            )


# --- the application -----------------------------------------------------------------


async def _measure(
    asked: argparse.Namespace, folder: Path, pipe: Connection
) -> tuple[float, Seen]:
    """Send both; return when the breaking one was confirmed, and what came."""
    url, token = await asyncio.to_thread(pipe.recv)
    database = folder / "harkara.db"
    await _enrol(database, asked.groups, asked.recipients - asked.groups)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = Settings.model_validate(
        {
            "database": database,
            "encryption_key": KEY,
            "listen": f"127.0.0.1:{port}",
            "bot_token": token,
            "telegram_api": url,
            "log": "warning",
        }
    )
    async with AsyncExitStack() as stack:
        desk = await stack.enter_async_context(running(settings))
        regular = await _planned(desk, REGULAR, "all", Lane.REGULAR)
        breaking = await _planned(desk, BREAKING, "first", Lane.BREAKING)
        await desk.broadcaster.confirm(regular)
        await _until(pipe, lambda seen: len(seen.regular) >= asked.recipients // 2)
        confirmed = time.time()
        await desk.broadcaster.confirm(breaking)
        seen = await _until(
            pipe,
            lambda seen: (
                len(seen.regular) >= asked.recipients
                and len(seen.breaking) >= asked.recipients // SHARE
            ),
        )
    return confirmed, seen


async def _planned(desk: Desk, text: str, audience: str, lane: Lane) -> BroadcastId:
    draft = Draft(text=text, link="https://news.example/pass", language="en")
    article = await desk.editorial.take_in(draft)
    plan = await desk.broadcaster.plan(article, [audience], lane=lane, by="bench")
    return plan.broadcast.id


async def _until(pipe: Connection, enough: Callable[[Seen], bool]) -> Seen:
    """Ask the sandbox now and then, at little cost to either."""
    while True:
        pipe.send("tell")
        seen: Seen = await asyncio.to_thread(pipe.recv)
        if enough(seen):
            return seen
        await asyncio.sleep(0.5)


async def _enrol(path: Path, groups: int, readers: int) -> None:
    """Enrol everybody in one audience, and every tenth of them in another."""
    await upgrade(path)
    chats = [(FIRST_GROUP - number, Kind.GROUP) for number in range(groups)]
    chats += [(FIRST_READER + number, Kind.READER) for number in range(readers)]
    async with (
        await SqliteDatabase.open(
            path, exclusive=True, key=KeySource(text=KEY)
        ) as database,
        database.transaction() as tx,
    ):
        now = datetime.now(UTC)
        for name, each in (("all", 1), ("first", SHARE)):
            audience = await tx.audiences.create(name, title=name, language="en")
            for chat, kind in chats[::each]:
                recipient = await tx.recipients.ensure(
                    Address(Channel.TELEGRAM, str(chat)), kind, now=now
                )
                await tx.audiences.enrol(
                    audience.id, recipient.id, link=None, consent=CONSENT, now=now
                )


# --- what it came to -----------------------------------------------------------------


def _report(asked: argparse.Namespace, confirmed: float, seen: Seen) -> int:
    """Print the figures; 1 if something falls short."""
    both = sorted(seen.regular + seen.breaking)
    # Everybody but the canary, whose end is waited for on purpose.
    steady = both[CANARY_MOST:]
    used = (len(steady) - 1) / (steady[-1] - steady[0]) / LIMIT
    fullest = max(
        place + 1 - bisect_right(both, moment - 1) for place, moment in enumerate(both)
    )
    first, last = seen.breaking[0] - confirmed, seen.breaking[-1] - confirmed
    between = bisect_left(seen.regular, seen.breaking[-1]) - bisect_left(
        seen.regular, seen.breaking[0]
    )
    arrived = (len(seen.regular), len(seen.breaking))
    wanted = (asked.recipients, asked.recipients // SHARE)
    print(f"messages            {arrived[0]} regular, {arrived[1]} breaking")
    print(f"refused with 429    {seen.refused}")
    print(f"of the limit used   {used:.1%} (after the canary), at {asked.latency} s")
    print(f"fullest second      {fullest}")
    print(
        f"breaking, first     {first:.2f} s after it was confirmed; last {last:.1f} s"
    )
    print(f"regular meanwhile   {between}")
    well = (
        arrived == wanted and not seen.refused and used >= USED and 0 < first <= WITHIN
    )
    print("as promised" if well else "SHORT of what is promised")
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
