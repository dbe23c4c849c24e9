"""How Twilio calls us: signed form POSTs, short time-outs, few repetitions."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlencode

import aiohttp
from yarl import URL

if TYPE_CHECKING:
    from collections.abc import Mapping


def sign(token: str, url: str, parameters: Mapping[str, str]) -> str:
    """Return the ``X-Twilio-Signature`` for a form POST to *url*."""
    text = url + "".join(name + parameters[name] for name in sorted(parameters))
    digest = hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()
    return base64.b64encode(digest).decode()


@dataclass(frozen=True, slots=True)
class Manners:
    """Time-outs and repetitions, as an address may ask for behind its ``#``."""

    connect: float = 5.0  #: seconds
    read: float = 15.0  #: seconds
    total: float = 15.0  #: seconds, all tries together
    retries: int = 1
    repeat_on: frozenset[str] = frozenset({"ct"})  #: ct, rt, 4xx, 5xx

    @classmethod
    def of(cls, fragment: str) -> Manners:
        """Read ``rc=5&rp=all&ct=2000``; what is out of range is ignored."""
        asked = {name: values[-1] for name, values in parse_qs(fragment).items()}

        def number(name: str, low: int, high: int, default: float) -> float:
            value = asked.get(name, "")
            return (
                int(value) if value.isdigit() and low <= int(value) <= high else default
            )

        policies = frozenset(asked.get("rp", "ct").split(","))
        if "all" in policies:
            policies = frozenset({"ct", "rt", "4xx", "5xx"})
        return cls(
            connect=number("ct", 100, 10_000, 5_000) / 1000,
            read=number("rt", 100, 15_000, 15_000) / 1000,
            total=number("tt", 100, 15_000, 15_000) / 1000,
            retries=int(number("rc", 0, 5, 1)),
            repeat_on=policies,
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of calling the application."""

    status: int | None  #: ``None`` when nothing was answered
    tries: int
    problem: str = ""
    body: str = ""


class Caller:
    """Signs and posts, with Twilio's patience and no more."""

    def __init__(self, *, auth_token: str, seed: int = 0) -> None:
        self._token = auth_token
        self._random = random.Random(f"callbacks {seed}")  # noqa: S311 - repeatable
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, address: str, parameters: Mapping[str, str]) -> Outcome:
        """Post *parameters* to *address*; never raises for what goes wrong there."""
        url, _, fragment = address.partition("#")
        manners = Manners.of(fragment)
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=UTF-8",
            "User-Agent": "TwilioProxy/1.1",
            "X-Twilio-Signature": sign(self._token, url, parameters),
            "I-Twilio-Idempotency-Token": str(
                uuid.UUID(int=self._random.getrandbits(128), version=4)
            ),
        }
        body = urlencode(parameters).encode()
        outcome = Outcome(None, 0, "timeout")
        try:
            async with asyncio.timeout(manners.total):
                for tried in range(1, manners.retries + 2):
                    outcome, kind = await self._once(url, body, headers, manners, tried)
                    if kind not in manners.repeat_on:
                        break
        except TimeoutError:
            outcome = Outcome(None, max(outcome.tries, 1), "total time-out")
        return outcome

    async def _once(
        self,
        url: str,
        body: bytes,
        headers: dict[str, str],
        manners: Manners,
        tried: int,
    ) -> tuple[Outcome, str]:
        """Try once; return what came of it and which policy would repeat it."""
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=100, keepalive_timeout=5)
            self._session = aiohttp.ClientSession(connector=connector)
        timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=manners.connect, sock_read=manners.read
        )
        try:
            async with self._session.post(
                URL(url, encoded=True),
                data=body,
                headers=headers,
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                text = await response.text(errors="replace")
                kind = f"{response.status // 100}xx"
                return Outcome(response.status, tried, "", text[:2000]), kind
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError) as error:
            return Outcome(None, tried, type(error).__name__), "ct"
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return Outcome(None, tried, type(error).__name__), "rt"
