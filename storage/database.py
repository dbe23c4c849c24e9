"""Where everything is kept: one SQLite file, its engines and its units of work.

SQLite loses concurrent updates without a word if a transaction that has read begins
to write. So every transaction that may write begins as a writing one, and in this
process they wait for one another without a thread each; readers have an engine of
their own that cannot write.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from bot.domain.errors import StorageError
from storage import hot, schema
from storage.connection import Connection
from storage.drivers import Driver, Threads
from storage.errors import UPGRADE, explained
from storage.keyfile import BESIDE, KeySource, fingerprint, fitting, unlock
from storage.lock import FileLock
from storage.work import Work

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence
    from types import TracebackType
    from typing import Self

    from sqlalchemy import Connection as Synchronous

    from bot.ports.ledger import Hand, Order, Page, Written
    from storage.sealing import Keyring

T = TypeVar("T")
P = ParamSpec("P")

#: Threads that read at the same time; each has a connection.
READERS = 4

_WRITING = (
    f"PRAGMA busy_timeout = {schema.BUSY_TIMEOUT}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA secure_delete = ON",  # what is erased is overwritten
    "PRAGMA cache_size = -8000",  # kibibytes
    "PRAGMA journal_size_limit = 67108864",  # bytes kept of a write-ahead log
)
_READING = (
    f"PRAGMA busy_timeout = {schema.BUSY_TIMEOUT}",
    "PRAGMA query_only = ON",
)


class SqliteDatabase:
    """The Database port on one SQLite file."""

    def __init__(
        self, path: Path, lock: FileLock | None, driver: Callable[[int], Driver]
    ) -> None:
        """Describe the file; `open` is the way in."""
        self._path = path
        self._lock = lock
        self._writer = _engine(path, _WRITING, begin="BEGIN IMMEDIATE", connections=1)
        self._reader = _engine(path, _READING, begin="BEGIN", connections=READERS)
        self._writing = driver(1)
        self._reading = driver(READERS)
        self._turn = asyncio.Lock()
        self._seats = asyncio.Semaphore(READERS)
        self._owner: asyncio.Task[Any] | None = None
        self._keyring: Keyring | None = None

    @classmethod
    async def open(
        cls,
        path: Path | str,
        *,
        exclusive: bool,
        check_schema: bool = True,
        key: KeySource = BESIDE,
        driver: Callable[[int], Driver] = Threads,
    ) -> Self:
        """Open a database file that `upgrade` has made.

        Args:
            path: Where it is.
            exclusive: Whether to be the one application that works on the file;
                command-line tools that only look, or write a little, do without.
            check_schema: Whether to refuse another shape than this program's;
                without, nothing that is sealed can be read or written.
            key: Where its key is. A database that has none yet gets one.
            driver: Makes what runs the work of so many connections.

        Raises:
            StorageError: There is no such file, it is of another shape, another
                application works on it, or its key is not there.
        """
        database = cls._at(Path(path), exclusive=exclusive, driver=driver)
        try:
            if check_schema:
                await database.check_schema()
                await database.unlock(key)
        except BaseException:
            await database.close()
            raise
        return database

    @classmethod
    def _at(
        cls, path: Path, *, exclusive: bool, driver: Callable[[int], Driver]
    ) -> Self:
        found = path.resolve()
        if not found.is_file():
            raise StorageError(f"there is no database at {found}; {UPGRADE}")
        return cls(found, FileLock(found) if exclusive else None, driver)

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
        """Let go of the file; doing it twice changes nothing."""
        for engine, driver in (
            (self._reader, self._reading),
            (self._writer, self._writing),
        ):
            if not driver.closed:
                # SQLite tidies its side files up when the last connection goes.
                await driver.run(engine.dispose)
                driver.close()
        if self._lock is not None:
            self._lock.release()

    async def check_schema(self) -> None:
        """Refuse a file of another shape. Raises StorageError with what to do."""
        async with self._written() as connection:
            await schema.check(connection, self._path)

    async def unlock(self, key: KeySource) -> None:
        """Take the key in hand. Raises StorageError where it is missing or wrong."""
        async with self._read() as connection:
            bound = await fingerprint(connection)
        if bound is not None:
            self._keyring = fitting(bound, self._path, key)
            return
        async with self._written() as connection:
            self._keyring = await unlock(connection, self._path, key)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Work]:
        """Open a unit of work that may write; one at a time.

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
        """Run *work* in a transaction of its own: begun, done and kept in one go.

        It runs beside the event loop and must touch nothing that belongs to it.
        """

        def run() -> T:
            with self._writer.connect() as connection, connection.begin():
                return work(connection, *args, **kwargs)

        async with self._turn:
            with explained():
                return await self._writing.run(run)

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
        """Empty the write-ahead log, which may hold what was erased; whether it is.

        It is not while somebody reads an earlier moment, another process writes, or the
        disk is at fault.
        """
        async with self._turn:
            return await self._writing.run(schema.checkpoint, self._path)

    async def probe(self) -> None:
        """Prove that it can be read and written, changing nothing.

        A row is written as it is, and kept: only then has the disk been asked.
        """
        async with self._written() as connection:
            await schema.touch(connection)

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
                async with self._connected(self._writer, self._writing) as connection:
                    yield connection
            finally:
                self._owner = None

    @asynccontextmanager
    async def _read(self) -> AsyncIterator[Connection]:
        async with (
            self._seats,
            self._connected(self._reader, self._reading) as connection,
        ):
            yield connection

    @asynccontextmanager
    async def _connected(
        self, engine: Engine, driver: Driver
    ) -> AsyncIterator[Connection]:
        opened: list[Synchronous] = []

        def begin() -> None:
            opened.append(engine.connect())
            opened[0].begin()

        def end(*, keep: bool) -> None:
            with opened[0] as connection:
                if not keep:
                    connection.rollback()
                    return
                try:
                    connection.commit()
                except BaseException:
                    # Else it would be handed on with its transaction still open.
                    connection.rollback()
                    raise

        with explained():
            try:
                await driver.run(begin)
                yield Connection(opened[0], driver, self._keyring)
            except BaseException:
                if opened:
                    await driver.run(partial(end, keep=False))
                raise
            await driver.run(partial(end, keep=True))


def _engine(
    path: Path, pragmas: tuple[str, ...], *, begin: str, connections: int
) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        # Our own BEGIN, below; the driver's comes too late. A connection is used by one
        # thread at a time, though not always by the same.
        connect_args={"isolation_level": None, "check_same_thread": False},
        hide_parameters=True,
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
    )

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: object) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(pragma)
        cursor.close()

    @event.listens_for(engine, "begin")
    def on_begin(connection: Any) -> None:
        connection.exec_driver_sql(begin)

    return engine
