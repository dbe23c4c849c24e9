"""Both providers, their people and their page, started and stopped together."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Literal, Self

from .control import Control
from .faults import Faults
from .hooks import Hooks
from .limits import TelegramRates, TwilioRates
from .log import Log
from .switches import Switches
from .telegram import TelegramServer
from .twilio import TwilioServer
from .updates import Updates
from .visits import Visits
from .whatsapp import Template
from .world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from .wire import Latency, Listener

TELEGRAM_TOKEN = "7000000001:SANDBOX-token-of-the-pretend-bot-001"
ACCOUNT_SID = "AC00000000000000000000000000005a4d"
AUTH_TOKEN = "sandbox0auth0token0of0nobody0000"


class Sandbox:
    """Pretend Telegram and pretend Twilio on loopback.

    Args:
        rate: ``strict`` refuses what is too fast, ``unlimited`` takes everything.
        latency: Seconds every call takes, fixed or between two numbers.
        log_file: Also write the log there, one JSON object a line.
        bot_token: The one token that is right.
        bot_username: Without ``@``.
        account_sid: Twilio's account.
        auth_token: Its password, which also signs what Twilio sends us.
        whatsapp_number: The sender, ``+`` and digits.
        keep_alive: Seconds an idle connection is kept open.
        ports: For Telegram, Twilio and the page; zero means any free one.
        seed: Everything drawn by chance follows from it.
        hooks: What the page can show and do of the application's side.
        clock: Seconds since the epoch.
        auto_read: Whether people read WhatsApp messages as they come.
        paid_broadcast: Whether ``allow_paid_broadcast`` lifts the bot's rate.
    """

    def __init__(
        self,
        *,
        rate: Literal["strict", "unlimited"] = "strict",
        latency: Latency = 0.0,
        log_file: Path | None = None,
        bot_token: str = TELEGRAM_TOKEN,
        bot_username: str = "harkara_demo_bot",
        account_sid: str = ACCOUNT_SID,
        auth_token: str = AUTH_TOKEN,
        whatsapp_number: str = "+14155550100",
        keep_alive: float = 75.0,
        ports: Sequence[int] = (0, 0, 0),
        seed: int = 0,
        hooks: Hooks | None = None,
        clock: Callable[[], float] = time.time,
        auto_read: bool = False,
        paid_broadcast: bool = False,
    ) -> None:
        strict = rate == "strict"
        self.rate = rate
        self.bot_token = bot_token
        self.bot_username = bot_username
        self.account_sid = account_sid
        self.auth_token = auth_token
        self.whatsapp_number = whatsapp_number
        self.clock = clock
        self.log = Log(clock=clock, file=log_file)
        self.faults = Faults(seed=seed)
        self.world = World(
            bot_id=int(bot_token.partition(":")[0]),
            bot_username=bot_username,
            log=self.log,
            clock=clock,
            seed=seed,
        )
        self.world.auto_read = auto_read
        self.world.updates = Updates(self.log, clock=clock, first=100_000_000 + seed)
        self.telegram = TelegramServer(
            token=bot_token,
            world=self.world,
            log=self.log,
            faults=self.faults,
            rates=TelegramRates(strict=strict),
            port=ports[0],
            keep_alive=keep_alive,
            latency=latency,
            seed=seed,
            paid_broadcast=paid_broadcast,
        )
        self.twilio = TwilioServer(
            account_sid=account_sid,
            auth_token=auth_token,
            number=whatsapp_number,
            world=self.world,
            log=self.log,
            faults=self.faults,
            rates=TwilioRates(strict=strict),
            port=ports[1],
            keep_alive=keep_alive,
            latency=latency,
            seed=seed,
        )
        self.world.network = self.twilio.network
        self.hooks = hooks or Hooks()
        self.switches = Switches(
            world=self.world,
            faults=self.faults,
            log=self.log,
            is_up=lambda provider: self._listener(provider).is_up,
        )
        self.visits = Visits(
            world=self.world,
            switches=self.switches,
            hooks=self.hooks,
            number=whatsapp_number,
        )
        self.control = Control(self, port=ports[2])
        self.telegram.listener.clock = clock
        self.twilio.listener.clock = clock
        self.faults.switch = self._switch
        self.faults.drop_idle = lambda provider: self._listener(provider).close_idle()

    @property
    def stars(self) -> float:
        """What Telegram has charged for messages beyond its free rate, in Stars."""
        return self.telegram.rates.charged / 10

    @property
    def telegram_url(self) -> str:
        """Where Telegram listens; python-telegram-bot wants ``/bot`` after it."""
        return self.telegram.listener.url

    @property
    def twilio_url(self) -> str:
        """Where Twilio listens."""
        return self.twilio.listener.url

    @property
    def page_url(self) -> str:
        """Where the page of phones is."""
        return self.control.listener.url

    def add_template(
        self,
        *,
        sid: str,
        body: str,
        name: str = "",
        status: str = "approved",
        language: str = "en",
        category: str = "MARKETING",
        buttons: Sequence[str] = (),
    ) -> Template:
        """Let an approved (or pending, paused, …) template exist."""
        template = Template(
            sid, body, name or sid.lower(), status, language, category, list(buttons)
        )
        self.twilio.network.templates[sid] = template
        return template

    async def start(self) -> None:
        """Begin to listen."""
        await self.telegram.listener.up()
        await self.twilio.listener.up()
        await self.control.listener.up()

    async def stop(self) -> None:
        """Stop listening and close everything."""
        await self.control.listener.down()
        await self.telegram.listener.down()
        await self.twilio.listener.down()
        await self.world.updates.close()
        await self.twilio.network.close()
        self.log.close()

    async def __aenter__(self) -> Self:
        """Start."""
        await self.start()
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Stop."""
        await self.stop()

    def _listener(self, provider: str) -> Listener:
        if provider not in {"telegram", "twilio"}:
            raise ValueError(f"no such provider: {provider}")
        server = self.telegram if provider == "telegram" else self.twilio
        return server.listener

    async def _switch(self, provider: str, up: bool) -> None:  # noqa: FBT001 - a hook
        listener = self._listener(provider)
        self.log.add("switch", None, provider=provider, up=up)
        await (listener.up() if up else listener.down())

    def settings(self) -> dict[str, Any]:
        """Return what an application needs to be aimed at this sandbox."""
        return {
            "telegram_url": self.telegram_url,
            "twilio_url": self.twilio_url,
            "page_url": self.page_url,
            "bot_token": self.bot_token,
            "bot_username": self.bot_username,
            "account_sid": self.account_sid,
            "auth_token": self.auth_token,
            "whatsapp_number": self.whatsapp_number,
        }
