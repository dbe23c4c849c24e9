"""The address under which Twilio, Telegram and health checks reach us."""

from __future__ import annotations

import asyncio
import os
import socket
from typing import TYPE_CHECKING

from aiohttp import web

from bot.domain.errors import ConfigError
from handlers.telegram.webhook import TelegramWebhook, secret_of
from handlers.whatsapp.hooks import TwilioHooks
from handlers.whatsapp.signature import SignatureGuard

if TYPE_CHECKING:
    from bot.config import Settings
    from bot.services import Services
    from handlers.health import Health


def pages(settings: Settings, desk: Services, health: Health) -> web.Application:
    """Put together what can be asked of us over HTTP."""
    app = web.Application()
    app.add_routes(health.routes())
    if settings.whatsapp:
        hooks = TwilioHooks(
            guard=SignatureGuard(
                [settings.twilio_auth_token.get_secret_value()], settings.public_url
            ),
            database=desk.database,
            clock=desk.clock,
            runner=desk.runner,
        )
        app.add_routes(hooks.routes())
    if settings.telegram and settings.telegram_webhook:
        webhook = TelegramWebhook(
            secret=secret_of(settings.bot_token.get_secret_value()),
            database=desk.database,
            clock=desk.clock,
            runner=desk.runner,
        )
        app.add_routes(webhook.routes())
    return app


def health_page(health: Health) -> web.Application:
    """Put together what a process answers that nobody but its watchers calls."""
    app = web.Application()
    app.add_routes(health.routes())
    return app


async def why_shut(settings: Settings) -> str:
    """Why the address of the settings cannot be opened now; empty if it can.

    It is bound as `serve` would, and let go at once: nobody can connect meanwhile.
    """
    host, port = settings.listen_address
    loop = asyncio.get_running_loop()
    try:
        server = await loop.create_server(
            asyncio.Protocol, host or None, port, start_serving=False
        )
    except OSError as error:
        return _reason(error)
    server.close()
    await server.wait_closed()
    return ""


def _reason(error: OSError) -> str:
    """Return the system's few words; the library's are whole sentences around them."""
    if isinstance(error, socket.gaierror) or error.errno is None:
        return error.strerror or str(error)
    return os.strerror(error.errno)


async def serve(settings: Settings, app: web.Application) -> web.AppRunner:
    """Serve *app* at the address of the settings, until what is returned is closed.

    Raises:
        ConfigError: The address cannot be opened.
    """
    # Unpacking would go before any check of who calls, and hold up everything.
    server = web.AppRunner(
        app, access_log=None, shutdown_timeout=5, auto_decompress=False
    )
    await server.setup()
    host, port = settings.listen_address
    try:
        await web.TCPSite(server, host, port).start()
    except OSError as error:
        await server.cleanup()
        raise ConfigError(
            f"HARKARA_LISTEN: {settings.listen} cannot be opened ({_reason(error)}); "
            "stop what has it, or choose another port"
        ) from error
    return server
