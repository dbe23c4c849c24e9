"""Connections to a PostgreSQL server: bounded in every wait, and never a dead one."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine, create_engine, event, make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

from bot.domain.errors import StorageError

if TYPE_CHECKING:
    from sqlalchemy import URL

    from bot.domain.servers import Server

#: Waits, in milliseconds; the server keeps them, whatever becomes of us.
LOCK_WAIT = 20_000
LONGEST_STATEMENT = 120_000  # a broadcast to a million is planned in one
#: A transaction that nobody goes on with: its owner is frozen, cut off or dead.
LONGEST_PAUSE = 5_000

#: Seconds, for the operating system: a peer that says nothing is given up.
_NETWORK = {
    "connect_timeout": "5",
    "keepalives_idle": "10",
    "keepalives_interval": "3",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",  # milliseconds
}
#: What the server knows us by: an application, or a command beside it.
APPLICATION = "harkara"
TOOL = "harkara command"
_SESSION = {
    "lock_timeout": LOCK_WAIT,
    "statement_timeout": LONGEST_STATEMENT,
    "idle_in_transaction_session_timeout": LONGEST_PAUSE,
    "timezone": "UTC",
    "jit": "off",  # no statement of ours is worth compiling
}
_RIGHT_AWAY = 0  # milliseconds


def address(server: Server) -> URL:
    """Return a server's address as SQLAlchemy takes it."""
    return make_url(server.url).set(drivername="postgresql+psycopg")


def connect_arguments(server: Server, name: str) -> dict[str, str]:
    """Return the waits that the address itself does not set."""
    query = make_url(server.url).query
    said = query.get("options", "")
    theirs = said if isinstance(said, str) else " ".join(said)
    ours = " ".join(f"-c {name}={value}" for name, value in _SESSION.items())
    return {
        **{name: value for name, value in _NETWORK.items() if name not in query},
        "application_name": name,
        "options": f"{ours} {theirs}".strip(),
    }


def server_engine(server: Server, connections: int, *, name: str = TOOL) -> Engine:
    """Describe a pool of *connections*, known as *name*; none is made yet.

    Raises:
        StorageError: The driver, which comes with an extra, is not installed.
    """
    try:
        from psycopg.types.string import StrDumper  # optional: an extra
    except ImportError as error:
        raise StorageError(
            "PostgreSQL needs Harkara's cluster extra; install harkara[cluster], or "
            "name a file in HARKARA_DATABASE"
        ) from error

    class Readable(StrDumper):
        """Leaves out NUL, which PostgreSQL's texts cannot hold and nobody can read."""

        def dump(self, obj: str) -> Any:
            return super().dump(obj.replace("\x00", "") if "\x00" in obj else obj)

    engine = create_engine(
        address(server),
        connect_args=connect_arguments(server, name),
        hide_parameters=True,
        execution_options={"preserve_rowcount": True},  # of insertions, too
        poolclass=QueuePool,
        pool_size=connections,
        max_overflow=0,
    )

    @event.listens_for(engine, "connect")
    def on_connect(connection: Any, _: object) -> None:
        connection.adapters.register_dumper(str, Readable)

    @event.listens_for(engine, "checkout")
    def on_checkout(connection: Any, _record: object, _proxy: object) -> None:
        if spoken_to(connection.fileno()):
            raise DisconnectionError("the server ended the connection meanwhile")

    return engine


def spoken_to(descriptor: int) -> bool:
    """Whether a connection at rest was written to, or closed, by the server.

    It speaks unasked only to say goodbye.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN | select.POLLHUP | select.POLLERR)
    return bool(poll.poll(_RIGHT_AWAY))
