"""aiogram 3, and aiogram_broadcaster upon it, as their documentation shows them."""

from __future__ import annotations

import logging

# Only the contenders' own environment has them.
from aiogram import Bot  # type: ignore[import-not-found]
from aiogram.client.session.aiohttp import (  # type: ignore[import-not-found]
    AiohttpSession,
)
from aiogram.client.telegram import (  # type: ignore[import-not-found]
    TelegramAPIServer,
)
from aiogram_broadcaster import Broadcaster  # type: ignore[import-not-found]
from aiogram_broadcaster.contents import (  # type: ignore[import-not-found]
    TextContent,
)

from benchmarks.measuring import TEXT, TOKEN, Measured, Spec, Stopwatch, run, send_all


async def main(spec: Spec) -> Measured:
    """Send through one bot."""
    logging.disable(logging.CRITICAL)
    session = AiohttpSession(
        api=TelegramAPIServer.from_base(spec.base), limit=spec.concurrency
    )
    async with Bot(TOKEN, session=session) as bot:
        if spec.options.get("broadcaster"):
            return await broadcast(spec, bot)

        async def send(chat: int) -> int:
            sent = await bot.send_message(chat, TEXT, parse_mode="HTML")
            return int(sent.message_id)

        return await send_all(spec, send)


async def broadcast(spec: Spec, bot: Bot) -> Measured:
    """Let a mailer send: one message after the other, nothing kept."""
    broadcaster = Broadcaster(bot)
    mailer = await broadcaster.create_mailer(
        chats=range(1, spec.messages + 1),
        content=TextContent(text=TEXT, parse_mode="HTML"),
    )
    watch = Stopwatch()
    whole = await mailer.start()
    measured = watch.stop(spec.messages)
    measured.verified = bool(whole) and not mailer.chats.failed
    return measured


if __name__ == "__main__":
    run(main)
