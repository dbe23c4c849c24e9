"""The world that writes to a desk, and what it gets back."""

from __future__ import annotations

import contextlib
import sqlite3
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from bot.consequences import Consequences
from bot.domain.articles import Draft
from bot.domain.inbound import Inbound
from bot.domain.messages import OutboundMessage, Text
from bot.domain.pacing import Rate
from bot.domain.recipients import Address, Channel
from bot.pump import Pump

if TYPE_CHECKING:
    from datetime import datetime

    from bot.broadcaster import Broadcaster
    from bot.domain.broadcasts import Lane
    from bot.domain.errors import SendError
    from bot.domain.manners import Manner
    from bot.domain.recipients import SenderId
    from bot.editorial import Editorial
    from bot.enrolment import Enrolment
    from bot.ledger import Ledger
    from bot.notices import Notices
    from handlers.inbox import InboxReader
    from storage import SqliteDatabase
    from tests.fakes import FakeClock, FakeMessenger

NEWS = (
    "The old bridge reopened on Saturday, the city said. "
    "Divers replaced two piers in October, the engineer told reporters."
)
BOT = {"id": 7, "is_bot": True, "first_name": "Desk", "username": "desk_bot"}


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


class FakeChats:
    """Knows who administers what, as the test says."""

    def __init__(self) -> None:
        self.administrators: set[tuple[str, str]] = set()
        self.error: SendError | None = None

    async def is_administrator(self, chat: Address, person: str) -> bool:
        if self.error is not None:
            raise self.error
        return person == chat.value or (chat.value, person) in self.administrators

    async def leave(self, chat: Address) -> None: ...


