"""What every contender shares: what it is asked, how it sends, what it measured.

Standard library only: the contenders run in an environment without Harkara.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import resource
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine

TOKEN = "123456789:" + "A" * 35
ACCOUNT = "AC" + "0" * 31 + "1"
PASSWORD = "f" * 32
FROM = "+15550000001"
#: 790 bytes of HTML, as a story of a few sentences comes to.
TEXT = (
    "<b>The pass is open</b>\n\n"
    + "The pass was opened on Friday after nine days of snow, the army said. " * 10
    + '\n\n<a href="https://news.example/pass">Read on at news.example</a>'
)[:790]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What one contender is asked to do, once."""

    base: str  #: the server's address, without a slash at its end
    messages: int
    concurrency: int = 100
    core: int | None = None  #: the only core to run on
    seconds: float = 0.0  #: stop then, sent or not; 0 for never
    rate: float = 0.0  #: messages a second, where the contender paces; 0 for no limit
    lead: float = 2.0  #: seconds from the first message to the window that counts
    folder: str = ""  #: for files; gone afterwards
    options: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of_arguments(cls) -> Spec:
        """Read it from the command line, and run where it says."""
        spec = cls(**json.loads(sys.argv[1]))
        if spec.core is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, {spec.core})
        return spec


@dataclass(slots=True, kw_only=True)
class Measured:
    """What one run came to."""

    messages: int
    seconds: float
    cpu_seconds: float  #: user and system, all threads of the process
    rss_mb: float  #: the most the process ever held
    loop_seconds: float = 0.0  #: of the processor time, the event loop's thread's
    verified: bool = True  #: whether all was found to be as promised afterwards
    extra: dict[str, Any] = field(default_factory=dict)

    def tell(self) -> None:
        """Hand it to whoever started this process."""
        sys.stdout.write(json.dumps(asdict(self)) + "\n")
        sys.stdout.flush()


class Stopwatch:
    """Wall and processor time since it was made."""

    def __init__(self) -> None:
        self._wall = time.perf_counter()
        self._cpu = cpu_seconds()
        self._thread = time.thread_time()

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.perf_counter() - self._wall

    def stop(self, messages: int, **extra: Any) -> Measured:
        """Say what *messages* have cost."""
        return Measured(
            messages=messages,
            seconds=self.seconds,
            cpu_seconds=cpu_seconds() - self._cpu,
            rss_mb=rss_mb(),
            loop_seconds=time.thread_time() - self._thread,
            extra=extra,
        )


def cpu_seconds() -> float:
    """Return what this process has used so far, user and system, all its threads."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def rss_mb(name: str = "VmHWM") -> float:
    """Return the most memory this process ever held; with ``VmRSS``, what it holds.

    `getrusage` would count what its parent held when it was started.
    """
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1024 * 1024 if sys.platform == "darwin" else 1024)


async def send_all(spec: Spec, send: Callable[[int], Awaitable[object]]) -> Measured:
    """Call *send* with the number of each chat, as many at a time as *spec* says.

    Returns:
        What it cost; calls that failed are counted apart and no messages.
    """
    chats = iter(range(1, spec.messages + 1))
    sent = failed = 0
    watch = Stopwatch()

    async def work() -> None:
        nonlocal sent, failed
        for chat in chats:
            if spec.seconds and watch.seconds > spec.seconds:
                return
            try:
                await send(chat)
            except Exception as error:  # noqa: BLE001 - counted, and one of them shown
                if not failed:
                    sys.stderr.write(f"{type(error).__name__}: {error}\n")
                failed += 1
            else:
                sent += 1

    async with asyncio.TaskGroup() as group:
        for _ in itertools.repeat(None, min(spec.concurrency, spec.messages)):
            group.create_task(work())
    measured = watch.stop(sent, failed=failed)
    measured.verified = not failed
    return measured


def run(
    work: Callable[[Spec], Coroutine[Any, Any, Measured]],
    *,
    uvloop: bool = False,
    start: Callable[[Coroutine[Any, Any, Measured]], Measured] | None = None,
) -> None:
    """Do *work* in a loop of its own, and tell what it measured.

    Args:
        work: What to do.
        uvloop: Whether in a loop of uvloop's.
        start: Runs the loop, instead of asyncio's own runner.
    """
    spec = Spec.of_arguments()
    factory = None
    if uvloop:
        import uvloop as faster  # not everybody's

        factory = faster.new_event_loop
    if start is not None:
        start(work(spec)).tell()
        return
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(work(spec)).tell()
