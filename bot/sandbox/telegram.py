"""The pretend Bot API: ``/bot<token>/<method>``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from aiohttp import web

from .methods import Methods
from .parameters import NAMES, Refusal, check, read
from .wire import Dropped, Latency, Listener, answer, suffer_after, suffer_before

if TYPE_CHECKING:
    from .faults import Fault, Faults
    from .limits import TelegramRates
    from .log import Log
    from .world import World

_PATH = re.compile(r"/bot([^/]+)/([A-Za-z]+)/?")
_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{16,}")
TOO_LARGE = Refusal(413, "Request Entity Too Large")
SENDING = frozenset({"sendMessage", "sendPhoto"})


class TelegramServer:
    """Speaks Telegram's HTTP and refuses what Telegram refuses."""

    def __init__(
        self,
        *,
        token: str,
        world: World,
        log: Log,
        faults: Faults,
        rates: TelegramRates,
        port: int = 0,
        keep_alive: float = 75.0,
        latency: Latency = 0.0,
        seed: int = 0,
        paid_broadcast: bool = False,
    ) -> None:
        self._token = token
        self._log = log
        self._faults = faults
        self.rates = rates
        self._methods = Methods(world, log, rates, paid_broadcast=paid_broadcast)
        self.commands = self._methods.commands
        self.listener = Listener(
            self._serve, port=port, keep_alive=keep_alive, latency=latency, seed=seed
        )

    async def _serve(self, request: web.BaseRequest) -> web.Response:
        method: str | None = None
        given: dict[str, Any] = {}
        try:
            method = self._method(request)
            given = await read(request)
        except web.HTTPRequestEntityTooLarge:
            self._note(method, given, 413, TOO_LARGE.description)
            return _refused(TOO_LARGE)
        except Refusal as refusal:
            self._note(method, given, refusal.status, refusal.description)
            return _refused(refusal)
        chat = str(given["chat_id"]) if "chat_id" in given else None
        fault = self._faults.next_call("telegram", method, chat)
        await self.listener.pause()
        result: Any = None
        refusal_: Refusal | None = None
        done = False
        try:
            await suffer_before(fault)
            if fault is None or fault.kind != "error" or fault.stored:
                result = await self._methods.call(method, check(method, given))
                done = True
            if fault is not None:
                refusal_ = self._scripted(fault, result)
        except Refusal as refusal:
            refusal_ = refusal
        except Dropped:
            self._note(method, given, None, "cut before", fault=fault)
            raise
        status = refusal_.status if refusal_ is not None else 200
        text = refusal_.description if refusal_ is not None else None
        self._note(method, given, status, text, result, fault=fault, done=done)
        await suffer_after(fault)
        if refusal_ is not None:
            return _refused(refusal_)
        return answer(200, {"ok": True, "result": result})

    def _method(self, request: web.BaseRequest) -> str:
        path = _PATH.fullmatch(request.path)
        if path is None:
            raise Refusal(404, "Not Found")
        if path[1] != self._token:
            wrong = _TOKEN.fullmatch(path[1]) is not None
            raise Refusal(401, "Unauthorized") if wrong else Refusal(404, "Not Found")
        method = NAMES.get(path[2].lower())
        if method is None:
            raise Refusal(404, "Not Found")
        return method

    def _scripted(self, fault: Fault, result: Any) -> Refusal | None:
        if fault.kind == "deleted":
            if isinstance(result, dict) and "message_id" in result:
                self._methods.messages.vanish(result)
            return Refusal(
                500,
                "Internal Server Error: sent message was immediately deleted "
                "and can't be returned",
            )
        if fault.kind != "error":
            return None
        parameters = None
        if fault.retry_after is not None:
            parameters = {"retry_after": fault.retry_after}
        return Refusal(fault.status, fault.description, parameters)

    def _note(
        self,
        method: str | None,
        given: dict[str, Any],
        status: int | None,
        description: str | None,
        result: Any = None,
        *,
        fault: Fault | None = None,
        done: bool = False,
    ) -> None:
        number = result.get("message_id") if isinstance(result, dict) else None
        self._log.add(
            "call",
            given.get("chat_id"),
            provider="telegram",
            method=method,
            params={
                k: v for k, v in given.items() if isinstance(v, (str, int, dict, list))
            },
            status=status,
            description=description,
            stored=done and method in SENDING,
            done=done,
            message_id=number,
            fault=fault.kind if fault is not None else None,
        )


def _refused(refusal: Refusal) -> web.Response:
    body: dict[str, Any] = {
        "ok": False,
        "error_code": refusal.status,
        "description": refusal.description,
    }
    headers = {}
    if refusal.parameters:
        body["parameters"] = refusal.parameters
        if "retry_after" in refusal.parameters:
            headers["Retry-After"] = str(refusal.parameters["retry_after"])
    return answer(refusal.status, body, headers)
