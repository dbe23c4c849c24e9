"""How often the providers let themselves be called."""

from __future__ import annotations

import math
from collections import defaultdict, deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """At most *count* calls in any *seconds*."""

    count: int
    seconds: float


BOT = Rate(30, 1)
PAID = Rate(1000, 1)
CHAT = Rate(1, 1)
GROUP = Rate(20, 60)
SENDER = Rate(80, 1)
PAIR = Rate(3, 18)  #: one per six seconds on average, three at once


class Windows:
    """Sliding windows, one per key, to the moment: the wire's jitter excuses nobody."""

    def __init__(self) -> None:
        self._calls: defaultdict[str, deque[float]] = defaultdict(deque)

    def wait(self, key: str, rate: Rate, now: float) -> float:
        """Return the seconds until *key* may be used again; zero means now."""
        calls = self._calls[key]
        since = now - rate.seconds
        while calls and (calls[0] <= since or calls[0] > now):
            calls.popleft()
        if len(calls) < rate.count:
            return 0.0
        return calls[-rate.count] - since

    def count(self, key: str) -> int:
        """Return how many calls counted when `wait` was asked last."""
        return len(self._calls[key])

    def note(self, key: str, now: float) -> None:
        """Count one call."""
        self._calls[key].append(now)


class TelegramRates:
    """30 a second per bot, 1 a second per chat, 20 a minute per group.

    Who pays may send a thousand a second; what goes beyond the thirty is charged.
    Paid or not, every message counts.
    """

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self.charged = 0  #: messages, at a tenth of a Star each
        self._windows = Windows()

    def refuse(
        self, chat: str, *, private: bool, paid: bool, now: float
    ) -> tuple[str, int] | None:
        """Count a message to *chat*, or say which rate forbids it and how long.

        Returns:
            ``None`` when the call may pass, else the rate's name and the whole
            seconds to wait. A refused call is not counted.
        """
        if not self.strict:
            return None
        windows = [("bot", "bot", PAID if paid else BOT), ("chat", chat, CHAT)]
        if not private:
            windows.append(("group", f"minute of {chat}", GROUP))
        for name, key, rate in windows:
            wait = self._windows.wait(key, rate, now)
            if wait > 0:
                return name, max(1, math.ceil(wait))
        if paid and self._windows.count("bot") >= BOT.count:
            self.charged += 1
        for _, key, _ in windows:
            self._windows.note(key, now)
        return None


class TwilioRates:
    """80 a second per sender, one per six seconds to one person."""

    def __init__(self, *, strict: bool) -> None:
        self.strict = strict
        self._windows = Windows()

    def exceeded(self, sender: str, to: str, now: float) -> int | None:
        """Count a message, and return the error it will end in, if any."""
        if not self.strict:
            return None
        pair = f"{sender}>{to}"
        if self._windows.wait(sender, SENDER, now) > 0:
            return 63017
        if self._windows.wait(pair, PAIR, now) > 0:
            return 63018
        self._windows.note(sender, now)
        self._windows.note(pair, now)
        return None
