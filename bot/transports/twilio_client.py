"""Twilio's client on our own HTTP session: time-outs that work, and no repeats.

Twilio's texts quote phone numbers, and so do the addresses of its lists: none of
them leaves this module, in errors or in logs.
"""

from __future__ import annotations

import base64
import logging
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson

# The library ships no types.
from twilio.base.exceptions import TwilioRestException  # type: ignore[import-untyped]
from twilio.http import AsyncHttpClient  # type: ignore[import-untyped]
from twilio.http.response import Response  # type: ignore[import-untyped]
from twilio.rest import Client  # type: ignore[import-untyped]

from bot.transports.http import lost
from bot.transports.posting import Poster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiohttp import ClientSession

_LONGEST_WAIT = int(timedelta(days=1).total_seconds())
_LONGEST_CODE = 6  # digits


class Refused(TwilioRestException):  # type: ignore[misc] # untyped
    """An answer that is no success."""

    def __init__(
        self, status: int, *, code: int | None, retry_after: timedelta | None
    ) -> None:
        super().__init__(status, "", f"code {code}", code)
        self.retry_after = retry_after


class SessionHttpClient(AsyncHttpClient):  # type: ignore[misc] # untyped
    """Makes Twilio's requests through a session that somebody else closes.

    Each is made once. A call without an answer raises `Lost`, an answer that is no
    success `Refused`.
    """

    def __init__(self, session: ClientSession) -> None:
        self.session = session
        # The logger is never used: Twilio's log lines hold phone numbers.
        super().__init__(logging.getLogger("twilio.http"), is_async=True)

    async def request(
        self,
        method: str,
        uri: str,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
        timeout: float | None = None,  # noqa: ARG002 - the session's stand
        allow_redirects: bool = False,  # noqa: ARG002, FBT001, FBT002 - never followed
    ) -> Response:
        """Make one request."""
        sent = dict(headers or {})
        if auth:
            sent["Authorization"] = _basic(*auth)
        # What aiohttp raises holds the address; it is no part of what we raise.
        try:
            async with self.session.request(
                method,
                uri,
                params=params,  # type: ignore[arg-type] # strings and numbers
                data=data,
                headers=sent,
                allow_redirects=False,
            ) as response:
                status = response.status
                received = response.headers.copy()
                text = (await response.read()).decode(errors="replace")
        except Exception as error:  # noqa: BLE001 - all that aiohttp may raise is judged
            failure = lost(error)
        else:
            if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                return Response(status, text, received)
            raise refused(status, text, received)
        raise failure


def refused(status: int, text: str | bytes, headers: Mapping[str, str]) -> Refused:
    """Return what an answer that is no success is raised as."""
    return Refused(
        status, code=_code(text), retry_after=_wait(headers.get("Retry-After", ""))
    )


class Submitter:
    """Hands messages to Twilio past its library: one POST, no objects around it.

    Args:
        client: From `open_client`; its account, place and session are used.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._headers = {
            "Authorization": _basic(*client.auth),
            "Content-Type": "application/x-www-form-urlencoded",
            "User-Agent": "harkara",
        }
        self._posters: dict[str, Poster] = {}

    async def submit(self, form: bytes) -> dict[str, Any]:
        """Submit *form*, encoded, as a new message; return what Twilio made of it.

        Raises:
            Lost: There was no answer.
            Refused: It is no success.
            ValueError: It is a success of no known shape.
        """
        place = self._client.api.base_url
        poster = self._posters.get(place)
        if poster is None:
            account = self._client.account_sid
            timeout = self._client.http_client.session.timeout
            poster = self._posters[place] = Poster(
                self._client.http_client.session,
                f"{place}/2010-04-01/Accounts/{account}/Messages.json",
                self._headers,
                connect=timedelta(seconds=timeout.sock_connect),
                answer=timedelta(seconds=timeout.sock_read),
            )
        answer = await poster.post(form)
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise refused(answer.status, answer.body, answer.headers)
        content = orjson.loads(answer.body)
        if not isinstance(content, dict):
            raise ValueError("no object")  # noqa: TRY004 - odd, as what is no JSON
        return content


def open_client(
    session: ClientSession,
    *,
    account_sid: str,
    username: str,
    password: str,
    base_url: str | None = None,
) -> Client:
    """Return a client of Twilio's for one account.

    Args:
        session: Its time-outs are the client's.
        account_sid: Begins with ``AC``.
        username: The account's SID again, or an API key's.
        password: The account's token, or the API key's secret.
        base_url: Another place than Twilio's own, for every product we use.
    """
    client = Client(
        username, password, account_sid, http_client=SessionHttpClient(session)
    )
    # The environment may set both, and they would bend the host's name.
    client.edge = client.region = None
    if base_url is not None:
        address = base_url.rstrip("/")
        for product in (client.api, client.content, client.messaging):
            product.base_url = address
    return client


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def _code(text: str | bytes) -> int | None:
    try:
        content: Any = orjson.loads(text)
    except ValueError:
        return None
    code = content.get("code") if isinstance(content, dict) else None
    if type(code) is int and 0 < code < 10**_LONGEST_CODE:
        return code
    return None


def _wait(header: str) -> timedelta | None:
    if not (header.isascii() and header.isdigit()) or len(header) > len("999999999"):
        return None
    return timedelta(seconds=min(int(header), _LONGEST_WAIT))
