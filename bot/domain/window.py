"""How many calls a provider can have counted, whatever the wire did to them.

A provider that allows *limit* calls in any *period* counts them when they arrive, and
we see only when they leave and when their answers come back. In between lies every
delay there is, another for each. A window over the moments of leaving is therefore
overrun by the provider's reckoning: two calls that left a whole period apart may
arrive closer together.

The window here is anchored at the answers. A call counts from its start until one
period after its answer, and no call starts while *limit* others count. *Proof:* let
some calls arrive within less than a period, and let the last of them to start be
``k``. Each other one arrived later than ``arrival(k) - period``, and so later than
``start(k) - period``; its answer came later still, or never came. So each of them
counted when ``k`` started, and there were fewer than *limit*.

It costs the time that answers take: at best ``limit / (period + answer time)`` calls a
second leave.
"""

from __future__ import annotations

import math
from collections import deque

#: Share of a period within which a late call is caught up with. Timers ring late; what
#: they lose would otherwise be lost for good.
TOLERANCE = 0.05


class Window:
    """At most *limit* calls in any *period*, evenly spread, by the answers' moments.

    It knows nothing of clocks: every moment is an argument, in seconds by a clock that
    is never set (`time.monotonic`, a loop of a simulation). Moments may not go back.
    Where an answer's moment is told too early, as by a clock of whole milliseconds, the
    proof is off by as much; a longer *period* makes up for it.

    Whoever is not sure what was sent before begins with `fill`.

    Args:
        limit: Calls, at least one.
        period: Seconds, more than none.
    """

    __slots__ = (
        "_answers",
        "_flying",
        "_interval",
        "_next",
        "_tolerance",
        "limit",
        "period",
    )

    def __init__(self, limit: int, period: float) -> None:
        if limit < 1 or not period > 0:
            raise ValueError("a window holds at least one call, and lasts")
        self.limit = limit
        self.period = period
        self._interval = period / limit
        self._tolerance = max(self._interval, period * TOLERANCE)
        self._next = -math.inf  # the pace: when the next call would be due
        self._flying = 0
        self._answers: deque[float] = deque()  # moments, in order

    @property
    def flying(self) -> int:
        """Calls that have not been answered."""
        return self._flying

    def fill(self, now: float) -> None:
        """Suppose that the provider has just counted as many calls as it allows."""
        self._answers.extend([now] * (self.limit - len(self._answers)))

    def earliest(self, now: float, *, after: int = 0) -> float:
        """Return when the next call may start: *now*, or later.

        Infinity while it takes an answer first.

        Args:
            now: The present moment.
            after: How many others start before it, each as early as it can. Answers
                that come meanwhile change nothing for the worse.
        """
        answers, gone = self._answers, now - self.period
        while answers and answers[0] <= gone:
            answers.popleft()
        must_go = self._flying + after + len(answers) - self.limit + 1
        if must_go <= 0:
            free = now
        elif must_go <= len(answers):
            # Reckoned as the loop above does, or rounding would have us ask in vain.
            free = answers[must_go - 1] + self.period
            while free - self.period < answers[must_go - 1]:
                free = math.nextafter(free, math.inf)
        else:
            return math.inf
        pace = max(self._next, now) + after * self._interval if after else self._next
        return max(now, free, pace - self._tolerance)

    def start(self, now: float) -> None:
        """Count a call that starts *now*; `earliest` has allowed it."""
        self._flying += 1
        self._next = max(self._next, now) + self._interval

    def answered(self, now: float) -> None:
        """Take it that a call has been answered *now*, or was given up.

        Whichever call it was: the provider had counted it by now.
        """
        self._flying -= 1
        self._answers.append(now)
