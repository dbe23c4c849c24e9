"""Faults on request: per recipient, for the next few calls, or by chance."""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .log import keys_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

#: What can go wrong with a call: the name, and what happens on the wire.
CALL_FAULTS = {
    "slow": "the call is carried out and answered after `seconds`",
    "cut_before": "the connection drops without an answer; nothing was done",
    "cut_after": "the connection drops without an answer; it was done all the same",
    "hang": "no answer ever; nothing was done (`stored`: it was)",
    "error": "`status` with `description`; nothing was done (`stored`: it was)",
    "deleted": "Telegram's 500: the message was visible and is gone at once",
}
#: What can go wrong with Twilio's status callbacks.
CALLBACK_FAULTS = {
    "late": "comes `seconds` later",
    "doubled": "comes twice",
    "reordered": "comes after the one that should follow it",
    "lost": "never comes",
    "early": "comes before the answer to the POST that made the message",
}


@dataclass(slots=True, eq=False)
class Fault:
    """One thing that will go wrong."""

    kind: str
    provider: str | None = None  #: ``telegram``, ``twilio`` or either
    method: str | None = None  #: ``sendMessage``, ``Messages.create``, … or any
    times: int | None = 1  #: how often, ``None`` for until cleared
    probability: float = 1.0
    seconds: float = 0.0
    status: int = 500  #: HTTP status of an ``error``
    description: str = "Internal Server Error"
    retry_after: int | None = None  #: seconds
    code: int | None = None  #: Twilio's error code
    stored: bool = False  #: carried out although the caller is told otherwise
    callback: str | None = None  #: only for this status, e.g. ``delivered``
    played: int = 0


