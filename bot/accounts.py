"""Our accounts at the providers: opened, and known by a row each."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AsyncExitStack, suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from telegram import Bot
from telegram.error import InvalidToken, TelegramError

from bot.domain.errors import ConfigError
from bot.domain.recipients import Channel
from bot.listening import serve
from bot.transports.http import Patience, open_session
from bot.transports.telegram_request import AiohttpRequest
from bot.transports.twilio_client import open_client
from bot.transports.whatsapp import WhatsAppMessenger
from handlers.health import starting

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from bot.config import Settings
    from bot.domain.recipients import SenderId
    from bot.ports import Clock, Database

log = logging.getLogger("harkara.app")

#: Seconds before a provider that cannot be reached at start is tried again.
AGAIN = 5.0
#: How long a Telegram long poll may stay open.
POLL = timedelta(seconds=25)


class Stopped(Exception):
    """Asked to stop before everything was up."""


async def open_bot(
    settings: Settings, stack: AsyncExitStack, *, stop: asyncio.Event | None
) -> Bot:
    """Open the bot's account, however long Telegram cannot be reached.

    Args:
        settings: Parsed and checked.
        stack: Closes it.
        stop: Ends the wait; without it there is none.

    Raises:
        Stopped: *stop* was set first.
        ConfigError: Telegram does not accept the token, or cannot be reached now.
    """
    read = timedelta(seconds=settings.timeout)
    bot = Bot(
        settings.bot_token.get_secret_value(),
        base_url=f"{settings.telegram_api.rstrip('/')}/bot",
        request=AiohttpRequest(pool_size=settings.concurrency + 8, read=read),
        get_updates_request=AiohttpRequest(pool_size=2, read=POLL + read),
    )
    # Before the first call: a refused token must not leave connections open.
    stack.push_async_callback(bot.shutdown)
    async with AsyncExitStack() as meanwhile:
        await _initialised(bot, settings, meanwhile, stop=stop)
    return bot


async def _initialised(
    bot: Bot,
    settings: Settings,
    meanwhile: AsyncExitStack,
    *,
    stop: asyncio.Event | None,
) -> None:
    """Have Telegram say who the bot is; what waits for that is told to who asks."""
    answering = False
    while True:
        try:
            await _unless(stop, bot.initialize())
        except InvalidToken:
            raise ConfigError(
                "Telegram does not accept HARKARA_BOT_TOKEN: copy it again from "
                "@BotFather, or send /token there for a new one"
            ) from None
        except TelegramError as error:
            if stop is None:
                raise ConfigError(
                    "Telegram cannot be reached; is this machine on the network?"
                ) from error
            log.warning("Telegram cannot be reached; trying again")
            if settings.listen and not answering:
                server = await serve(settings, starting("Telegram cannot be reached"))
                meanwhile.push_async_callback(server.cleanup)
                answering = True
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), timeout=AGAIN)
            if stop.is_set():
                raise Stopped from None
        else:
            return


async def _unless(
    stop: asyncio.Event | None, work: Coroutine[None, None, None]
) -> None:
    """Await *work*, however long it takes, but not beyond *stop*.

    Raises:
        Stopped: *stop* was set before *work* had ended.
    """
    asked = asyncio.create_task((stop or asyncio.Event()).wait())
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Stopped
        await task
    finally:
        task.cancel()
        asked.cancel()
        await asyncio.gather(task, asked, return_exceptions=True)


async def open_whatsapp(
    settings: Settings, stack: AsyncExitStack, *, clock: Clock
) -> WhatsAppMessenger:
    """Open the account at Twilio; nothing is asked of it yet."""
    read = timedelta(seconds=settings.timeout)
    session = await stack.enter_async_context(
        open_session(
            limit=settings.concurrency + 8,
            patience=Patience(read=read, total=read * 2),
        )
    )
    client = open_client(
        session,
        account_sid=settings.twilio_account_sid,
        username=settings.twilio_account_sid,
        password=settings.twilio_auth_token.get_secret_value(),
        base_url=settings.twilio_api or None,
    )
    return WhatsAppMessenger(
        client,
        from_=settings.whatsapp_number,
        status_callback=f"{settings.public_url.rstrip('/')}/twilio/status",
        clock=clock,
        validity=timedelta(hours=settings.keep_hours),
        answer_within=read * 2,
    )


async def ensure_senders(
    settings: Settings, database: Database, *, clock: Clock
) -> dict[Channel, SenderId]:
    """One row for each account that is set up, known by the account's own id."""
    names = {}
    if settings.telegram:
        names[Channel.TELEGRAM] = settings.bot_token.get_secret_value().split(":")[0]
    if settings.whatsapp:
        names[Channel.WHATSAPP] = settings.whatsapp_number
    async with database.transaction() as tx:
        return {
            channel: (await tx.senders.ensure(channel, name, now=clock.now())).id
            for channel, name in names.items()
        }
