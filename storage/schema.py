"""Bringing a database file to this program's shape, and telling whether it is there."""

from __future__ import annotations

import asyncio
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Engine, create_engine, event, inspect, text
from sqlalchemy.pool import NullPool

from bot.domain.errors import StorageError
from storage.errors import UPGRADE, explained
from storage.lock import FileLock

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from bot.domain.servers import Server
    from storage import connection as ours

MIGRATIONS = Path(__file__).parent / "migrations"

BUSY_TIMEOUT = 20_000  # milliseconds
#: Who writes waits meanwhile.
CHECKPOINT_WAIT = 1.0  # seconds


def revisions() -> list[str]:
    """Return the revisions that this program knows, oldest first."""
    names = (each.name for each in (MIGRATIONS / "versions").iterdir())
    found = (re.match(r"\d{4}(?=_)", name) for name in names)
    return sorted({match[0] for match in found if match})


async def revision_of(connection: ours.Connection) -> str:
    """Return the revision that a database stands at; empty if it has none."""
    return await connection.call(revision_in)


def revision_in(connection: Connection) -> str:
    """Return it, as `revision_of` does."""
    if not inspect(connection).has_table("alembic_version"):
        return ""
    found = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return str(found or "")


def touch_revision(connection: Connection) -> None:
    """Write the revision as it is."""
    connection.execute(text("UPDATE alembic_version SET version_num = version_num"))


async def touch(connection: ours.Connection) -> None:
    """Write the revision as it is, and see whether there is room for 64 KiB more."""
    await connection.call(touch_revision)
    for statement in (
        "SAVEPOINT room",
        "CREATE TABLE room (pages BLOB)",
        "INSERT INTO room VALUES (zeroblob(65536))",
        "ROLLBACK TO room",
        "RELEASE room",
    ):
        await connection.run(text(statement))


def checkpoint(path: Path) -> bool:
    """Empty the write-ahead log; whether nobody was in the way for a second.

    It cannot be done in a transaction, so it has a connection of its own.
    """
    try:
        with closing(sqlite3.connect(path, timeout=CHECKPOINT_WAIT)) as file:
            busy, _, _ = file.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    except sqlite3.Error:
        return False  # a disk at fault; what is written goes on in the log
    return not busy


async def check(connection: ours.Connection, place: Path | Server) -> None:
    """Refuse a database that is not of this program's shape.

    Raises:
        StorageError: It is older or newer, or none of ours.
    """
    known = revisions()
    found = await revision_of(connection)
    if found == known[-1]:
        return
    if not found:
        raise StorageError(f"{place} has no tables yet; {UPGRADE}")
    if found in known:
        raise StorageError(
            f"{place} stands at revision {found} and this program wants {known[-1]}; "
            f"make a backup, then {UPGRADE}"
        )
    raise StorageError(
        f"{place} stands at revision {found}, which is newer than this program "
        f"({known[-1]}); use the newer Harkara, or a backup from before the upgrade"
    )


async def upgrade(path: Path | str) -> tuple[str, str]:
    """Bring a database file to this program's shape; make it if there is none.

    All steps are taken in one transaction, under the lock of the application.

    Returns:
        The revisions before and after; empty before if there were no tables.

    Raises:
        StorageError: An application has the file open, or the file is newer.
    """
    return await asyncio.to_thread(_upgrade, Path(path))


def _upgrade(path: Path) -> tuple[str, str]:
    # slow to import, and wanted for an upgrade only
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    path = path.resolve()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # What people read, and their numbers, are nobody else's business.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise StorageError(
            f"{path} cannot be made or written ({error.strerror}); check the folder "
            "and its rights"
        ) from error
    lock = FileLock(path)
    engine = plain_engine(path)
    try:
        with explained(), engine.begin() as connection:
            before = MigrationContext.configure(connection).get_current_revision() or ""
            known = revisions()
            if before and before not in known:
                raise StorageError(
                    f"{path} stands at revision {before}, which is newer than this "
                    f"program ({known[-1]}); use the newer Harkara"
                )
            command.upgrade(configuration(connection), "head")
            broken = connection.execute(text("PRAGMA foreign_key_check")).first()
            if broken is not None:
                raise StorageError(
                    f"{path} holds rows that refer to nothing (table {broken[0]}); "
                    "the upgrade was undone, put a backup in its place"
                )
        return before, known[-1]
    finally:
        engine.dispose()
        lock.release()


def configuration(connection: Connection) -> Config:
    """Tell Alembic where the migrations are and which database they are for."""
    # slow to import, and wanted for an upgrade only
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def plain_engine(path: Path) -> Engine:
    """Return a synchronous engine whose transactions hold statements on tables too."""
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        connect_args={"isolation_level": None},
        hide_parameters=True,
        poolclass=NullPool,
    )

    @event.listens_for(engine, "connect")
    def connect(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
