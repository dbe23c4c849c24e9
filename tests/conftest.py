"""What every test needs."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

# Before anything imports telegram: without it, RetryAfter warns when it is made.
os.environ.setdefault("PTB_TIMEDELTA", "1")


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table and no row, to be copied."""
    from storage import upgrade

    path = tmp_path_factory.mktemp("database") / "empty.db"
    asyncio.run(upgrade(path))
    return path
