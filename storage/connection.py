"""One open transaction, as the modules beside this one use it."""

from __future__ import annotations

import asyncio
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.errors import StorageError
from storage.errors import explained, meaning

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import CursorResult, Executable, Row, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from storage.sealing import Keyring

T = TypeVar("T")

#: Most values in one list of a statement; SQLite takes 32,766 in all.
CHUNK = 1000


class Connection:
    """Runs statements and says what their errors mean."""

    def __init__(
        self, connection: AsyncConnection, keyring: Keyring | None = None
    ) -> None:
        self._connection = connection
        self._keyring = keyring

    @property
    def keys(self) -> Keyring:
        """What seals and opens. Raises StorageError where it was opened without."""
        if self._keyring is None:
            raise StorageError("the database was opened without its key")
        return self._keyring

    async def rows(self, statement: Executable) -> Sequence[Row[Any]]:
        """Return every row."""
        return (await self._execute(statement)).all()

    async def row(self, statement: Executable) -> Row[Any] | None:
        """Return the first row, if there is one."""
        return (await self._execute(statement)).first()

    async def value(self, statement: Executable) -> Any:
        """Return the first column of the first row; None if there is none."""
        return (await self._execute(statement)).scalar()

    async def values(self, statement: Executable) -> list[Any]:
        """Return the first column of every row."""
        return list((await self._execute(statement)).scalars().all())

    async def run(
        self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Run a statement, once for each of *rows* if given; how many rows it met."""
        if rows is None:
            return (await self._execute(statement)).rowcount
        if rows:
            return (await self._execute(statement, rows)).rowcount
        return 0

    async def add(self, table: Table, **values: Any) -> int:
        """Add one row and return its number."""
        result = await self._execute(table.insert().values(**values))
        key: Any = result.inserted_primary_key
        return int(key[0])

    def insert_new(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Start an insertion that leaves alone what is there already."""
        if self._connection.dialect.name == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()

    async def _execute(
        self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None
    ) -> CursorResult[Any]:
        try:
            with explained():
                return await unhurried(self._connection.execute(statement, rows))
        except UnicodeEncodeError as error:
            raise meaning(error) from error


async def unhurried(step: Coroutine[Any, Any, T]) -> T:
    """Await *step* to its end, and only then let a cancellation through.

    A thread that is at work on a statement cannot be called back; a connection given
    up meanwhile would keep the file locked.
    """
    task = asyncio.create_task(step)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        task.exception()  # looked at, so that nobody warns of it
        raise cancelled
    return task.result()


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Cut *items* into lists that fit a statement."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece
