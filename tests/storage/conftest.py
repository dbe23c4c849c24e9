"""A real database for every test: a file, and the same anew on a PostgreSQL server.

A test that asks for the file's ``path`` is about SQLite alone.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bot.domain.servers import Server
from storage import KeySource, SqliteDatabase, open_database
from storage.server import PostgresDatabase
from tests.storage.desk import Desk


@pytest.fixture
def path(empty: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copy = tmp_path / "harkara.db"
    shutil.copy(empty, copy)
    return copy


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames and "path" not in metafunc.fixturenames:
        metafunc.parametrize("engine", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def engine(request: pytest.FixtureRequest) -> str:
    """Which kind of database the test is on."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def where(engine: str, request: pytest.FixtureRequest) -> Path | Server:
    """A database with every table and no row."""
    if engine == "sqlite":
        file: Path = request.getfixturevalue("path")
        return file
    return Server(request.getfixturevalue("postgres_url"))


@pytest.fixture
def key(tmp_path: Path) -> KeySource:
    """The file that its key is in, wherever the database is."""
    return KeySource(file=tmp_path / "harkara.db.key")


@pytest.fixture
async def database(
    where: Path | Server, key: KeySource
) -> AsyncIterator[SqliteDatabase | PostgresDatabase]:
    """The same, open."""
    async with await open_database(where, exclusive=True, key=key) as opened:
        yield opened


@pytest.fixture
def desk(database: SqliteDatabase) -> Desk:
    return Desk(database)


@pytest.fixture
def statements(
    database: SqliteDatabase | PostgresDatabase,
) -> list[tuple[str, Any]]:
    """Every statement that is run, with its parameters."""
    seen: list[tuple[str, Any]] = []

    engines = (
        (database._engine,)
        if isinstance(database, PostgresDatabase)
        else (database._writer, database._reader)
    )
    for engine in engines:

        @event.listens_for(engine, "before_cursor_execute")
        def see(*call: Any) -> None:
            _connection, _cursor, statement, parameters, *_ = call
            seen.append((statement, parameters))

    return seen
