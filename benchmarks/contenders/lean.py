"""A client written by hand for this one request: how far aiohttp is from the ground.

No time-outs, no redirects, no TLS: to show what is possible, not to be used.
"""

from __future__ import annotations

import asyncio
from typing import cast
from urllib.parse import urlsplit

import orjson

from benchmarks.measuring import TEXT, TOKEN, Measured, Spec, Stopwatch, run

END = b"\r\n\r\n"
LENGTH = b"Content-Length: "


class Line(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none
        self._next()

    def data_received(self, data: bytes) -> None:
        """Take the answer in, and go on once it is whole."""
        self._received += data
        head = self._received.find(END)
        if head < 0:
            return
        at = self._received.index(LENGTH) + len(LENGTH)
        length = int(self._received[at : self._received.index(b"\r", at)])
        body = head + len(END)
        if len(self._received) < body + length:
            return
        answer = orjson.loads(self._received[body : body + length])
        self._received = self._received[body + length :]
        self._work.answered(int(answer["result"]["message_id"]))
        self._next()

    def _next(self) -> None:
        request = self._work.request()
        if request is None:
            self._transport.close()
        else:
            self._transport.write(request)


class Work:
    """What is left to send."""

    def __init__(self, spec: Spec) -> None:
        self._chats = iter(range(1, spec.messages + 1))
        self._left = spec.messages
        self.done = asyncio.Event()
        text = orjson.dumps({"text": TEXT, "parse_mode": "HTML"})
        self._tail = b"," + text[1:]
        self._head = (
            f"POST /bot{TOKEN}/sendMessage HTTP/1.1\r\nHost: bench\r\n"
            "Content-Type: application/json\r\nContent-Length: "
        ).encode()

    def request(self) -> bytes | None:
        """Return the next request; None if there is none."""
        chat = next(self._chats, None)
        if chat is None:
            return None
        body = b'{"chat_id":%d' % chat + self._tail
        return b"%b%d\r\n\r\n%b" % (self._head, len(body), body)

    def answered(self, number: int) -> None:
        """Count an answer."""
        if number > 0:
            self._left -= 1
        if not self._left:
            self.done.set()


async def main(spec: Spec) -> Measured:
    """Send over as many connections as may be used at a time."""
    work = Work(spec)
    address = urlsplit(spec.base)
    loop = asyncio.get_running_loop()
    watch = Stopwatch()
    for _ in range(spec.concurrency):
        await loop.create_connection(
            lambda: Line(work), address.hostname or "", address.port or 0
        )
    await work.done.wait()
    return watch.stop(spec.messages)


if __name__ == "__main__":
    run(main, uvloop=True)
