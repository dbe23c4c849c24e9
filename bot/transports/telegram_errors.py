"""What Telegram's errors ask of us (platform-facts §1.7 and §10)."""

from __future__ import annotations

import re
from datetime import timedelta
from http import HTTPStatus

from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
)

from bot.domain.errors import (
    Doubtful,
    FailureKind,
    Malformed,
    Moved,
    SenderDown,
    SendError,
    Suspended,
    TryLater,
    Undeliverable,
)
from bot.domain.recipients import Address, Channel
from bot.transports.http import Lost, NeverLeft
from bot.transports.telegram_request import Answered

#: Longest code that we keep, in characters.
CODE = 120
#: A wait for the provider who asks for one and does not say how long.
UNTOLD = timedelta(seconds=1)

_REDIRECTS = frozenset({301, 302, 307, 308})

#: Bugs of the message, whoever it is for. Looked for first: their texts may quote it.
_MALFORMED = (
    "can't parse",
    "message is too long",
    "message_too_long",
    "caption is too long",
    "text is too long",
    "reply markup is too long",
    "message text is empty",
    "button_url_invalid",
    "button_data_invalid",
    "button_type_invalid",
    "text buttons are unallowed",
    "wrong file identifier",
    "wrong http url specified",
    "failed to get http url content",
    "wrong type of the web page content",
    "webpage_curl_failed",
    "webpage_media_empty",
    "request entity too large",
)
#: The chat's rights or topic; they may come back.
_SUSPENDED = (
    "not enough rights",
    "have no write access to the chat",
    "need administrator rights in the channel chat",
    "chat_admin_required",
    "chat_restricted",
    "topic_closed",
    "topic_deleted",
    "message thread not found",
    # Without the new id beside it; my_chat_member tells of the move all the same.
    "group chat was upgraded to a supergroup chat",
)
#: The server hands on many refusals as bare codes, most of them with status 400:
#: CHAT_WRITE_FORBIDDEN, CHAT_SEND_PLAIN_FORBIDDEN, CHAT_GUEST_SEND_FORBIDDEN and so on.
_FORBIDDEN_CODE = re.compile(
    r"\bchat_(?:[a-z]+_)*(?:send|write)_(?:[a-z]+_)*forbidden\b"
)
_UNDELIVERABLE = {
    "bot was blocked by the user": FailureKind.BLOCKED,
    "user is deactivated": FailureKind.DEACTIVATED,
    "bot can't initiate conversation with a user": FailureKind.NEVER_STARTED,
    "bot was kicked from": FailureKind.REMOVED,
    "bot is not a member of": FailureKind.REMOVED,
    "the group chat was deleted": FailureKind.DELETED,
    "chat not found": FailureKind.NOT_FOUND,
}


def meaning(error: TelegramError) -> SendError:
    """Say what *error* asks of us.

    The order matters: `BadRequest` is a `NetworkError` by inheritance, and never
    transient.
    """
    text = str(error)
    match error:
        case RetryAfter(retry_after=wait):
            after = wait if isinstance(wait, timedelta) else timedelta(seconds=wait)
            return TryLater("too many requests", after=after, throttled=True)
        case ChatMigrated(new_chat_id=chat):
            address = Address(Channel.TELEGRAM, str(chat))
            return Moved("group became a supergroup", address=address)
        case InvalidToken() | EndPointNotFound() | Conflict():
            return SenderDown(sanitised(text))
        case Forbidden() | BadRequest():
            return refusal(text)
        case Answered(status=status):
            return _of_status(status, text)
    return _without_answer(error)


def refusal(text: str) -> SendError:
    """Say what a 400 or 403 with this description asks of us.

    Known texts stand in the result as we list them, so nothing that the provider
    quotes is kept; unknown ones concern this recipient, until several say the same.
    """
    lowered = text.lower()
    for phrase in _MALFORMED:
        if phrase in lowered:
            return Malformed(phrase)
    for phrase in _SUSPENDED:
        if phrase in lowered:
            return Suspended(phrase)
    if code := _FORBIDDEN_CODE.search(lowered):
        return Suspended(code.group())
    for phrase, kind in _UNDELIVERABLE.items():
        if phrase in lowered:
            return Undeliverable(phrase, kind=kind)
    return Undeliverable(sanitised(text), kind=FailureKind.REFUSED)


def sanitised(text: str) -> str:
    """Take from a provider's words what may name a person or quote a message."""
    words = text.lower().partition(". the server response contained")[0]
    words = re.sub(r'"[^"]*(?:"|$)|\S*://\S*|[@#]\w+', " ", words)
    words = re.sub(r"[^a-z_' :,.()/-]", " ", words)
    return " ".join(words.split())[:CODE].strip() or "no words"


def _of_status(  # noqa: PLR0911 - a table: one line a status
    status: int, text: str
) -> SendError:
    code = f"http {status}"
    lowered = text.lower()
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _throttled(lowered)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Malformed("request entity too large")
    if status == HTTPStatus.REQUEST_TIMEOUT:  # our request never came to its end
        return TryLater(code)
    if status in _REDIRECTS:  # an address that somebody must mend
        return SenderDown(code)
    if HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR:
        return Undeliverable(code, kind=FailureKind.REFUSED)
    if "immediately deleted" in lowered:  # it may have been seen
        return Doubtful("sent message was immediately deleted")
    return Doubtful(code)


def _throttled(lowered: str) -> TryLater:
    told = re.search(r"retry after (\d{1,5})\b", lowered)
    after = timedelta(seconds=int(told.group(1))) if told else UNTOLD
    return TryLater("too many requests", after=after, throttled=True)


def _without_answer(error: TelegramError) -> SendError:
    lowered = str(error).lower()
    if isinstance(error.__cause__, NeverLeft):
        return TryLater(str(error.__cause__))
    if isinstance(error.__cause__, Lost):
        return Doubtful(str(error.__cause__))
    # From here on: requests made by another class than ours.
    if isinstance(error, NetworkError):
        if "request was *not* sent" in lowered:
            return TryLater("pool time-out")
        if "request entity too large" in lowered:
            return Malformed("request entity too large")
        if "too many requests" in lowered:
            return _throttled(lowered)
    return Doubtful(sanitised(lowered))
