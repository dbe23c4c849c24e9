"""Stand-ins for what we do not own: a provider, and time."""

from __future__ import annotations

import asyncio
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.domain.errors import FailureKind, SendError, Undeliverable
from bot.domain.recipients import Address, Channel

if TYPE_CHECKING:
    from collections.abc import Collection

    from bot.domain.deliveries import Reference
    from bot.domain.messages import OutboundMessage
    from bot.ports import LookUp

#: When every fake clock begins, unless told otherwise.
DAWN = datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Sent:
    """One message that a `FakeMessenger` took."""

    to: Address
    message: OutboundMessage
    reference: Reference | None
    provider_id: str
    reply_to: str = ""
    paid: bool = False


class FakeMessenger:
    """Keeps what it is given, and fails when told to."""

    def __init__(
        self,
        channel: Channel = Channel.TELEGRAM,
        *,
        can_look_up: bool = False,
        delay: timedelta = timedelta(0),
    ) -> None:
        self.channel = channel
        self.can_look_up = can_look_up
        self.delay = delay  #: real time that a call takes
        self.calls = 0  #: sends begun, the failed ones included
        self.sent: list[Sent] = []
        #: What each message says now, by its id; None once it was deleted.
        self.shown: dict[str, OutboundMessage | None] = {}
        self.pinned: set[str] = set()
        self.changes: list[tuple[Address, str]] = []  #: edits and deletes, in order
        self.looked_up: list[tuple[Address, OutboundMessage, datetime]] = []
        self.others: list[set[str]] = []  #: what each look-up was told to leave out
        self.meanings: dict[str, SendError] = {}  #: what `explain` says of a code
        self._failures: dict[Address, deque[SendError]] = defaultdict(deque)
        self._findings: dict[Address, deque[LookUp | None]] = defaultdict(deque)

    def fail(self, to: Address, *errors: SendError) -> None:
        """Raise *errors*, one per call, instead of taking what is for *to*."""
        self._failures[to].extend(errors)

    def find(self, to: Address, *findings: LookUp | None) -> None:
        """Answer look-ups for *to* with *findings*, one per call, then with None."""
        self._findings[to].extend(findings)

    def texts(self, to: Address) -> list[str]:
        """Return the texts that *to* was sent, in order."""
        return [
            getattr(each.message, "text", "") for each in self.sent if each.to == to
        ]

    async def send(
        self,
        to: Address,
        message: OutboundMessage,
        reference: Reference | None,
        *,
        reply_to: str = "",
        paid: bool = False,
    ) -> str:
        await self._call(to)
        provider_id = f"fake-{len(self.sent) + 1}"
        self.sent.append(Sent(to, message, reference, provider_id, reply_to, paid))
        self.shown[provider_id] = message
        return provider_id

    async def edit(
        self, to: Address, provider_id: str, message: OutboundMessage
    ) -> None:
        await self._change(to, provider_id)
        self.shown[provider_id] = message

    async def delete(self, to: Address, provider_id: str) -> None:
        await self._change(to, provider_id)
        self.shown[provider_id] = None

    async def pin(self, to: Address, provider_id: str, *, pinned: bool) -> None:
        await self._change(to, provider_id)
        (self.pinned.add if pinned else self.pinned.discard)(provider_id)

    async def _change(self, to: Address, provider_id: str) -> None:
        await self._call(to)
        self.changes.append((to, provider_id))
        assert provider_id in self.shown, "not one of ours"

    async def _call(self, to: Address) -> None:
        self.calls += 1
        if self.delay:
            await asyncio.sleep(self.delay.total_seconds())
        if self._failures[to]:
            raise self._failures[to].popleft()

    async def look_up(
        self,
        to: Address,
        message: OutboundMessage,
        started_at: datetime,
        *,
        others: Collection[str] = (),
    ) -> LookUp | None:
        self.looked_up.append((to, message, started_at))
        self.others.append(set(others))
        return self._findings[to].popleft() if self._findings[to] else None

    def explain(self, code: str) -> SendError:
        unknown = Undeliverable(code, kind=FailureKind.REFUSED)
        return self.meanings.get(code, unknown)


class FakeClock:
    """Time that stands still until told otherwise.

    Args:
        start: The first moment, aware.
        auto: Whether sleeping makes the time pass: `sleep_until` then jumps to its
            moment and lets the other tasks run.
    """

    def __init__(self, start: datetime = DAWN, *, auto: bool = False) -> None:
        self.auto = auto
        self._now = start
        self._passed = 0.0  # seconds, by no clock that is set
        self._sleepers: list[tuple[datetime, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._passed

    @property
    def asleep(self) -> list[datetime]:
        """The moments that are waited for, the next first."""
        return sorted(moment for moment, _ in self._sleepers)

    def set(self, moment: datetime) -> None:
        """Make it *moment*, backwards too, and wake whoever waited for it."""
        self._passed += max(0.0, (moment - self._now).total_seconds())
        self._now = moment
        waiting = []
        for until, sleeper in self._sleepers:
            if sleeper.done():
                continue
            if until <= moment:
                sleeper.set_result(None)
            else:
                waiting.append((until, sleeper))
        self._sleepers = waiting

    def advance(self, time: timedelta) -> None:
        """Let *time* pass."""
        self.set(self._now + time)

    async def sleep_until(self, moment: datetime) -> None:
        if moment <= self._now:
            await asyncio.sleep(0)
            return
        if self.auto:
            self.set(moment)
            await asyncio.sleep(0)
            return
        sleeper = asyncio.get_running_loop().create_future()
        self._sleepers.append((moment, sleeper))
        try:
            await sleeper
        finally:
            self._sleepers = [each for each in self._sleepers if each[1] != sleeper]
