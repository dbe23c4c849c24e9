"""What waits for the bot: the queue, long polling and the webhook."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING, Any

import aiohttp

from .words import words

if TYPE_CHECKING:
    from collections.abc import Callable

    from .log import Log

#: Not delivered unless asked for by name.
OPTIONAL = frozenset({"chat_member", "message_reaction", "message_reaction_count"})
KINDS = words(
    "message edited_message channel_post edited_channel_post business_connection",
    "business_message edited_business_message deleted_business_messages",
    "message_reaction message_reaction_count inline_query chosen_inline_result",
    "callback_query shipping_query pre_checkout_query purchased_paid_media poll",
    "poll_answer my_chat_member chat_member chat_join_request chat_boost",
    "removed_chat_boost",
)
LIFETIME = 24 * 3600.0  #: seconds an update is kept


class Conflict(Exception):
    """Two want the updates; the message is Telegram's."""


class Updates:
    """Numbers updates and hands them to whoever asks, or to the webhook."""

    def __init__(self, log: Log, *, clock: Callable[[], float], first: int) -> None:
        self._log = log
        self._clock = clock
        self._next = first
        self._queue: deque[tuple[int, float, dict[str, Any]]] = deque()
        self._arrived = asyncio.Event()
        self._poller: asyncio.Future[str] | None = None
        self._deliverer: asyncio.Task[None] | None = None
        self.allowed: frozenset[str] = KINDS - OPTIONAL
        self.allowed_listed: list[str] | None = None
        self.url = ""
        self.secret: str | None = None
        self.connections = 40
        self.last_error: tuple[int, str] | None = None
        self.retry_first = 1.0  #: seconds before the first repetition, doubling

    def put(self, kind: str, payload: dict[str, Any]) -> int | None:
        """Queue an update, unless the bot did not ask for its kind."""
        if kind not in self.allowed:
            return None
        number = self._next
        self._next += 1
        update = {"update_id": number, kind: payload}
        self._queue.append((number, self._clock(), update))
        chat = payload.get("chat") or payload.get("message", {}).get("chat") or {}
        self._log.add("update", chat.get("id"), update_id=number, update=update)
        self._arrived.set()
        return number

    def again(self, number: int) -> None:
        """Queue an update once more, as if its delivery had gone unnoticed.

        Raises:
            LookupError: There was none of that number.
        """
        for record in self._log.of("update"):
            if record["update_id"] == number:
                self._queue.append((number, self._clock(), record["update"]))
                self._arrived.set()
                return
        raise LookupError(f"no update {number}")

    @property
    def pending(self) -> int:
        """How many updates wait."""
        return len(self._queue)

    def allow(self, kinds: list[str] | None) -> None:
        """Take over a list of ``allowed_updates``; ``None`` keeps the last one."""
        if kinds is None:
            return
        self.allowed = (frozenset(kinds) & KINDS) if kinds else KINDS - OPTIONAL
        self.allowed_listed = list(kinds) or None

    def drop(self) -> None:
        """Forget everything that waits."""
        self._queue.clear()

    async def poll(
        self, offset: int, limit: int, timeout: float
    ) -> list[dict[str, Any]]:
        """Answer ``getUpdates``.

        Raises:
            Conflict: A webhook is set, or somebody else polls now.
        """
        if self.url:
            raise Conflict(
                "can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first"
            )
        self._interrupt(
            "terminated by other getUpdates request; "
            "make sure that only one bot instance is running"
        )
        self._confirm(offset)
        me: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._poller = me
        try:
            if not self._queue and timeout > 0:
                await self._wait(me, timeout)
            if me.done():
                raise Conflict(me.result())
            return [update for _, _, update in list(self._queue)[:limit]]
        finally:
            if self._poller is me:
                self._poller = None

    async def _wait(self, me: asyncio.Future[str], timeout: float) -> None:
        self._arrived.clear()
        arrival = asyncio.ensure_future(self._arrived.wait())
        try:
            both: set[asyncio.Future[Any]] = {me, arrival}
            await asyncio.wait(
                both, timeout=timeout, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            arrival.cancel()

    def _interrupt(self, reason: str) -> None:
        if self._poller is not None and not self._poller.done():
            self._poller.set_result(reason)

    def _confirm(self, offset: int) -> None:
        self._expire()
        if offset > 0:
            while self._queue and self._queue[0][0] < offset:
                self._queue.popleft()
        elif offset < 0:
            while len(self._queue) > -offset:
                self._queue.popleft()

    def _expire(self) -> None:
        oldest = self._clock() - LIFETIME
        while self._queue and self._queue[0][1] < oldest:
            self._queue.popleft()

    # --- webhook ---------------------------------------------------------

    def set_webhook(self, url: str, secret: str | None, connections: int) -> None:
        """Deliver to *url* from now on; an empty one goes back to polling."""
        self._interrupt("terminated by setWebhook request")
        if self._deliverer is not None:
            self._deliverer.cancel()
            self._deliverer = None
        self.url, self.secret, self.connections = url, secret, connections
        self.last_error = None
        if url:
            self._deliverer = asyncio.ensure_future(self._deliver())

    async def close(self) -> None:
        """Stop delivering."""
        self._interrupt("Logged out")
        if self._deliverer is not None:
            self._deliverer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._deliverer
            self._deliverer = None

    async def _deliver(self) -> None:
        """Deliver per chat in order, chats side by side."""
        timeout = aiohttp.ClientTimeout(total=60)
        connector = aiohttp.TCPConnector(limit=self.connections)
        lanes: dict[str, asyncio.Task[None]] = {}
        waiting: dict[str, deque[tuple[int, float, dict[str, Any]]]] = {}
        handed: set[tuple[int, float]] = set()
        async with (
            aiohttp.ClientSession(timeout=timeout, connector=connector) as session,
            asyncio.TaskGroup() as group,
        ):
            while True:
                self._arrived.clear()
                for item in list(self._queue):
                    if item[:2] in handed:
                        continue
                    handed.add(item[:2])
                    lane = _lane(item[2])
                    waiting.setdefault(lane, deque()).append(item)
                    if lane not in lanes or lanes[lane].done():
                        lanes[lane] = group.create_task(
                            self._lane(session, waiting[lane])
                        )
                await self._arrived.wait()

    async def _lane(
        self,
        session: aiohttp.ClientSession,
        waiting: deque[tuple[int, float, dict[str, Any]]],
    ) -> None:
        while waiting:
            item = waiting.popleft()
            delay = self.retry_first
            while self._clock() - item[1] < LIFETIME:
                wait = await self._post(session, item[2])
                if wait is None:
                    break
                await asyncio.sleep(wait or delay)
                delay = min(delay * 2, 60.0)
            with contextlib.suppress(ValueError):
                self._queue.remove(item)

    async def _post(
        self, session: aiohttp.ClientSession, update: dict[str, Any]
    ) -> float | None:
        """Deliver once; return ``None`` when it is done, else a wished-for wait."""
        headers = (
            {"X-Telegram-Bot-Api-Secret-Token": self.secret} if self.secret else {}
        )
        wait = 0.0
        try:
            async with session.post(
                self.url, json=update, headers=headers, allow_redirects=False
            ) as response:
                status: int | None = response.status
                error = f"Wrong response from the webhook: {status} {response.reason}"
                after = response.headers.get("Retry-After", "")
                wait = min(float(after), 3600.0) if after.isdigit() else 0.0
        except (aiohttp.ClientError, TimeoutError) as problem:
            status, error = None, f"Connection failed: {type(problem).__name__}"
        self._log.add("webhook", update_id=update["update_id"], answer=status)
        if status is not None and 200 <= status < 300:
            return None
        self.last_error = (int(self._clock()), error)
        return wait


def _lane(update: dict[str, Any]) -> str:
    """Return the source of an update: its chat, or whoever did it."""
    payload = next(value for key, value in update.items() if key != "update_id")
    chat = payload.get("chat") or payload.get("from") or {}
    return str(chat.get("id", ""))
