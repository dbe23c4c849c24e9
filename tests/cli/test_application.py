"""The application as a process: up, killed, back, drained, and never left behind."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest

from bot.cli import application as module
from bot.cli.application import Application, environment
from bot.config import Settings
from bot.domain.errors import HarkaraError
from bot.sandbox import Sandbox
from storage import upgrade

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

PATIENCE = 60  # seconds

#: A parent that starts the application, says so, and never stops it.
CARELESS = """
import asyncio, json, sys
from pathlib import Path
from bot.cli.application import Application
from bot.config import Settings

async def main():
    settings = Settings.model_validate(json.loads(sys.argv[1]))
    folder = Path(sys.argv[2])
    ignore = lambda words: None
    application = Application(settings, folder=folder, hear=ignore, tell=ignore)
    await application.start()
    print("up", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""
#: Begins, and never listens.
HANGING = """
import os
os.read(0, 1)
os.read(0, 1)  # until its parent is gone
"""
#: Listens, and talks; stands for the application where only its being there counts.
LISTENING = """
import os, socket
os.read(0, 1)
host, port = os.environ["HARKARA_LISTEN"].rsplit(":", 1)
with socket.create_server((host, int(port))) as server:
    while True:
        os.write(2, b"a line of the log\\n" * 10_000)
        server.accept()[0].close()
"""
#: Listens, and hears no signal.
DEAF = """
import os, signal, socket
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.read(0, 1)
host, port = os.environ["HARKARA_LISTEN"].rsplit(":", 1)
with socket.create_server((host, int(port))) as server:
    while True:
        server.accept()[0].close()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(rate="unlimited") as sandbox:
        yield sandbox


@pytest.fixture
async def values(sandbox: Sandbox, tmp_path: Path) -> dict[str, str]:
    """Settings as somebody would write them down."""
    database = tmp_path / "harkara.db"
    await upgrade(database)
    port = free_port()
    return {
        "bot_token": sandbox.bot_token,
        "telegram_api": sandbox.telegram_url,
        "twilio_account_sid": sandbox.account_sid,
        "twilio_auth_token": sandbox.auth_token,
        "twilio_api": sandbox.twilio_url,
        "whatsapp_number": sandbox.whatsapp_number,
        "public_url": f"http://127.0.0.1:{port}",
        "listen": f"127.0.0.1:{port}",
        "database": str(database),
        "log": "info",
    }


class Watched:
    """An application, and all that it says and becomes."""

    def __init__(self, values: dict[str, str], folder: Path) -> None:
        self.settings = Settings.model_validate(values)
        self.heard: list[str] = []
        self.told: list[str] = []
        self.states: list[str] = []
        self.application = Application(
            self.settings,
            folder=folder,
            hear=self.heard.append,
            tell=self.told.append,
            pause=0.01,
        )
        self.application.watch(changed=self._changed, count=self._count)

    @property
    def pid(self) -> int:
        """Its process, which there is."""
        assert self.application.pid is not None
        return self.application.pid

    def _changed(self) -> None:
        self.states.append(self.application.state)

    async def _count(self) -> int:
        return 3

    async def back(self) -> None:
        """Wait until it is gone and up again."""
        async with asyncio.timeout(PATIENCE):
            if self.application.state == "up":
                await self.application.wait_until("down")
            await self.application.wait_until("up")


@pytest.fixture
def watched(values: dict[str, str], tmp_path: Path) -> Watched:
    return Watched(values, tmp_path)


@asynccontextmanager
async def started(watched: Watched) -> AsyncIterator[Application]:
    application = watched.application
    try:
        async with asyncio.timeout(PATIENCE):
            await application.start()
        yield application
    finally:
        await application.stop()


async def test_a_kill_is_followed_by_a_start_of_its_own_accord(watched, sandbox):
    async with started(watched) as application:
        assert application.view() == {
            "state": "up",
            "starts": 1,
            "down_for": None,
            "recovered_in": None,
            "doubtful": None,
        }
        first = application.pid
        assert os.getsid(first or 0) != os.getsid(0), (
            "the terminal's Ctrl-C is not for it"
        )
        await application.kill()
        await watched.back()

        assert application.pid != first
        now = application.view()
        assert now["recovered_in"] > 0
        assert {**now, "recovered_in": 0} == {
            "state": "up",
            "starts": 2,
            "down_for": None,
            "recovered_in": 0,
            "doubtful": 3,
        }
        assert not watched.told, "somebody did this on purpose"
    assert watched.states == ["starting", "up", "down", "starting", "up", "down"]
    assert len(sandbox.log.calls("getMe")) == 2


async def test_being_stopped_it_drains(watched):
    async with started(watched):
        pass
    assert watched.heard[-1].endswith("INFO harkara.app drained")
    assert not watched.told
    assert watched.states[-1] == "down"
    with pytest.raises(ValueError, match="not running"):
        await watched.application.kill()


async def test_it_can_be_restarted_and_stopped_before_it_began(watched):
    async with started(watched) as application:
        await application.restart()
        assert application.view()["starts"] == 2
        assert application.state == "up"
    await application.prepare()
    await application.stop()
    assert application.state == "down"


async def test_deaths_nobody_asked_for_are_told_and_at_last_it_stays_down(
    watched, monkeypatch
):
    monkeypatch.setattr(module, "RESTARTS", 1)
    async with started(watched) as application:
        os.kill(watched.pid, signal.SIGKILL)
        await watched.back()
        (told,) = watched.told
        assert "ended by itself, with status -9" in told
        assert told.endswith("It is started again.")

        os.kill(watched.pid, signal.SIGKILL)
        await application.wait_until("down")
        with pytest.raises(HarkaraError):
            await asyncio.wait_for(application.wait_until("up"), PATIENCE)
        assert watched.told[1].endswith(
            "That was 2 times within a minute; it stays down."
        )
        assert application.view()["starts"] == 2


async def test_what_cannot_start_is_not_tried_again(watched):
    host, port = watched.settings.listen_address
    with socket.socket() as taken:
        taken.bind((host, port))  # bound, not listening: nobody answers there
        with pytest.raises(HarkaraError, match="did not come up; its log says why"):
            async with started(watched):
                pass
    assert "cannot be opened" in watched.heard[-1]
    assert watched.application.view()["starts"] == 1


async def test_it_does_not_outlive_a_parent_that_is_killed(values, tmp_path):
    parent = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        CARELESS,
        json.dumps(values),
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
    )
    assert parent.stdout is not None
    try:
        line = await asyncio.wait_for(parent.stdout.readline(), PATIENCE)
        assert line == b"up\n"
    finally:
        parent.kill()
        await parent.wait()
    host, port = values["listen"].split(":")
    async with asyncio.timeout(PATIENCE):
        while True:
            try:
                _, writer = await asyncio.open_connection(host, int(port))
            except ConnectionRefusedError:
                break
            writer.close()
            await asyncio.sleep(0.05)


async def test_no_line_of_its_log_holds_it_up(values, tmp_path, monkeypatch):
    """A terminal that cannot show a line; somebody must go on emptying the pipe."""
    monkeypatch.setattr(module, "PROGRAM", LISTENING)
    told: list[str] = []

    def hear(_line: str) -> None:
        raise ValueError("this terminal shows nothing")

    application = Application(
        Settings.model_validate(values),
        folder=tmp_path,
        hear=hear,
        tell=told.append,
        pause=0.01,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await application.start()
            await application.kill()
            await application.wait_until("down")
            await application.wait_until("up")
        assert application.view()["starts"] == 2
        assert not told
    finally:
        await application.stop()


async def test_what_hangs_in_its_start_is_ended_and_told(watched, monkeypatch):
    monkeypatch.setattr(module, "START", 0.5)
    monkeypatch.setattr(module, "PROGRAM", HANGING)
    with pytest.raises(HarkaraError, match="did not come up"):
        async with started(watched):
            pass
    (told,) = watched.told
    assert told.startswith("The application did not come up within 0.5 seconds")
    assert watched.states == ["starting", "down"]
    with pytest.raises(ProcessLookupError):
        os.kill(watched.pid, 0)
    with pytest.raises(ValueError, match="not start again"):
        await watched.application.kill()


async def test_what_does_not_drain_is_killed_and_down(watched, monkeypatch):
    monkeypatch.setattr(module, "DRAIN", 0.2)
    monkeypatch.setattr(module, "PROGRAM", DEAF)
    async with started(watched) as application:
        await asyncio.wait_for(application.stop(), PATIENCE)
        now = application.view()
        assert now["state"] == "down"
        assert now["down_for"] >= 0
        with pytest.raises(ProcessLookupError):
            os.kill(watched.pid, 0)


@pytest.mark.parametrize("trouble", ["fails", "hangs"])
async def test_a_count_that_fails_holds_up_no_start(watched, monkeypatch, trouble):
    monkeypatch.setattr(module, "PROGRAM", LISTENING)
    monkeypatch.setattr(module, "COUNTING", 0.1)

    async def count() -> int:
        if trouble == "fails":
            raise RuntimeError("it is closed")
        await asyncio.Event().wait()
        return 0

    watched.application.watch(changed=lambda: None, count=count)
    async with started(watched) as application:
        await application.kill()
        await watched.back()
        assert application.view()["doubtful"] is None
        assert application.view()["starts"] == 2


async def test_a_listener_that_fails_does_not_end_the_watch(watched, monkeypatch):
    monkeypatch.setattr(module, "PROGRAM", LISTENING)
    states: list[str] = []

    def changed() -> None:
        states.append(watched.application.state)
        raise ValueError("it is closed")

    watched.application.watch(changed=changed, count=watched._count)
    async with started(watched) as application:
        await application.kill()
        await watched.back()
    assert states == ["starting", "up", "down", "starting", "up", "down"]


async def test_when_no_process_can_be_had_it_is_told_and_stays_down(
    values, tmp_path, monkeypatch
):
    monkeypatch.setattr(module, "PROGRAM", LISTENING)
    folder = tmp_path / "gone"
    folder.mkdir()
    watched = Watched(values, folder)
    async with started(watched) as application:
        folder.rmdir()
        await application.kill()
        await application.wait_until("down")
        with pytest.raises(HarkaraError):
            await asyncio.wait_for(application.wait_until("up"), PATIENCE)
        assert application.state == "down"
    (told,) = watched.told
    assert told.startswith("The application cannot be started again (No such file")


async def test_there_is_only_ever_one(watched, monkeypatch):
    monkeypatch.setattr(module, "PROGRAM", LISTENING)
    application = watched.application
    await application.prepare()
    first = watched.pid
    with pytest.raises(ValueError, match="runs already"):
        await application.prepare()
    with pytest.raises(ValueError, match="not running"):
        await application.kill()  # nobody would see it dead
    async with started(watched):
        with pytest.raises(ValueError, match="runs already"):
            await application.start()
        assert watched.pid == first
        assert application.view()["starts"] == 1


def test_the_settings_travel_in_a_small_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("HARKARA_CONFIG", "/somebody/elses.toml")
    monkeypatch.setenv("AWS_SECRET", "x")
    settings = Settings.model_validate(
        {
            "bot_token": "7000000001:SANDBOX-token-of-the-pretend-bot-001",
            "own": ("a.example", "@b"),
            "database": tmp_path / "x.db",
            "telegram_webhook": False,
        }
    )
    found = environment(settings)
    assert found["HARKARA_BOT_TOKEN"] == settings.bot_token.get_secret_value()
    assert found["HARKARA_OWN"] == "a.example,@b"
    assert found["HARKARA_DATABASE"] == str(tmp_path / "x.db")
    assert found["HARKARA_TELEGRAM_WEBHOOK"] == "False"
    assert found.keys() - set(module.KEPT) == {
        "PYTHONUNBUFFERED",
        "HARKARA_BOT_TOKEN",
        "HARKARA_OWN",
        "HARKARA_DATABASE",
        "HARKARA_TELEGRAM_WEBHOOK",
    }
