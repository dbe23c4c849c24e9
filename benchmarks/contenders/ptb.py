"""python-telegram-bot: `send_message` as its documentation shows it.

Options: ``limiter`` puts its AIORateLimiter before it; ``ledger`` is the number of
commits that are made of each message through SQLModel's asynchronous session, SQLite's
``synchronous`` at FULL: 1 writes that it was sent, 2 that it will be as well.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

os.environ.setdefault("PTB_TIMEDELTA", "1")

from sqlalchemy import event
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import Field, SQLModel
from sqlmodel.ext.asyncio.session import AsyncSession
from telegram.constants import ParseMode
from telegram.ext import AIORateLimiter, ExtBot
from telegram.request import HTTPXRequest

from benchmarks.measuring import TEXT, TOKEN, Measured, Spec, run, send_all

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from sqlalchemy.ext.asyncio import AsyncEngine


class Sent(SQLModel, table=True):
    """One message and what became of it."""

    id: int | None = Field(default=None, primary_key=True)
    chat: int = Field(index=True)
    state: str = "queued"
    message_id: int | None = None


async def main(spec: Spec) -> Measured:
    """Send through one bot."""
    limiter = None
    if spec.options.get("limiter"):
        limiter = AIORateLimiter(
            overall_max_rate=spec.rate, overall_time_period=1, max_retries=50
        )
    bot = ExtBot(
        TOKEN,
        base_url=f"{spec.base}/bot",
        request=HTTPXRequest(connection_pool_size=spec.concurrency, pool_timeout=60),
        rate_limiter=limiter,
    )

    async def send(chat: int) -> int:
        sent = await bot.send_message(chat, TEXT, parse_mode=ParseMode.HTML)
        return sent.message_id

    async with bot:
        commits = int(spec.options.get("ledger", 0))
        if not commits:
            return await send_all(spec, send)
        engine = await ledger(spec)
        measured = await send_all(spec, recorded(engine, send, commits))
        measured.verified = await recorded_all(engine, spec)
        await engine.dispose()
        return measured


async def ledger(spec: Spec) -> AsyncEngine:
    """Make a file with a row for each message."""
    engine = create_async_engine(f"sqlite+aiosqlite:///{spec.folder}/orm.db")

    @event.listens_for(engine.sync_engine, "connect")
    def on_connect(connection: object, _: object) -> None:
        cursor = connection.cursor()  # type: ignore[attr-defined] # the driver's own
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",
            "busy_timeout = 60000",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    async with engine.begin() as connection:
        await connection.run_sync(SQLModel.metadata.create_all)
    async with AsyncSession(engine) as session:
        session.add_all(Sent(id=n, chat=n) for n in range(1, spec.messages + 1))
        await session.commit()
    return engine


def recorded(
    engine: AsyncEngine, send: Callable[[int], Awaitable[int]], commits: int
) -> Callable[[int], Awaitable[object]]:
    """Return how one message is sent and written down."""

    async def send_recorded(chat: int) -> None:
        async with AsyncSession(engine) as session:
            row = await session.get_one(Sent, chat)
            if commits > 1:
                row.state = "sending"
                session.add(row)
                await session.commit()
                await session.refresh(row)
            row.message_id = await send(row.chat)
            row.state = "sent"
            session.add(row)
            await session.commit()

    return send_recorded


async def recorded_all(engine: AsyncEngine, spec: Spec) -> bool:
    """Whether each row says that it was sent, with its number."""
    async with AsyncSession(engine) as session:
        rows = [await session.get_one(Sent, chat) for chat in (1, spec.messages)]
    return all(row.state == "sent" and row.message_id for row in rows)


if __name__ == "__main__":
    run(main)
