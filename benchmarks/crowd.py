"""A database with many readers in it, made once for each size."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import storage
from bot.domain.articles import Draft
from bot.domain.recipients import Address, Channel, Consent, Kind
from storage import KeySource, SqliteDatabase, upgrade

AUDIENCE = "everybody"
#: Opens nothing but what is made here.
KEY = "A" * 43 + "="
NEWS = Draft(
    headline="The pass is open",
    text="\n\n".join(
        f"The pass was opened on Friday after {days} days of snow, the army said, and "
        f"the first {days * 30} trucks were in the valley before noon."
        for days in (9, 10, 11, 12)
    ),
    link="https://news.example/pass",
    language="en",
)
CONSENT = Consent(source="by hand", agreed_by="bench", evidence="made for measuring")
#: Rows a transaction.
BATCH = 10_000


def crowd(folder: Path, *, channel: Channel, size: int) -> Path:
    """Return a database with *size* readers on *channel* enrolled in one audience.

    Args:
        folder: Where it is made, or was made before.
        channel: Telegram's are copied past the services, one from the other, because
            a million of them are wanted; WhatsApp's numbers are sealed, each in its
            place, and go the long way.
        size: How many.
    """
    path = folder / f"crowd-{channel.value}-{size}-{_shape()}.db"
    if not path.exists():
        making = path.with_suffix(".making")
        asyncio.run(_made(making, channel=channel, size=size))
        making.rename(path)
    return path


def _shape() -> str:
    """Name the tables' present shape: a crowd of another one is of no use."""
    sources = sorted(Path(storage.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[
        :10
    ]


async def _made(path: Path, *, channel: Channel, size: int) -> None:
    await upgrade(path)
    one_by_one = size if channel is Channel.WHATSAPP else 1
    now = datetime.now(UTC)
    async with await SqliteDatabase.open(
        path, exclusive=True, key=KeySource(text=KEY)
    ) as database:
        async with database.transaction() as tx:
            audience = await tx.audiences.create(
                AUDIENCE, title="Everybody", language="en"
            )
        for start in range(1, one_by_one + 1, BATCH):
            async with database.transaction() as tx:
                for number in range(start, min(start + BATCH, one_by_one + 1)):
                    found = await tx.recipients.ensure(
                        Address(channel, _value(channel, number)), Kind.READER, now=now
                    )
                    if channel is Channel.WHATSAPP:
                        await tx.recipients.heard_from(found.id, now)
                    await tx.audiences.enrol(
                        audience.id, found.id, link=None, consent=CONSENT, now=now
                    )
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        if size > one_by_one:
            connection.execute("BEGIN")
            for table in ("recipient", "enrolment"):
                connection.execute(_copies(connection, table), (size,))
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _value(channel: Channel, number: int) -> str:
    return f"+1555{number:07}" if channel is Channel.WHATSAPP else str(10_000 + number)


def _copies(connection: sqlite3.Connection, table: str) -> str:
    """Return a statement that copies the one row of *table* for all the others."""
    numbered = {
        "id": "t.id + n.i",
        "recipient_id": "t.recipient_id + n.i",
        "value": "CAST(t.value + n.i AS TEXT)",
    }
    names = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    chosen = ", ".join(numbered.get(name, f"t.{name}") for name in names)
    return f"""
        WITH RECURSIVE n(i) AS (
            SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?
        )
        INSERT INTO {table} ({", ".join(names)}) SELECT {chosen} FROM {table} t, n
    """  # noqa: S608 - the names are the schema's