class Faults:
    """The script: what goes wrong next, and for whom."""

    def __init__(self, *, seed: int = 0) -> None:
        self._random = random.Random(f"faults {seed}")  # noqa: S311 - repeatable
        self._calls: defaultdict[str, list[Fault]] = defaultdict(list)
        self._callbacks: defaultdict[str, list[Fault]] = defaultdict(list)
        self.switch: Callable[[str, bool], Awaitable[None]] | None = None
        self.drop_idle: Callable[[str], int] | None = None

    # --- calls -----------------------------------------------------------

    def add(self, kind: str, *, to: Any = None, **details: Any) -> Fault:
        """Script a fault of *kind* (`CALL_FAULTS`) for calls about *to*, or all."""
        if kind not in CALL_FAULTS:
            raise ValueError(f"no such fault: {kind}; known: {', '.join(CALL_FAULTS)}")
        return self._put(self._calls, Fault(kind, **details), to)

    def slow(self, seconds: float, *, to: Any = None, **details: Any) -> Fault:
        """Answer only after *seconds*; the message is visible before."""
        return self.add("slow", to=to, seconds=seconds, **details)

    def cut_before(self, *, to: Any = None, **details: Any) -> Fault:
        """Drop the connection before anything was stored."""
        return self.add("cut_before", to=to, **details)

    def cut_after(self, *, to: Any = None, **details: Any) -> Fault:
        """Store the message, then drop the connection without an answer."""
        return self.add("cut_after", to=to, **details)

    def hang(self, *, to: Any = None, **details: Any) -> Fault:
        """Never answer."""
        return self.add("hang", to=to, **details)

    def too_many(self, retry_after: int, *, to: Any = None, **details: Any) -> Fault:
        """Answer 429 and ask for *retry_after* seconds."""
        return self.add(
            "error",
            to=to,
            status=429,
            description=f"Too Many Requests: retry after {retry_after}",
            retry_after=retry_after,
            code=20429,
            **details,
        )

    def error(
        self, status: int, description: str = "", *, to: Any = None, **details: Any
    ) -> Fault:
        """Answer *status* with *description*, complete with its prefix."""
        text = description or STANDARD.get(status, "Internal Server Error")
        return self.add("error", to=to, status=status, description=text, **details)

    def unauthorized(self, *, to: Any = None, **details: Any) -> Fault:
        """Answer 401, as after the token was revoked; until cleared."""
        details.setdefault("times", None)
        return self.error(401, "Unauthorized", to=to, code=20003, **details)

    def immediately_deleted(self, *, to: Any = None, **details: Any) -> Fault:
        """Answer Telegram's 500 about a message that was visible for a moment."""
        return self.add("deleted", to=to, provider="telegram", **details)

    # --- callbacks -------------------------------------------------------

    def callbacks(self, kind: str, *, to: Any = None, **details: Any) -> Fault:
        """Script a fault of *kind* (`CALLBACK_FAULTS`) for status callbacks.

        Args:
            kind: ``late`` (with ``seconds``), ``doubled``, ``reordered``, ``lost``
                or ``early``.
            to: Whose messages; everybody's if omitted.
            details: Fields of `Fault`; ``callback`` restricts it to one status.
        """
        if kind not in CALLBACK_FAULTS:
            known = ", ".join(CALLBACK_FAULTS)
            raise ValueError(f"no such fault: {kind}; known: {known}")
        details.setdefault("times", None)
        return self._put(self._callbacks, Fault(kind, **details), to)

    # --- the whole provider ----------------------------------------------

    async def down(self, provider: str) -> None:
        """Refuse connections to *provider*, and drop those that are open."""
        if self.switch is not None:
            await self.switch(provider, False)  # noqa: FBT003 - down

    async def up(self, provider: str) -> None:
        """Listen again, on the same port."""
        if self.switch is not None:
            await self.switch(provider, True)  # noqa: FBT003 - up

    def close_idle(self, provider: str) -> int:
        """Close the idle kept-alive connections now; return how many."""
        return self.drop_idle(provider) if self.drop_idle is not None else 0

    def forget(self, faults: Iterable[Fault]) -> None:
        """Forget these, played or not."""
        gone = set(map(id, faults))
        for script in (self._calls, self._callbacks):
            for key, scripted in script.items():
                script[key] = [each for each in scripted if id(each) not in gone]

    def awaits(self, fault: Fault) -> bool:
        """Say whether *fault* may still be played."""
        spent = fault.times is not None and fault.played >= fault.times
        scripts = (self._calls, self._callbacks)
        return not spent and any(
            fault in scripted for script in scripts for scripted in script.values()
        )

    def clear(self) -> None:
        """Forget every scripted fault."""
        self._calls.clear()
        self._callbacks.clear()

    # --- for the providers -----------------------------------------------

    def next_call(self, provider: str, method: str, to: str | None) -> Fault | None:
        """Return the fault this call must suffer, and count it."""
        if not self._calls:
            return None
        return self._pick(self._calls, to, provider=provider, method=method)

    def is_early(self, to: str) -> bool:
        """Say whether callbacks must overtake the answer, and count it."""
        return self._pick(self._callbacks, to, kind="early") is not None

    def callback_faults(self, to: str, status: str) -> dict[str, Fault]:
        """Return the faults this callback must suffer, by kind, and count them."""
        found: dict[str, Fault] = {}
        if not self._callbacks:
            return found
        for kind in CALLBACK_FAULTS:
            if kind == "early":
                continue
            fault = self._pick(self._callbacks, to, kind=kind, callback=status)
            if fault is not None:
                found[kind] = fault
        return found

    def _put(
        self, script: defaultdict[str, list[Fault]], fault: Fault, to: Any
    ) -> Fault:
        for key in ("",) if to is None else keys_of(to):
            script[key].append(fault)
        return fault

    def _pick(
        self, script: defaultdict[str, list[Fault]], to: str | None, **call: str
    ) -> Fault | None:
        for key in (to or "", "") if to else ("",):
            for fault in script.get(key, ()):
                if fault.times is not None and fault.played >= fault.times:
                    continue
                if any(getattr(fault, n) not in (None, v) for n, v in call.items()):
                    continue
                if fault.probability < 1 and self._random.random() >= fault.probability:
                    continue
                fault.played += 1
                return fault
        return None


STANDARD = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}
