"""The Database port on SQLModel; the only folder that speaks SQL."""

from __future__ import annotations

from storage.database import SqliteDatabase
from storage.keyfile import KeySource
from storage.moments import moment_of
from storage.opening import in_use, open_database, upgrade
from storage.schema import revisions

__all__ = [
    "KeySource",
    "SqliteDatabase",
    "in_use",
    "moment_of",
    "open_database",
    "revisions",
    "upgrade",
]
