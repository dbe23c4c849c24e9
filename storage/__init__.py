"""The Database port on SQLModel; the only folder that speaks SQL."""

from __future__ import annotations

from storage.database import SqliteDatabase, open_database
from storage.keyfile import KeySource
from storage.schema import revisions, upgrade

__all__ = ["KeySource", "SqliteDatabase", "open_database", "revisions", "upgrade"]
