"""Questions that change nothing, for `harkara check`: each once, and not for long.

A token may be part of an address, so no address leaves this module: what went wrong is
told in a word or two.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Self

import aiohttp

from bot.checks.findings import Reach
from bot.transports.http import Patience, open_session

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.ports import Clock

#: How long one question may take.
PATIENCE = Patience(
    connect=timedelta(seconds=5), read=timedelta(seconds=5), total=timedelta(seconds=10)
)
_LARGEST = 1_000_000  # bytes of an answer that are read
_REFUSED = frozenset({HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN})
_WHY = {
    aiohttp.ClientConnectorDNSError: "its name is not found",
    aiohttp.ClientConnectorCertificateError: "its certificate is not valid",
    aiohttp.ClientConnectorSSLError: "no secure connection can be made",
    aiohttp.ClientConnectorError: "nobody answers",
    TimeoutError: "no answer in time",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, if anything did."""

    status: int | None = None  #: None where nothing did
    body: dict[str, Any] = field(default_factory=dict)  #: empty where it is no JSON
    behind: timedelta | None = None  #: how far our clock is behind the sender's
    why: str = ""  #: what went wrong
    bad_certificate: bool = False

    @property
    def reach(self) -> Reach:
        """How far the question came."""
        if self.status is None:
            return Reach.UNREACHABLE
        if self.status in _REFUSED:
            return Reach.REFUSED
        if HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES:
            return Reach.ANSWERED
        return Reach.ODD


class Asker:
    """Asks over a session of its own; use as an asynchronous context."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Open the session."""
        self._session = open_session(limit=20, patience=PATIENCE)
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close it."""
        if self._session is not None:
            await self._session.close()

    async def get(
        self,
        url: str,
        *,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Ask once; whatever goes wrong is part of the answer."""
        if self._session is None:
            raise RuntimeError("the session is not open")
        asked = self._clock.now()
        try:
            async with self._session.get(
                url, params=query, headers=headers, allow_redirects=False
            ) as response:
                body = await response.content.read(_LARGEST)
                status, date = response.status, response.headers.get("Date", "")
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            why = next(
                (words for kind, words in _WHY.items() if isinstance(error, kind)),
                type(error).__name__,
            )
            bad = isinstance(error, aiohttp.ClientConnectorCertificateError)
            return Answer(why=why, bad_certificate=bad)
        answered = self._clock.now()
        middle = asked + (answered - asked) / 2
        return Answer(
            status=status,
            body=_object(body),
            behind=_behind(date, middle),
            why=f"HTTP {status}",
        )


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return content if isinstance(content, dict) else {}


def _behind(date: str, now: Any) -> timedelta | None:
    """Compare a `Date` header, which counts whole seconds, with our own time."""
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    if moment.tzinfo is None:
        return None
    behind: timedelta = moment + timedelta(seconds=0.5) - now
    return behind
