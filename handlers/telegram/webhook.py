"""Where Telegram calls us: each update stored before Telegram is told so.

Telegram repeats whatever is not answered with a 2xx, for a day, and holds back what
comes later from the same chat. So what can be stored is stored before it is answered,
and what never can be is answered all the same.
"""

from __future__ import annotations

import hmac
import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from aiohttp import web
from telegram.error import BadRequest, TelegramError

from bot.domain.inbound import Inbound
from bot.domain.recipients import Channel
from handlers.intake import keep, read_body
from handlers.telegram.backoff import wait_after
from handlers.telegram.polling import ALLOWED

if TYPE_CHECKING:
    from telegram import Bot

    from bot.ports import Clock, Database, Runner

log = logging.getLogger("harkara.telegram")

PATH = "/telegram/webhook"
#: The largest body that is read, in bytes.
LARGEST_BODY = 256 * 1024

#: How often is looked whether Telegram still calls us.
WATCH = timedelta(minutes=5)

_HEADER = "X-Telegram-Bot-Api-Secret-Token"
_LABEL = b"harkara: the secret of Telegram's webhook"


def secret_of(token: str) -> str:
    """Return what Telegram has to show us, made of the bot's token: 64 hex digits.

    It survives a restart without being stored, and tells nothing of the token.
    """
    return hmac.digest(token.encode(), _LABEL, "sha256").hex()


class TelegramWebhook:
    """The address that Telegram is given.

    A request that is not Telegram's leaves no trace. One that comes a second time is
    answered as well as the first and has no second effect.

    Args:
        secret: What Telegram was told to show, by `announce`.
    """

    def __init__(
        self,
        *,
        secret: str,
        database: Database,
        clock: Clock,
        runner: Runner,
    ) -> None:
        self._secret = secret.encode()
        self._database = database
        self._clock = clock
        self._runner = runner

    def routes(self) -> list[web.RouteDef]:
        """Return it, to be added to an application."""
        return [web.post(PATH, self.update)]

    async def update(self, request: web.Request) -> web.Response:
        """One update."""
        shown = request.headers.get(_HEADER, "").encode(errors="surrogateescape")
        if not hmac.compare_digest(shown, self._secret):
            log.warning("a request without the webhook's secret was refused")
            raise web.HTTPForbidden
        update = _update(await read_body(request, largest=LARGEST_BODY))
        if update is None:
            log.error("Telegram sent what is no update; it is left out")
            return web.Response()
        entry = Inbound(
            channel=Channel.TELEGRAM,
            key=f"update:{update['update_id']}",
            payload=update,
            received_at=self._clock.now(),
        )
        await keep(entry, database=self._database, runner=self._runner)
        return web.Response()


async def keep_announced(bot: Bot, *, url: str, secret: str, clock: Clock) -> None:
    """Have Telegram call *url*, and see to it that it goes on doing so.

    Anybody with the token may point it elsewhere; nothing would come in any more, and
    nobody be told.
    """
    while True:
        await announce(bot, url=url, secret=secret, clock=clock)
        found = url
        while found == url:
            await clock.sleep_until(clock.now() + WATCH)
            try:
                found = await _webhook_of(bot)
            except TelegramError as error:
                log.warning(
                    "Telegram could not be asked about the webhook",
                    extra={"error": type(error).__name__},
                )
        log.error(
            "somebody has taken the webhook away; it is set again. Run only one "
            "application with the bot's token"
        )


async def _webhook_of(bot: Bot) -> str:
    """Return the address that Telegram calls; empty if it calls none.

    Past the library's own method, which trips over whatever else in the answer has
    no shape known to it, and by errors of any class.

    Raises:
        TelegramError: Telegram could not be asked.
    """
    answer: object = await bot.request.post(f"{bot.base_url}/getWebhookInfo")
    url = answer.get("url") if isinstance(answer, dict) else None
    if not isinstance(url, str):
        raise TelegramError("no webhook in the answer")
    return url


async def announce(bot: Bot, *, url: str, secret: str, clock: Clock) -> None:
    """Have Telegram call *url* from now on; ask until it says yes.

    What waits there is kept: it comes to *url* as well.
    """
    failures = 0
    while True:
        try:
            await bot.set_webhook(
                url,
                allowed_updates=ALLOWED,
                drop_pending_updates=False,
                secret_token=secret,
            )
        except TelegramError as error:
            failures += 1
            wait = wait_after(error, failures)
            if isinstance(error, BadRequest):
                log.error(  # noqa: TRY400 - Telegram's own words would say no more
                    "Telegram refuses our address: HARKARA_PUBLIC_URL must be https, "
                    "on port 443, 80, 88 or 8443, and found from the internet"
                )
            log.warning(
                "the webhook could not be set",
                extra={
                    "error": type(error).__name__,
                    "again_in_seconds": wait.total_seconds(),
                },
            )
            await clock.sleep_until(clock.now() + wait)
        else:
            log.info("the webhook is set")
            return


def _update(body: bytes) -> dict[str, Any] | None:
    try:
        update = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if isinstance(update, dict) and type(update.get("update_id")) is int:
        return update
    return None
