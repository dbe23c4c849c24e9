"""When rows are marked, and when their calls start: the one a little before the other.

A call may start once its mark is durable. If a mark were written when the moment had
come, every commit would be lost to the sender. So a few rows are marked ahead of their
moments, and only the start of a call counts in the window.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.pacing import Rate

#: How long before its moment a row is marked, in seconds: longer than a commit takes,
#: and short enough that breaking news is not kept waiting.
LEAD = 0.1


class Timed(Protocol):
    """What leaves."""

    @property
    def slot(self) -> float:
        """When it may leave at the earliest, by the clock that is never set."""


C = TypeVar("C", bound=Timed)


class Departures(Generic[C]):
    """One sender's calls between their marks and their starts.

    It knows nothing of clocks: every moment is an argument, in seconds by a clock that
    is never set.
    """

    def __init__(self, rate: Rate) -> None:
        self._window = rate.window()
        self._most = int(rate.per_second * LEAD) + 1
        self._marking = 0
        self._marked: deque[C] = deque()

    def fill(self, now: float) -> None:
        """Suppose that the provider has just counted as many calls as it allows."""
        self._window.fill(now)

    def opening(self, slot: float, now: float) -> float:
        """Say when a row whose own moment is *slot* may be marked: *now*, or later.

        Infinity while that takes something else first: an answer, or a start.
        """
        ahead = self._marking + len(self._marked)
        if ahead >= self._most:
            return math.inf
        moment = max(slot, self._window.earliest(now, after=ahead))
        return max(now, moment - LEAD)

    def mark(self) -> None:
        """Take it that a row is being marked; `opening` has allowed it."""
        self._marking += 1

    def unmarked(self, count: int) -> None:
        """Take it that as many marks were not written."""
        self._marking -= count

    def marked(self, calls: Iterable[C]) -> None:
        """Keep *calls*, whose marks are durable, until they start."""
        before = len(self._marked)
        self._marked.extend(calls)
        self._marking -= len(self._marked) - before

    def next(self, now: float) -> float:
        """Say when the next marked call may start; infinity where none waits."""
        if not self._marked:
            return math.inf
        return max(self._marked[0].slot, self._window.earliest(now))

    def start(self, now: float) -> list[C]:
        """Return the calls that start *now*, and count them."""
        starting: list[C] = []
        while self.next(now) <= now:
            self._window.start(now)
            starting.append(self._marked.popleft())
        return starting

    def clear(self, now: float) -> list[C]:
        """Return all that have not started; they are answered without a call."""
        left, self._marked = list(self._marked), deque()
        for _ in left:
            self._window.start(now)
        return left

    def answered(self, now: float) -> None:
        """Take it that a call has been answered *now*, or was given up."""
        self._window.answered(now)
