"""The services, wired over the database that the settings name."""

from __future__ import annotations

from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING

from bot.accounts import ensure_senders, open_bot, open_whatsapp
from bot.clock import ServerClock, SystemClock
from bot.domain.holding import Watch
from bot.domain.recipients import Channel
from bot.domain.servers import Server
from bot.planning import Newsroom
from bot.runners.cluster import ClusterRunner
from bot.runners.local import LocalRunner
from bot.services import Services, wire
from bot.transports.telegram import TelegramMessenger
from storage import in_use, moment_of, open_database

if TYPE_CHECKING:
    import asyncio
    from collections.abc import AsyncIterator, Callable
    from zoneinfo import ZoneInfo

    from telegram import Bot

    from bot.config import Settings
    from bot.ports import Clock, Messenger


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
        clock: The machine's own, or where there is one the server's, unless a test
            brings one.
        stop: Ends the wait for a provider that cannot be reached at start.

    Raises:
        Stopped: *stop* was set before everything was open.
        StorageError: The database cannot be opened; the message says what to do.
        ConfigError: Telegram does not accept the token.
    """
    async with AsyncExitStack() as stack:
        database = await open_database(
            settings.database, exclusive=owner, key=settings.key_source
        )
        await stack.enter_async_context(database)
        if clock is None and isinstance(settings.database, Server):
            clock = servers = ServerClock(partial(moment_of, database))
            await servers.look()
        clock = clock or SystemClock()
        runner = await _runner(settings, stack, clock=clock)
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
            lanes=settings.lanes,
            watch=Watch(share=settings.failing_percent / 100),
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


async def _runner(
    settings: Settings, stack: AsyncExitStack, *, clock: Clock
) -> LocalRunner | ClusterRunner:
    """Return what runs tasks: here for a file, with others for a server."""
    if not isinstance(settings.database, Server):
        return LocalRunner(clock)
    from bot.runners.jobs import Jobs  # optional: its libraries come with an extra

    runner = ClusterRunner(Jobs(settings.database.url), clock)
    stack.push_async_callback(runner.close)
    return runner
