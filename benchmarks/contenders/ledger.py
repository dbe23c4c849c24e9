"""Harkara's ledger alone: what two workers, each with a sender of its own, can write.

``claims`` are taken in hand, 500 at a time, until nothing is due. ``outcomes`` are
written down, 500 at a time, for rows that were claimed and marked before.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from benchmarks.crowd import AUDIENCE, KEY, OTHERS, ask
from benchmarks.measuring import Measured, Spec, cpu_seconds, rss_mb, run
from bot.domain.broadcasts import Broadcast, BroadcastId, BroadcastState, Lane
from bot.domain.deliveries import Form
from bot.domain.digests import Digest, Story
from bot.domain.messages import Text
from bot.domain.recipients import Channel, SenderId
from bot.domain.servers import place
from bot.ports.ledger import Order, Page
from storage import KeySource, open_database

if TYPE_CHECKING:
    from bot.ports import Database
    from bot.ports.ledger import Lease
    from storage import SqliteDatabase
    from storage.server import PostgresDatabase

BATCH = 500
#: Two workers, each with one of the two audiences.
AUDIENCES = (AUDIENCE, OTHERS)
DONE = {
    "claims": "SELECT count(*) FROM delivery WHERE state = 'leased'",
    "outcomes": "SELECT count(*) FROM delivery WHERE state = 'accepted'",
}


async def main(spec: Spec) -> Measured:
    """Let the workers begin together; their time is from the first to the last."""
    if "worker" in spec.options:
        return await work(spec, SenderId(spec.options["worker"]))
    senders = await prepared(spec)
    workers = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "benchmarks.contenders.ledger",
            json.dumps(asdict(replace(spec, options={**spec.options, "worker": each}))),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        for each in senders
    ]
    for worker in workers:
        assert worker.stdout is not None  # noqa: S101 - for the types
        await worker.stdout.readline()
    answers = await asyncio.gather(*(worker.communicate(b"go\n") for worker in workers))
    found = [Measured(**json.loads(out.splitlines()[-1])) for out, _ in answers]
    done = ask(spec.options["database"], DONE[spec.options["what"]])[0][0]
    return Measured(
        messages=sum(each.messages for each in found),
        seconds=max(each.extra["ended"] for each in found)
        - min(each.extra["began"] for each in found),
        cpu_seconds=sum(each.cpu_seconds for each in found),
        rss_mb=max(each.rss_mb for each in found),
        verified=done == spec.messages,
    )


async def prepared(spec: Spec) -> list[SenderId]:
    """Plan a broadcast for each audience, by a sender of its own."""
    now = datetime.now(UTC)
    senders = []
    async with await opened(spec) as database, database.transaction() as tx:
        for name in AUDIENCES:
            audience = await tx.audiences.by_name(name)
            sender = (await tx.senders.ensure(Channel.TELEGRAM, name, now=now)).id
            story = Story(headline="The pass is open", sentences=("It snowed.",))
            broadcast = await tx.broadcasts.add(
                Broadcast(
                    id=BroadcastId(0),
                    digest=await tx.broadcasts.add_digest(
                        Digest(stories=(story,)), [], now=now
                    ),
                    lane=Lane.REGULAR,
                    state=BroadcastState.RUNNING,
                    planned_by="bench",
                    planned_at=now,
                    confirmed_at=now,
                    expires_at=now + timedelta(hours=6),
                ),
                [audience.id],
            )
            text = Text(text="It snowed.", markup="HTML", length=10, limit=4096)
            await tx.broadcasts.add_messages(
                broadcast.id, {(audience.id, Channel.TELEGRAM, Form.TEXT, 1): text}
            )
            await tx.deliveries.plan(
                broadcast.id,
                parts={(audience.id, Channel.TELEGRAM): 1},
                senders={Channel.TELEGRAM: sender},
                now=now,
            )
            senders.append(sender)
    return senders


async def opened(spec: Spec) -> SqliteDatabase | PostgresDatabase:
    """Open the database, as one of several."""
    return await open_database(
        place(spec.options["database"]), exclusive=False, key=KeySource(text=KEY)
    )


async def work(spec: Spec, sender: SenderId) -> Measured:
    """Do one worker's share once told to begin."""
    async with await opened(spec) as database:
        async with database.transaction() as tx:
            epoch = (await tx.senders.take(sender)).sender.epoch
        hands: list[list[Lease]] = []
        if spec.options["what"] == "outcomes":
            hands = await claimed(database, sender, epoch)
            for hand in hands:
                await database.record([marks(hand, sender, epoch)])
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.readline)
        began, cpu = time.monotonic(), cpu_seconds()
        if spec.options["what"] == "claims":
            hands = await claimed(database, sender, epoch)
        else:
            for hand in hands:
                await database.record([outcomes(hand, sender, epoch)])
        ended, cpu = time.monotonic(), cpu_seconds() - cpu
    return Measured(
        messages=sum(map(len, hands)),
        seconds=ended - began,
        cpu_seconds=cpu,
        rss_mb=rss_mb(),
        extra={"began": began, "ended": ended},
    )


async def claimed(
    database: Database, sender: SenderId, epoch: int
) -> list[list[Lease]]:
    """Take everything in hand."""
    hands: list[list[Lease]] = []
    while not hands or hands[-1]:
        hand = await database.claim(
            Order(
                sender=sender,
                epoch=epoch,
                now=datetime.now(UTC),
                limit=BATCH,
                kept=0,
                interval=timedelta(0),
                ahead=timedelta(days=1),
            )
        )
        hands.append(hand.leases)
    return hands[:-1]


def marks(hand: list[Lease], sender: SenderId, epoch: int) -> Page:
    """Say that all of *hand* are about to be called."""
    return Page(
        sender=sender,
        epoch=epoch,
        moment=datetime.now(UTC),
        calls=[(lease.id, 1, Form.TEXT) for lease in hand],
        replies=[],
        accepted=[],
        in_template=[],
        holds=[],
        arrived=[],
    )


def outcomes(hand: list[Lease], sender: SenderId, epoch: int) -> Page:
    """Say that all of *hand* were taken by the provider."""
    now = datetime.now(UTC)
    return marks([], sender, epoch)._replace(
        accepted=[(lease.id, 1, str(1_000_000_000 + lease.id)) for lease in hand],
        holds=[(now + timedelta(seconds=1), [lease.recipient for lease in hand])],
    )


if __name__ == "__main__":
    run(main)
