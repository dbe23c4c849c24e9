"""Each messenger before a scripted provider, and what that provider can be told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import TYPE_CHECKING

from telegram import Bot

from bot.domain.errors import (
    Doubtful,
    FailureKind,
    SenderDown,
    TryLater,
    Undeliverable,
)
from bot.domain.messages import Text
from bot.domain.recipients import Address, Channel
from bot.transports.http import Patience, open_session
from bot.transports.telegram import AiohttpRequest, TelegramMessenger
from bot.transports.whatsapp import WhatsAppMessenger, open_client
from tests.fakes import FakeClock, FakeMessenger
from tests.transports.scripted import Answer, Rude, Server, serving, unused_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.ports import Messenger

TOKEN = "123456:never-to-be-seen"
ACCOUNT = "AC00000000000000000000000000000001"
PASSWORD = "never-to-be-seen-either"
READ = timedelta(milliseconds=400)

CHAT = Address(Channel.TELEGRAM, "777000123")
READER = Address(Channel.WHATSAPP, "+923001234567")
TEXT = Text(text="Rain <b>tomorrow</b>", markup="HTML", length=13, limit=4096)
PLAIN = Text(text="Rain tomorrow", length=13, limit=1600)


@asynccontextmanager
async def telegram(server: Server, **options: object) -> AsyncIterator[Bot]:
    request = AiohttpRequest(**{"read": READ, **options})  # type: ignore[arg-type]
    bot = Bot(TOKEN, base_url=f"{server.url}/bot", request=request)
    async with request:
        yield bot


@asynccontextmanager
async def whatsapp(
    server: Server,
    *,
    clock: FakeClock | None = None,
    validity: timedelta | None = None,
    callback: str = "https://desk.example/twilio/status",
) -> AsyncIterator[WhatsAppMessenger]:
    async with open_session(patience=Patience(read=READ)) as session:
        client = open_client(
            session,
            account_sid=ACCOUNT,
            username=ACCOUNT,
            password=PASSWORD,
            base_url=server.url,
        )
        yield WhatsAppMessenger(
            client,
            from_="+14155238886",
            status_callback=callback,
            clock=clock or FakeClock(),
            validity=validity,
        )


class Stand(ABC):
    """A messenger, an address and a message of its channel, and its provider."""

    def __init__(
        self, messenger: Messenger, to: Address, message: Text, server: Server
    ) -> None:
        self.messenger = messenger
        self.to = to
        self.message = message
        self.server = server

    async def send(self) -> str:
        return await self.messenger.send(self.to, self.message, None)

    @property
    def calls(self) -> int:
        return len(self.server.asked)

    @abstractmethod
    def accept(self) -> None:
        """Take the next message."""

    @abstractmethod
    def throttle(self) -> None:
        """Ask for a wait."""

    @abstractmethod
    def lose_reader(self) -> None:
        """Say that the reader has left us."""

    @abstractmethod
    def refuse_us(self) -> None:
        """Say that the account is not accepted."""

    def hang(self) -> None:
        self.server.then(Rude.HANG)

    def cut(self) -> None:
        self.server.then(Rude.CUT)

    async def vanish(self) -> None:
        """Nobody listens any more."""
        self.server.port = await unused_port()


class TelegramStand(Stand):
    def accept(self) -> None:
        self.server.then(Answer.json({"ok": True, "result": {"message_id": 41}}))

    def _refuse(self, status: int, text: str, **parameters: int) -> None:
        content = {"ok": False, "error_code": status, "description": text}
        if parameters:
            content["parameters"] = parameters
        self.server.then(Answer.json(content, status))

    def throttle(self) -> None:
        self._refuse(429, "Too Many Requests: retry after 7", retry_after=7)

    def lose_reader(self) -> None:
        self._refuse(403, "Forbidden: bot was blocked by the user")

    def refuse_us(self) -> None:
        self._refuse(401, "Unauthorized")

    async def vanish(self) -> None:
        assert isinstance(self.messenger, TelegramMessenger)
        self.messenger._bot._base_url = f"http://127.0.0.1:{await unused_port()}/bot1"


class WhatsAppStand(Stand):
    def accept(self) -> None:
        self.server.then(Answer.json({"sid": "SM41", "status": "queued"}, 201))

    def _refuse(self, status: int, code: int, **headers: str) -> None:
        content = {"status": status, "code": code, "message": "to +923001234567"}
        self.server.then(Answer.json(content, status, **headers))

    def throttle(self) -> None:
        self._refuse(429, 20429, Retry_After="7")

    def lose_reader(self) -> None:
        self._refuse(400, 21610)

    def refuse_us(self) -> None:
        self._refuse(401, 20003)

    async def vanish(self) -> None:
        assert isinstance(self.messenger, WhatsAppMessenger)
        url = f"http://127.0.0.1:{await unused_port()}"
        self.messenger._client.api.base_url = url


class FakeStand(Stand):
    @property
    def fake(self) -> FakeMessenger:
        assert isinstance(self.messenger, FakeMessenger)
        return self.messenger

    @property
    def calls(self) -> int:
        return self.fake.calls

    def accept(self) -> None:
        pass

    def throttle(self) -> None:
        wait = timedelta(seconds=7)
        self.fake.fail(self.to, TryLater("slow down", after=wait, throttled=True))

    def lose_reader(self) -> None:
        self.fake.fail(self.to, Undeliverable("blocked", kind=FailureKind.BLOCKED))

    def refuse_us(self) -> None:
        self.fake.fail(self.to, SenderDown("token"))

    def hang(self) -> None:
        self.fake.fail(self.to, Doubtful("hang"))

    def cut(self) -> None:
        self.fake.fail(self.to, Doubtful("cut"))

    async def vanish(self) -> None:
        self.fake.fail(self.to, TryLater("refused"))


@asynccontextmanager
async def stand_of(name: str) -> AsyncIterator[Stand]:
    async with serving() as server:
        if name == "telegram":
            async with telegram(server) as bot:
                yield TelegramStand(TelegramMessenger(bot), CHAT, TEXT, server)
        elif name == "whatsapp":
            async with whatsapp(server) as messenger:
                yield WhatsAppStand(messenger, READER, PLAIN, server)
        else:
            yield FakeStand(FakeMessenger(), CHAT, TEXT, server)
