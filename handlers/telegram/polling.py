"""Fetches Telegram's updates and stores each before Telegram is told so.

`getUpdates` confirms what lies before its offset. So a batch is stored, raw, before
the next call, and a crash between the two only brings it a second time.
"""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlencode

from telegram.error import Conflict, TelegramError

from bot.domain.errors import StorageError
from bot.domain.inbound import Inbound
from bot.domain.recipients import Channel
from handlers.telegram.backoff import wait_after

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from telegram import Bot

    from bot.ports import Clock, Database, Runner

log = logging.getLogger("harkara.telegram")

T = TypeVar("T")

#: What we have handlers for; anything else is not even sent to us.
ALLOWED = ("message", "callback_query", "my_chat_member")
#: Most updates in one answer, Telegram's own limit.
BATCH = 100
#: How much longer than the poll itself its answer is waited for.
GRACE = timedelta(seconds=10)


class TelegramPolling:
    """Long polling of one bot.

    Args:
        bot: Its request must be initialised.
        poll: How long Telegram may keep a call open when nothing happens.
    """

    def __init__(
        self,
        bot: Bot,
        *,
        database: Database,
        clock: Clock,
        runner: Runner,
        poll: timedelta = timedelta(seconds=25),
    ) -> None:
        self._bot = bot
        self._database = database
        self._clock = clock
        self._runner = runner
        self._poll = poll
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()
        self._ended.set()
        self._waiting: asyncio.Task[Any] | None = None
        self._webhook_gone = False

    async def run(self) -> None:
        """Poll until stopped; no answer of Telegram's ends it."""
        self._ended.clear()
        # Without an offset Telegram begins with the first update not yet confirmed.
        # After a quiet week its numbers may begin anew, and lower: an offset made of
        # a stored number would then wait for ever.
        offset: int | None = None
        failures = 0
        try:
            while not self._stopping.is_set():
                try:
                    updates = await self._interruptible(self._fetch(offset))
                    await self._store(updates)
                except (TelegramError, StorageError) as error:
                    failures += 1
                    # Perhaps somebody has set a webhook since.
                    self._webhook_gone &= not isinstance(error, Conflict)
                    await self._back_off(error, failures)
                    continue
                failures = 0
                numbers = [each["update_id"] for each in updates]
                offset = max(numbers) + 1 if numbers else None
        except _Stopped:
            pass
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """End the open call, let what it brought be stored, and return."""
        self._stopping.set()
        if self._waiting is not None:
            self._waiting.cancel()
        await self._ended.wait()

    async def _fetch(self, offset: int | None) -> list[dict[str, Any]]:
        """Call ``getUpdates`` past the library's own method.

        That one parses a whole batch before it returns any of it, and logs it when
        one update is of a shape unknown to it: nothing would ever come in again.
        """
        if not self._webhook_gone:
            await self._bot.delete_webhook(drop_pending_updates=False)
            self._webhook_gone = True
        seconds = self._poll.total_seconds()
        parameters: dict[str, object] = {
            "timeout": int(seconds),
            "limit": BATCH,
            "allowed_updates": json.dumps(ALLOWED),
        }
        if offset is not None:
            parameters["offset"] = offset
        answer: object = await self._bot.request.post(
            f"{self._bot.base_url}/getUpdates?{urlencode(parameters)}",
            read_timeout=seconds + GRACE.total_seconds(),
        )
        if not isinstance(answer, list):
            raise TelegramError("no list of updates")
        return [
            each
            for each in answer
            if isinstance(each, dict) and type(each.get("update_id")) is int
        ]

    async def _store(self, updates: list[dict[str, Any]]) -> None:
        if not updates:
            return
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await tx.inbox.store(
                [
                    Inbound(
                        channel=Channel.TELEGRAM,
                        key=f"update:{each['update_id']}",
                        payload=each,
                        received_at=now,
                    )
                    for each in updates
                ]
            )
        await self._runner.kick("inbox", "all")

    async def _back_off(self, error: Exception, failures: int) -> None:
        wait = wait_after(error, failures)
        log.warning(
            "updates could not be fetched",
            extra={
                "error": type(error).__name__,
                "again_in_seconds": wait.total_seconds(),
            },
        )
        until = self._clock.now() + wait
        await self._interruptible(self._clock.sleep_until(until))

    async def _interruptible(self, work: Coroutine[Any, Any, T]) -> T:
        """Await *work*, and raise `_Stopped` if `stop` ends it."""
        task: asyncio.Task[T] = asyncio.create_task(work)
        self._waiting = task
        try:
            if self._stopping.is_set():
                task.cancel()
            return await task
        except asyncio.CancelledError:
            if self._stopping.is_set():
                raise _Stopped from None
            raise
        finally:
            self._waiting = None


class _Stopped(Exception):
    """We were told to stop."""
