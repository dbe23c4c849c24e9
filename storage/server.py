"""Where everything is kept when one machine is too few: a PostgreSQL database.

SQLite lets one transaction write at a time, and what the services decide relies on it:
look whether somebody is enrolled, then enrol them. Here the same is had by a lock that
every `transaction` takes first, whichever process it is in. Only `write`, which the
ledger's hot statements go through, does without: those lock the rows they decide on.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy.exc import DBAPIError

from bot.domain.errors import StorageError, StorageFailing
from storage import hot, schema
from storage.connection import Connection
from storage.drivers import Driver, Threads
from storage.errors import explained
from storage.keyfile import BESIDE, KeySource, fingerprint, fitting, unlock
from storage.server_engine import APPLICATION, TOOL, server_engine
from storage.server_errors import COLLIDED, UNKNOWN, code_of
from storage.server_schema import TURN, require_fit
from storage.work import Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from types import TracebackType
    from typing import Self

    from sqlalchemy import Connection as Synchronous
    from sqlalchemy import Engine

    from bot.domain.servers import Server
    from bot.ports.ledger import Hand, Order, Page, Written
    from storage.sealing import Keyring

T = TypeVar("T")
P = ParamSpec("P")

#: Connections of one process, each with a thread: to read, for hot writes, and one for
#: the transactions that take turns.
READERS = 4
WRITERS = 3
_ALL = READERS + WRITERS + 1
#: How often a hot write is begun anew when it met another, or a connection was dead.
TRIES = 5

_TAKE_TURN = f"SELECT pg_advisory_xact_lock({TURN})"


class PostgresDatabase:
    """The Database port on a PostgreSQL server, for as many processes as wanted."""

    def __init__(
        self, server: Server, driver: Callable[[int], Driver], *, name: str
    ) -> None:
        """Describe the database; `open` is the way in."""
        self._server = server
        self._engine = server_engine(server, _ALL, name=name)
        self._reader = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        self._driver = driver(_ALL)
        self._turn = asyncio.Lock()
        self._seats = asyncio.Semaphore(READERS)
        self._hands = asyncio.Semaphore(WRITERS)
        self._owner: asyncio.Task[Any] | None = None
        self._keyring: Keyring | None = None

    @classmethod
    async def open(
        cls,
        server: Server,
        *,
        application: bool,
        check_schema: bool = True,
        key: KeySource = BESIDE,
        driver: Callable[[int], Driver] = Threads,
    ) -> Self:
        """Open a database that `upgrade` has given its tables.

        Args:
            server: Where it is.
            application: Whether to be known as one; there may be several.
            check_schema: Whether to refuse another shape than this program's;
                without, nothing that is sealed can be read or written.
            key: Where its key is. A database that has none yet gets one.
            driver: Makes what runs the work of so many connections.

        Raises:
            StorageError: It cannot be reached, is of another shape, or its key is not
                there.
        """
        database = cls(server, driver, name=APPLICATION if application else TOOL)
        try:
            if check_schema:
                await database.check_schema()
                await database.unlock(key)
        except BaseException:
            await database.close()
            raise
        return database

    async def __aenter__(self) -> Self:
        """Return the database itself."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close it."""
        await self.close()

    async def close(self) -> None:
        """Let the connections go; doing it twice changes nothing."""
        if not self._driver.closed:
            await self._driver.run(self._engine.dispose)
            self._driver.close()

    async def check_schema(self) -> None:
        """Refuse a database of another shape. Raises StorageError with what to do."""
        async with self._read() as connection:
            await connection.call(require_fit, self._server)
            await schema.check(connection, self._server)

    async def unlock(self, key: KeySource) -> None:
        """Take the key in hand. Raises StorageError where it is missing or wrong."""
        async with self._read() as connection:
            bound = await fingerprint(connection)
        if bound is not None:
            self._keyring = fitting(bound, self._server, key)
            return
        async with self._written() as connection:
            self._keyring = await unlock(connection, self._server, key)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        """Open a unit of work that may write; one at a time, on all machines.

        Raises:
            RuntimeError: This task has one open already, and would wait for itself.
        """
        async with self._written() as connection:
            yield Work(connection)

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Work]:
        """Open one that only reads, and sees one moment of the database."""
        async with self._read() as connection:
            yield Work(connection)

    async def write(
        self,
        work: Callable[Concatenate[Synchronous, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Run *work* in a transaction of its own, beside those of others.

        It runs beside the event loop and must touch nothing that belongs to it, locks
        the rows that it decides on, and is run again where it met another.
        """

        def run() -> T:
            for left in reversed(range(TRIES)):
                try:
                    return self._once(lambda on: work(on, *args, **kwargs))
                except DBAPIError as error:
                    if not left or not _nothing_kept(error):
                        raise
            raise AssertionError("the last try has ended otherwise")

        async with self._hands:
            with explained():
                return await self._driver.run(run)

    def _once(self, work: Callable[[Synchronous], T]) -> T:
        with self._engine.connect() as connection:
            with connection.begin() as transaction:
                result = work(connection)
                _keep(transaction.commit)
            return result

    async def claim(self, order: Order) -> Hand:
        """Take what is due in hand, and reserve a moment for each.

        Raises:
            Fenced: The epoch is no longer the sender's.
        """
        return await self.write(hot.claim, self._keys, order)

    async def record(self, pages: Sequence[Page]) -> list[Written]:
        """Write pages in one transaction; say for which rows that holds."""
        return await self.write(hot.record, pages)

    async def checkpoint(self) -> bool:
        """Say that nothing is left to empty: the server sees to its own log."""
        return True

    async def probe(self) -> None:
        """Prove that it can be read and written, changing nothing."""
        await self.write(schema.touch_revision)

    @property
    def _keys(self) -> Keyring:
        if self._keyring is None:
            raise StorageError("the database was opened without its key")
        return self._keyring

    @asynccontextmanager
    async def _written(self) -> AsyncIterator[Connection]:
        task = asyncio.current_task()
        if task is not None and task is self._owner:
            raise RuntimeError("a transaction inside a transaction")
        async with self._turn:
            self._owner = task
            try:
                async with self._connected(self._engine, _TAKE_TURN) as connection:
                    yield connection
            finally:
                self._owner = None

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[Connection]:
        async with self._seats, self._connected(self._reader) as connection:
            yield connection

    @asynccontextmanager
    async def _connected(
        self, engine: Engine, first: str = ""
    ) -> AsyncIterator[Connection]:
        opened: list[Synchronous] = []

        def begin() -> None:
            opened.append(engine.connect())
            opened[0].begin()
            if first:
                opened[0].exec_driver_sql(first)

        def end(*, keep: bool) -> None:
            with opened[0] as connection:
                if keep:
                    _keep(connection.commit)
                else:
                    connection.rollback()

        with explained():
            try:
                await self._driver.run(begin)
                yield Connection(opened[0], self._driver, self._keyring)
            except BaseException:
                if opened:
                    await self._driver.run(partial(end, keep=False))
                raise
            await self._driver.run(partial(end, keep=True))


def _keep(commit: Callable[[], None]) -> None:
    """Commit; where nobody can tell whether that was done, say so.

    Raises:
        StorageFailing: The connection was lost meanwhile. Who repeats what they did
            must have made sure that twice is as good as once.
    """
    try:
        commit()
    except DBAPIError as error:
        if error.connection_invalidated:
            raise StorageFailing(UNKNOWN) from None
        raise


def _nothing_kept(error: DBAPIError) -> bool:
    """Whether it is certain that nothing was kept, and another try may do better."""
    code = code_of(error.orig) if error.orig is not None else None
    return error.connection_invalidated or code in COLLIDED
