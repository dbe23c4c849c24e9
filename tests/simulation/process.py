"""One simulated process: the real application's core on a loop, a disk, a network."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.domain.broadcasts import Lane
from bot.domain.errors import StorageError
from bot.domain.manners import Manner, usual
from bot.domain.pacing import DEFAULT_RATES
from bot.domain.recipients import Channel, SenderId
from bot.doubts import Doubts
from bot.planning import Newsroom
from bot.pump import Pump
from bot.runners.local import LocalRunner
from bot.services import wire
from bot.sweep import Sweep
from tests.fakes import DAWN
from tests.simulation.disk import Disk
from tests.simulation.loop import Loop
from tests.simulation.messenger import SimulatedMessenger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime
    from pathlib import Path

    from bot.services import Services
    from storage import SqliteDatabase
    from tests.simulation.disk import Weather
    from tests.simulation.loop import World
    from tests.simulation.provider import Call, Provider

#: Seconds between two looks, as the application takes them, but for the sweep: it
#: looks every second there, and a simulated hour is long.
SWEEP_EVERY = 4.0
DOUBTS_EVERY = 10.0
COURSE_EVERY = 2.0
#: For how long a held broadcast can be undone.
UNDO_FOR = timedelta(seconds=1)
#: How long a story is news. Long enough for every fault to have passed.
KEEP_FOR = timedelta(minutes=12)
#: For how long after its waking a process may act on moments chosen before, seconds.
CATCHING_UP = 2.0


class MachineClock:
    """The machine's clock: it may be set, and waiting goes on regardless."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.skew = timedelta(0)

    def now(self) -> datetime:
        return DAWN + timedelta(seconds=self._world.now) + self.skew

    def monotonic(self) -> float:
        return self._world.now

    async def sleep_until(self, moment: datetime) -> None:
        wait = (moment - self.now()).total_seconds()
        if wait > 0:
            await asyncio.sleep(wait)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every process of a world has in common."""

    world: World
    path: Path
    clock: MachineClock
    weather: Weather
    providers: dict[Channel, Provider]
    committed: Callable[[Process], None]
    calls: Callable[[Process, Call], None]
    note: Callable[..., None]
    repeat: bool  #: what the newsroom does in doubt
    held: bool  #: whether broadcasts can be undone, and go to a few first
    concurrency: int


class Process:
    """Begun, and left to itself; it can be frozen, woken, killed or asked to stop."""

    def __init__(self, name: str, around: Surroundings) -> None:
        self.name = name
        self.around = around
        self.world = around.world
        self.clock = around.clock
        self.loop = Loop(around.world)  # type: ignore[abstract] # what it lacks is input and output
        self.disk = Disk(around.world, around.weather, lambda: around.committed(self))
        self.services: Services | None = None
        self.pumps: dict[str, Pump] = {}
        self.runner = LocalRunner(self.clock)
        self.frozen_at: float | None = None  #: the last time, if ever
        self.ended = False
        self.error: BaseException | None = None
        self._database: SqliteDatabase | None = None
        around.world.loops.append(self.loop)
        main = self.loop.create_task(self._main(), name="main")
        main.add_done_callback(self._over)

    @property
    def alive(self) -> bool:
        """Whether it has not ended; it may be frozen."""
        return not self.ended

    @property
    def up(self) -> bool:
        """Whether it works at present."""
        return self.services is not None and not self.loop.standing and not self.ended

    @property
    def unwell(self) -> bool:
        """Whether it was ever killed or frozen: what it had heard may be lost."""
        return self.loop.dead or self.frozen_at is not None

    def is_stale(self) -> bool:
        """Whether it stood still between choosing its moment and calling."""
        woken = self.frozen_at
        return woken is not None and self.world.now - woken < CATCHING_UP

    def calls(self, call: Call) -> None:
        """Be told of a call that leaves it now."""
        self.around.calls(self, call)

    def freeze(self) -> None:
        """Leave it standing, whatever it is at."""
        self.frozen_at = self.world.now
        self.loop.standing = True

    def wake(self) -> None:
        """Let it go on as if nothing had been."""
        if not self.loop.dead:
            self.frozen_at = self.world.now
            self.loop.standing = False

    def kill(self) -> None:
        """End it between two steps: what it had not committed is gone."""
        self.ended = True
        self.loop.kill()
        self.disk.die()

    def bury(self) -> None:
        """Let go of all that it held, once its world is over."""
        self.kill()
        self.loop.bury()

    async def stop(self) -> None:
        """End it as the application does when it is asked to."""
        for pump in self.pumps.values():
            pump.stop()
        await self.runner.stop()

    async def _main(self) -> None:
        around = self.around
        self._database = await self.disk.open(around.path)
        messengers = {
            channel: SimulatedMessenger(self, provider)
            for channel, provider in around.providers.items()
        }
        async with self._database.transaction() as tx:
            senders = {
                channel: (
                    await tx.senders.ensure(channel, "sim", now=self.clock.now())
                ).id
                for channel in around.providers
            }
        services = wire(
            database=self._database,
            clock=self.clock,
            runner=self.runner,
            senders=senders,
            messengers=messengers,
            newsroom=Newsroom(
                bot_username="desk_bot",
                whatsapp_number="+14155550100",
                template="HX1",
                lanes=self._lanes(),
            ),
        )
        self.pumps = {
            str(sender): self._pump(services, channel, sender)
            for channel, sender in senders.items()
        }
        sweep = Sweep(
            database=self._database,
            clock=self.clock,
            runner=self.runner,
            senders=senders,
            notices=services.notices,
        )
        doubts = Doubts(
            database=self._database,
            clock=self.clock,
            runner=self.runner,
            ledger=services.ledger,
            senders=senders,
            messengers=messengers,
            repeat=around.repeat,
        )
        self.runner.register("pump", self._run_pump, drains=True)
        self.runner.register("sweep", sweep.run)
        self.runner.register("doubts", doubts.run)
        self.runner.register("course", services.course.run)
        self.runner.every(SWEEP_EVERY, "sweep", "all")
        self.runner.every(COURSE_EVERY, "course", "all")
        self.runner.every(DOUBTS_EVERY, "doubts", "all")
        self.services = services
        await services.course.catch_up()
        await services.broadcaster.kick()
        await self.runner.run()

    def _lanes(self) -> dict[Lane, Manner]:
        if not self.around.held:
            return dict.fromkeys(Lane, Manner(keep_for=KEEP_FOR))
        return usual(undo_for=UNDO_FOR, keep_for=KEEP_FOR, overdue_after=None)

    def _pump(self, services: Services, channel: Channel, sender: SenderId) -> Pump:
        return Pump(
            sender=sender,
            messenger=services.messengers[channel],
            database=services.database,
            ledger=services.ledger,
            consequences=services.consequences,
            notices=services.notices,
            clock=self.clock,
            rate=DEFAULT_RATES[channel],
            concurrency=self.around.concurrency,
        )

    def _run_pump(self, key: str) -> Awaitable[datetime | None]:
        return self.pumps[key].run(key)

    def _over(self, main: asyncio.Task[None]) -> None:
        if main.cancelled():
            return
        error = main.exception()
        if error is not None and not isinstance(error, StorageError):
            self.error = error
        # Asked to stop, or the database could not be had: somebody starts it anew.
        self.ended = True
