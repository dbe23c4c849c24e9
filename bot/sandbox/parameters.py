"""The parameters of Bot API methods: which there are, and of what type.

The real server ignores parameters it does not know. This one refuses them, because
a parameter nobody reads is a typing mistake nobody sees.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from aiohttp import web

_COMMON = {
    "chat_id": "chat",
    "message_thread_id": "int",
    "disable_notification": "bool",
    "protect_content": "bool",
    "allow_paid_broadcast": "bool",
    "message_effect_id": "str",
    "reply_parameters": "dict",
    "reply_markup": "dict",
}

#: method → parameter → type; a ``!`` marks the required ones.
METHODS: dict[str, dict[str, str]] = {
    "getMe": {},
    "getUpdates": {
        "offset": "int",
        "limit": "int",
        "timeout": "int",
        "allowed_updates": "list",
    },
    "setWebhook": {
        "url": "str!",
        "certificate": "file",
        "ip_address": "str",
        "max_connections": "int",
        "allowed_updates": "list",
        "drop_pending_updates": "bool",
        "secret_token": "str",
    },
    "deleteWebhook": {"drop_pending_updates": "bool"},
    "getWebhookInfo": {},
    "sendMessage": {
        **_COMMON,
        "text": "str",
        "parse_mode": "str",
        "entities": "list",
        "link_preview_options": "dict",
    },
    "sendPhoto": {
        **_COMMON,
        "photo": "file",
        "caption": "str",
        "parse_mode": "str",
        "caption_entities": "list",
        "show_caption_above_media": "bool",
        "has_spoiler": "bool",
    },
    "editMessageText": {
        "chat_id": "chat",
        "message_id": "int!",
        "text": "str",
        "parse_mode": "str",
        "entities": "list",
        "link_preview_options": "dict",
        "reply_markup": "dict",
    },
    "editMessageReplyMarkup": {
        "chat_id": "chat",
        "message_id": "int!",
        "reply_markup": "dict",
    },
    "deleteMessage": {"chat_id": "chat", "message_id": "int!"},
    "deleteMessages": {"chat_id": "chat", "message_ids": "list!"},
    "pinChatMessage": {
        "chat_id": "chat",
        "message_id": "int!",
        "disable_notification": "bool",
    },
    "unpinChatMessage": {"chat_id": "chat", "message_id": "int"},
    "answerCallbackQuery": {
        "callback_query_id": "str!",
        "text": "str",
        "show_alert": "bool",
        "url": "str",
        "cache_time": "int",
    },
    "sendChatAction": {
        "chat_id": "chat",
        "action": "str!",
        "message_thread_id": "int",
    },
    "getChat": {"chat_id": "chat"},
    "getChatMember": {"chat_id": "chat", "user_id": "int!"},
    "getChatAdministrators": {"chat_id": "chat", "return_bots": "bool"},
    "getChatMemberCount": {"chat_id": "chat"},
    "leaveChat": {"chat_id": "chat"},
    "setMyCommands": {"commands": "list!", "scope": "dict", "language_code": "str"},
    "getMyCommands": {"scope": "dict", "language_code": "str"},
    "deleteMyCommands": {"scope": "dict", "language_code": "str"},
}
#: The server does not care how a method's name is capitalised.
NAMES = {name.lower(): name for name in METHODS}

_INTEGER = re.compile(r"[+-]?[0-9]+")


class Refusal(Exception):
    """An answer with ``ok: false``."""

    def __init__(
        self, status: int, description: str, parameters: dict[str, Any] | None = None
    ) -> None:
        super().__init__(description)
        self.status = status
        self.description = description
        self.parameters = parameters


def bad(description: str, **parameters: Any) -> Refusal:
    """Return a 400."""
    return Refusal(400, f"Bad Request: {description}", parameters or None)


async def read(request: web.BaseRequest) -> dict[str, Any]:
    """Return the raw parameters, from the query and from a body of any kind."""
    given: dict[str, Any] = dict(request.query)
    if not request.can_read_body:
        return given
    if request.content_type == "application/json":
        try:
            body = orjson.loads(await request.read() or b"{}")
        except ValueError:
            raise bad("can't parse JSON object") from None
        if not isinstance(body, dict):
            raise bad("object expected as JSON body")
        return given | body
    if request.content_type == "multipart/form-data":
        form = await request.post()
        return given | dict(form)
    if request.content_type == "application/x-www-form-urlencoded":
        form = await request.post()
        return given | dict(form)
    raise bad(f"unsupported content type {request.content_type}")


def check(method: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the typed parameters of *method*.

    Raises:
        Refusal: One is unknown, of the wrong type, or missing.
    """
    known = METHODS[method]
    typed: dict[str, Any] = {}
    for name, value in given.items():
        if name not in known:
            raise bad(f'unknown parameter "{name}" of {method}')
        if value is None or (value == "" and name not in {"text", "url", "caption"}):
            continue
        typed[name] = _convert(known[name].rstrip("!"), name, value)
    for name, kind in known.items():
        if kind.endswith("!") and name not in typed:
            raise bad(MISSING.get(name, f'parameter "{name}" is required'))
    if "chat_id" in known and "chat_id" not in typed:
        raise bad("chat_id is empty")
    return typed


MISSING = {
    "message_id": "message identifier is not specified",
    "user_id": "invalid user_id specified",
    "callback_query_id": "query ID is invalid",
}


def _convert(kind: str, name: str, value: Any) -> Any:
    if kind == "file":
        return value if isinstance(value, str) else getattr(value, "filename", "file")
    if kind in {"dict", "list"}:
        found = json_value(name, value)
        if not isinstance(found, dict if kind == "dict" else list):
            raise bad(f'can\'t parse "{name}": wrong type')
        return found
    if kind == "str":
        if not isinstance(value, str):
            raise bad(f'parameter "{name}" must be of type String')
        return value
    return {"int": _integer, "bool": _boolean, "chat": _chat}[kind](name, value)


def _boolean(name: str, value: Any) -> bool:
    text = str(value).lower()
    if text not in {"true", "1", "yes", "false", "0", "no"}:
        raise bad(f'parameter "{name}" must be true or false')
    return text in {"true", "1", "yes"}


def _chat(_name: str, value: Any) -> int | str:
    text = str(value)
    if _INTEGER.fullmatch(text):
        return int(text)
    if not text.startswith("@"):
        raise bad("chat not found")
    return text


def json_value(name: str, value: Any) -> Any:
    """Return a value that forms carry as JSON inside a string."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise bad(f"can't parse {name} JSON object") from None


def _integer(name: str, value: Any) -> int:
    if isinstance(value, bool) or not _INTEGER.fullmatch(str(value)):
        raise bad(f'parameter "{name}" must be of type Integer')
    return int(value)
