"""The command line before a database of its own, and what a person then reads."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner, Result

from bot.cli.root import app
from bot.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Desk:
    """Runs ``harkara`` in a folder, with settings of a file there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "harkara.toml"
        self.settings: dict[str, str] = {"database": str(folder / "harkara.db")}

    def write(self, **settings: str) -> None:
        """Put settings into the file."""
        self.settings |= settings
        lines = [
            f"{name} = {json.dumps(value)}\n" for name, value in self.settings.items()
        ]
        self.file.write_text("".join(lines), encoding="utf-8")

    def run(self, *arguments: object, stdin: str | None = None) -> Result:
        """Run a command in this process."""
        words = [str(each) for each in arguments]
        return CliRunner().invoke(app, words, input=stdin)

    def ok(self, *arguments: object, stdin: str | None = None) -> str:
        """Run a command that succeeds; return what it prints."""
        result = self.run(*arguments, stdin=stdin)
        assert result.exit_code == 0, (result.stderr, result.exception)
        return result.stdout

    def refused(self, *arguments: object, status: int = 1) -> str:
        """Run a command that fails; return what a person is told."""
        result = self.run(*arguments)
        assert result.exit_code == status, (result.output, result.exception)
        assert isinstance(result.exception, SystemExit), "no traceback"
        assert not result.stdout
        return result.stderr

    def process(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        """Start a command in a process of its own."""
        return subprocess.Popen(  # noqa: S603 - our own command, our own words
            [sys.executable, "-c", "from bot.cli import main; main()", *arguments],
            cwd=self.folder,
            env={"PATH": os.environ["PATH"], **environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A folder with a settings file and nothing else."""
    monkeypatch.chdir(tmp_path)
    for name in [each for each in os.environ if each.startswith("HARKARA_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("COLUMNS", "200")  # a wide terminal breaks no line
    desk = Desk(tmp_path)
    desk.write()
    return desk


@pytest.fixture
def desk(bare: Desk) -> Desk:
    """A folder with a database."""
    bare.ok("database", "upgrade")
    return bare


class Elsewhere:
    """A sandbox on a thread and loop of its own: the commands make their own loop."""

    def __init__(self) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def __enter__(self) -> Sandbox:
        """Return it once it listens."""
        self._thread.start()
        assert self._ready.wait(10)
        return self.sandbox

    def __exit__(self, *exception: object) -> None:
        """Stop it."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        async with Sandbox(rate="unlimited") as self.sandbox:
            self._ready.set()
            await self._stop.wait()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Elsewhere() as sandbox:
        yield sandbox


@pytest.fixture
def connected(desk: Desk, sandbox: Sandbox) -> Desk:
    """A desk with both providers."""
    desk.write(
        bot_token=sandbox.bot_token,
        telegram_api=sandbox.telegram_url,
        twilio_api=sandbox.twilio_url,
        twilio_account_sid=sandbox.account_sid,
        twilio_auth_token=sandbox.auth_token,
        whatsapp_number=sandbox.whatsapp_number,
        public_url="https://desk.example",
    )
    return desk


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def running(connected: Desk, free_port: int) -> Iterator[subprocess.Popen[str]]:
    """The application, up."""
    connected.write(listen=f"127.0.0.1:{free_port}")
    process = connected.process("run")
    assert process.stderr
    line = process.stderr.readline()
    assert "INFO harkara.app up senders=2" in line
    yield process
    process.kill()
    process.communicate()
