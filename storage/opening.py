"""The way in, whichever kind of database it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.errors import StorageError
from bot.domain.servers import Server
from storage import schema
from storage.database import SqliteDatabase
from storage.drivers import Driver, Threads
from storage.keyfile import BESIDE, KeySource
from storage.lock import FileLock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from storage.server import PostgresDatabase


async def open_database(
    place: Path | Server | str,
    *,
    exclusive: bool,
    check_schema: bool = True,
    key: KeySource = BESIDE,
    driver: Callable[[int], Driver] = Threads,
) -> SqliteDatabase | PostgresDatabase:
    """Open a database; see the two classes' own `open`.

    On a server nobody is exclusive: owners of senders keep one another out by epochs.
    """
    if isinstance(place, Server):
        from storage.server import PostgresDatabase  # optional: an extra's driver

        return await PostgresDatabase.open(
            place,
            application=exclusive,
            check_schema=check_schema,
            key=key,
            driver=driver,
        )
    return await SqliteDatabase.open(
        place, exclusive=exclusive, check_schema=check_schema, key=key, driver=driver
    )


async def upgrade(place: Path | Server | str) -> tuple[str, str]:
    """Bring a database to this program's shape; make a file where there is none.

    Returns:
        The revisions before and after; empty before if there were no tables.

    Raises:
        StorageError: It cannot be reached or written, or is newer than this program.
    """
    if isinstance(place, Server):
        from storage.server_schema import upgrade_server  # optional, as above

        return await upgrade_server(place)
    return await schema.upgrade(place)


def in_use(place: Path | Server) -> bool:
    """Whether an application works on the database."""
    if isinstance(place, Server):
        from storage.server_schema import applications  # optional, as above

        return applications(place) > 0
    try:
        FileLock(place.resolve()).release()
    except StorageError:
        return True
    return False
