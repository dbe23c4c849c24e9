"""What both transports share: sessions, time-outs, and what a lost call means."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    import ssl as ssl_module

#: Errors that aiohttp raises only while it gets a connection: a slot in the pool, the
#: name's address, the socket, the certificate. Nothing has been written by then.
_BEFORE_WRITING = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
)


class Lost(Exception):
    """A request without an answer; the text names only the kind of failure.

    aiohttp's own texts quote addresses, and Telegram's hold the token.
    """


class NeverLeft(Lost):
    """The request surely did not reach the provider."""


class MaybeLeft(Lost):
    """Some of the request may have been written: the provider may have obeyed."""


def lost(error: Exception) -> NeverLeft | MaybeLeft:
    """Judge an error of the HTTP client.

    A request written on a kept-alive connection that the other side has closed in
    the same moment cannot be told from one that was read and not answered: it is in
    doubt. What keeps it rare is to drop idle connections before the provider does.
    """
    name = type(error).__name__
    if isinstance(error, _BEFORE_WRITING):
        return NeverLeft(name)
    return MaybeLeft(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long to wait for what. ``total`` must be the longest by some way."""

    connect: timedelta = timedelta(seconds=5)  #: for a connection, from the pool or new
    read: timedelta = timedelta(seconds=15)  #: between two pieces of the answer
    total: timedelta = timedelta(seconds=30)  #: for the whole call

    def as_timeout(self) -> aiohttp.ClientTimeout:
        """Return it in the client's words."""
        return aiohttp.ClientTimeout(
            total=self.total.total_seconds(),
            connect=self.connect.total_seconds(),
            sock_connect=self.connect.total_seconds(),
            sock_read=self.read.total_seconds(),
        )


#: Idle connections are dropped after this time: sooner than the providers drop them.
KEEP_ALIVE = timedelta(seconds=15)


def open_session(
    *,
    limit: int = 100,
    keep_alive: timedelta = KEEP_ALIVE,
    patience: Patience | None = None,
    ssl: ssl_module.SSLContext | None = None,
) -> aiohttp.ClientSession:
    """Open a session; inside the running loop, and to be closed by the caller.

    It keeps no cookies and takes neither proxies nor credentials from the
    environment.

    Args:
        limit: Most connections at a time.
        keep_alive: Idle time after which a connection is not used again. Must be
            shorter than the provider's.
        patience: Time-outs of every call that brings none of its own.
        ssl: Whom to trust; those whom the machine trusts if None.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            limit=limit, keepalive_timeout=keep_alive.total_seconds(), ssl=ssl or True
        ),
        timeout=(patience or Patience()).as_timeout(),
        cookie_jar=aiohttp.DummyCookieJar(),
        trust_env=False,
    )
