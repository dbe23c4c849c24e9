"""A PostgreSQL of the tests' own: on loopback, in a folder that goes away.

It is started from Debian's programs, or from those in ``HARKARA_POSTGRES``, as the
user ``postgres`` where the tests are run by root, and ends with whoever started it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest
from psycopg import sql

if TYPE_CHECKING:
    from typing import Self

USER = "harkara"
PASSWORD = "a-password-for-tests"
PATIENCE = 30.0  # seconds for a start or an end

_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "logging_collector": "off",
    "log_min_messages": "warning",
}


def programs() -> Path:
    """Return the folder of PostgreSQL's programs, or end the test with what to do."""
    named = [Path(os.environ.get("HARKARA_POSTGRES", "/nowhere"))]
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"),
        key=lambda folder: float(folder.parent.name),
        reverse=True,
    )
    asked = shutil.which("pg_config")
    if asked:
        said = subprocess.run(  # noqa: S603 - PostgreSQL's own program
            [asked, "--bindir"], capture_output=True, text=True, check=False
        )
        debian.append(Path(said.stdout.strip() or "/nowhere"))
    for folder in (*named, *debian):
        if os.access(folder / "initdb", os.X_OK) and os.access(
            folder / "postgres", os.X_OK
        ):
            return folder
    reason = "no PostgreSQL: apt-get install postgresql, or HARKARA_POSTGRES"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


class Cluster:
    """One server and its databases.

    ``stop("immediate")`` is a crash, ``start`` after it a recovery on the same port.
    """

    def __init__(self, *, durable: bool = False) -> None:
        """Make the files; nothing runs yet.

        Args:
            durable: Whether what is committed outlives a crash, as it does in use.
        """
        self._programs = programs()
        self._folder = Path(tempfile.mkdtemp(prefix="harkara-postgres-"))
        self._user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if os.geteuid() == 0:
            shutil.chown(self._folder, "postgres", "postgres")
        else:
            self._user = []
        self._server: subprocess.Popen[bytes] | None = None
        self._numbers = count(1)
        self.port = _free_port()
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        self._run(
            "initdb",
            f"--pgdata={self._data}",
            f"--username={USER}",
            f"--pwfile={secret}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        )
        settings = dict(_SETTINGS)
        settings["port"] = str(self.port)
        settings["unix_socket_directories"] = f"'{self._folder}'"
        if not durable:
            settings |= {
                "fsync": "off",
                "synchronous_commit": "off",
                "full_page_writes": "off",
                "autovacuum": "off",
            }
        with (self._data / "postgresql.conf").open("a") as file:
            file.writelines(
                f"{name} = {value if value.startswith(chr(39)) else repr(value)}\n"
                for name, value in settings.items()
            )

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and leave nothing."""
        self.stop("immediate")
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._server is not None
        return self._server.pid

    def url(self, database: str) -> str:
        """Return the address of a database, with its password."""
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._server = subprocess.Popen(  # noqa: S603 - PostgreSQL's own program
                [*self._as_owner(), self._programs / "postgres", "-D", self._data],
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                self._connected("postgres").close()
            except psycopg.OperationalError:
                if self._server.poll() is not None or time.monotonic() > deadline:
                    pytest.fail(f"PostgreSQL does not start:\n{self.log()}")
                time.sleep(0.05)
            else:
                return

    def stop(self, how: str = "fast") -> None:
        """End the server: *fast* in order, *immediate* as a crash does."""
        if self._server is None:
            return
        ways = {"fast": signal.SIGINT, "immediate": signal.SIGQUIT}
        self._server.send_signal(ways[how])
        self._server.wait(PATIENCE)
        self._server = None

    def log(self) -> str:
        """Return what the server has said."""
        return (self._folder / "log").read_text(errors="replace")

    def database(self, template: str = "template1") -> str:
        """Make a database like *template* and return its address."""
        name = f"test_{next(self._numbers)}"
        self.ask(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return self.url(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is connected."""
        name = sql.Identifier(url.rsplit("/", 1)[1])
        self.ask(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))

    def ask(
        self, statement: sql.SQL | sql.Composed, database: str = "postgres"
    ) -> None:
        """Run a statement outside any transaction."""
        with self._connected(database) as connection:
            connection.execute(statement)

    def _connected(self, database: str) -> psycopg.Connection:
        return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)

    def _as_owner(self) -> list[str]:
        """Run what follows as the files' owner, and end it with this process."""
        tool = shutil.which("setpriv")
        if tool is None:  # not on Linux
            return []
        return [tool, "--pdeathsig=QUIT", *self._user]

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - PostgreSQL's own program
            [*self._as_owner(), self._programs / program, *arguments],
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(f"{program} failed:\n{done.stdout}{done.stderr}")


def _free_port() -> int:
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port: int = asked.getsockname()[1]
    return port
