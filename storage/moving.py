"""From a SQLite file to a PostgreSQL server: all of it, or nothing.

Everything is copied and looked through in one transaction of the server's, while the
file is kept from changing. So there is never half a copy, and whoever is interrupted
begins anew.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from sqlalchemy import LargeBinary, String, column, select, text
from sqlalchemy import table as named
from sqlalchemy.types import TypeDecorator

from bot.domain.errors import StorageError
from storage.columns import Moment
from storage.errors import UPGRADE, explained, meaning
from storage.keyfile import KeySource, fitting
from storage.lock import FileLock
from storage.schema import plain_engine, revision_in, revisions
from storage.server_engine import server_engine
from storage.server_schema import applications_on, upgrade_within
from storage.tables import keyrings, metadata

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sqlalchemy import Connection, Table
    from sqlalchemy.types import TypeEngine

    from bot.domain.servers import Server

#: Rows that are in memory at a time.
_PAGE = 2000


@dataclass(frozen=True, slots=True)
class MovedTable:
    """One table, as it is on the server now."""

    name: str
    rows: int
    digest: str  #: over every value of every row, in any order


@dataclass(frozen=True, slots=True)
class Move:
    """What a move has found and done."""

    tables: tuple[MovedTable, ...]
    again: bool  #: whether all of it was there before


async def move(file: Path, server: Server, key: KeySource) -> Move:
    """Copy a database file to a server that holds nothing yet, and compare the two.

    Raises:
        StorageError: An application works on one of them, the file has another shape,
            its key is missing, the server holds something else, or a row differs.
    """
    return await asyncio.to_thread(_move, file, server, key)


def _move(file: Path, server: Server, key: KeySource) -> Move:
    file = file.resolve()
    if not file.is_file():
        raise StorageError(f"there is no database at {file}; {UPGRADE}")
    lock = FileLock(file)
    source, target = plain_engine(file), server_engine(server, 1)
    try:
        with explained(), source.begin() as old:
            _require_whole(old, file, key)
            with target.begin() as new:
                return _copied(old, new, server)
    finally:
        source.dispose()
        target.dispose()
        lock.release()


def _require_whole(old: Connection, file: Path, key: KeySource) -> None:
    found, known = revision_in(old), revisions()[-1]
    if found != known:
        raise StorageError(
            f"{file} stands at revision {found or 'none'} and this program wants "
            f"{known}; {UPGRADE} first"
        )
    bound = old.scalar(select(keyrings.c.fingerprint))
    if bound is None:
        raise StorageError(f"{file} has no key yet; {UPGRADE} first")
    fitting(bound, file, key)


def _copied(old: Connection, new: Connection, server: Server) -> Move:
    upgrade_within(new, server)
    if applications_on(new):
        raise StorageError(f"Harkara works on {server}; stop every one of its workers")
    before = [_looked_through(old, each) for each in metadata.sorted_tables]
    there = [_looked_through(new, each) for each in metadata.sorted_tables]
    if there == before:
        return Move(tables=tuple(there), again=True)
    # An upgrade gives a new database a key, by which nothing is sealed so far.
    filled = [each.name for each in there if each.rows and each.name != keyrings.name]
    if filled:
        raise StorageError(
            f"{server} holds rows of its own (table {filled[0]}), other than the "
            "file's; nothing was moved: name a database that holds nothing"
        )
    new.execute(keyrings.delete())
    for each in metadata.sorted_tables:
        _copy(old, new, each)
        _number_on(old, new, each)
    after = [_looked_through(new, each) for each in metadata.sorted_tables]
    for new_one, old_one in zip(after, before, strict=True):
        if new_one != old_one:
            raise StorageError(
                f"table {new_one.name} has {new_one.rows} rows on {server} and "
                f"{old_one.rows} in the file, or one of them differs; nothing was "
                "moved, please report it"
            )
    return Move(tables=tuple(after), again=False)


def _copy(old: Connection, new: Connection, table: Table) -> None:
    """Copy every row in one statement: a row may refer to a later one."""
    names = ", ".join(each.name for each in table.columns)
    driver: Any = new.connection.cursor()
    try:
        with driver.copy(f"COPY {table.name} ({names}) FROM STDIN") as copy:
            for row in _rows(old, table):
                copy.write_row(row)
    except Exception as error:
        # The copy goes past SQLAlchemy, and so do its errors.
        meant = meaning(error)
        if isinstance(meant, StorageError):
            raise type(meant)(f"table {table.name}: {meant}") from None
        raise


def _number_on(old: Connection, new: Connection, table: Table) -> None:
    """Go on where the file's numbers ended: none is ever given out again."""
    if "id" not in table.columns:
        return
    last = old.scalar(
        text("SELECT seq FROM sqlite_sequence WHERE name = :name"), {"name": table.name}
    )
    if last:
        new.execute(
            text("SELECT setval(pg_get_serial_sequence(:name, 'id'), :last)"),
            {"name": table.name, "last": last},
        )


def _looked_through(connection: Connection, table: Table) -> MovedTable:
    rows = total = 0
    for row in _rows(connection, table):
        rows += 1
        seen = blake2b(repr(row).encode(), digest_size=16).digest()
        total += int.from_bytes(seen)
    return MovedTable(table.name, rows, f"{total % 2**128:032x}")


def _rows(connection: Connection, table: Table) -> Iterator[tuple[Any, ...]]:
    """Read every row's values, in the same shape from either database."""
    kinds = [_plain(each.type) for each in table.columns]
    names: list[Any] = [column(each.name) for each in table.columns]
    asked = select(*names)
    found = connection.execute(
        asked.select_from(named(table.name)), execution_options={"yield_per": _PAGE}
    )
    for page in found.partitions():
        for row in page:
            yield tuple(
                None if value is None else kind(value)
                for kind, value in zip(kinds, row, strict=True)
            )


def _plain(kind: TypeEngine[Any]) -> Callable[[Any], Any]:
    if isinstance(kind, Moment):
        return _moment
    if isinstance(kind, LargeBinary):
        return bytes
    stored = kind.impl if isinstance(kind, TypeDecorator) else kind
    return _text if isinstance(stored, String) else int


def _text(value: str) -> str:
    """Leave out what `storage.server_engine` leaves out."""
    return value.replace("\x00", "")


def _moment(value: Any) -> str:
    """Write a moment as the file does, with its zone."""
    if isinstance(value, str):
        return f"{value}+00:00"
    return str(value.isoformat(" ", "microseconds"))
