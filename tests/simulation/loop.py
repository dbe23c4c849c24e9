"""Time that passes only when nobody has anything left to do.

A `World` holds the one virtual time and what the outside does in it. Every simulated
process has a `Loop` of its own over that time: an event loop without a selector, whose
callbacks the world runs one by one. So a process can be left standing between any two
of its steps, for a while or for ever, and nothing of it notices.
"""

from __future__ import annotations

import asyncio
import heapq
import warnings
from collections import deque
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from contextvars import Context
    from random import Random

#: Steps after which time should have passed.
SPINNING = 20_000


class Killed(BaseException):
    """Raised in what is left of a process that was killed, to let go of it."""


class Spinning(Exception):
    """Somebody is busy without end, and time never passes."""


class Loop(asyncio.AbstractEventLoop):
    """An event loop of one process; it does no input or output at all."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, float, int, asyncio.TimerHandle]] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self.standing = False  #: frozen or dead: nothing of it runs
        self.dead = False
        self.steps = 0  #: callbacks run so far
        self.fuse: tuple[int, Callable[[], None]] | None = None  #: at which step what
        self.trouble: list[str] = []  #: what was given to the exception handler

    def time(self) -> float:
        return self._world.now

    def call_soon(
        self,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        if not self.dead:
            self.ready.append(handle)
        return handle

    call_soon_threadsafe = call_soon

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: object,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        if not self.dead:
            # Of timers for the same moment any may be the first.
            order = self._world.rng.random()
            entry = (when, order, self._world.number(), handle)
            heapq.heappush(self._timers, entry)
        return handle

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Be told, as asyncio's own loops are; a cancelled timer is passed over."""

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override] # as asyncio's own
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        self._tasks.append(task)
        return task

    def run_in_executor(
        self, executor: object, func: Callable[..., Any], *args: object
    ) -> asyncio.Future[Any]:
        """Run *func* at once, and let its result be known a step later."""
        future = self.create_future()
        try:
            future.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - handed to the one that waits
            future.set_exception(error)
        return future

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead:
            self.trouble.append(f"{context.get('message')}: {context.get('exception')}")

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def next_timer(self) -> float | None:
        """When the next timer comes, cancelled ones passed over."""
        while self._timers and self._timers[0][3].cancelled():
            heapq.heappop(self._timers)
        return self._timers[0][0] if self._timers else None

    def ripen(self) -> None:
        """Make ready what the time has come for."""
        now = self._world.now
        while self._timers and self._timers[0][0] <= now:
            handle = heapq.heappop(self._timers)[3]
            if not handle.cancelled():
                self.ready.append(handle)

    def step(self) -> None:
        """Run one callback."""
        handle = self.ready.popleft()
        if handle.cancelled():
            return
        self.steps += 1
        asyncio._set_running_loop(self)
        try:
            handle._run()
        finally:
            asyncio._set_running_loop(None)
        if self.fuse is not None and self.steps >= self.fuse[0]:
            blow, self.fuse = self.fuse[1], None
            blow()

    def kill(self) -> None:
        """Run nothing more, not even what stands in a `finally`."""
        self.standing = self.dead = True
        self.ready.clear()
        self._timers.clear()

    def bury(self) -> None:
        """Let go of what a killed process left, once nobody looks any more.

        Its coroutines are unwound here, where they can touch nothing, and not by the
        garbage collector at a moment of its own.
        """
        asyncio._set_running_loop(self)
        try:
            with warnings.catch_warnings():
                # Whatever had not been begun yet never will be.
                warnings.simplefilter("ignore", RuntimeWarning)
                while self._tasks:
                    _unwind(self._tasks.pop())
        finally:
            asyncio._set_running_loop(None)


def _unwind(task: asyncio.Task[Any]) -> None:
    task._log_destroy_pending = False  # type: ignore[attr-defined] # CPython's own switch
    coroutine = task.get_coro()
    for _ in range(30):  # a `finally` may await once more
        try:
            coroutine.throw(Killed())
        except BaseException:  # noqa: BLE001 - it is let go, whatever it says
            return


class World:
    """Virtual time in seconds from 0, and what happens in it."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.now = 0.0
        self.loops: list[Loop] = []
        self._events: list[tuple[float, float, int, Callable[[], object]]] = []
        self._number = 0

    def number(self) -> int:
        """Return a number that has not been used before."""
        self._number += 1
        return self._number

    def at(self, when: float, happens: Callable[[], object]) -> None:
        """Have the outside do something at a moment."""
        entry = (when, self.rng.random(), self.number(), happens)
        heapq.heappush(self._events, entry)

    def after(self, delay: float, happens: Callable[[], object]) -> None:
        """Have the outside do something in *delay* seconds."""
        self.at(self.now + delay, happens)

    def run(self, until: float, *, over: Callable[[], bool]) -> None:
        """Let everything happen, in an order drawn by the seed.

        Args:
            until: The moment at which to stop at the latest.
            over: Asked whenever time is about to pass.
        """
        here = 0  # steps since time passed
        while True:
            able = [each for each in self.loops if not each.standing]
            for loop in able:
                loop.ripen()
            able = [each for each in able if each.ready]
            outside = bool(self._events) and self._events[0][0] <= self.now
            choices = len(able) + outside
            here += 1
            if here > SPINNING:
                raise Spinning(f"{here} steps at {self.now:.6f} s")
            if choices:
                chosen = 0 if choices == 1 else self.rng.randrange(choices)
                if chosen < len(able):
                    able[chosen].step()
                else:
                    heapq.heappop(self._events)[3]()
                continue
            here = 0
            if over() or not self._pass(until):
                return

    def _pass(self, until: float) -> bool:
        """Go to the next moment at which anything happens; whether there is one."""
        moments = [each.next_timer() for each in self.loops if not each.standing] + [
            self._events[0][0] if self._events else None
        ]
        upcoming = min((each for each in moments if each is not None), default=None)
        if upcoming is None or upcoming > until:
            self.now = until
            return False
        self.now = max(self.now, upcoming)
        return True
