"""A desk over real SQLite, and the world that writes to it."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from bot.broadcaster import Newsroom
from bot.domain.broadcasts import Lane
from bot.domain.errors import TryLater
from bot.domain.manners import Manner
from bot.domain.recipients import Channel
from bot.services import wire
from handlers.inbox import InboxReader
from handlers.telegram.updates import TelegramUpdates
from handlers.whatsapp.inbound import WhatsAppInbound
from handlers.whatsapp.receipts import WhatsAppReceipts
from storage import SqliteDatabase
from tests.fakes import FakeClock, FakeMessenger

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


from tests.handlers.world import FakeChats, StillRunner, World


@pytest.fixture
async def world(empty: Path, tmp_path: Path) -> AsyncIterator[World]:
    path = shutil.copy(empty, tmp_path / "harkara.db")
    async with await SqliteDatabase.open(path, exclusive=True) as database:
        clock = FakeClock(auto=True)
        runner = StillRunner()
        chats = FakeChats()
        messengers = {each: FakeMessenger(each) for each in Channel}
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
        )
        enrolment, editorial = services.enrolment, services.editorial
        broadcaster, replies = services.broadcaster, services.replies
        toasts: list[tuple[str, str]] = []

        async def toast(callback: str, text: str) -> None:
            toasts.append((callback, text))
            if callback == "late":
                raise TryLater("too late")

        world = World(
            database=database,
            clock=clock,
            runner=runner,
            chats=chats,
            messengers=messengers,
            senders=senders,
            enrolment=enrolment,
            editorial=editorial,
            broadcaster=broadcaster,
            ledger=services.ledger,
            notices=services.notices,
            inbox=InboxReader(
                database=database,
                clock=clock,
                notices=services.notices,
                handlers={
                    Channel.TELEGRAM: TelegramUpdates(
                        username="desk_bot",
                        enrolment=enrolment,
                        editorial=editorial,
                        broadcaster=broadcaster,
                        replies=replies,
                        chats=chats,
                        answer_callback=toast,
                    ),
                    Channel.WHATSAPP: WhatsAppInbound(
                        enrolment=enrolment,
                        editorial=editorial,
                        replies=replies,
                        receipts=WhatsAppReceipts(broadcaster),
                    ),
                },
            ),
            toasts=toasts,
            lanes=lanes,
        )
        await enrolment.create_audience("valley", title="Valley")
        yield world
