"""A look at a database file that changes nothing, whether or not it is in use."""

from __future__ import annotations

import asyncio
import fcntl
import os
import sqlite3
import time
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from bot.checks.machine import DatabaseFacts
from bot.domain.errors import StorageError
from bot.domain.servers import Server
from storage.errors import UPGRADE, meaning
from storage.keyfile import BESIDE, KeySource, fitting
from storage.schema import revisions

if TYPE_CHECKING:
    from pathlib import Path

#: Seconds that the look at every page may take, and that a lock is waited for.
LOOK_FOR = 10.0
WAIT_FOR = 2.0
_STEPS = 100_000  # of SQLite's machine between two looks at the clock
_MOST = 3  # kinds of damage that are told


async def inspect(path: Path | Server, key: KeySource = BESIDE) -> DatabaseFacts:
    """Look at the file, its key, its disk and its lock; or at what a server has."""
    if isinstance(path, Server):
        from storage.server_inspection import inspect_server  # optional: its driver

        return await inspect_server(path, key)
    return await asyncio.to_thread(_inspect, path, key)


def _inspect(path: Path, key: KeySource) -> DatabaseFacts:
    path = path.resolve()
    facts = DatabaseFacts(
        path=str(path), free=_free(path.parent), revisions=tuple(revisions())
    )
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        return replace(facts, exists=False)
    except OSError as error:
        why = (
            f"{path} cannot be looked at ({error.strerror}); check the folder's rights"
        )
        return replace(facts, problem=why)
    facts = replace(
        facts,
        mode=mode,
        unwritable=_unwritable(path),
        running=_in_use(path),
        exposed_key=key.where(path) if key.exposed(path) else "",
        log=_size(path.with_name(f"{path.name}-wal")),
    )
    if not os.access(path, os.R_OK):
        why = f"{path} cannot be read by this user; check its rights and its owner"
        return replace(facts, problem=why, unwritable="")
    try:
        return _opened(path, facts, key)
    except sqlite3.Error as error:
        return replace(facts, problem=str(meaning(error)))


def _opened(path: Path, facts: DatabaseFacts, key: KeySource) -> DatabaseFacts:
    # Opened for writing, so that SQLite clears its side files away; nothing is written.
    address = f"file:{quote(str(path))}?mode=rw"
    connection = sqlite3.connect(
        address, uri=True, timeout=WAIT_FOR, isolation_level=None
    )
    try:
        unwritable = facts.unwritable
        if not unwritable:
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute("ROLLBACK")
            except sqlite3.OperationalError as error:
                unwritable = str(meaning(error))
        connection.execute("PRAGMA query_only = ON")
        named = "SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'"
        revision = ""
        if connection.execute(named).fetchone():
            row = connection.execute(
                "SELECT version_num FROM alembic_version"
            ).fetchone()
            revision = str(row[0]) if row else ""
        return replace(
            facts,
            unwritable=unwritable,
            revision=revision,
            damage=_damage(connection),
            locked_out=_locked_out(connection, path, key),
        )
    finally:
        connection.close()


def _locked_out(connection: sqlite3.Connection, path: Path, key: KeySource) -> str:
    """Why the key does not open the database, and what to do; empty if it does."""
    named = "SELECT 1 FROM sqlite_master WHERE name = 'keyring'"
    if connection.execute(named).fetchone():
        row = connection.execute("SELECT fingerprint FROM keyring").fetchone()
        if row is None:
            return f"{path} has no key yet; {UPGRADE}"
        try:
            fitting(row[0], path, key)
        except StorageError as error:
            return str(error)
    return ""


def _damage(connection: sqlite3.Connection) -> tuple[str, ...] | None:
    """Look at every page; None where that takes too long."""
    end = time.monotonic() + LOOK_FOR
    connection.set_progress_handler(lambda: time.monotonic() > end, _STEPS)
    try:
        rows = connection.execute(f"PRAGMA quick_check({_MOST})").fetchall()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_INTERRUPT:
            return None
        raise
    said = tuple(str(row[0]) for row in rows)
    return () if said == ("ok",) else said


def _unwritable(path: Path) -> str:
    if not os.access(path, os.W_OK):
        return f"{path} may only be read by this user; check its rights and its owner"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return (
            f"the folder {path.parent} may only be read by this user; SQLite writes "
            "beside the file as well: check its rights and its owner"
        )
    return ""


def _in_use(path: Path) -> bool:
    """Whether an application has the lock; where there is no lock, none is made."""
    try:
        file = os.open(path.with_name(f"{path.name}.lock"), os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(file)
    return False


def _free(folder: Path) -> int | None:
    """Bytes that this user may still write."""
    try:
        disk = os.statvfs(folder)
    except OSError:
        return None
    return disk.f_bavail * disk.f_frsize


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
