"""How much of a provider's limit is used, in virtual time, and that it is not overrun.

Commits and calls take the time that the test says, and nothing else takes any.
"""

from __future__ import annotations

import asyncio
import random
import selectors
import shutil
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.broadcasts import Lane
from bot.domain.deliveries import State
from bot.domain.pacing import Rate
from bot.domain.recipients import Address, Channel, Consent, Kind
from storage.drivers import Inline
from tests.fakes import DAWN
from tests.services.conftest import NEWS, Stand, standing

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from bot.pump import Pump

#: How one sender is paced in what follows.
RATE = Rate(
    per_second=30, private=timedelta(seconds=1.05), group=timedelta(seconds=3.1)
)
BREAKING = "The pass has been closed again: an avalanche has buried the road."


class VirtualLoop(asyncio.SelectorEventLoop):
    """A loop whose time passes when it has nothing to do, and at once."""

    def __init__(self) -> None:
        self.passed = 0.0
        loop = self

        class Selector(selectors.DefaultSelector):
            def select(self, timeout: float | None = None) -> list[Any]:
                if timeout is None:
                    return super().select(None)  # a thread has something to say
                loop.passed += timeout
                return super().select(0)

        super().__init__(Selector())

    def time(self) -> float:
        return self.passed


@dataclass
class LoopClock:
    """The loop's time, as a clock."""

    loop: VirtualLoop

    def now(self) -> datetime:
        return DAWN + timedelta(seconds=self.loop.passed)

    def monotonic(self) -> float:
        return self.loop.passed

    async def sleep_until(self, moment: datetime) -> None:
        await asyncio.sleep(max(0.0, (moment - self.now()).total_seconds()))


@dataclass
class Wire:
    """What the provider sees, and how long everything takes, in seconds."""

    stand: Stand
    commit: Callable[[], float]
    there: Callable[[], float]
    back: Callable[[], float]
    arrivals: list[tuple[float, Address]] = field(default_factory=list)
    texts: list[tuple[float, str]] = field(default_factory=list)
    pump: Pump = field(init=False)

    def tap(self, *, concurrency: int = 100) -> None:
        """Go between the pump and what it works with."""
        stand, send = self.stand, self.stand.telegram.send
        record = stand.database.record
        stand.rate = RATE

        async def slowly(pages):
            await asyncio.sleep(self.commit())
            return await record(pages)

        async def sending(to, message, reference, **more):
            await asyncio.sleep(self.there())
            now = stand.clock.monotonic()
            self.arrivals.append((now, to))
            self.texts.append((now, message.text))
            answer = await send(to, message, reference, **more)
            await asyncio.sleep(self.back())
            return answer

        stand.database.record = slowly  # type: ignore[method-assign] # a wire tap
        stand.telegram.send = sending  # type: ignore[method-assign] # a wire tap
        self.pump = stand.pump(Channel.TELEGRAM, concurrency=concurrency)

    def used(self) -> float:
        """Return the share of the limit, from the first message to the last."""
        first, last = self.arrivals[0][0], self.arrivals[-1][0]
        return (len(self.arrivals) - 1) / (last - first) / RATE.per_second

    def fullest(self) -> int:
        """Return the most messages in any second."""
        moments = sorted(moment for moment, _ in self.arrivals)
        return max(
            sum(moment <= each < moment + 1.0 for each in moments) for moment in moments
        )


@pytest.fixture
def virtually(empty: Path, tmp_path: Path):
    """Run a test's work on a desk in virtual time."""

    def run(work: Callable[[Stand], Coroutine[Any, Any, None]]) -> None:
        path = shutil.copy(empty, tmp_path / "harkara.db")

        async def whole() -> None:
            loop = asyncio.get_running_loop()
            assert isinstance(loop, VirtualLoop)
            async with standing(path, LoopClock(loop), Inline) as stand:
                await work(stand)

        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(whole())

    return run


async def confirmed(stand: Stand, readers: int, text: str = NEWS):
    consent = Consent(source="by hand", agreed_by="test", evidence="a test")
    now = stand.clock.now()
    async with stand.database.transaction() as tx:
        audience = await tx.audiences.by_name("valley")
        for number in range(1, readers + 1):
            recipient = await tx.recipients.ensure(
                Address(Channel.TELEGRAM, str(number)), Kind.READER, now=now
            )
            await tx.audiences.enrol(
                audience.id, recipient.id, link=None, consent=consent, now=now
            )
    plan = await stand.plan(text)
    assert await stand.broadcaster.confirm(plan.broadcast.id)
    return plan


