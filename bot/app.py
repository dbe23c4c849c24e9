"""The composition root: settings in, running application out, all closed on exit."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

from bot import works
from bot.accounts import Stopped
from bot.clock import ServerClock
from bot.desk import Desk, open_desk
from bot.domain.errors import HarkaraError
from bot.listening import health_page, pages, serve
from bot.roles import EVERYTHING, Role, require
from bot.runners.cluster import ClusterRunner, GivenUp
from handlers.health import Health

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine

    from bot.config import Settings
    from bot.pump import Pump

__all__ = ["Desk", "open_desk", "run", "running"]

log = logging.getLogger("harkara.app")

#: Seconds between two looks at what only time brings about.
SWEEP_EVERY = 1.0
#: Seconds between two looks at how the broadcasts under way fare.
COURSE_EVERY = 1.0
#: Seconds between two looks at calls in doubt.
DOUBTS_EVERY = 10.0
#: Seconds between two looks at what readers wrote and Twilio could not hand on.
MISSED_EVERY = 300.0
#: Seconds between two looks at what is no longer to be kept.
RETENTION_EVERY = 3600.0
#: Seconds between two looks at groups that nobody has vouched for.
STRANGERS_EVERY = 5.0
#: Seconds between two looks whether some worker takes in what is written to the bot.
TELEGRAM_EVERY = 5.0
#: Seconds that calls under way have to be answered in once we are asked to stop; what
#: is left of the ten seconds is for writing down that they were not.
CALLS_WITHIN = 7.0


@asynccontextmanager
async def running(
    settings: Settings,
    *,
    role: Role = EVERYTHING,
    stop: asyncio.Event | None = None,
) -> AsyncIterator[Desk]:
    """Run the application for as long as the block lasts, then drain and close.

    Args:
        settings: Parsed and checked.
        role: What of it this process is to do.
        stop: Ends the wait for a provider that cannot be reached at start.

    Raises:
        StorageError: The database cannot be opened, or another application has it.
        ConfigError: A provider does not accept the settings; the port is taken.
        GivenUp: Other workers took this one for dead; it has to start anew.
    """
    require(settings, role)
    async with (
        open_desk(settings, owner=True, online=role.works, stop=stop) as desk,
        AsyncExitStack() as stack,
    ):
        tasks = Tasks(stop)
        health = Health(
            database=desk.database,
            clock=desk.clock,
            senders=desk.senders,
            ended=tasks.ended,
            sweeps=role.works,
        )
        pumps = works.pumps(settings, desk) if role.works else []
        stack.push_async_callback(_drain, desk, pumps, tasks)
        if role.works:
            await _register(settings, desk, pumps, health)
        if role.listens:
            server = await serve(settings, pages(settings, desk, health))
            tasks.closers.append(server.cleanup)
        elif settings.listen:
            server = await serve(settings, health_page(health))
            tasks.closers.append(server.cleanup)
        if isinstance(desk.clock, ServerClock):
            tasks.watch("clock", desk.clock.keep())
        if role.works:
            _take_in_telegram(settings, desk, tasks)
            # What waited too long while nothing ran is put together before anything
            # goes.
            await desk.course.catch_up()
            # Last: what is registered for every so often is begun when the runner is.
            tasks.watch("runner", desk.runner.run())
            await desk.runner.kick("inbox", "all")
            await desk.broadcaster.kick()
        told = {"role": "" if role.alone else role.command, "senders": len(pumps)}
        log.info("up", extra=told)
        yield desk
    for name, error in tasks.ended.items():
        if isinstance(error, GivenUp):
            raise error
        raise HarkaraError(
            f"{name} ended, and nothing goes on without it; the log says why. "
            "Nothing is lost: start again"
        )


async def run(
    settings: Settings, *, stop: asyncio.Event, role: Role = EVERYTHING
) -> None:
    """Work until *stop* is set, then drain and close everything.

    Raises:
        StorageError, ConfigError, GivenUp: As `running`.
    """
    try:
        async with running(settings, role=role, stop=stop):
            await stop.wait()
    except Stopped:
        log.info("stopped before it was up")


class Tasks:
    """What goes on beside everything; should one end by an error, all has to.

    Args:
        stop: Is set then, rather than be up and deaf.
    """

    def __init__(self, stop: asyncio.Event | None) -> None:
        self.ended: dict[str, BaseException] = {}  #: by an error, by their names
        self.closers: list[Callable[[], Awaitable[None]]] = []
        self.running: list[asyncio.Task[None]] = []
        self._stop = stop

    def watch(self, name: str, work: Coroutine[None, None, None]) -> None:
        """Start *work*."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._look)
        self.running.append(task)

    def _look(self, task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is None:
            return
        name = task.get_name()
        if isinstance(error, GivenUp):
            log.warning("given up by the others", extra={"reason": str(error)})
        else:
            log.error("a task ended", exc_info=error, extra={"task": name})
        self.ended[name] = error
        if self._stop is not None:
            self._stop.set()


async def _register(
    settings: Settings, desk: Desk, pumps: list[Pump], health: Health
) -> None:
    """Tell the runner what there is to do, and how often to look."""
    runner = desk.runner
    if isinstance(runner, ClusterRunner):
        runner.on_alive(health.swept)  # the sweep itself is any worker's
    by_sender = {str(pump.sender): pump for pump in pumps}
    runner.register("pump", lambda key: by_sender[key].run(key), drains=True)
    runner.register("sweep", works.swept(works.sweep(desk), health))
    runner.register("course", desk.course.run)
    runner.register("doubts", works.doubts(settings, desk).run)
    runner.register("retention", works.retention(settings, desk).run)
    runner.register("inbox", works.inbox(settings, desk).run)
    runner.every(SWEEP_EVERY, "sweep", "all")
    runner.every(COURSE_EVERY, "course", "all")
    runner.every(DOUBTS_EVERY, "doubts", "all")
    runner.every(RETENTION_EVERY, "retention", "all")
    missed = works.missed(desk)
    if missed is not None:
        await missed.begin()
        runner.register("missed", missed.run)
        runner.every(MISSED_EVERY, "missed", "all")
    if desk.bot is not None:
        runner.register("strangers", works.strangers(desk, desk.bot).run)
        runner.every(STRANGERS_EVERY, "strangers", "all")


def _take_in_telegram(settings: Settings, desk: Desk, tasks: Tasks) -> None:
    """Have what is written to the bot come in: Telegram calls, or one of us asks."""
    bot = desk.bot
    if bot is None:
        return
    polling = works.polling(desk, bot)

    def taking_in() -> Coroutine[None, None, None]:
        if settings.telegram_webhook:
            return works.announcing(settings, desk, bot)
        return polling.run()

    async def in_turn(_key: str) -> None:
        await taking_in()

    if not settings.telegram_webhook:
        tasks.closers.append(polling.stop)
    if isinstance(desk.runner, ClusterRunner):
        # One worker at a time, or Telegram answers neither; another follows it.
        desk.runner.register("telegram", in_turn)
        desk.runner.every(TELEGRAM_EVERY, "telegram", "all")
    else:
        name = "webhook" if settings.telegram_webhook else "polling"
        tasks.watch(name, taking_in())


async def _drain(desk: Desk, pumps: list[Pump], tasks: Tasks) -> None:
    """Claim nothing more, let the calls under way end, and see every task out.

    All at the same time; a call without an answer for `CALLS_WITHIN` is given up.
    """
    log.info("draining", extra={"calls": sum(pump.under_way for pump in pumps)})
    for pump in pumps:
        pump.stop()
    giving_up = [
        asyncio.get_running_loop().call_later(CALLS_WITHIN, pump.give_up)
        for pump in pumps
    ]
    ends = await asyncio.gather(
        desk.runner.stop(),
        *(close() for close in tasks.closers),
        return_exceptions=True,
    )
    for timer in giving_up:
        timer.cancel()
    for task in tasks.running:
        task.cancel()
    await asyncio.gather(*tasks.running, return_exceptions=True)
    for error in ends:
        if isinstance(error, Exception):
            log.error("not everything was closed", exc_info=error)
    log.info("drained")
