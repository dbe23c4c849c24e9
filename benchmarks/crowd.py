"""Databases with many readers in them: made once for each size, copied for each run."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import storage
from bot.domain.articles import Draft
from bot.domain.recipients import Address, Channel, Consent, Kind
from bot.domain.servers import place
from storage import KeySource, open_database, upgrade

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.postgres import Cluster

AUDIENCE = "everybody"
#: Has every second reader, where two are wanted.
OTHERS = "others"
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


class Databases:
    """Makes crowds and copies of them.

    Args:
        folder: Where crowds in files are kept from one measurement to the next.
        cluster: Where databases are made instead of files, if there is one.
    """

    def __init__(self, folder: Path, cluster: Cluster | None = None) -> None:
        self._folder = folder
        self._cluster = cluster
        self._made: dict[str, str] = {}

    def crowd(self, *, channel: Channel, size: int, divided: bool = False) -> str:
        """Return a database with *size* readers on *channel* enrolled.

        Args:
            channel: Telegram's are copied past the services, one from the other,
                because a million of them are wanted; WhatsApp's numbers are sealed,
                each in its place, and go the long way.
            size: How many.
            divided: Whether every second one is in an audience of its own.
        """
        words = [channel.value, size, *(["divided"] if divided else []), _shape()]
        name = "-".join(["crowd", *map(str, words)])
        if name not in self._made:
            fill = partial(_fill, channel=channel, size=size, divided=divided)
            self._made[name] = self._filled(name, fill)
        return self._made[name]

    def _filled(self, name: str, fill: Callable[[str], None]) -> str:
        if self._cluster is not None:
            database = self._cluster.database()
            fill(database)
            return database
        path = self._folder / f"{name}.db"
        if not path.exists():
            making = path.with_suffix(".making")
            making.unlink(missing_ok=True)
            fill(str(making))
            making.rename(path)
        return str(path)

    def copy(self, crowd: str, folder: Path) -> str:
        """Return a copy of *crowd* that may be written to; a file is in *folder*."""
        if self._cluster is not None:
            return self._cluster.database(template=crowd.rpartition("/")[2])
        return str(shutil.copyfile(crowd, folder / "harkara.db"))

    def drop(self, copy: str) -> None:
        """Let go of a copy; a file goes with its folder."""
        if self._cluster is not None:
            self._cluster.drop(copy)


def ask(database: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run one statement past the application, on either kind of database."""
    if "://" in database:
        import psycopg  # an extra's driver

        with psycopg.connect(database, autocommit=True) as connection:
            cursor = connection.execute(
                statement.replace("?", "%s").encode(), values or None
            )
            return cursor.fetchall() if cursor.description else []
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        return connection.execute(statement, values).fetchall()


def _shape() -> str:
    """Name the tables' present shape: a crowd of another one is of no use."""
    sources = sorted(Path(storage.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()[
        :10
    ]


def _fill(database: str, *, channel: Channel, size: int, divided: bool) -> None:
    asyncio.run(_made(database, channel=channel, size=size, divided=divided))


async def _made(database: str, *, channel: Channel, size: int, divided: bool) -> None:
    where = place(database)
    await upgrade(where)
    one_by_one = size if channel is Channel.WHATSAPP else 1
    now = datetime.now(UTC)
    async with await open_database(
        where, exclusive=True, key=KeySource(text=KEY)
    ) as opened:
        async with opened.transaction() as tx:
            audience = await tx.audiences.create(
                AUDIENCE, title="Everybody", language="en"
            )
            others = await tx.audiences.create(OTHERS, title="Others", language="en")
        for start in range(1, one_by_one + 1, BATCH):
            async with opened.transaction() as tx:
                for number in range(start, min(start + BATCH, one_by_one + 1)):
                    found = await tx.recipients.ensure(
                        Address(channel, _value(channel, number)), Kind.READER, now=now
                    )
                    if channel is Channel.WHATSAPP:
                        await tx.recipients.heard_from(found.id, now)
                    await tx.audiences.enrol(
                        audience.id, found.id, link=None, consent=CONSENT, now=now
                    )
    if size > one_by_one:
        for table in ("recipient", "enrolment"):
            ask(database, _copies(database, table), size)
    if divided:
        ask(
            database,
            "UPDATE enrolment SET audience_id = ? WHERE recipient_id & 1 = 0",
            others.id,
        )
    tidy = "VACUUM ANALYZE" if "://" in database else "PRAGMA wal_checkpoint(TRUNCATE)"
    ask(database, tidy)


def _value(channel: Channel, number: int) -> str:
    return f"+1555{number:07}" if channel is Channel.WHATSAPP else str(10_000 + number)


def _copies(database: str, table: str) -> str:
    """Return a statement that copies the one row of *table* for all the others."""
    numbered = {
        "id": "t.id + n.i",
        "recipient_id": "t.recipient_id + n.i",
        "value": "CAST(CAST(t.value AS bigint) + n.i AS TEXT)",
    }
    columns = (
        "SELECT column_name FROM information_schema.columns WHERE table_name = ?"
        if "://" in database
        else "SELECT name FROM pragma_table_info(?)"
    )
    names = [str(row[0]) for row in ask(database, columns, table)]
    chosen = ", ".join(numbered.get(name, f"t.{name}") for name in names)
    return f"""
        WITH RECURSIVE n(i) AS (
            SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?
        )
        INSERT INTO {table} ({", ".join(names)}) SELECT {chosen} FROM {table} t, n
    """  # noqa: S608 - the names are the schema's
