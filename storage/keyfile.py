"""Where the key is: in a setting, or in a file that only its owner can read."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import select

from bot.domain.errors import StorageError
from bot.domain.servers import Server
from storage.sealing import Keyring, new_key
from storage.tables import keyrings

if TYPE_CHECKING:
    from storage.connection import Connection

HOW_TO_NAME = (
    "put it back from its backup, or say where it is with HARKARA_KEY_FILE or "
    "HARKARA_ENCRYPTION_KEY"
)


#: Where the key of a database on a server is, unless somebody says otherwise.
MOVED = Path("harkara.db.key")

#: What a volume says that knows no hard links, as FAT and some network shares.
_NO_LINKS = frozenset({errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS})
#: What a volume says that writes out no folders.
_NO_FOLDERS = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EBADF})


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySource:
    """Where the key of a database is to be found.

    With neither, it is in a file beside the database: ``harkara.db.key``. A database on
    a server has nothing beside it; there it is that file in the working folder, where
    it was before a move.
    """

    text: str = field(default="", repr=False)  #: the key itself
    file: Path | None = None  #: a file that holds it

    def place(self, database: Path | Server) -> Path | None:
        """Return the file that is read; None where the key itself was given."""
        if self.text:
            return None
        if self.file is not None:
            return self.file
        if isinstance(database, Server):
            return MOVED
        return database.with_name(f"{database.name}.key")

    def where(self, database: Path | Server) -> str:
        """Say where the key is looked for."""
        place = self.place(database)
        return "HARKARA_ENCRYPTION_KEY" if place is None else str(place)

    def find(self, database: Path | Server) -> Keyring | None:
        """Read the key; None where its file does not exist.

        Raises:
            StorageError: The file cannot be read, or what was found is no key.
        """
        place = self.place(database)
        try:
            text = self.text if place is None else place.read_text(encoding="utf-8")
            return Keyring.parse(text)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StorageError(
                f"the key {place} cannot be read ({error.strerror}); check the rights "
                "of the file and of its folder"
            ) from error
        except ValueError:
            raise StorageError(
                f"{self.where(database)} holds no key, which is 32 bytes in URL-safe "
                f"base64; {HOW_TO_NAME}"
            ) from None

    def make(self, database: Path | Server) -> Keyring:
        """Write a new key to the file, unless somebody else was faster; return it.

        Raises:
            StorageError: It cannot be written.
        """
        place = self.place(database)
        if place is not None:
            write_new(place)
        found = self.find(database)
        if found is None:
            raise StorageError(f"the key just written to {place} is not there")
        return found

    def exposed(self, database: Path | Server) -> bool:
        """Whether anybody but its owner may read the key's file."""
        place = self.place(database)
        try:
            mode = 0 if place is None else place.stat().st_mode
        except OSError:
            return False
        return bool(mode & (stat.S_IRWXG | stat.S_IRWXO))


#: The file beside the database.
BESIDE = KeySource()


def write_new(place: Path) -> bool:
    """Write a new key, whole or not at all; False where a file is there already.

    Raises:
        StorageError: It cannot be written.
    """
    text = f"{new_key()}\n".encode()
    draft = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        try:
            _write(draft, text, how=os.O_TRUNC)
            # Unlike a renaming, it never takes the place of another key.
            os.link(draft, place)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _write_in_place(place, text)
        finally:
            draft.unlink(missing_ok=True)
        _keep_name(place.parent)
    except FileExistsError:
        return False
    except OSError as error:
        raise StorageError(
            f"the key {place} cannot be written ({error.strerror}); check the folder "
            "and its rights, or give a key with HARKARA_ENCRYPTION_KEY"
        ) from error
    return True


def _write_in_place(place: Path, text: bytes) -> None:
    """Write a file where there is none; half of one does not stay."""
    try:
        _write(place, text, how=os.O_EXCL)
    except FileExistsError:
        raise
    except OSError:
        place.unlink(missing_ok=True)
        raise


def _write(place: Path, text: bytes, *, how: int) -> None:
    """Write *text* to a file of its owner's, out to the disk."""
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | how, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(text)
        file.flush()
        os.fsync(handle)


def _keep_name(folder: Path) -> None:
    """Write out that the file is in its folder: a crash may forget that otherwise."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDERS:
            raise
    finally:
        os.close(handle)


async def fingerprint(connection: Connection) -> str | None:
    """Tell which key a database was sealed with; None before the first."""
    found: str | None = await connection.value(select(keyrings.c.fingerprint))
    return found


async def unlock(
    connection: Connection, database: Path | Server, source: KeySource
) -> Keyring:
    """Return the key of *database*; a database that has none yet is given one.

    Raises:
        StorageError: The key is not there, or is another database's.
    """
    bound = await fingerprint(connection)
    if bound is not None:
        return fitting(bound, database, source)
    # Nothing is sealed yet, so a new key can lose nothing.
    keys = source.find(database) or source.make(database)
    await connection.run(keyrings.insert().values(fingerprint=keys.fingerprint))
    return keys


def fitting(bound: str, database: Path | Server, source: KeySource) -> Keyring:
    """Return the key that *database*, whose key's fingerprint is *bound*, opens with.

    Raises:
        StorageError: The key is not there, or is another database's.
    """
    found = source.find(database)
    if found is None:
        raise StorageError(
            f"the key of {database} is not at {source.where(database)}, and without it "
            f"no phone number can be read; {HOW_TO_NAME}"
        )
    if found.fingerprint != bound:
        raise StorageError(
            f"{source.where(database)} is not the key of {database}; {HOW_TO_NAME}"
        )
    return found
