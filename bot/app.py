"""The composition root: settings in, running application out, all closed on exit."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from aiohttp import web
from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.broadcaster import Broadcaster, Newsroom
from bot.clock import SystemClock
from bot.domain.errors import ConfigError
from bot.domain.outcomes import RetryPolicy
from bot.domain.pacing import DEFAULT_RATES, Rate
from bot.domain.recipients import Channel
from bot.editorial import Editorial
from bot.enrolment import Enrolment
from bot.ledger import Ledger
from bot.notices import Notices
from bot.pump import Pump
from bot.replies import Replies
from bot.runners.local import LocalRunner
from bot.sweep import Sweep
from bot.transports.http import Patience, open_session
from bot.transports.telegram import TelegramChats, TelegramMessenger
from bot.transports.telegram_request import AiohttpRequest
from bot.transports.twilio_client import open_client
from bot.transports.whatsapp import WhatsAppMessenger
from handlers.inbox import InboxReader
from handlers.telegram.polling import TelegramPolling
from handlers.telegram.updates import TelegramUpdates
from handlers.whatsapp.inbound import WhatsAppInbound
from handlers.whatsapp.receipts import WhatsAppReceipts
from handlers.whatsapp.signature import SignatureGuard
from storage import SqliteDatabase

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from bot.config import Settings
    from bot.domain.recipients import SenderId
    from bot.ports import Clock, Database, Messenger, Runner

log = logging.getLogger("harkara.app")

#: Seconds between two looks at what only time brings about.
SWEEP_EVERY = 1.0
#: How long a Telegram long poll may stay open.
POLL = timedelta(seconds=25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The services, wired; what a command line needs."""

    database: Database
    clock: Clock
    runner: Runner
    senders: Mapping[Channel, SenderId]
    messengers: Mapping[Channel, Messenger]
    newsroom: Newsroom
    bot: Bot | None
    ledger: Ledger
    notices: Notices
    editorial: Editorial
    enrolment: Enrolment
    broadcaster: Broadcaster
    replies: Replies
    audiences: tuple[str, ...]  #: where a broadcast goes unless told otherwise
    is_running: Callable[[], bool]  #: whether an application works on the database


@asynccontextmanager
async def open_desk(
    settings: Settings,
    *,
    owner: bool = False,
    clock: Clock | None = None,
    stop: asyncio.Event | None = None,
) -> AsyncIterator[Desk]:
    """Wire the services over the database.

    Args:
        settings: Parsed and checked.
        owner: Whether to be the one application that works on this database.
        clock: The machine's own, unless a test brings one.
        stop: Ends the wait for a provider that cannot be reached at start.

    Raises:
        StorageError: The database cannot be opened; the message says what to do.
        ConfigError: Telegram does not accept the token.
    """
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(
            await SqliteDatabase.open(settings.database, exclusive=owner)
        )
        runner = LocalRunner(clock)
        messengers: dict[Channel, Messenger] = {}
        bot = None
        if settings.telegram:
            bot = await _open_bot(settings, stack, stop=stop)
            messengers[Channel.TELEGRAM] = TelegramMessenger(bot)
        if settings.whatsapp:
            messengers[Channel.WHATSAPP] = await _open_whatsapp(
                settings, stack, clock=clock
            )
        senders = await _senders(settings, database, clock=clock)
        newsroom = Newsroom(
            bot_username=bot.username if bot is not None else "",
            whatsapp_number=settings.whatsapp_number,
            template=settings.content_sid,
            own=frozenset(settings.own),
            keep_for=timedelta(hours=settings.keep_hours),
        )
        notices = Notices(senders)
        ledger = Ledger(
            database=database,
            clock=clock,
            notices=notices,
            policy=RetryPolicy(),
            templates=bool(settings.content_sid),
        )
        yield Desk(
            database=database,
            clock=clock,
            runner=runner,
            senders=senders,
            messengers=messengers,
            newsroom=newsroom,
            bot=bot,
            ledger=ledger,
            notices=notices,
            editorial=Editorial(database=database, clock=clock),
            enrolment=Enrolment(
                database=database,
                clock=clock,
                runner=runner,
                notices=notices,
                senders=senders,
            ),
            broadcaster=Broadcaster(
                database=database,
                clock=clock,
                runner=runner,
                ledger=ledger,
                senders=senders,
                messengers=messengers,
                newsroom=newsroom,
            ),
            replies=Replies(
                database=database, clock=clock, runner=runner, senders=senders
            ),
        )


async def run(
    settings: Settings, *, stop: asyncio.Event, ready: asyncio.Event | None = None
) -> None:
    """Work until *stop* is set, then drain and close everything.

    Args:
        settings: Parsed and checked.
        stop: Set by a signal, or by whoever started us.
        ready: Set once everything is up.

    Raises:
        StorageError: The database cannot be opened, or another application has it.
        ConfigError: A provider does not accept the settings; the port is taken.
    """
    async with (
        open_desk(settings, owner=True, stop=stop) as desk,
        AsyncExitStack() as stack,
    ):
        if stop.is_set():
            return
        runner = desk.runner
        pumps = _pumps(settings, desk)
        for sender, pump in pumps.items():
            runner.register(f"pump {sender}", pump.run)
        by_key = {str(sender): pump for sender, pump in pumps.items()}
        runner.register("pump", lambda key: by_key[key].run(key))
        chats = TelegramChats(desk.bot) if desk.bot is not None else None
        sweep = Sweep(
            database=desk.database,
            clock=desk.clock,
            runner=runner,
            ledger=desk.ledger,
            senders=desk.senders,
            messengers=desk.messengers,
            chats=chats,
            repeat_doubtful=settings.when_in_doubt == "repeat",
        )
        runner.register("sweep", sweep.run)
        runner.every(SWEEP_EVERY, "sweep", "all")
        raise NotImplementedError
