"""The application as a process of its own, which may be killed and comes back."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr

from bot.cli.child import Child
from bot.config import PREFIX
from bot.domain.errors import HarkaraError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bot.config import Settings

log = logging.getLogger("harkara.demo")

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
#: Seconds for a start; one that takes longer hangs, and is ended.
START = 60.0
#: Seconds to count what a death left in doubt.
COUNTING = 5.0
#: Seconds between two looks at whether it is up.
LOOK = 0.03
#: So many deaths of its own accord within so many seconds are followed by a start.
RESTARTS, WITHIN = 3, 60.0


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
        self._child: Child | None = None
        self._watch: asyncio.Task[None] | None = None
        self._down_since: float | None = None
        self._deaths: deque[float] = deque(maxlen=RESTARTS + 1)
        self._killed = self._stopping = self._was_up = self._over = False
        self._hung = False
        self._moved = asyncio.Event()

    @property
    def down_for(self) -> float | None:
        """Seconds since it died; None before the first start and while it is up."""
        return None if self._down_since is None else time.monotonic() - self._down_since

    @property
    def pid(self) -> int | None:
        """Its process, if there is one."""
        return self._child.pid if self._child is not None else None

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
        """Let the process load what it needs; it does nothing before `start`.

        Raises:
            ValueError: There is one already.
        """
        self._must_not_run()
        self._stopping = self._was_up = self._over = False
        self.recovered_in = self.doubtful = self._down_since = None
        await self._spawn()
        self._become("starting")

    async def start(self) -> None:
        """Start it, and wait until it is up.

        Raises:
            HarkaraError: It did not come up; its log says why.
            ValueError: It was started before, and not stopped since.
        """
        if self._is_watched or not self._is_alive:
            await self.prepare()
        self._go()
        self._watch = asyncio.create_task(self._keep_alive(), name="application")
        await self.wait_until("up")

    async def kill(self) -> None:
        """End it at once, as a crash or the machine's power would.

        Raises:
            ValueError: It is not there to be killed.
        """
        child = self._child
        if self._over:
            raise ValueError(
                "the application is not running, and does not start again by itself"
            )
        there = self._is_watched and self._is_alive
        if child is None or not there or self.state not in {"starting", "up"}:
            raise ValueError("the application is not running: wait until it is up")
        self._killed = True
        child.kill()
        await child.end()

    async def stop(self) -> None:
        """Let it drain and end; after ten seconds it is killed."""
        self._stopping = True
        watch, child = self._watch, self._child
        try:
            if watch is not None and child is not None and child.is_alive:
                child.terminate()
                await asyncio.wait({watch}, timeout=DRAIN)
        finally:
            if self._child is not None:
                self._child.kill()
            if watch is not None:
                watch.cancel()
                await asyncio.gather(watch, return_exceptions=True)
            if self._child is not None:
                await self._child.end()
                await self._child.last_words()
                self._gone()

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
        return self._child is not None and self._child.is_alive

    @property
    def _is_watched(self) -> bool:
        return self._watch is not None and not self._watch.done()

    def _must_not_run(self) -> None:
        if self._is_watched or self._is_alive:
            raise ValueError("the application runs already: stop it first")

    def _go(self) -> None:
        """Let the process begin; `_keep_alive` sees whether it comes up."""
        assert self._child is not None  # noqa: S101 - _spawn came before
        self._child.begin()
        self.starts += 1
        self._become("starting")

    async def _spawn(self) -> None:
        self._killed = self._hung = False
        self._child = await Child.start(
            sys.executable,
            "-c",
            PROGRAM,
            "run",
            hear=self._hear,
            env=environment(self._settings),
            cwd=self._folder,
        )

    async def _keep_alive(self) -> None:
        """Watch one life after another, until there have been too many."""
        try:
            while True:
                child = self._child
                assert child is not None  # noqa: S101 - _spawn came before
                await self._live(child)
                self._gone()
                if not self._may_go_on(child.status):
                    return
                self.doubtful = await self._counted()
                pause = self._pause if self._killed else 0
                await self._spawn()
                await asyncio.sleep(pause)
                if self._stopping:
                    return
                self._go()
        except OSError as error:
            self._call(
                self._tell,
                f"The application cannot be started again ({error.strerror}); it stays "
                "down.",
            )
        finally:
            self._over = True
            self._gone()
            self._moved.set()  # whoever waits for a state that will not come is told

    async def _live(self, child: Child) -> None:
        """See *child* up, and return when it is dead."""
        looking = asyncio.create_task(self._see_up(child))
        try:
            await child.end()
        finally:
            looking.cancel()
            await asyncio.gather(looking, return_exceptions=True)
        await child.last_words()

    async def _see_up(self, child: Child) -> None:
        try:
            async with asyncio.timeout(START):
                while not await self._answers():  # noqa: ASYNC110 - another process has no event
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            self._hung = True
            child.kill()
            return
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

    async def _counted(self) -> int | None:
        """Ask how many calls were under way; a failure to know holds up no start."""
        if self._count is None:
            return None
        try:
            async with asyncio.timeout(COUNTING):
                return await self._count()
        except Exception:
            log.exception("the calls under way could not be counted")
            return None

    def _may_go_on(self, status: int | None) -> bool:
        """Say whether to start it again; tell what nobody did on purpose."""
        if self._stopping:
            return False
        if self._killed:
            return True
        if self._hung:
            self._call(
                self._tell,
                f"The application did not come up within {START:g} seconds, and was "
                "ended; it stays down.",
            )
        if self._hung or not self._was_up:
            return False
        now = time.monotonic()
        self._deaths.append(now)
        recent = sum(now - death < WITHIN for death in self._deaths)
        again = recent <= RESTARTS
        self._call(
            self._tell,
            f"The application ended by itself, with status {status}: its last words "
            "are above. "
            + (
                "It is started again."
                if again
                else f"That was {recent} times within a minute; it stays down."
            ),
        )
        return again

    def _become(self, state: str) -> None:
        if state == self.state:
            return
        self.state = state
        self._moved.set()
        if self._changed is not None:
            self._call(self._changed)

    def _gone(self) -> None:
        """It is dead: say so, and since when."""
        if self.state == "down":
            return
        self._down_since = time.monotonic()
        self.recovered_in = self.doubtful = None
        self._become("down")

    def _call(self, listener: Callable[..., None], *words: str) -> None:
        """Call *listener*, whose failure must not end the watch."""
        try:
            listener(*words)
        except Exception:
            log.exception("what became of the application could not be shown")


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
