"""The composition root: settings in, running application out, all closed on exit."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from bot.accounts import POLL, Stopped, ensure_senders, open_bot, open_whatsapp
from bot.broadcaster import Newsroom
from bot.clock import SystemClock
from bot.domain.errors import HarkaraError
from bot.domain.keeping import Keeping
from bot.domain.pacing import DEFAULT_RATES
from bot.domain.recipients import Channel
from bot.doubts import Doubts
from bot.listening import pages, serve
from bot.pump import Pump
from bot.retention import Retention
from bot.runners.local import LocalRunner
from bot.services import Services, wire
from bot.strangers import Strangers
from bot.sweep import Sweep
from bot.transports.telegram import TelegramChats, TelegramMessenger
from bot.transports.whatsapp import WhatsAppMessenger
from handlers.health import Health
from handlers.inbox import Handler, InboxReader
from handlers.telegram.polling import TelegramPolling
from handlers.telegram.updates import TelegramUpdates
from handlers.telegram.webhook import PATH, keep_announced, secret_of
from handlers.whatsapp.inbound import WhatsAppInbound
from handlers.whatsapp.missed import MissedMessages
from handlers.whatsapp.receipts import WhatsAppReceipts
from storage import in_use, open_database

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
    from zoneinfo import ZoneInfo

    from telegram import Bot

    from bot.config import Settings
    from bot.ports import Clock, Messenger

log = logging.getLogger("harkara.app")

#: Seconds between two looks at what only time brings about.
SWEEP_EVERY = 1.0
#: Seconds between two looks at calls in doubt.
DOUBTS_EVERY = 10.0
#: Seconds between two looks at what readers wrote and Twilio could not hand on.
MISSED_EVERY = 300.0
#: Seconds between two looks at what is no longer to be kept.
RETENTION_EVERY = 3600.0
#: Seconds between two looks at groups that nobody has vouched for.
STRANGERS_EVERY = 5.0
#: Seconds that calls under way have to be answered in once we are asked to stop; what
#: is left of the ten seconds is for writing down that they were not.
CALLS_WITHIN = 7.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk(Services):
    """The services, with what only this machine knows."""

    bot: Bot | None
    zone: ZoneInfo  #: of the times that are shown to people
    audiences: tuple[str, ...]  #: where a broadcast goes unless told otherwise
    is_running: Callable[[], bool]  #: whether an application works on the database


@asynccontextmanager
async def open_desk(
    settings: Settings,
    *,
    owner: bool = False,
    online: bool = True,
    clock: Clock | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncIterator[Desk]:
    """Wire the services over the database.

    Args:
        settings: Parsed and checked.
        owner: Whether to be the one application that works on this database.
        online: Whether to call Telegram; without, `Desk.bot` is None. A broadcast
            must be stoppable while Telegram cannot be reached.
        clock: The machine's own, unless a test brings one.
        stop: Ends the wait for a provider that cannot be reached at start.

    Raises:
        Stopped: *stop* was set before everything was open.
        StorageError: The database cannot be opened; the message says what to do.
        ConfigError: Telegram does not accept the token.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        database = await open_database(
            settings.database, exclusive=owner, key=settings.key_source
        )
        await stack.enter_async_context(database)
        runner = LocalRunner(clock)
        messengers: dict[Channel, Messenger] = {}
        bot = None
        if settings.telegram and online:
            bot = await open_bot(settings, stack, stop=stop)
            messengers[Channel.TELEGRAM] = TelegramMessenger(bot)
        if settings.whatsapp:
            messengers[Channel.WHATSAPP] = await open_whatsapp(
                settings, stack, clock=clock
            )
        senders = await ensure_senders(settings, database, clock=clock)
        newsroom = Newsroom(
            bot_username=bot.username if bot is not None else "",
            whatsapp_number=settings.whatsapp_number,
            template=settings.content_sid,
            correction_template=settings.correction_sid,
            own=frozenset(settings.own),
            keep_for=timedelta(hours=settings.keep_hours),
        )
        services = wire(
            database=database,
            clock=clock,
            runner=runner,
            senders=senders,
            messengers=messengers,
            newsroom=newsroom,
        )
        yield Desk(
            **{each.name: getattr(services, each.name) for each in fields(Services)},
            bot=bot,
            zone=settings.zone,
            audiences=settings.audiences,
            is_running=partial(in_use, settings.database),
        )


