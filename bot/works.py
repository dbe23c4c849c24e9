"""What an application does, put together of the services and what is outside."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.accounts import POLL
from bot.domain.keeping import Keeping
from bot.domain.pacing import DEFAULT_RATES
from bot.domain.recipients import Channel
from bot.doubts import Doubts
from bot.pump import Pump
from bot.retention import Retention
from bot.strangers import Strangers
from bot.sweep import Sweep
from bot.transports.telegram import TelegramChats, TelegramMessenger
from bot.transports.whatsapp import WhatsAppMessenger
from handlers.inbox import Handler, InboxReader
from handlers.telegram.polling import TelegramPolling
from handlers.telegram.updates import TelegramUpdates
from handlers.telegram.webhook import PATH, keep_announced, secret_of
from handlers.whatsapp.inbound import WhatsAppInbound
from handlers.whatsapp.missed import MissedMessages
from handlers.whatsapp.receipts import WhatsAppReceipts

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import Bot

    from bot.config import Settings
    from bot.desk import Desk
    from handlers.health import Health


def pumps(settings: Settings, desk: Desk) -> list[Pump]:
    """One pump for each sender."""
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


def inbox(settings: Settings, desk: Desk) -> InboxReader:
    """What reads the inbox, with a handler for each channel."""
    handlers: dict[Channel, Handler] = {}
    own = frozenset(settings.own)
    messenger = desk.messengers.get(Channel.TELEGRAM)
    if desk.bot is not None and isinstance(messenger, TelegramMessenger):
        handlers[Channel.TELEGRAM] = TelegramUpdates(
            username=desk.bot.username,
            enrolment=desk.enrolment,
            editorial=desk.editorial,
            broadcaster=desk.broadcaster,
            corrections=desk.corrections,
            replies=desk.replies,
            chats=TelegramChats(desk.bot),
            answer_callback=messenger.answer_callback,
            default_audiences=settings.audiences,
            channels=tuple(desk.senders),
            own=own,
            keeping=keeping(settings),
            contact=settings.contact,
        )
    if settings.whatsapp:
        handlers[Channel.WHATSAPP] = WhatsAppInbound(
            enrolment=desk.enrolment,
            editorial=desk.editorial,
            replies=desk.replies,
            receipts=WhatsAppReceipts(desk.broadcaster),
            own=own,
            keeping=keeping(settings),
            contact=settings.contact,
        )
    return InboxReader(
        database=desk.database,
        clock=desk.clock,
        handlers=handlers,
        notices=desk.notices,
    )


def sweep(desk: Desk) -> Sweep:
    """What looks at the tables, whatever anybody was told."""
    return Sweep(
        database=desk.database,
        clock=desk.clock,
        runner=desk.runner,
        senders=desk.senders,
        notices=desk.notices,
    )


def swept(sweep: Sweep, health: Health) -> Callable[[str], Awaitable[None]]:
    """Let each sweep that came to its end be known."""

    async def run(key: str) -> None:
        await sweep.run(key)
        health.swept()

    return run


def keeping(settings: Settings) -> Keeping:
    """For how long what is kept."""
    return Keeping(
        updates=timedelta(days=settings.keep_updates_days),
        deliveries=timedelta(days=settings.keep_deliveries_days),
        consents=timedelta(days=settings.keep_consents_days),
    )


def retention(settings: Settings, desk: Desk) -> Retention:
    """What erases what is kept no longer."""
    return Retention(
        database=desk.database, clock=desk.clock, keeping=keeping(settings)
    )


def doubts(settings: Settings, desk: Desk) -> Doubts:
    """What looks into calls that were never answered."""
    return Doubts(
        database=desk.database,
        clock=desk.clock,
        runner=desk.runner,
        ledger=desk.ledger,
        senders=desk.senders,
        messengers=desk.messengers,
        repeat=settings.when_in_doubt == "repeat",
    )


def strangers(desk: Desk, bot: Bot) -> Strangers:
    """What sees to groups that nobody has vouched for."""
    return Strangers(
        database=desk.database,
        clock=desk.clock,
        enrolment=desk.enrolment,
        replies=desk.replies,
        chats=TelegramChats(bot),
    )


def missed(desk: Desk) -> MissedMessages | None:
    """What fetches messages that Twilio could not hand on; None without WhatsApp."""
    messenger = desk.messengers.get(Channel.WHATSAPP)
    if not isinstance(messenger, WhatsAppMessenger):
        return None
    return MissedMessages(
        listed=messenger.received_since,
        database=desk.database,
        clock=desk.clock,
        runner=desk.runner,
    )


def polling(desk: Desk, bot: Bot) -> TelegramPolling:
    """What asks Telegram for updates."""
    return TelegramPolling(
        bot,
        database=desk.database,
        clock=desk.clock,
        runner=desk.runner,
        poll=POLL,
    )


async def announcing(settings: Settings, desk: Desk, bot: Bot) -> None:
    """Have Telegram call us, until cancelled.

    It stays set when we stop: what comes meanwhile waits at Telegram.
    """
    await keep_announced(
        bot,
        url=f"{settings.public_url.rstrip('/')}{PATH}",
        secret=secret_of(settings.bot_token.get_secret_value()),
        clock=desk.clock,
    )
