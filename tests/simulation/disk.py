"""The real storage on a disk that can be slow, full, or gone with its process.

Every hop to the database is a place where its process may be left standing, or die. A
process that dies loses what it had not committed: its connections are rolled back over
its head. What is committed is read by an observer at that very moment.
"""

from __future__ import annotations

import asyncio
import sqlite3
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import event

from storage import SqliteDatabase
from storage.keyfile import KeySource
from tests.simulation.loop import Killed

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Engine

    from storage.drivers import Driver
    from tests.simulation.loop import World

T = TypeVar("T")

#: Every simulated database is sealed with it.
KEY = KeySource(text=urlsafe_b64encode(bytes(range(32))).decode())
#: How long a process waits for another one's lock, as the product tells SQLite.
BUSY = 20.0  # seconds

#: What becomes of every delivery, as it is written; read by the observer.
HISTORY = """
CREATE TABLE simulated_history (
  seq INTEGER PRIMARY KEY, delivery INTEGER, was TEXT, now TEXT,
  epoch INTEGER, owner INTEGER, attempts INTEGER
);
CREATE TRIGGER simulated_observer AFTER UPDATE OF state ON delivery
WHEN NEW.state <> OLD.state BEGIN
  INSERT INTO simulated_history (delivery, was, now, epoch, owner, attempts)
  VALUES (NEW.id, OLD.state, NEW.state, NEW.epoch,
          (SELECT epoch FROM sender WHERE id = NEW.sender_id), NEW.attempts);
END;
"""

#: SQLAlchemy compiles each statement once for each dialect: all worlds share them.
_shared: dict[str, tuple[Any, Any]] = {}


class Disk:
    """What one process sees of the disk, and how it is let go."""

    def __init__(
        self, world: World, weather: Weather, committed: Callable[[], None]
    ) -> None:
        self.world = world
        self.weather = weather
        self.committed = committed
        self.dead = False
        self.plates: list[Plate] = []
        self.writer: Plate | None = None
        weather.disks.append(self)

    def writing(self) -> bool:
        """Whether its process is in the middle of a writing transaction."""
        writer = self.writer
        if self.dead or writer is None or writer.closed:
            return False
        return writer.in_transaction

    def die(self) -> None:
        """Take every connection back to what was committed; nobody uses them again."""
        self.dead = True
        for plate in self.plates:
            if not plate.closed:
                plate.rollback()

    async def open(self, path: Path) -> SqliteDatabase:
        """Open the database for its process."""
        disk = self

        class Database(SqliteDatabase):
            """Connected through this disk."""

            def __init__(self, *args: Any) -> None:
                super().__init__(*args)
                disk.connect(self._writer, "writer")
                disk.connect(self._reader, "reader")

        lines: list[Line] = []

        def driver(number: int) -> Driver:
            lines.append(Line(disk, writes=number == 1))
            return lines[-1]

        return await Database.open(path, exclusive=False, key=KEY, driver=driver)

    def connect(self, engine: Engine, role: str) -> None:
        """Have *engine* make connections of ours."""

        @event.listens_for(engine, "do_connect")
        def on_connecting(_: Any, __: Any, ___: Any, options: dict[str, Any]) -> None:
            options["factory"] = Plate

        @event.listens_for(engine, "connect")
        def on_connected(connection: Any, _: object) -> None:
            # Waiting is done in virtual time, below.
            connection.execute("PRAGMA busy_timeout = 0")
            connection.disk = self
            self.plates.append(connection)
            if role == "writer":
                self.writer = connection

        if role in _shared:
            dialect, compiled = _shared[role]
            engine.dialect = dialect
            engine._compiled_cache = compiled
        else:
            with engine.connect():  # a dialect learns of its database by connecting
                pass
            engine.dispose()
            self.plates.clear()
            self.writer = None
            _shared[role] = (engine.dialect, engine._compiled_cache)


class Weather:
    """What the disk is like at present, for every process."""

    def __init__(self) -> None:
        self.full = 0.0  #: how likely a commit finds no room
        self.slow = 0.0  #: seconds that a hop may take at most
        self.struck = 0  #: commits that found none
        self.disks: list[Disk] = []  #: of every process that there has been


class Plate(sqlite3.Connection):
    """A connection whose commits may find no room."""

    disk: Disk | None = None
    closed = False

    def close(self) -> None:
        self.closed = True
        super().close()

    def commit(self) -> None:
        disk = self.disk
        if disk is None or not self.in_transaction:
            super().commit()
            return
        weather = disk.weather
        if weather.full and disk.world.rng.random() < weather.full:
            weather.struck += 1
            raise failure(sqlite3.SQLITE_FULL, "database or disk is full")
        super().commit()
        if self is disk.writer:
            disk.committed()


class Line:
    """The Driver port: hops that take virtual time, and end with their process."""

    def __init__(self, disk: Disk, *, writes: bool) -> None:
        self._disk = disk
        self._writes = writes
        self.closed = False

    async def run(self, work: Callable[..., T], *args: object) -> T:
        cancelled = await self._pause(self._duration(), None)
        waited = 0.0
        while self._writes and self._locked():
            if waited >= BUSY:
                raise failure(sqlite3.SQLITE_BUSY, "database is locked")
            waited += 0.05
            cancelled = await self._pause(0.05, cancelled)
        if self._disk.dead:
            raise Killed
        result = work(*args)
        if self._disk.world.rng.random() < 0.2:  # done, and not yet heard of
            cancelled = await self._pause(0.0, cancelled)
        if cancelled is not None:
            raise cancelled
        return result

    def close(self) -> None:
        self.closed = True

    def _locked(self) -> bool:
        """Whether another process has the only lock that writers have."""
        own = self._disk
        return not own.writing() and any(
            each is not own and each.writing() for each in own.weather.disks
        )

    def _duration(self) -> float:
        disk = self._disk
        if disk.weather.slow:
            return disk.world.rng.random() * disk.weather.slow
        return 0.001 if disk.world.rng.random() < 0.1 else 0.0

    async def _pause(
        self, seconds: float, cancelled: asyncio.CancelledError | None
    ) -> asyncio.CancelledError | None:
        """Let time pass; a cancellation waits for the end, as it does for a thread."""
        if self._disk.dead:
            raise Killed
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError as error:
            return error
        return cancelled


def failure(code: int, words: str) -> sqlite3.OperationalError:
    """An error as SQLite's driver raises it."""
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode = code
    return error
