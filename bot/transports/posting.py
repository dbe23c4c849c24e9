"""POST requests to one address, over aiohttp's connections, at a fraction of its cost.

aiohttp's own requests are made of a dozen objects and, on most Pythons, a task each:
three fifths of what a message costs. Here a request is a few joined bytes. Everything
that is hard stays aiohttp's: names, sockets, certificates, the pool and its ends, and
the reading of answers.

It goes by parts of aiohttp that are no promise of its (`ClientRequest` as the name of a
destination, the connector's `connect`, the protocol's `set_response_params`); its
version is capped for that, and tests/transports/test_posting.py holds it.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, NamedTuple

import aiohttp
from aiohttp.client_reqrep import ClientRequest
from yarl import URL

from bot.transports.http import NeverLeft, lost

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import timedelta

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

_CONTROL = frozenset(map(chr, (*range(32), 127)))


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Poster:
    """Makes requests that differ in their bodies alone, each of them once.

    Args:
        session: Its pool is used; whoever opened it closes it.
        url: Where to; its query, if any, is sent along.
        headers: Of every request; ``Host`` and ``Content-Length`` come by themselves.
        connect: Longest wait for a connection, from the pool or new.
        answer: Longest wait from the request's writing to the answer's end.

    Raises:
        NeverLeft: *url* is no address.
        ValueError: A header holds what would end it.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        url: str,
        headers: Mapping[str, str],
        *,
        connect: timedelta,
        answer: timedelta,
    ) -> None:
        self._session = session
        self._target = target = _destination(session, url)
        lines = [f"POST {target.url.raw_path_qs} HTTP/1.1"]
        named = {"Host": target.url.host_port_subcomponent, "Accept": "*/*", **headers}
        lines += [f"{name}: {value}" for name, value in named.items()]
        if not _CONTROL.isdisjoint("".join(lines)):
            raise ValueError("a header ends in its line")
        self._head = "\r\n".join([*lines, "Content-Length: "]).encode("latin-1")
        self._timeout = aiohttp.ClientTimeout(
            total=None,
            connect=connect.total_seconds(),
            sock_connect=connect.total_seconds(),
        )
        self._answer = answer.total_seconds()

    async def post(self, body: bytes) -> Answer:
        """Make one request and never repeat it.

        Raises:
            Lost: There was no answer.
        """
        connection, protocol = await self._connected()
        try:
            # Sees to it that the next answer is read as one to this request.
            protocol.set_response_params()
            async with asyncio.timeout(self._answer):
                protocol.transport.write(  # type: ignore[union-attr] # it has one
                    b"%b%d\r\n\r\n%b" % (self._head, len(body), body)
                )
                message, payload = await protocol.read()
                while HTTPStatus.CONTINUE <= message.code < HTTPStatus.OK:
                    message, payload = await protocol.read()
                received = await payload.read()
        except Exception as error:  # noqa: BLE001 - all that aiohttp may raise is judged
            connection.close()
            failure = lost(error)
        except BaseException:
            connection.close()
            raise
        else:
            connection.release()
            return Answer(message.code, message.headers, received)
        # Outside the handler, so that the error with the address is no part of it.
        raise failure

    async def _connected(self) -> tuple[Connection, ResponseHandler]:
        """Return a connection on which nothing has been said.

        Raises:
            NeverLeft: There is none.
        """
        name = "session closed"
        connector = self._session.connector
        if connector is None or connector.closed:
            raise NeverLeft(name)
        for _ in range(connector.limit + 1):  # as many as may lie idle, and a new one
            try:
                connection = await connector.connect(
                    self._target, traces=[], timeout=self._timeout
                )
            except Exception as error:  # noqa: BLE001 - whatever it is, nothing was written
                name = type(error).__name__
                break
            protocol = connection.protocol
            # One that has lain idle may have been closed since, or hold what nobody
            # asked for, which would be read as the answer to this request.
            if protocol is not None:  # it is empty, and so false
                if protocol.is_connected() and not protocol.should_close:
                    return connection, protocol
                name = "connection closed"
            connection.close()
        raise NeverLeft(name)


def _destination(session: aiohttp.ClientSession, url: str) -> ClientRequest:
    try:
        return ClientRequest(
            "POST", URL(url), loop=asyncio.get_running_loop(), session=session
        )
    except (ValueError, AssertionError) as error:
        name = type(error).__name__
    # Outside the handler, so that the error with the address is no part of it.
    raise NeverLeft(name)
