"""What time a server has, by which many machines keep theirs."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from sqlalchemy import func, select

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from storage.database import SqliteDatabase
    from storage.server import PostgresDatabase


async def moment_of(database: PostgresDatabase | SqliteDatabase) -> datetime:
    """Ask the server of *database* for the present moment, aware, in UTC.

    Raises:
        StorageError: It cannot be asked; a file has no server.
    """
    return await database.write(_moment)


def _moment(connection: Connection) -> datetime:
    found: datetime = connection.scalars(select(func.clock_timestamp())).one()
    return found.astimezone(UTC)
