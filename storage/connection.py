"""One open transaction, as the modules beside this one use it."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.dialects import postgresql, sqlite

from bot.domain.errors import StorageError
from storage.errors import explained, meaning

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection as Synchronous
    from sqlalchemy import CursorResult, Executable, Row, Table

    from storage.drivers import Driver
    from storage.sealing import Keyring

T = TypeVar("T")
P = ParamSpec("P")

#: Most values in one list of a statement; SQLite takes 32,766 in all.
CHUNK = 1000


class Connection:
    """Runs statements and says what their errors mean."""

    def __init__(
        self, connection: Synchronous, driver: Driver, keyring: Keyring | None = None
    ) -> None:
        self._connection = connection
        self._driver = driver
        self._keyring = keyring

    @property
    def keys(self) -> Keyring:
        """What seals and opens. Raises StorageError where it was opened without."""
        if self._keyring is None:
            raise StorageError("the database was opened without its key")
        return self._keyring

    async def call(
        self,
        work: Callable[Concatenate[Synchronous, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run *work* on the open connection, all its statements in one go.

        It runs beside the event loop and must touch nothing that belongs to it.
        """

        def run() -> T:
            return work(self._connection, *args, **kwargs)

        try:
            with explained():
                return await self._driver.run(run)
        except UnicodeEncodeError as error:
            raise meaning(error) from error

    async def rows(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Sequence[Row[Any]]:
        """Return every row; *values* are for a statement that was built before."""
        return await self.call(lambda on: on.execute(statement, values).all())

    async def row(
        self, statement: Executable, values: Mapping[str, Any] | None = None
    ) -> Row[Any] | None:
        """Return the first row, if there is one."""
        return await self.call(lambda on: on.execute(statement, values).first())

    async def value(self, statement: Executable) -> Any:
        """Return the first column of the first row; None if there is none."""
        return await self.call(lambda on: on.execute(statement).scalar())

    async def values(self, statement: Executable) -> list[Any]:
        """Return the first column of every row."""
        return await self.call(lambda on: list(on.execute(statement).scalars().all()))

    async def run(
        self, statement: Executable, rows: Sequence[Mapping[str, Any]] | None = None
    ) -> int:
        """Run a statement, once for each of *rows* if given; how many rows it met."""
        if rows is not None and not rows:
            return 0
        return await self.call(lambda on: _met(on.execute(statement, rows)))

    async def run_large(self, statement: Executable) -> int:
        """Run a statement that meets very many rows; how many it met.

        PostgreSQL believes a table small until it has looked, and would go through it
        once for every row of another: of a million that takes for ever.
        """
        if self._connection.dialect.name != "postgresql":
            return await self.run(statement)

        def work(on: Synchronous) -> int:
            on.exec_driver_sql("SET LOCAL enable_nestloop = off")
            met = _met(on.execute(statement))
            on.exec_driver_sql("SET LOCAL enable_nestloop = on")
            return met

        return await self.call(work)

    async def add(self, table: Table, **values: Any) -> int:
        """Add one row and return its number."""
        return await self.call(
            lambda on: _number(on.execute(table.insert().values(**values)))
        )

    def insert_new(self, table: Table) -> sqlite.Insert | postgresql.Insert:
        """Start an insertion that leaves alone what is there already."""
        if self._connection.dialect.name == "postgresql":
            return postgresql.insert(table).on_conflict_do_nothing()
        return sqlite.insert(table).on_conflict_do_nothing()


def _met(result: CursorResult[Any]) -> int:
    return int(result.rowcount)


def _number(result: CursorResult[Any]) -> int:
    key: Any = result.inserted_primary_key
    return int(key[0])


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """Cut *items* into lists that fit a statement."""
    rest = iter(items)
    while piece := list(islice(rest, size)):
        yield piece
