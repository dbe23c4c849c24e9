"""A loopback HTTP listener that can misbehave."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp.web_protocol import RequestHandler

    from .faults import Fault

Latency = float | tuple[float, float]  #: seconds, fixed or between two

UPLOAD = 50 * 2**20  #: bytes
JSON_HEADERS = {"Content-Type": "application/json"}


def answer(
    status: int, body: Any, headers: dict[str, str] | None = None
) -> web.Response:
    """Return a JSON answer."""
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        headers={**JSON_HEADERS, **(headers or {})},
    )


def _request(
    message: Any, payload: Any, protocol: Any, writer: Any, task: Any
) -> web.BaseRequest:
    """Return a request that may be as large as Telegram's uploads."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(
        message, payload, protocol, writer, task, loop, client_max_size=UPLOAD
    )


def _from_a_page(request: web.BaseRequest) -> bool:
    """Say whether a page sent this: any in this machine's browser could.

    Its browser names it, or says that it was led here by something.
    """
    site = request.headers.get("Sec-Fetch-Site", "none")
    return "Origin" in request.headers or site != "none"


class Dropped(Exception):
    """The connection was cut on purpose."""


class Listener:
    """Serves one handler on one loopback port, and can vanish from it.

    Args:
        handler: Answers each request.
        port: Zero means any free one.
        keep_alive: Seconds an idle connection is kept open.
        latency: Seconds every call takes.
        seed: What is drawn by chance follows from it.
        pages: Whether browsers may call; who calls an API is a program.
    """

    def __init__(
        self,
        handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]],
        *,
        port: int = 0,
        keep_alive: float = 75.0,
        latency: Latency = 0.0,
        seed: int | str = 0,
        pages: bool = False,
    ) -> None:
        self.port = port
        self.clock: Callable[[], float] | None = None  #: what `Date` tells, if not now
        self._handler = handler
        self._pages = pages
        self._keep_alive = keep_alive
        self._latency = latency
        self._random = random.Random(f"latency {seed}")  # noqa: S311 - repeatable
        self._busy: set[RequestHandler] = set()
        self._web: web.Server | None = None
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def is_up(self) -> bool:
        """Whether it listens now."""
        return self._server is not None

    async def up(self) -> None:
        """Listen; on the same port as before, if there was one."""
        if self._server is not None:
            return
        self._web = web.Server(
            self._serve,
            request_factory=_request,
            keepalive_timeout=self._keep_alive,
            access_log=None,
            handler_cancellation=True,
        )
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            self._web, "127.0.0.1", self.port, reuse_address=True, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def down(self) -> None:
        """Refuse new connections and drop the open ones."""
        if self._server is None or self._web is None:
            return
        server, self._server = self._server, None
        server.close()
        for connection in list(self._web.connections):
            if connection.transport is not None:
                connection.transport.abort()
        await self._web.shutdown(timeout=0.0)
        await server.wait_closed()

    def close_idle(self) -> int:
        """Close the kept-alive connections that wait for a request."""
        closed = 0
        for connection in list(self._web.connections) if self._web else ():
            if connection not in self._busy and connection.transport is not None:
                connection.transport.close()
                closed += 1
        return closed

    async def pause(self) -> None:
        """Wait as long as the wire takes."""
        latency = self._latency
        seconds = (
            latency
            if isinstance(latency, (int, float))
            else self._random.uniform(*latency)
        )
        if seconds > 0:
            await asyncio.sleep(seconds)

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        if not self._pages and _from_a_page(request):
            return web.Response(status=403, text="Pages may not call this.")
        self._busy.add(request.protocol)
        try:
            response = await self._handler(request)
            if self.clock is not None and not response.prepared:
                moment = datetime.fromtimestamp(self.clock(), UTC)
                response.headers["Date"] = format_datetime(moment, usegmt=True)
        except Dropped:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=499)
        else:
            return response
        finally:
            self._busy.discard(request.protocol)


async def suffer_before(fault: Fault | None) -> None:
    """Play what happens before anything was done.

    Raises:
        Dropped: The connection must be cut.
    """
    if fault is None:
        return
    if fault.kind == "cut_before":
        raise Dropped
    if fault.kind == "hang" and not fault.stored:
        await asyncio.Event().wait()


async def suffer_after(fault: Fault | None) -> None:
    """Play what happens once everything was done.

    Raises:
        Dropped: The connection must be cut.
    """
    if fault is None:
        return
    if fault.kind == "slow":
        await asyncio.sleep(fault.seconds)
    elif fault.kind == "cut_after":
        raise Dropped
    elif fault.kind == "hang":
        await asyncio.Event().wait()
