"""python-telegram-bot's way to the network, on aiohttp.

The bot's token is part of every address, so no address leaves this module: errors
carry the kind of a failure and nothing else.
"""

from __future__ import annotations

import asyncio
import io
import json
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import aiohttp
from telegram.error import NetworkError, TelegramError, TimedOut
from telegram.request import BaseRequest

from bot.transports.http import KEEP_ALIVE, NeverLeft, lost, open_session
from bot.transports.posting import Poster

if TYPE_CHECKING:
    import ssl as ssl_module

    from telegram._utils.types import ODVInput  # the signature's own vocabulary
    from telegram.request import RequestData

    from bot.transports.posting import Answer

#: Statuses that python-telegram-bot gives an error class of its own.
_NAMED = frozenset(
    {
        HTTPStatus.BAD_REQUEST,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.CONFLICT,
    }
)
_LONGEST_WAIT = int(timedelta(days=1).total_seconds())
_LONGEST_DESCRIPTION = 500  # characters


class Answered(NetworkError):
    """An answer that is no success and has no error class in the library.

    The library itself would keep the text and forget the status.
    """

    __slots__ = ("status",)

    def __init__(self, status: int, description: str) -> None:
        super().__init__(description or f"HTTP {status}")
        self.status = status


class AiohttpRequest(BaseRequest):
    """Makes requests for a `telegram.Bot`; two bots' worth needs two of them.

    Args:
        pool_size: Most requests at a time.
        keep_alive: As for `open_session`.
        connect: Longest wait for a new connection.
        read: Longest wait for a piece of the answer.
        write: Longest time for sending a request without files.
        media_write: Longest time for sending a request with files.
        pool: Longest wait for one of the *pool_size* places.
        ssl: Whom to trust; those whom the machine trusts if None.
    """

    def __init__(
        self,
        *,
        pool_size: int = 100,
        keep_alive: timedelta = KEEP_ALIVE,
        connect: timedelta = timedelta(seconds=5),
        read: timedelta = timedelta(seconds=15),
        write: timedelta = timedelta(seconds=5),
        media_write: timedelta = timedelta(seconds=20),
        pool: timedelta = timedelta(seconds=5),
        ssl: ssl_module.SSLContext | None = None,
    ) -> None:
        self._pool_size = pool_size
        self._keep_alive = keep_alive
        self._connect = connect.total_seconds()
        self._read = read.total_seconds()
        self._write = write.total_seconds()
        self._media_write = media_write.total_seconds()
        self._pool = pool.total_seconds()
        self._ssl = ssl
        self._places = asyncio.Semaphore(pool_size)
        self._posters: dict[str, Poster] = {}
        self._session: aiohttp.ClientSession | None = None

    @property
    def read_timeout(self) -> float | None:
        """The default read time-out in seconds."""
        return self._read

    async def initialize(self) -> None:
        """Open the session; doing it twice changes nothing."""
        if self._session is None or self._session.closed:
            self._posters.clear()
            self._session = open_session(
                limit=self._pool_size, keep_alive=self._keep_alive, ssl=self._ssl
            )

    async def shutdown(self) -> None:
        """Close the session; doing it twice changes nothing."""
        if self._session is not None:
            await self._session.close()

    @staticmethod
    def parse_json_payload(payload: bytes) -> dict[str, Any]:
        """Read an answer; unlike the library's own method it does not log it.

        Raises:
            TelegramError: It is no JSON object.
        """
        content = _json_object(payload)
        if content is None:
            raise TelegramError("Invalid server response")
        return content

    async def post_json(self, url: str, body: bytes) -> Answer:
        """POST *body* to *url*, without the library's objects around it.

        Each address of it is kept: for the few that are called again and again.

        Raises:
            Lost: There was no answer.
        """
        poster = self._posters.get(url)
        if poster is None:
            if self._session is None:
                raise NeverLeft("session closed")
            poster = self._posters[url] = Poster(
                self._session,
                url,
                {"Content-Type": "application/json", "User-Agent": self.USER_AGENT},
                connect=timedelta(seconds=self._connect),
                answer=timedelta(seconds=self._read),
            )
        return await poster.post(body)

    async def do_request(
        self,
        url: str,
        method: str,
        request_data: RequestData | None = None,
        read_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        write_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        connect_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
        pool_timeout: ODVInput[float] = BaseRequest.DEFAULT_NONE,
    ) -> tuple[int, bytes]:
        """Make one request and never repeat it.

        Time-outs are seconds; None is without end. aiohttp has none for writing, so
        the whole call ends when all four together are over.
        """
        files = request_data is not None and request_data.contains_files
        wait = _either(pool_timeout, self._pool)
        timeout = _timeout(
            connect=_either(connect_timeout, self._connect),
            read=_either(read_timeout, self._read),
            write=_either(write_timeout, self._media_write if files else self._write),
        )
        session = self._session
        if session is None or session.closed:
            raise NetworkError("session closed") from NeverLeft("session closed")
        try:
            async with asyncio.timeout(wait):
                await self._places.acquire()
        except TimeoutError:
            raise TimedOut("pool time-out") from NeverLeft("pool time-out")
        try:
            async with session.request(
                method,
                url,
                data=_body(request_data),
                headers={"User-Agent": self.USER_AGENT},
                timeout=timeout,
                allow_redirects=False,
            ) as response:
                status, body = response.status, await response.read()
        except Exception as error:  # noqa: BLE001 - all that aiohttp may raise is judged
            failure, late = lost(error), isinstance(error, TimeoutError)
        else:
            return status, _checked(status, body)
        finally:
            self._places.release()
        # Outside the handler, so that the error with the address is no part of it.
        raise (TimedOut if late else NetworkError)(str(failure)) from failure