@asynccontextmanager
async def running(
    settings: Settings, *, stop: asyncio.Event | None = None
) -> AsyncIterator[Desk]:
    """Run the application for as long as the block lasts, then drain and close.

    Args:
        settings: Parsed and checked.
        stop: Ends the wait for a provider that cannot be reached at start.

    Raises:
        StorageError: The database cannot be opened, or another application has it.
        ConfigError: A provider does not accept the settings; the port is taken.
    """
    async with (
        open_desk(settings, owner=True, stop=stop) as desk,
        AsyncExitStack() as stack,
    ):
        pumps = {str(pump.sender): pump for pump in _pumps(settings, desk)}
        desk.runner.register("pump", lambda key: pumps[key].run(key), drains=True)
        failures: list[str] = []
        health = Health(
            database=desk.database,
            clock=desk.clock,
            senders=desk.senders,
            ended=failures,
        )
        desk.runner.register("sweep", _swept(_sweep(desk), health))
        desk.runner.register("doubts", _doubts(settings, desk).run)
        desk.runner.register("retention", _retention(settings, desk).run)
        desk.runner.register("inbox", _inbox(settings, desk).run)
        desk.runner.every(SWEEP_EVERY, "sweep", "all")
        desk.runner.every(DOUBTS_EVERY, "doubts", "all")
        desk.runner.every(RETENTION_EVERY, "retention", "all")
        tasks: list[asyncio.Task[None]] = []
        closers: list[Callable[[], Awaitable[None]]] = []
        stack.push_async_callback(_drain, desk, list(pumps.values()), tasks, closers)
        whatsapp = desk.messengers.get(Channel.WHATSAPP)
        if isinstance(whatsapp, WhatsAppMessenger):
            missed = MissedMessages(
                listed=whatsapp.received_since,
                database=desk.database,
                clock=desk.clock,
                runner=desk.runner,
            )
            await missed.begin()
            desk.runner.register("missed", missed.run)
            desk.runner.every(MISSED_EVERY, "missed", "all")
        server = await serve(settings, pages(settings, desk, health))
        closers.append(server.cleanup)
        if desk.bot is not None:
            if settings.telegram_webhook:
                # It stays set when we stop: what comes meanwhile waits at Telegram.
                announcing = keep_announced(
                    desk.bot,
                    url=f"{settings.public_url.rstrip('/')}{PATH}",
                    secret=secret_of(settings.bot_token.get_secret_value()),
                    clock=desk.clock,
                )
                tasks.append(_watched(announcing, "webhook", failures, stop))
            else:
                polling = TelegramPolling(
                    desk.bot,
                    database=desk.database,
                    clock=desk.clock,
                    runner=desk.runner,
                    poll=POLL,
                )
                tasks.append(_watched(polling.run(), "polling", failures, stop))
                closers.append(polling.stop)
            strangers = Strangers(
                database=desk.database,
                clock=desk.clock,
                enrolment=desk.enrolment,
                replies=desk.replies,
                chats=TelegramChats(desk.bot),
            )
            desk.runner.register("strangers", strangers.run)
            desk.runner.every(STRANGERS_EVERY, "strangers", "all")
        # Last: what is registered for every so often is begun when the runner is.
        tasks.append(_watched(desk.runner.run(), "runner", failures, stop))
        await desk.runner.kick("inbox", "all")
        await desk.broadcaster.kick()
        log.info("up", extra={"senders": len(pumps)})
        yield desk
    if failures:
        raise HarkaraError(
            f"{failures[0]} ended, and nothing goes on without it; the log says why. "
            "Nothing is lost: start again"
        )


async def run(settings: Settings, *, stop: asyncio.Event) -> None:
    """Work until *stop* is set, then drain and close everything.

    Raises:
        StorageError, ConfigError: As `running`.
    """
    try:
        async with running(settings, stop=stop):
            await stop.wait()
    except Stopped:
        log.info("stopped before it was up")


