"""A loopback HTTP server that answers as told, rude answers included."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Rude(Enum):
    """Ways of not answering a request that has been read."""

    HANG = "hang"
    CUT = "cut"


@dataclass(frozen=True)
class Answer:
    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    delay: float = 0.0  #: seconds

    @classmethod
    def json(cls, content: Any, status: int = 200, **headers: str) -> Answer:
        named = tuple((name.replace("_", "-"), text) for name, text in headers.items())
        kind = (("Content-Type", "application/json"),)
        return cls(status, json.dumps(content).encode(), kind + named)


@dataclass(frozen=True)
class Asked:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


@dataclass
class Server:
    """What it was asked, and what it will answer: the script, then the rest."""

    rest: Answer | Rude = Rude.HANG
    idle: float | None = None  #: seconds after which an idle connection is closed
    script: deque[Answer | Rude] = field(default_factory=deque)
    asked: list[Asked] = field(default_factory=list)
    connections: int = 0
    port: int = 0
    _talks: set[asyncio.Task[None]] = field(default_factory=set)
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def then(self, *answers: Answer | Rude) -> None:
        self.script.extend(answers)

    def connected(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.connections += 1
        self._talks.add(asyncio.create_task(self._talk(reader, writer)))
        self._writers.add(writer)

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with suppress(OSError, TimeoutError, EOFError):
            while await self._one(reader, writer):
                pass
        writer.close()

    async def _one(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        async with asyncio.timeout(self.idle):
            head = await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        method, target, _ = first.split(" ")
        headers = {
            name.lower(): text for name, text in (line.split(": ", 1) for line in lines)
        }
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.asked.append(Asked(method, target, headers, body))
        answer = self.script.popleft() if self.script else self.rest
        if answer is Rude.CUT:
            return False
        if answer is Rude.HANG:
            await asyncio.Event().wait()
        assert isinstance(answer, Answer)
        await asyncio.sleep(answer.delay)
        told = "".join(f"{name}: {text}\r\n" for name, text in answer.headers)
        start = f"HTTP/1.1 {answer.status} Told\r\n{told}"
        writer.write(f"{start}Content-Length: {len(answer.body)}\r\n\r\n".encode())
        writer.write(answer.body)
        await writer.drain()
        return ("Connection", "close") not in answer.headers

    async def end(self) -> None:
        for task in self._talks:
            task.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0)  # in which the sockets are closed


@asynccontextmanager
async def serving(
    *script: Answer | Rude, rest: Answer | Rude = Rude.HANG, idle: float | None = None
) -> AsyncIterator[Server]:
    server = Server(rest=rest, idle=idle, script=deque(script))
    listening = await asyncio.start_server(server.connected, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await server.end()
        await listening.wait_closed()


async def unused_port() -> int:
    """Return a port on which nobody listens."""
    listening = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port: int = listening.sockets[0].getsockname()[1]
    listening.close()
    await listening.wait_closed()
    return port
