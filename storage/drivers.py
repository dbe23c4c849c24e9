"""Who waits for the database: threads of our own, or the caller itself.

The database's library waits for the disk and for locks, and the event loop must not.
So each engine has as many threads as connections, and whatever is done with one is a
plain function, run in one of them. A test that must come out the same every time does
without threads.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class Driver(Protocol):
    """Runs functions that may wait for the disk."""

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Return what *work* returns; it is never cut short by a cancellation."""

    @property
    def closed(self) -> bool:
        """Whether it runs nothing more."""

    def close(self) -> None:
        """Run nothing more."""


class Threads:
    """Runs them in threads that nobody else uses."""

    def __init__(self, number: int) -> None:
        self._threads = ThreadPoolExecutor(number, thread_name_prefix="database")
        self.closed = False

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Await *work* to its end, and only then let a cancellation through.

        A thread that is at work on a statement cannot be called back; a connection
        given up meanwhile would keep the file locked.
        """
        loop = asyncio.get_running_loop()
        running = loop.run_in_executor(self._threads, work, *args)
        cancelled: asyncio.CancelledError | None = None
        while not running.done():
            try:
                await asyncio.wait({running})
            except asyncio.CancelledError as error:
                cancelled = error
        if cancelled is not None:
            running.exception()  # looked at, so that nobody warns of it
            raise cancelled
        return running.result()

    def close(self) -> None:
        """Let the threads end once they have nothing to do."""
        self.closed = True
        self._threads.shutdown(wait=False)


class Inline:
    """Runs them where they are asked for: the loop waits, and nothing else moves."""

    def __init__(self, number: int) -> None:
        """Take the number of connections, which makes no difference here."""
        del number
        self.closed = False

    async def run(self, work: Callable[..., T], *args: object) -> T:
        """Run *work* at once."""
        return work(*args)

    def close(self) -> None:
        """Run nothing more."""
        self.closed = True
