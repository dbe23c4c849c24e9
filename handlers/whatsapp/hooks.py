"""Where Twilio calls us: each request checked, stored, and only then answered."""

from __future__ import annotations

import logging
import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import MultiDict

from bot.domain.inbound import Inbound
from bot.domain.recipients import Channel
from handlers.intake import keep, read_body

if TYPE_CHECKING:
    from bot.ports import Clock, Database, Runner
    from handlers.whatsapp.signature import SignatureGuard

log = logging.getLogger("harkara.whatsapp")

INBOUND_PATH = "/twilio/inbound"
STATUS_PATH = "/twilio/status"
#: The largest body that is read, in bytes; Twilio's are a few thousand.
LARGEST_BODY = 64 * 1024
#: Most fields of one form.
MOST_FIELDS = 200

_FORM = "application/x-www-form-urlencoded"
_SID = re.compile(r"[A-Za-z0-9]{1,64}")
_STATUS = re.compile(r"[A-Za-z_]{1,32}")


class TwilioHooks:
    """The two addresses that Twilio is given.

    A request that is not Twilio's leaves no trace. One that comes a second time is
    answered as well as the first and has no second effect.
    """

    def __init__(
        self,
        *,
        guard: SignatureGuard,
        database: Database,
        clock: Clock,
        runner: Runner,
    ) -> None:
        self._guard = guard
        self._database = database
        self._clock = clock
        self._runner = runner

    def routes(self) -> list[web.RouteDef]:
        """Return both, to be added to an application."""
        return [
            web.post(INBOUND_PATH, self.inbound),
            web.post(STATUS_PATH, self.status),
        ]

    async def inbound(self, request: web.Request) -> web.Response:
        """A reader's message."""
        fields = await self._fields(request, INBOUND_PATH)
        sid = _matching(fields, "MessageSid", _SID)
        await self._store(f"message:{sid}", dict(fields))
        return web.Response(text="<Response/>", content_type="text/xml")

    async def status(self, request: web.Request) -> web.Response:
        """What has become of a message of ours."""
        fields = await self._fields(request, STATUS_PATH)
        sid = _matching(fields, "MessageSid", _SID)
        status = _matching(fields, "MessageStatus", _STATUS).lower()
        payload = {**fields, "ref": request.query.get("ref", "")}
        await self._store(f"status:{sid}:{status}", payload)
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _fields(self, request: web.Request, path: str) -> MultiDict[str]:
        """Return the form of a request that is Twilio's.

        Raises:
            web.HTTPError: It is not, or is no form, or is too large.
        """
        if request.content_type != _FORM:
            raise web.HTTPUnsupportedMediaType
        body = await read_body(request, largest=LARGEST_BODY)
        try:
            pairs = parse_qsl(
                body.decode("ascii", errors="strict"),
                keep_blank_values=True,
                max_num_fields=MOST_FIELDS,
            )
        except ValueError:
            raise web.HTTPForbidden from None
        fields = MultiDict(pairs)
        _, _, query = request.raw_path.partition("?")
        signature = request.headers.get("X-Twilio-Signature", "")
        if not self._guard.accepts(path, query, fields, signature):
            log.warning("a request without a good signature was refused")
            raise web.HTTPForbidden
        return fields

    async def _store(self, key: str, payload: dict[str, str]) -> None:
        entry = Inbound(
            channel=Channel.WHATSAPP,
            key=key,
            payload=payload,
            received_at=self._clock.now(),
        )
        await keep(entry, database=self._database, runner=self._runner)


def _matching(fields: MultiDict[str], name: str, shape: re.Pattern[str]) -> str:
    value = fields.get(name, "")
    if not shape.fullmatch(value):
        raise web.HTTPBadRequest
    return value
