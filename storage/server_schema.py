"""Bringing a database on a PostgreSQL server to this program's shape."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from sqlalchemy import text

from bot.domain.errors import StorageError
from storage.errors import explained
from storage.schema import configuration, revisions
from storage.server_engine import APPLICATION, server_engine

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bot.domain.servers import Server

#: The oldest server that is known to do what we ask of it.
OLDEST = 14

#: Numbers of our advisory locks; the first half says that they are ours.
_OURS = 0x4841524B << 16
TURN = _OURS + 1  #: one cold transaction at a time
SHAPE = _OURS + 2  #: one upgrade, or move, at a time


async def upgrade_server(server: Server) -> tuple[str, str]:
    """Bring a server's database to this program's shape, in one transaction.

    Returns:
        The revisions before and after; empty before if there were no tables.

    Raises:
        StorageError: It cannot be reached, is too old, or holds a newer shape.
    """
    return await asyncio.to_thread(_upgrade, server)


def _upgrade(server: Server) -> tuple[str, str]:
    engine = server_engine(server, 1)
    try:
        with explained(), engine.begin() as connection:
            return upgrade_within(connection, server)
    finally:
        engine.dispose()


def upgrade_within(connection: Connection, server: Server) -> tuple[str, str]:
    """Do so in a transaction that is open already."""
    # slow to import, and wanted for an upgrade only
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    require_fit(connection, server)
    # Two upgrades at once, by two containers that start together, take turns.
    connection.execute(text(f"SELECT pg_advisory_xact_lock({SHAPE})"))
    before = MigrationContext.configure(connection).get_current_revision() or ""
    known = revisions()
    if before and before not in known:
        raise StorageError(
            f"{server} stands at revision {before}, which is newer than this "
            f"program ({known[-1]}); use the newer Harkara"
        )
    if before and before != known[-1] and applications_on(connection):
        raise StorageError(
            f"Harkara works on {server}; stop every one of its workers first"
        )
    command.upgrade(configuration(connection), "head")
    return before, known[-1]


def require_fit(connection: Connection, server: Server) -> None:
    """Refuse a server that is too old, or a database that cannot hold every script.

    Raises:
        StorageError: Which of the two, and what to do.
    """
    number = int(connection.scalar(text("SHOW server_version_num")) or 0) // 10_000
    if number < OLDEST:
        raise StorageError(
            f"{server} is kept by PostgreSQL {number}; Harkara needs {OLDEST} or newer"
        )
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise StorageError(
            f"{server} is encoded as {encoding}, which does not hold every script; "
            "make another with CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )


def applications(server: Server) -> int:
    """Count the connections of applications. Raises StorageError."""
    engine = server_engine(server, 1)
    try:
        with explained(), engine.connect() as connection:
            return applications_on(connection)
    finally:
        engine.dispose()


def applications_on(connection: Connection) -> int:
    """Count them over a connection that is open already."""
    found = connection.scalar(
        text(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND application_name = :name"
        ),
        {"name": APPLICATION},
    )
    return int(found or 0)