@dataclass
class World:
    """Everything a test of the handlers touches."""

    database: SqliteDatabase
    clock: FakeClock
    runner: StillRunner
    chats: FakeChats
    messengers: dict[Channel, FakeMessenger]
    senders: dict[Channel, SenderId]
    enrolment: Enrolment
    editorial: Editorial
    broadcaster: Broadcaster
    ledger: Ledger
    notices: Notices
    inbox: InboxReader
    toasts: list[tuple[str, str]]
    #: how each lane's broadcasts are held; a test fills it in
    lanes: dict[Lane, Manner]
    numbers: count[int] = field(default_factory=lambda: count(1))

    # --- what comes in -----------------------------------------------------

    async def store(self, channel: Channel, key: str, payload: dict[str, Any]) -> None:
        async with self.database.transaction() as tx:
            await tx.inbox.store(
                [
                    Inbound(
                        channel=channel,
                        key=key,
                        payload=payload,
                        received_at=self.clock.now(),
                    )
                ]
            )

    async def update(self, **content: Any) -> str:
        """Have one update come in and be worked off; return its reply key."""
        number = next(self.numbers)
        await self.store(
            Channel.TELEGRAM,
            f"update:{number}",
            {"update_id": number, **content},
        )
        assert await self.inbox.run("all") is None
        return f"telegram:update:{number}"

    async def again(self, key: str) -> None:
        """Work an update off once more, as after a crash."""
        channel, _, own = key.partition(":")
        self._sql(
            "UPDATE inbound SET done_at = NULL WHERE channel = ? AND key = ?",
            channel,
            own,
        )
        assert await self.inbox.run("all") is None

    def _sql(self, statement: str, *values: object) -> list[Any]:
        """Look behind the ports, which have no such question."""
        with contextlib.closing(
            sqlite3.connect(self.database._path, isolation_level=None)
        ) as file:
            return file.execute(statement, values).fetchall()

    async def says(
        self,
        text: str,
        *,
        person: int = 100,
        chat: dict[str, Any] | None = None,
        **more: Any,
    ) -> str:
        """Have somebody write to the bot, in private unless *chat* says otherwise."""
        language = more.pop("language", "en")
        return await self.update(
            message={
                "message_id": 1,
                "date": 1763800000,
                "chat": chat or {"id": person, "type": "private", "first_name": "A"},
                "from": {
                    "id": person,
                    "is_bot": False,
                    "first_name": "A",
                    "language_code": language,
                },
                "text": text,
                **more,
            }
        )

    async def presses(self, data: str, *, person: int = 999) -> str:
        """Have somebody press a button."""
        return await self.update(
            callback_query={
                "id": "77",
                "from": {"id": person, "is_bot": False, "first_name": "E"},
                "chat_instance": "1",
                "data": data,
            }
        )

    async def place(
        self, chat: dict[str, Any], old: dict[str, Any], new: dict[str, Any]
    ) -> str:
        """Have the bot's own place in a chat change."""
        return await self.update(
            my_chat_member={
                "chat": chat,
                "from": {"id": 100, "is_bot": False, "first_name": "A"},
                "date": 1763800000,
                "old_chat_member": {"user": BOT, **old},
                "new_chat_member": {"user": BOT, **new},
            }
        )

    async def whatsapp(
        self, body: str, *, sender: str = "+923001234567", **more
    ) -> str:
        """Have a reader write on WhatsApp."""
        number = next(self.numbers)
        key = f"message:SM{number}"
        await self.store(
            Channel.WHATSAPP,
            key,
            {
                "MessageSid": f"SM{number}",
                "From": f"whatsapp:{sender}",
                "Body": body,
                **more,
            },
        )
        assert await self.inbox.run("all") is None
        return f"whatsapp:{key}"

    # --- what goes out ------------------------------------------------------

    async def sent(self, to: Address | int | str) -> list[Text]:
        """Send what is due; return what *to* has had since it was last asked for."""
        if not isinstance(to, Address):
            channel = Channel.WHATSAPP if str(to)[0] in "+I" else Channel.TELEGRAM
            to = Address(channel, str(to))
        await self.pump(to.channel)
        messenger = self.messengers[to.channel]
        mine = [each for each in messenger.sent if each.to == to]
        messenger.sent = [each for each in messenger.sent if each.to != to]
        return [_text(each.message) for each in mine]

    async def texts(self, to: Address | int | str) -> list[str]:
        return [each.text for each in await self.sent(to)]

    async def pump(self, channel: Channel) -> None:
        pump = Pump(
            sender=self.senders[channel],
            messenger=self.messengers[channel],
            database=self.database,
            ledger=self.ledger,
            consequences=Consequences(self.notices),
            notices=self.notices,
            clock=self.clock,
            rate=Rate(
                per_second=100,
                private=timedelta(seconds=1),
                group=timedelta(seconds=1),
            ),
            concurrency=4,
        )
        again = await pump.run("")
        while again is not None and again <= self.clock.now() + timedelta(hours=1):
            self.clock.set(max(again, self.clock.now()))
            again = await pump.run("")

    # --- shortcuts ----------------------------------------------------------

    async def editor(self, person: int = 999) -> Address:
        token = await self.editorial.invite_editor("Meera")
        address = Address(Channel.TELEGRAM, str(person))
        assert await self.editorial.accept_invitation(token, by=address)
        return address

    async def article(self, headline: str = "Bridge reopens", number: int = 1):
        return await self.editorial.take_in(
            Draft(
                text=NEWS,
                headline=headline,
                link=f"https://news.example/{number}",
                language="en",
            )
        )

    async def joined(self, address: Address) -> list[str]:
        found = await self.enrolment.find(address)
        return [each.name for each in found[1]] if found else []

    async def errors(self) -> list[str]:
        found = self._sql("SELECT error FROM inbound WHERE error != '' ORDER BY id")
        return [error for (error,) in found]


def _text(message: OutboundMessage) -> Text:
    assert isinstance(message, Text)
    return message


def group(number: int = -500, title: str = "Anantnag", **more: Any) -> dict[str, Any]:
    return {"id": number, "type": "supergroup", "title": title, **more}


def telegram(number: int, thread: int | None = None) -> Address:
    return Address(Channel.TELEGRAM, str(number), thread)
