"""Run the sandbox on its own: ``python -m bot.sandbox --rate unlimited``."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .server import ACCOUNT_SID, AUTH_TOKEN, TELEGRAM_TOKEN, Sandbox

if TYPE_CHECKING:
    from collections.abc import Sequence


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bot.sandbox",
        description="Pretend Telegram and pretend Twilio on loopback.",
    )
    parser.add_argument("--telegram-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--twilio-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--page-port", type=int, default=0, help="0: any free one")
    parser.add_argument("--rate", choices=["strict", "unlimited"], default="strict")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds per call")
    parser.add_argument("--keep-alive", type=float, default=75.0, help="seconds")
    parser.add_argument("--log-file", type=Path, help="JSON lines are appended there")
    parser.add_argument("--bot-token", default=TELEGRAM_TOKEN)
    parser.add_argument("--bot-username", default="harkara_demo_bot")
    parser.add_argument("--account-sid", default=ACCOUNT_SID)
    parser.add_argument("--auth-token", default=AUTH_TOKEN)
    parser.add_argument("--whatsapp-number", default="+14155550100")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--auto-read", action="store_true", help="people read WhatsApp at once"
    )
    return parser.parse_args(given)


async def serve(options: argparse.Namespace) -> None:
    """Run until told to stop; the first line printed is the settings as JSON."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Sandbox(
        rate=options.rate,
        latency=options.latency,
        log_file=options.log_file,
        bot_token=options.bot_token,
        bot_username=options.bot_username,
        account_sid=options.account_sid,
        auth_token=options.auth_token,
        whatsapp_number=options.whatsapp_number,
        keep_alive=options.keep_alive,
        ports=(options.telegram_port, options.twilio_port, options.page_port),
        seed=options.seed,
        auto_read=options.auto_read,
    ) as sandbox:
        sys.stdout.write(json.dumps(sandbox.settings()) + "\n")
        sys.stdout.flush()
        await stop.wait()


if __name__ == "__main__":
    asyncio.run(serve(arguments()))
