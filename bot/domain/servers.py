"""Where a database is when it is no file: on a PostgreSQL server."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

SCHEMES = ("postgresql", "postgres")
PORT = 5432
EXAMPLE = "postgresql://user:password@host/database"


@dataclass(frozen=True, slots=True)
class Server:
    """A database on a PostgreSQL server, by its address.

    The address holds a password and is shown nowhere; `str` leaves it out.
    """

    url: str = field(repr=False)

    def __post_init__(self) -> None:
        """Refuse what is no such address, without repeating it.

        Raises:
            ValueError: What it must be.
        """
        if not self._whole():
            raise ValueError(
                f"must be a file, or an address like {EXAMPLE} with every special "
                "character of the password written as %40"
            )

    def __str__(self) -> str:
        """Name it for people: ``harkara on db.example``."""
        parts = urlsplit(self.url)
        port = f":{parts.port}" if parts.port not in {None, PORT} else ""
        host = f" on {parts.hostname}{port}" if parts.hostname else ""
        return f"{unquote(parts.path[1:])}{host}"

    @property
    def secret(self) -> str:
        """The password, as it is; empty where there is none."""
        return unquote(urlsplit(self.url).password or "")

    def _whole(self) -> bool:
        try:
            parts = urlsplit(self.url)
            return (
                parts.scheme in SCHEMES
                and len(parts.path) > 1
                and "/" not in parts.path[1:]
                and not parts.fragment
                and (parts.port is None or parts.port > 0)
            )
        except ValueError:  # a port that is no number
            return False


def place(text: str | Path | Server) -> Path | Server:
    """Read where a database is: the path of a file, or a server's address.

    Raises:
        ValueError: It begins as an address does, and is none.
    """
    if isinstance(text, str) and "://" in text:
        return Server(text)
    return Path(text) if isinstance(text, str) else text
