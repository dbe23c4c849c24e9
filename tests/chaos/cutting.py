"""A wire to PostgreSQL that can be cut in the middle of a commit."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Self

CHUNK = 65_536


class Wire:
    """Hands bytes on between whoever connects and a server on loopback.

    ``cut`` ends connections at their next commit: in turn before the server has heard
    of it, so that nothing is kept, and after, so that all is and nobody is told.
    """

    def __init__(self, port: int) -> None:
        self._to = port
        self._server: asyncio.Server | None = None
        self._wanted = 0
        self._heard = False
        self.cuts = 0  #: connections ended in the middle of a commit
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def port(self) -> int:
        """Where to connect."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def url(self, server: str) -> str:
        """Return the address of a database by way of this wire."""
        head, _, rest = server.rpartition(f":{self._to}/")
        return f"{head}:{self.port}/{rest}"

    def cut(self, times: int = 1) -> None:
        """End the next so many commits in their middle."""
        self._wanted += times

    async def __aenter__(self) -> Self:
        """Listen."""
        self._server = await asyncio.start_server(self._between, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Cut them all."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()

    async def _between(
        self, asking: asyncio.StreamReader, answered: asyncio.StreamWriter
    ) -> None:
        try:
            answering, asked = await asyncio.open_connection("127.0.0.1", self._to)
        except OSError:
            answered.close()
            return
        both = (answered, asked)
        self._writers.update(both)
        hands = [
            asyncio.create_task(self._hand_on(asking, asked, commits=True)),
            asyncio.create_task(self._hand_on(answering, answered, commits=False)),
        ]
        try:
            await asyncio.wait(hands, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for hand in hands:
                hand.cancel()
            await asyncio.gather(*hands, return_exceptions=True)
            for writer in both:
                self._writers.discard(writer)
                writer.close()

    async def _hand_on(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        *,
        commits: bool,
    ) -> None:
        with suppress(ConnectionError):
            while chunk := await source.read(CHUNK):
                cutting = commits and self._wanted > 0 and b"COMMIT" in chunk
                if cutting:
                    self._wanted -= 1
                    self.cuts += 1
                    self._heard = not self._heard
                if not cutting or self._heard:
                    target.write(chunk)
                    await target.drain()
                if cutting:
                    if self._heard:
                        await asyncio.sleep(0.05)  # for the server to have kept it
                    return


def widest(times: list[float], seconds: float = 1.0) -> int:
    """Return the most of *times*, in order, that fall into any so many seconds."""
    most = first = 0
    for place, moment in enumerate(times):
        while times[first] <= moment - seconds:
            first += 1
        most = max(most, place - first + 1)
    return most
