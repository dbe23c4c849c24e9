"""Whether the application is up, for a container's health check and for people."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.domain.errors import HarkaraError, StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    from bot.domain.recipients import Channel, SenderId
    from bot.ports import Clock, Database

PATH = "/health"
#: Seconds without a sweep, which is due every second, after which it is stuck.
STUCK_AFTER = 30.0
#: Seconds for which an answer of the database is good for whoever else asks: anybody
#: may, and each time something is written.
SHARED_FOR = 1.0
#: Seconds within which the database must have answered.
ANSWER_WITHIN = 5.0


class Health:
    """Answers `GET /health`: 200 when the application works, 503 when it does not.

    A sender whose provider cannot be reached is shown and is no reason for 503:
    to start again would not help. What is shown names nobody.

    Args:
        ended: The names of tasks that ended by an error; looked at anew each time.
        sweeps: Whether `swept` is to be called again and again.
        seconds: A clock that never jumps, in seconds.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        senders: Mapping[Channel, SenderId],
        ended: Collection[str] = (),
        sweeps: bool = True,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._clock = clock
        self._senders = senders
        self._ended = ended
        self._sweeps = sweeps
        self._seconds = seconds
        self._swept_at = seconds()
        self._asked_at = self._swept_at
        self._asking: asyncio.Task[dict[str, Any]] | None = None

    def routes(self) -> list[web.RouteDef]:
        """Return it, to be added to an application."""
        return [web.get(PATH, self.answer)]

    def swept(self) -> None:
        """Note that the sweep has run."""
        self._swept_at = self._seconds()

    async def answer(self, _request: web.Request) -> web.Response:
        """Say how things are."""
        reasons = [
            f"{name} ended; start again, the log says why" for name in self._ended
        ]
        still = self._seconds() - self._swept_at
        if self._sweeps and still > STUCK_AFTER:
            reasons.append(
                f"the runner is stuck: no sweep for {still:.0f} seconds; start again"
            )
        facts: dict[str, Any] = {}
        try:
            facts = await self._ask()
        except HarkaraError as error:
            reasons.insert(0, str(error))
        body = {
            "status": "down" if reasons else "up",
            "database": "ok" if facts else "failing",
            **facts,
        }
        if reasons:
            body["reason"] = "; ".join(reasons)
        return web.json_response(
            body,
            status=503 if reasons else 200,
            headers={"Cache-Control": "no-store"},
        )

    async def _ask(self) -> dict[str, Any]:
        """Ask the database; whoever comes meanwhile or soon after shares its answer.

        A statement under way cannot be called back, so it is left to end by itself.

        Raises:
            HarkaraError: It cannot be written or read, or does not answer.
        """
        now = self._seconds()
        old = now - self._asked_at >= SHARED_FOR
        if self._asking is None or (self._asking.done() and old):
            self._asked_at = now
            self._asking = asyncio.create_task(self._facts(), name="health")
            # Nobody may be there any more to hear of its error.
            self._asking.add_done_callback(_looked_at)
        done, _ = await asyncio.wait({self._asking}, timeout=ANSWER_WITHIN)
        if not done:
            raise StorageError(
                f"the database has not answered for {ANSWER_WITHIN:.0f} seconds"
            )
        return self._asking.result()

    async def _facts(self) -> dict[str, Any]:
        await self._database.probe()
        async with self._database.snapshot() as tx:
            backlog = await tx.inbox.backlog()
            senders = {
                channel.value: "down" if (await tx.senders.get(sender)).down else "up"
                for channel, sender in self._senders.items()
            }
        waited = (
            max(0.0, (self._clock.now() - backlog.oldest).total_seconds())
            if backlog.oldest is not None
            else None
        )
        return {
            "senders": senders,
            "inbox": backlog.waiting,
            "oldest_waiting_seconds": waited and round(waited, 1),
        }


def _looked_at(task: asyncio.Task[dict[str, Any]]) -> None:
    if not task.cancelled():
        task.exception()


def starting(reason: str) -> web.Application:
    """Return what answers while *reason* keeps the application from being up.

    The database is open by then, and to start again would not help: that is no 503.
    Whoever else calls has to come again.
    """

    async def health(_request: web.Request) -> web.Response:
        body = {
            "status": "starting",
            "database": "ok",
            "reason": f"{reason}; trying again",
        }
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    async def later(_request: web.Request) -> web.Response:
        return web.Response(status=503, headers={"Retry-After": "5"})

    app = web.Application()
    app.add_routes([web.get(PATH, health), web.route("*", "/{anything:.*}", later)])
    return app