def _watched(
    work: Coroutine[None, None, None],
    name: str,
    failures: list[str],
    stop: asyncio.Event | None,
) -> asyncio.Task[None]:
    """Start *work*; should it end by an error, stop rather than be up and deaf."""

    def ended(task: asyncio.Task[None]) -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("a task ended", exc_info=error, extra={"task": name})
            failures.append(name)
            if stop is not None:
                stop.set()

    task = asyncio.create_task(work, name=name)
    task.add_done_callback(ended)
    return task


async def _drain(
    desk: Desk,
    pumps: list[Pump],
    tasks: list[asyncio.Task[None]],
    closers: list[Callable[[], Awaitable[None]]],
) -> None:
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
        desk.runner.stop(), *(close() for close in closers), return_exceptions=True
    )
    for timer in giving_up:
        timer.cancel()
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for error in ends:
        if isinstance(error, Exception):
            log.error("not everything was closed", exc_info=error)
    log.info("drained")


def _pumps(settings: Settings, desk: Desk) -> list[Pump]:
    speeds = {
        Channel.TELEGRAM: settings.telegram_rate,
        Channel.WHATSAPP: settings.whatsapp_rate,
    }
    return [
        Pump(
            sender=sender,
            messenger=desk.messengers[channel],
            database=desk.database,
            ledger=desk.ledger,
            consequences=desk.consequences,
            notices=desk.notices,
            clock=desk.clock,
            rate=replace(DEFAULT_RATES[channel], per_second=speeds[channel]),
            concurrency=settings.concurrency,
        )
        for channel, sender in desk.senders.items()
    ]


def _inbox(settings: Settings, desk: Desk) -> InboxReader:
    handlers: dict[Channel, Handler] = {}
    own = frozenset(settings.own)
    messenger = desk.messengers.get(Channel.TELEGRAM)
    if desk.bot is not None and isinstance(messenger, TelegramMessenger):
        handlers[Channel.TELEGRAM] = TelegramUpdates(
            username=desk.bot.username,
            enrolment=desk.enrolment,
            editorial=desk.editorial,
            broadcaster=desk.broadcaster,
            replies=desk.replies,
            chats=TelegramChats(desk.bot),
            answer_callback=messenger.answer_callback,
            default_audiences=settings.audiences,
            channels=tuple(desk.senders),
            own=own,
            keeping=_keeping(settings),
            contact=settings.contact,
        )
    if settings.whatsapp:
        handlers[Channel.WHATSAPP] = WhatsAppInbound(
            enrolment=desk.enrolment,
            editorial=desk.editorial,
            replies=desk.replies,
            receipts=WhatsAppReceipts(desk.broadcaster),
            own=own,
            keeping=_keeping(settings),
            contact=settings.contact,
        )
    return InboxReader(
        database=desk.database,
        clock=desk.clock,
        handlers=handlers,
        notices=desk.notices,
    )


def _sweep(desk: Desk) -> Sweep:
    return Sweep(
        database=desk.database,
        clock=desk.clock,
        runner=desk.runner,
        senders=desk.senders,
        notices=desk.notices,
    )


def _swept(sweep: Sweep, health: Health) -> Callable[[str], Awaitable[None]]:
    """Let each sweep that came to its end be known."""

    async def run(key: str) -> None:
        await sweep.run(key)
        health.swept()

    return run


def _keeping(settings: Settings) -> Keeping:
    return Keeping(
        updates=timedelta(days=settings.keep_updates_days),
        deliveries=timedelta(days=settings.keep_deliveries_days),
        consents=timedelta(days=settings.keep_consents_days),
    )


def _retention(settings: Settings, desk: Desk) -> Retention:
    return Retention(
        database=desk.database, clock=desk.clock, keeping=_keeping(settings)
    )


def _doubts(settings: Settings, desk: Desk) -> Doubts:
    return Doubts(
        database=desk.database,
        clock=desk.clock,
        runner=desk.runner,
        ledger=desk.ledger,
        senders=desk.senders,
        messengers=desk.messengers,
        repeat=settings.when_in_doubt == "repeat",
    )
