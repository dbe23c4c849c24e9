"""A few connections to PostgreSQL, each made anew as soon as somebody wants it.

A pool that makes them beside its callers waits longer after each failure: too long for
workers that have to be back within seconds of the server.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

import psycopg

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    AnyConnection = psycopg.AsyncConnection[Any]


class Lines:
    """Hands out connections, one to a caller at a time.

    Args:
        url: Where to connect.
        settings: libpq's, beside those of the address.
        most: So many at the same time; who comes then waits.
    """

    def __init__(self, url: str, settings: Mapping[str, Any], *, most: int) -> None:
        self._url = url
        self._settings = dict(settings)
        self._idle: list[AnyConnection] = []
        self._free = asyncio.Semaphore(most)

    async def connect(self, *, autocommit: bool = False) -> AnyConnection:
        """Make one that is the caller's to close."""
        return await psycopg.AsyncConnection.connect(
            self._url, autocommit=autocommit, **self._settings
        )

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[AnyConnection]:
        """Lend one; what was done is committed at the end, unless there is an error."""
        async with self._free:
            line = self._idle.pop() if self._idle else await self.connect()
            try:
                yield line
                await line.commit()
            except BaseException as error:
                await line.close()
                if isinstance(error, psycopg.OperationalError):
                    await self.close()  # what is idle has not fared better
                raise
            self._idle.append(line)

    async def close(self) -> None:
        """Close all that nobody has."""
        while self._idle:
            with suppress(psycopg.Error):
                await self._idle.pop().close()
