"""The event loop of whatever runs for long: uvloop's, where there is one."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


def run_long(main: Coroutine[object, object, T]) -> T:
    """Run *main* to its end as `asyncio.run` does, on the fastest loop there is.

    Short commands do not ask for it: to load uvloop takes longer than it saves them.

    What has been loaded by now stays for good, and is left out of every look for
    garbage: under load a fifth of the time went into looking through it again.
    """
    gc.collect()
    gc.freeze()
    try:
        with asyncio.Runner(loop_factory=_fastest()) as runner:
            return runner.run(main)
    finally:
        gc.unfreeze()


def _fastest() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes a loop of uvloop; None where there is none, as on Windows."""
    try:
        import uvloop  # slow, and not everywhere
    except ImportError:
        return None
    return uvloop.new_event_loop
