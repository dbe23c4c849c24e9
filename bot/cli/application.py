"""The application as a process of its own, which may be killed and comes back."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from bot.config import PREFIX
from bot.domain.errors import HarkaraError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bot.config import Settings

#: What the child runs. Its standard input is a pipe that its parent holds open. A first
#: byte lets it begin: its imports take longer than all else, and need not wait for what
#: the parent prepares. When the pipe ends, so has the parent, however it ended, and
#: nobody would be left to stop the child.
PROGRAM = """\
import os, threading
import bot.app
from bot.cli import main
def tied():
    while os.read(0, 1):
        pass
    os._exit(1)
if not os.read(0, 1):
    os._exit(1)
threading.Thread(target=tied, daemon=True).start()
main()
"""
#: Of our own environment, what a Python program may need to run at all.
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "PYTHONPATH", "PTB_TIMEDELTA")
#: Seconds to drain in.
DRAIN = 10.0
#: Seconds between a kill and the next start.
PAUSE = 2.0
#: Seconds for a start.
START = 60.0
#: Seconds between two looks at whether it is up.
LOOK = 0.03
#: So many deaths of its own accord within so many seconds are followed by a start.
RESTARTS, WITHIN = 3, 60.0
#: Bytes of the longest line of its log.
LONGEST = 2**20


class Application:
    """Starts ``harkara run``, watches it, and starts it again when it is gone.

    Args:
        settings: What it is to run with.
        folder: Where it runs; no settings file is there.
        hear: Is given each line of its log.
        tell: Says to a person what happened of its own accord.
        pause: Seconds between a kill and the next start.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        folder: Path,
        hear: Callable[[str], None],
        tell: Callable[[str], None],
        pause: float = PAUSE,
    ) -> None:
        self.state = "none"  #: starting, up, down
        self.starts = 0
        self.recovered_in: float | None = None  #: seconds, after the last death
        self.doubtful: int | None = None  #: calls that the last death left in doubt
        self._settings = settings
        self._folder = folder
        self._hear = hear
        self._tell = tell
        self._changed: Callable[[], None] | None = None
        self._count: Callable[[], Awaitable[int | None]] | None = None
        self._pause = pause
        self._process: asyncio.subprocess.Process | None = None
        self._watch: asyncio.Task[None] | None = None
        self._down_since: float | None = None
        self._deaths: deque[float] = deque(maxlen=RESTARTS + 1)
        self._killed = self._stopping = self._was_up = self._over = False
        self._moved = asyncio.Event()

    @property
    def down_for(self) -> float | None:
        """Seconds since it died; None while it is up."""
        return None if self._down_since is None else time.monotonic() - self._down_since

    @property
    def pid(self) -> int | None:
        """Its process, if there is one."""
        return self._process.pid if self._process is not None else None

    def view(self) -> dict[str, Any]:
        """Return how it is, as the sandbox's page wants to hear it."""
        return {
            "state": self.state,
            "starts": self.starts,
            "down_for": self.down_for,
            "recovered_in": self.recovered_in,
            "doubtful": self.doubtful,
        }

    def watch(
        self, *, changed: Callable[[], None], count: Callable[[], Awaitable[int | None]]
    ) -> None:
        """Say who wants to know of it.

        Args:
            changed: Is called whenever its state is another.
            count: Is awaited when it has died, before the next start; returns how
                many calls were under way, if that is known.
        """
        self._changed, self._count = changed, count

    async def prepare(self) -> None:
        """Let the process load what it needs; it does nothing before `start`."""
        self._stopping = self._was_up = self._over = False
        self.recovered_in = self.doubtful = self._down_since = None
        await self._spawn()
        self._become("starting")

    async def start(self) -> None:
        """Start it, and wait until it is up.

        Raises:
            HarkaraError: It did not come up; its log says why.
        """
        if not self._is_alive:
            await self.prepare()
        self._go()
        self._watch = asyncio.create_task(self._keep_alive(), name="application")
        await self.wait_until("up")

    async def kill(self) -> None:
        """End it at once, as a crash or the machine's power would.

        Raises:
            ValueError: It is not there to be killed.
        """
        process = self._process
        there = self._is_alive and self.state in {"starting", "up"}
        if process is None or not there:
            raise ValueError("the application is not running: wait until it is up")
        self._killed = True
        process.kill()
        await process.wait()

    async def stop(self) -> None:
        """Let it drain and end; after ten seconds it is killed."""
        self._stopping = True
        watch = self._watch
        try:
            if watch is not None and self._is_alive and self._process is not None:
                self._process.terminate()
                await asyncio.wait({watch}, timeout=DRAIN)
        finally:
            if watch is not None:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
            if self._process is not None:
                if self._is_alive:
                    self._process.kill()
                await self._process.wait()
                self._become("down")

    async def restart(self) -> None:
        """Stop it and start it again."""
        await self.stop()
        await self.start()

    async def wait_until(self, state: str) -> None:
        """Wait for a state.

        Raises:
            HarkaraError: It is down for good.
        """
        while self.state != state and not self._over:
            self._moved.clear()
            await self._moved.wait()
        if self.state != state:
            raise HarkaraError("the application did not come up; its log says why")

    # --- inside ----------------------------------------------------------------

    @property
    def _is_alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def _go(self) -> None:
        """Let the process begin; `_keep_alive` sees whether it comes up."""
        assert self._process is not None  # noqa: S101 - _spawn came before
        assert self._process.stdin is not None  # noqa: S101 - asked for
        self._process.stdin.write(b"\n")
        self.starts += 1
        self._become("starting")

    async def _spawn(self) -> None:
        self._killed = False
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM,
            "run",
            env=environment(self._settings),
            cwd=self._folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST,
            # A Ctrl-C in the terminal is for us: we stop it once we have unwound.
            start_new_session=True,
        )

    async def _keep_alive(self) -> None:
        """Watch one life after another, until there have been too many."""
        try:
            while True:
                process = self._process
                assert process is not None  # noqa: S101 - _spawn came before
                await self._live(process)
                self._down_since = time.monotonic()
                self.recovered_in = self.doubtful = None
                self._become("down")
                if not self._may_go_on(process.returncode):
                    return
                if self._count is not None:
                    self.doubtful = await self._count()
                pause = self._pause if self._killed else 0
                await self._spawn()
                await asyncio.sleep(pause)
                self._go()
        finally:
            self._over = True
            self._moved.set()  # whoever waits for a state that will not come is told

    async def _live(self, process: asyncio.subprocess.Process) -> None:
        """See *process* up, and return when it is dead."""
        reading = asyncio.create_task(self._read(process))
        looking = asyncio.create_task(self._see_up())
        try:
            await process.wait()
            looking.cancel()
            await reading
        finally:
            for task in (looking, reading):
                task.cancel()
            await asyncio.gather(looking, reading, return_exceptions=True)

    async def _see_up(self) -> None:
        while not await self._answers():  # noqa: ASYNC110 - another process has no event
            await asyncio.sleep(LOOK)
        if self._down_since is not None:
            self.recovered_in = time.monotonic() - self._down_since
        self._down_since = None
        self._was_up = True
        self._become("up")

    async def _answers(self) -> bool:
        """Say whether it listens."""
        host, port = self._settings.listen_address
        try:
            _, writer = await asyncio.open_connection(host, port)
        except OSError:
            return False
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()
        return True

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None  # noqa: S101 - asked for
        async for line in process.stderr:
            self._hear(line.decode(errors="replace").rstrip())

    def _may_go_on(self, status: int | None) -> bool:
        """Say whether to start it again; tell what nobody did on purpose."""
        if self._stopping or not (self._killed or self._was_up):
            return False
        if self._killed:
            return True
        now = time.monotonic()
        self._deaths.append(now)
        recent = sum(now - death < WITHIN for death in self._deaths)
        again = recent <= RESTARTS
        self._tell(
            f"The application ended by itself, with status {status}: its last words "
            "are above. "
            + (
                "It is started again."
                if again
                else f"That was {recent} times within a minute; it stays down."
            )
        )
        return again

    def _become(self, state: str) -> None:
        if state == self.state:
            return
        self.state = state
        self._moved.set()
        if self._changed is not None:
            self._changed()


def environment(settings: Settings) -> dict[str, str]:
    """Return a small environment that carries *settings*."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    given = {
        f"{PREFIX}{name.upper()}": _written(getattr(settings, name))
        for name in settings.model_fields_set
    }
    return {**kept, "PYTHONUNBUFFERED": "1", **given}


def _written(value: Any) -> str:
    """Write a setting as the environment carries it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    if isinstance(value, tuple):
        return ",".join(value)
    return str(value)