@pytest.mark.parametrize(("answer", "least"), [(0.005, 0.98), (0.05, 0.94)])
def test_a_commit_costs_the_sender_nothing(virtually, answer, least):
    async def work(stand: Stand) -> None:
        wire = Wire(stand, lambda: 0.02, lambda: answer / 2, lambda: answer / 2)
        wire.tap()
        await confirmed(stand, 300)
        await wire.pump.run("")
        assert len(wire.arrivals) == 300
        assert wire.used() >= least
        assert wire.fullest() <= RATE.per_second

    virtually(work)


@pytest.mark.parametrize("seed", range(4))
def test_no_second_is_overrun_however_long_anything_takes(virtually, seed):
    rng = random.Random(seed)  # noqa: S311 - repeatable

    def some() -> float:
        return rng.choice([0.0, 0.004, 0.03, 0.3, 1.2]) * rng.random()

    async def work(stand: Stand) -> None:
        wire = Wire(stand, some, some, some)
        wire.tap()
        plan = await confirmed(stand, 150)
        await wire.pump.run("")
        assert wire.fullest() <= RATE.per_second
        assert len(wire.arrivals) == 150
        assert {each.delivery.state for each in await stand.lines(plan)} == {
            State.ACCEPTED
        }

    virtually(work)


def test_breaking_news_is_first_within_a_second(virtually):
    async def work(stand: Stand) -> None:
        wire = Wire(stand, lambda: 0.02, lambda: 0.02, lambda: 0.02)
        wire.tap()
        await confirmed(stand, 200)
        plan = await stand.plan(BREAKING, lane=Lane.BREAKING)
        running = asyncio.create_task(wire.pump.run(""))
        await asyncio.sleep(3)
        await stand.broadcaster.confirm(plan.broadcast.id)
        asked = stand.clock.monotonic()
        await running
        first = min(moment for moment, text in wire.texts if "pass" in text)
        assert first - asked <= 1.0

    virtually(work)


def test_a_few_are_marked_ahead_and_a_stop_leaves_no_doubt(virtually):
    """What is marked and not called when the time is up surely did not leave."""

    async def work(stand: Stand) -> None:
        wire = Wire(stand, lambda: 0.02, lambda: 0.05, lambda: 0.05)
        wire.tap()
        plan = await confirmed(stand, 200)
        running = asyncio.create_task(wire.pump.run(""))
        ahead = 0
        for _ in range(40):
            await asyncio.sleep(0.061)
            lines = await stand.lines(plan)
            sending = sum(each.delivery.state is State.SENDING for each in lines)
            ahead = max(ahead, sending - wire.pump.under_way)
        wire.pump.stop()
        called = wire.pump.under_way
        wire.pump.give_up()
        await running
        assert 2 <= ahead <= 8, (
            "what leaves in a tenth of a second, and what is written"
        )
        states = [each.delivery.state for each in await stand.lines(plan)]
        assert set(states) == {State.ACCEPTED, State.DOUBTFUL, State.QUEUED}
        assert states.count(State.DOUBTFUL) == called

    virtually(work)


def test_what_is_marked_is_called_before_a_patient_stop(virtually):
    async def work(stand: Stand) -> None:
        wire = Wire(stand, lambda: 0.02, lambda: 0.05, lambda: 0.05)
        wire.tap()
        plan = await confirmed(stand, 200)
        running = asyncio.create_task(wire.pump.run(""))
        await asyncio.sleep(3)
        before = stand.clock.monotonic()
        wire.pump.stop()
        await running
        assert stand.clock.monotonic() - before < 0.5
        states = {each.delivery.state for each in await stand.lines(plan)}
        assert states == {State.ACCEPTED, State.QUEUED}

    virtually(work)


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_are_marked_or_called_than_may_be_in_doubt(virtually, concurrency):
    async def work(stand: Stand) -> None:
        wire = Wire(stand, lambda: 0.02, lambda: 0.05, lambda: 0.05)
        wire.tap(concurrency=concurrency)
        plan = await confirmed(stand, 10)
        record, seen = stand.database.record, []

        async def looking(pages):
            written = await record(pages)
            lines = await stand.lines(plan)
            seen.append(sum(each.delivery.state is State.SENDING for each in lines))
            return written

        stand.database.record = looking  # type: ignore[method-assign] # a wire tap
        await wire.pump.run("")
        assert max(seen) == concurrency

    virtually(work)
