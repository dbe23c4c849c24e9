"""A child process: what it writes is always read, and its end is seen when it comes."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

log = logging.getLogger("harkara.demo")

#: Bytes of a line that are passed on; the rest of a longer one is dropped.
LONGEST = 2**16
#: What stands for the rest.
CUT = " … (cut)"
#: Seconds after its end for its last words: a process it began may hold the pipe.
LAST_WORDS = 2.0


class Child(asyncio.SubprocessProtocol):
    """One life of a program, from its start to its end.

    What it writes to standard error is taken in by the event loop itself, as it comes
    and however long its lines are. No task reads, so none can end too early: a child
    whose pipe is full stands still in the midst of its work.

    Args:
        hear: Is given each line; if it raises, that line is lost and no other.
    """

    def __init__(self, hear: Callable[[str], None]) -> None:
        self._hear = hear
        self._line = bytearray()
        self._cut = self._complained = False
        self._transport: asyncio.SubprocessTransport | None = None
        self._dead = asyncio.Event()
        self._silent = asyncio.Event()

    @classmethod
    async def start(
        cls,
        *program: str,
        hear: Callable[[str], None],
        env: Mapping[str, str],
        cwd: Path,
    ) -> Child:
        """Start *program* in a session of its own.

        A Ctrl-C in the terminal is for us alone: we stop it once we have unwound.

        Raises:
            OSError: The machine has no room for a process.
        """
        loop = asyncio.get_running_loop()
        _, child = await loop.subprocess_exec(
            lambda: cls(hear),
            *program,
            env=env,
            cwd=cwd,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        return child

    @property
    def pid(self) -> int:
        """Its number, also when it is gone."""
        return self._running.get_pid()

    @property
    def status(self) -> int | None:
        """Its exit status, negative for a signal; None while it lives."""
        return self._running.get_returncode()

    @property
    def is_alive(self) -> bool:
        """Whether there is such a process."""
        return self.status is None

    def begin(self) -> None:
        """Write an empty line to its standard input, unless that is closed."""
        stdin = self._running.get_pipe_transport(0)
        assert isinstance(stdin, asyncio.WriteTransport)  # noqa: S101 - asked for
        stdin.write(b"\n")

    def terminate(self) -> None:
        """Ask it to end, if it lives."""
        with suppress(ProcessLookupError):
            self._running.terminate()

    def kill(self) -> None:
        """End it as a crash would, if it lives."""
        with suppress(ProcessLookupError):
            self._running.kill()

    async def end(self) -> None:
        """Wait until it is dead, whoever still holds its pipes."""
        await self._dead.wait()

    async def last_words(self) -> None:
        """Wait until all that a dead one wrote was heard; `LAST_WORDS` at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS):
                await self._silent.wait()
        self._running.close()

    # --- what the event loop calls ------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep what governs the process."""
        assert isinstance(transport, asyncio.SubprocessTransport)  # noqa: S101 - is it
        self._transport = transport

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - the library's shape
        """Pass on every line that is complete."""
        *whole, rest = data.split(b"\n")
        for each in whole:
            self._add(each)
            self._pass_on()
        self._add(rest)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:  # noqa: ARG002 - as above
        """Pass on what ended without the end of a line."""
        if fd == 2:  # noqa: PLR2004 - standard error
            if self._line:
                self._pass_on()
            self._silent.set()

    def process_exited(self) -> None:
        """Let whoever waits for its end know."""
        self._dead.set()

    # --- inside ----------------------------------------------------------------

    @property
    def _running(self) -> asyncio.SubprocessTransport:
        assert self._transport is not None  # noqa: S101 - given before `start` returns
        return self._transport

    def _add(self, piece: bytes) -> None:
        room = LONGEST - len(self._line)
        self._line += piece[:room]
        self._cut = self._cut or len(piece) > room

    def _pass_on(self) -> None:
        text = self._line.decode(errors="replace").rstrip() + (CUT if self._cut else "")
        self._line.clear()
        self._cut = False
        try:
            self._hear(text)
        except Exception as error:  # noqa: BLE001 - what shows a line may fail in any way
            if not self._complained:
                self._complained = True
                log.error(  # noqa: TRY400 - its words may quote the line
                    "lines of the application's log could not be shown",
                    extra={"error": type(error).__name__},
                )
