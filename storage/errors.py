"""What the database's errors mean, said so that somebody can act on it.

Only the database's own words are passed on: statements and values hold addresses.
"""

from __future__ import annotations

import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy.exc import DBAPIError, SQLAlchemyError, StatementError

from bot.domain.errors import StorageError, StorageFailing
from storage.server_errors import UPGRADE, code_of, explain

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["UPGRADE", "explained", "meaning"]

#: By SQLite's primary result code.
_MEANINGS = {
    sqlite3.SQLITE_BUSY: "another program has kept the database locked for too long; "
    "end it, or wait until it is done, and try again",
    sqlite3.SQLITE_LOCKED: "the database is locked; try again",
    sqlite3.SQLITE_FULL: "the disk that holds the database is full; free some space "
    "and start again, nothing half-written was kept",
    sqlite3.SQLITE_IOERR: "the disk that holds the database does not answer as it "
    "should; check it and the space that is left on it",
    sqlite3.SQLITE_CORRUPT: "the database file is damaged; stop Harkara and put a "
    "backup in its place",
    sqlite3.SQLITE_NOTADB: "the file is not a Harkara database, or it is damaged; "
    "name another file, or put a backup in its place",
    sqlite3.SQLITE_READONLY: "the database may only be read here; check the rights of "
    "the file and of its folder",
    sqlite3.SQLITE_CANTOPEN: "the database file cannot be opened; check that its "
    "folder exists and may be written to",
    sqlite3.SQLITE_CONSTRAINT: "that contradicts what is stored",
}

#: Whatever was asked, it could be had at another time.
_FAILING = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_CANTOPEN,
    }
)


def meaning(error: Exception) -> Exception:
    """Say what *error* asks for.

    Returns:
        A `StorageError`, or the mistake of ours that came before any call of the
        database (a moment without a zone, say), as it was.
    """
    cause: BaseException = error
    if isinstance(error, StatementError) and error.orig is not None:
        cause = error.orig
        if not isinstance(error, DBAPIError) and isinstance(cause, Exception):
            return cause
    if isinstance(cause, UnicodeEncodeError):
        return StorageError("a text holds half a character and cannot be stored")
    if (server := code_of(cause)) is not None:
        return explain(cause, server)
    words = str(cause) if cause is not error or isinstance(cause, sqlite3.Error) else ""
    if "no such table" in words or "no such column" in words:
        return StorageError(f"the database has another shape; {UPGRADE} ({words})")
    code = getattr(cause, "sqlite_errorcode", None)
    primary = code & 0xFF if isinstance(code, int) else None
    if primary in _MEANINGS:
        kind = StorageFailing if primary in _FAILING else StorageError
        return kind(f"{_MEANINGS[primary]} ({words})")
    return StorageError(
        f"the database could not answer: {type(cause).__name__}"
        + (f" ({words})" if words else "")
    )


@contextmanager
def explained() -> Iterator[None]:
    """Raise what the database raises inside as what it means."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        meant = meaning(error)
        # PostgreSQL's own error quotes whole rows, which no log is to show.
        told = (
            isinstance(error, DBAPIError) and code_of(error.orig or error) is not None
        )
        raise meant from (None if told else error)
