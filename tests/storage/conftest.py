"""A real database file for every test."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from storage import SqliteDatabase
from tests.storage.desk import Desk


@pytest.fixture
def path(empty: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    copy = tmp_path / "harkara.db"
    shutil.copy(empty, copy)
    return copy


@pytest.fixture
async def database(path: Path) -> AsyncIterator[SqliteDatabase]:
    """The same, open."""
    async with await SqliteDatabase.open(path, exclusive=True) as opened:
        yield opened


@pytest.fixture
def desk(database: SqliteDatabase) -> Desk:
    return Desk(database)


@pytest.fixture
def statements(database: SqliteDatabase) -> list[tuple[str, Any]]:
    """Every statement that is run, with its parameters."""
    seen: list[tuple[str, Any]] = []

    for engine in (database._writer, database._reader):

        @event.listens_for(engine, "before_cursor_execute")
        def see(*call: Any) -> None:
            _connection, _cursor, statement, parameters, *_ = call
            seen.append((statement, parameters))

    return seen
