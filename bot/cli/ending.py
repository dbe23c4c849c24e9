"""How a long-running command ends: asked once in time, asked twice at once."""

from __future__ import annotations

import logging
import os
import signal
import threading
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    import asyncio
    from types import FrameType, TracebackType
    from typing import Self

log = logging.getLogger("harkara.app")

#: Seconds after the first signal in which the process has ended, whatever hangs; a
#: little less than the ten that are promised, and that containers are given.
WITHIN = 9.0
#: Seconds that the last line of the log may take.
LAST_WORDS = 0.5
#: Exit status if that time was over first: what it was asked for was not done.
LATE = 1
#: What a shell adds to a signal's number to make a status of it.
BY_SIGNAL = 128

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Ending:
    """Makes SIGINT and SIGTERM an orderly stop, and sees to it that an end comes.

    The first sets the application's event. If the process is still there `WITHIN`
    seconds later, or at a second signal, it ends as a crash would end it: what was
    being sent is found by the next start, and called doubtful. No event loop need be
    alive for that: a thread waits.
    """

    def __init__(self) -> None:
        self._asked = False
        self._stop: tuple[asyncio.AbstractEventLoop, asyncio.Event] | None = None
        self._timer = threading.Timer(WITHIN, self._late)
        self._timer.daemon = True
        self._before: dict[signal.Signals, signal._HANDLER] = {}

    def __enter__(self) -> Self:
        """Listen for the signals."""
        for each in _SIGNALS:
            self._before[each] = signal.signal(each, self._on_signal)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the signals as they were found."""
        self._timer.cancel()
        for each, before in self._before.items():
            signal.signal(each, before)

    @property
    def asked(self) -> bool:
        """Whether the end has been asked for."""
        return self._asked

    def attach(self, loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
        """Have *stop* set by the first signal, be it one that came already."""
        self._stop = (loop, stop)
        if self._asked:
            stop.set()

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._asked:
            _end(
                BY_SIGNAL + number,
                "stopped at once; the calls under way are in doubt",
            )
        self._asked = True
        self._timer.start()
        if self._stop is not None:
            loop, stop = self._stop
            loop.call_soon_threadsafe(stop.set)

    def _late(self) -> None:
        _end(LATE, "not drained in time; the calls under way are in doubt")


def _end(status: int, words: str) -> NoReturn:
    """End the process, log or no log: somebody may hold its lock, or read no more."""
    last = threading.Timer(LAST_WORDS, os._exit, [status])
    last.daemon = True
    last.start()
    log.error(words)
    os._exit(status)
