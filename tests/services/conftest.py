"""A desk over real SQLite, with pretend messengers and a clock that jumps."""

from __future__ import annotations

import shutil
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from bot.broadcaster import Broadcaster, Newsroom
from bot.consequences import Consequences
from bot.corrections import Corrections
from bot.course import Course
from bot.domain.articles import Draft
from bot.domain.broadcasts import Lane
from bot.domain.manners import Manner
from bot.domain.outcomes import RetryPolicy
from bot.domain.pacing import Rate
from bot.domain.recipients import Address, Channel, Kind
from bot.doubts import Doubts
from bot.editorial import Editorial
from bot.enrolment import Enrolment
from bot.ledger import Ledger
from bot.notices import Notices
from bot.pump import Pump
from bot.replies import Replies
from bot.services import wire
from bot.sweep import Sweep
from storage import SqliteDatabase
from storage.drivers import Threads
from tests.fakes import FakeClock, FakeMessenger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from datetime import datetime
    from pathlib import Path

    from bot.domain.broadcasts import Plan
    from bot.domain.deliveries import Delivery
    from bot.domain.recipients import SenderId
    from bot.ports import DeliveryLine
    from storage.drivers import Driver

NEWS = (
    "The old bridge reopened on Saturday, the city said. "
    "Divers replaced two piers in October, the engineer told reporters."
)


class StillRunner:
    """Remembers kicks; the test decides when anything runs."""

    def __init__(self) -> None:
        self.kicks: list[tuple[str, str]] = []

    def register(self, task, work, *, drains=False): ...

    async def kick(self, task: str, key: str, run_at: datetime | None = None) -> None:
        self.kicks.append((task, key))

    def every(self, seconds, task, key): ...

    async def run(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass
class Stand:
    """Everything a test of the services touches."""

    database: SqliteDatabase
    clock: FakeClock
    runner: StillRunner
    telegram: FakeMessenger
    whatsapp: FakeMessenger
    senders: dict[Channel, SenderId]
    enrolment: Enrolment
    editorial: Editorial
    broadcaster: Broadcaster
    corrections: Corrections
    replies: Replies
    ledger: Ledger
    consequences: Consequences
    notices: Notices
    sweep: Sweep
    doubts: Doubts
    rate: Rate
    course: Course
    #: how each lane's broadcasts are held; a test fills it in
    lanes: dict[Lane, Manner]

    def pump(self, channel=Channel.TELEGRAM, *, concurrency=8) -> Pump:
        """A new owner of the channel's sender."""
        return Pump(
            sender=self.senders[channel],
            messenger=self.telegram if channel is Channel.TELEGRAM else self.whatsapp,
            database=self.database,
            ledger=self.ledger,
            consequences=self.consequences,
            notices=self.notices,
            clock=self.clock,
            rate=self.rate,
            concurrency=concurrency,
        )

    async def work(self) -> None:
        """Let both senders do everything that is due, and what becomes due soon."""
        for channel in Channel:
            again = await self.pump(channel).run("")
            while again is not None and again <= self.clock.now() + timedelta(hours=1):
                self.clock.set(max(again, self.clock.now()))
                again = await self.pump(channel).run("")

    async def reader(self, number: int, channel=Channel.TELEGRAM) -> Address:
        """Enrol a reader; on WhatsApp their window is open."""
        value = str(number) if channel is Channel.TELEGRAM else f"+9230000{number:05}"
        address = Address(channel, value)
        await self.enrolment.enrol_by_hand(
            "valley", address, Kind.READER, by="test", evidence="a test"
        )
        if channel is Channel.WHATSAPP:
            await self.enrolment.heard_from(address, Kind.READER)
        return address

    async def group(self, number: int) -> Address:
        """Enrol a group."""
        address = Address(Channel.TELEGRAM, str(number))
        await self.enrolment.enrol_by_hand(
            "valley", address, Kind.GROUP, by="test", evidence="a test", title="Group"
        )
        return address

    async def editor(self, number: int = 999) -> Address:
        """Give somebody the editor's role."""
        address = Address(Channel.TELEGRAM, str(number))
        token = await self.editorial.invite_editor("Meera")
        assert await self.editorial.accept_invitation(token, by=address)
        return address

    async def plan(self, text=NEWS, **more) -> Plan:
        """Plan a broadcast of an article."""
        article = await self.editorial.take_in(
            Draft(text=text, link="https://news.example/1", language="en")
        )
        return await self.broadcaster.plan(article, ["valley"], by="test", **more)

    async def live(self) -> None:
        """Let the desk go on until nothing more happens of its own accord."""
        before = -1
        while before != (calls := self.telegram.calls + self.whatsapp.calls):
            before = calls
            await self.course.run("all")
            await self.work()
        await self.sweep.run("all")
        await self.work()

    async def send(self, text=NEWS) -> Plan:
        """Plan it, confirm it, and let everything happen."""
        plan = await self.plan(text)
        assert await self.broadcaster.confirm(plan.broadcast.id)
        await self.work()
        return plan

    async def lines(self, plan: Plan) -> list[DeliveryLine]:
        """The broadcast's report."""
        return await self.broadcaster.report(plan.broadcast.id)

    async def only(self, plan: Plan) -> Delivery:
        """The one delivery there is."""
        [line] = await self.lines(plan)
        return line.delivery


@pytest.fixture
async def stand(empty: Path, tmp_path: Path) -> AsyncIterator[Stand]:
    path = shutil.copy(empty, tmp_path / "harkara.db")
    async with standing(path, FakeClock(auto=True)) as stand:
        yield stand


@asynccontextmanager
async def standing(
    path: Path | str, clock: Any, driver: Callable[[int], Driver] = Threads
) -> AsyncIterator[Stand]:
    """Set a desk up on an empty database."""
    async with await SqliteDatabase.open(
        path, exclusive=True, driver=driver
    ) as database:
        runner = StillRunner()
        telegram = FakeMessenger(Channel.TELEGRAM)
        whatsapp = FakeMessenger(Channel.WHATSAPP, can_look_up=True)
        messengers = {Channel.TELEGRAM: telegram, Channel.WHATSAPP: whatsapp}
        async with database.transaction() as tx:
            senders = {
                channel: (await tx.senders.ensure(channel, "test", now=clock.now())).id
                for channel in Channel
            }
        lanes: dict[Lane, Manner] = {}
        services = wire(
            database=database,
            clock=clock,
            runner=runner,
            senders=senders,
            messengers=messengers,
            newsroom=Newsroom(
                bot_username="desk_bot",
                whatsapp_number="+14155550100",
                template="HX1",
                lanes=lanes,
            ),
            policy=RetryPolicy(attempts=4),
        )
        stand = Stand(
            database=database,
            clock=clock,
            runner=runner,
            telegram=telegram,
            whatsapp=whatsapp,
            senders=senders,
            enrolment=services.enrolment,
            editorial=services.editorial,
            broadcaster=services.broadcaster,
            corrections=services.corrections,
            replies=services.replies,
            ledger=services.ledger,
            consequences=services.consequences,
            notices=services.notices,
            sweep=Sweep(
                database=database,
                clock=clock,
                runner=runner,
                senders=senders,
                notices=services.notices,
            ),
            doubts=Doubts(
                database=database,
                clock=clock,
                runner=runner,
                ledger=services.ledger,
                senders=senders,
                messengers=messengers,
            ),
            rate=Rate(
                per_second=30,
                private=timedelta(seconds=1),
                group=timedelta(seconds=3),
            ),
            course=services.course,
            lanes=lanes,
        )
        await stand.enrolment.create_audience("valley", title="Valley")
        yield stand
