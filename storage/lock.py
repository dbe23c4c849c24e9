"""One application for each database file, and a lock that says so."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from bot.domain.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


class FileLock:
    """An exclusive lock beside a database file, gone with the process at the latest."""

    def __init__(self, database: Path) -> None:
        """Take the lock.

        Raises:
            StorageError: Somebody else has it.
        """
        path = database.with_name(f"{database.name}.lock")
        try:
            self._file: int | None = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise StorageError(
                f"{path} cannot be opened ({error.strerror}); check that the folder "
                "exists and may be written to"
            ) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            raise StorageError(
                f"another Harkara works on {database}; stop it first"
            ) from error

    def release(self) -> None:
        """Give the lock up; doing it twice changes nothing."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