class Told(BaseRequest):
    """Has the library judge an answer that came by another way."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    @property
    def read_timeout(self) -> float | None:
        """None: nothing is waited for."""
        return None

    async def initialize(self) -> None:
        """Do nothing."""

    async def shutdown(self) -> None:
        """Do nothing."""

    parse_json_payload = staticmethod(AiohttpRequest.parse_json_payload)

    async def do_request(
        self,
        *_: object,
        **_more: object,
    ) -> tuple[int, bytes]:
        """Return the answer."""
        return self._answer.status, _checked(self._answer.status, self._answer.body)


def _either(given: ODVInput[float], default: float) -> float | None:
    if given is BaseRequest.DEFAULT_NONE:
        return default
    return given  # type: ignore[return-value] # any other default value is not ours


def _timeout(
    *, connect: float | None, read: float | None, write: float | None
) -> aiohttp.ClientTimeout:
    each = (connect, write, read)
    known = [seconds for seconds in each if seconds is not None]
    return aiohttp.ClientTimeout(
        total=sum(known) if len(known) == len(each) else None,
        connect=connect,
        sock_connect=connect,
        sock_read=read,
    )


def _body(data: RequestData | None) -> aiohttp.FormData | dict[str, str] | None:
    if data is None:
        return None
    if not data.contains_files:
        return data.json_parameters
    form = aiohttp.FormData()
    for name, value in data.json_parameters.items():
        form.add_field(name, value)
    for name, (filename, content, media_type) in (data.multipart_data or {}).items():
        # aiohttp warns of large bytes, and streams what can be read.
        stream = io.BytesIO(content) if isinstance(content, bytes) else content
        form.add_field(name, stream, filename=filename, content_type=media_type)
    return form


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(body.decode(errors="replace"))
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _checked(status: int, body: bytes) -> bytes:
    """Return what the library may read; it trips over odd answers otherwise.

    Raises:
        Answered: The library has no class for this status.
    """
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return body
    content = _json_object(body) or {}
    description = content.get("description")
    parameters = content.get("parameters")
    answer: dict[str, Any] = {}
    if isinstance(description, str):
        answer["description"] = description[:_LONGEST_DESCRIPTION]
    if isinstance(parameters, dict):
        wait = _positive(parameters.get("retry_after"))
        chat = parameters.get("migrate_to_chat_id")
        if status == HTTPStatus.TOO_MANY_REQUESTS and wait:
            answer["parameters"] = {"retry_after": min(wait, _LONGEST_WAIT)}
        elif status == HTTPStatus.BAD_REQUEST and type(chat) is int and chat:
            answer["parameters"] = {"migrate_to_chat_id": chat}
    if status not in _NAMED and "parameters" not in answer:
        raise Answered(status, answer.get("description", ""))
    return json.dumps(answer).encode()


def _positive(value: object) -> int:
    return value if type(value) is int and value > 0 else 0
