"""Every error of Telegram's has been thought about."""

from __future__ import annotations

from datetime import timedelta

import pytest
import telegram.error as errors
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
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
from bot.transports.http import MaybeLeft, NeverLeft
from bot.transports.telegram import meaning
from bot.transports.telegram_errors import sanitised
from bot.transports.telegram_request import Answered

#: One of each class of the library's.
SAMPLES: dict[str, tuple[TelegramError, type[SendError]]] = {
    "BadRequest": (BadRequest("Bad Request: chat not found"), Undeliverable),
    "ChatMigrated": (ChatMigrated(-100777), Moved),
    "Conflict": (Conflict("Conflict: terminated by other getUpdates"), SenderDown),
    "EndPointNotFound": (errors.EndPointNotFound("Endpoint not found"), SenderDown),
    "Forbidden": (Forbidden("Forbidden: bot was blocked by the user"), Undeliverable),
    "InvalidToken": (InvalidToken("Unauthorized"), SenderDown),
    "NetworkError": (NetworkError("Bad Gateway"), Doubtful),
    "PassportDecryptionError": (errors.PassportDecryptionError("x"), Doubtful),
    "RetryAfter": (RetryAfter(3), TryLater),
    "TelegramError": (TelegramError("Invalid server response"), Doubtful),
    "TimedOut": (TimedOut(), Doubtful),
}


def test_every_telegram_error_has_a_meaning() -> None:
    """A new error class in the library must be thought about, not defaulted."""
    assert set(errors.__all__) == SAMPLES.keys()
    for name, (error, expected) in SAMPLES.items():
        assert type(meaning(error)) is expected, name


REFUSED = FailureKind.REFUSED
#: platform-facts §1.7: status, description as the server writes it, class, kind.
TABLE: list[tuple[int, str, type[SendError], FailureKind | None]] = [
    (403, "bot was blocked by the user", Undeliverable, FailureKind.BLOCKED),
    (403, "user is deactivated", Undeliverable, FailureKind.DEACTIVATED),
    (
        403,
        "bot can't initiate conversation with a user",
        Undeliverable,
        FailureKind.NEVER_STARTED,
    ),
    (403, "bot was kicked from the group chat", Undeliverable, FailureKind.REMOVED),
    (
        403,
        "bot was kicked from the supergroup chat",
        Undeliverable,
        FailureKind.REMOVED,
    ),
    (403, "bot was kicked from the channel chat", Undeliverable, FailureKind.REMOVED),
    (403, "bot is not a member of the group chat", Undeliverable, FailureKind.REMOVED),
    (
        403,
        "bot is not a member of the supergroup chat",
        Undeliverable,
        FailureKind.REMOVED,
    ),
    (
        403,
        "bot is not a member of the channel chat",
        Undeliverable,
        FailureKind.REMOVED,
    ),
    (403, "the group chat was deleted", Undeliverable, FailureKind.DELETED),
    (400, "chat not found", Undeliverable, FailureKind.NOT_FOUND),
    (400, "private chat not found", Undeliverable, FailureKind.NOT_FOUND),
    (400, "group chat was upgraded to a supergroup chat", Suspended, None),
    (400, "not enough rights to send text messages to the chat", Suspended, None),
    (400, "not enough rights to send photos to the chat", Suspended, None),
    (400, "not enough rights to send videos to the chat", Suspended, None),
    (400, "not enough rights to send documents to the chat", Suspended, None),
    (400, "not enough rights to send polls to the chat", Suspended, None),
    (400, "have no write access to the chat", Suspended, None),
    (400, "need administrator rights in the channel chat", Suspended, None),
    (400, "CHAT_ADMIN_REQUIRED", Suspended, None),
    (400, "CHAT_SEND_PLAIN_FORBIDDEN", Suspended, None),
    (400, "CHAT_SEND_MEDIA_FORBIDDEN", Suspended, None),
    (400, "CHAT_SEND_PHOTOS_FORBIDDEN", Suspended, None),
    (400, "CHAT_GUEST_SEND_FORBIDDEN", Suspended, None),
    (400, "CHAT_WRITE_FORBIDDEN", Suspended, None),
    (403, "CHAT_WRITE_FORBIDDEN", Suspended, None),
    (400, "CHAT_RESTRICTED", Suspended, None),
    (400, "TOPIC_CLOSED", Suspended, None),
    (400, "TOPIC_DELETED", Suspended, None),
    (400, "message thread not found", Suspended, None),
    (400, "message is not modified: specified new message", Undeliverable, REFUSED),
    (400, "message to edit not found", Undeliverable, REFUSED),
    (400, "message can't be edited", Undeliverable, REFUSED),
    (400, "MESSAGE_ID_INVALID", Undeliverable, REFUSED),
    (400, "message to delete not found", Undeliverable, REFUSED),
    (400, "message can't be deleted", Undeliverable, REFUSED),
    (400, "message can't be deleted for everyone", Undeliverable, REFUSED),
    (400, "message to be replied not found", Undeliverable, REFUSED),
    (
        400,
        'can\'t parse entities: Unsupported start tag "x" at byte offset 7',
        Malformed,
        None,
    ),
    (400, "message is too long", Malformed, None),
    (400, "message caption is too long", Malformed, None),
    (400, "message text is empty", Malformed, None),
    (400, "BUTTON_URL_INVALID", Malformed, None),
    (400, "wrong file identifier/HTTP URL specified", Malformed, None),
    (401, "Unauthorized", SenderDown, None),
    (404, "Not Found", SenderDown, None),
    (409, "Conflict: can't use getUpdates while webhook is active", SenderDown, None),
    (413, "Request Entity Too Large", Malformed, None),
    (429, "Too Many Requests: retry after 5", TryLater, None),
    (
        500,
        "Internal Server Error: sent message was immediately deleted",
        Doubtful,
        None,
    ),
    (500, "Internal Server Error", Doubtful, None),
    (502, "Bad Gateway", Doubtful, None),
    (504, "Gateway Timeout", Doubtful, None),
    (400, "WORDS_NEVER_SEEN", Undeliverable, REFUSED),
    (403, "words never seen", Undeliverable, REFUSED),
]
PREFIX = {400: "Bad Request: ", 403: "Forbidden: "}
CLASSES = {
    400: BadRequest,
    403: Forbidden,
    401: InvalidToken,
    404: InvalidToken,
    409: Conflict,
}


def as_raised(status: int, text: str) -> list[TelegramError]:
    """The text bare, as the server sends it, and as the library alters it."""
    full = PREFIX.get(status, "") + text
    if status in CLASSES:
        kind = CLASSES[status]
        return [kind(text), kind(full), kind(text.capitalize())]
    return [Answered(status, text), Answered(status, text.capitalize())]


@pytest.mark.parametrize(("status", "text", "expected", "kind"), TABLE)
def test_the_table(
    status: int, text: str, expected: type[SendError], kind: FailureKind | None
) -> None:
    for error in as_raised(status, text):
        judged = meaning(error)
        assert type(judged) is expected, error
        assert getattr(judged, "kind", None) is kind


def test_the_library_does_alter_texts() -> None:
    """Else matching on lower case would be a habit without a reason."""
    assert str(BadRequest("Bad Request: TOPIC_CLOSED")) == "Topic_closed"


@pytest.mark.parametrize("wait", [7, timedelta(seconds=7)])
def test_a_wait_in_either_form(
    wait: int | timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = meaning(RetryAfter(wait))
    assert isinstance(judged, TryLater)
    assert judged.after == timedelta(seconds=7)
    assert judged.throttled


def test_a_wait_in_seconds_as_the_library_still_gives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = RetryAfter(7)
    monkeypatch.setattr(RetryAfter, "retry_after", 7)
    judged = meaning(error)
    assert isinstance(judged, TryLater)
    assert judged.after == timedelta(seconds=7)


def test_a_429_without_parameters_is_read_by_its_text() -> None:
    for error in (
        Answered(429, "Too Many Requests: retry after 9"),
        NetworkError("Too Many Requests: retry after 9"),
    ):
        judged = meaning(error)
        assert isinstance(judged, TryLater)
        assert judged.after == timedelta(seconds=9)
    bare = meaning(Answered(429, ""))
    assert isinstance(bare, TryLater)
    assert bare.after > timedelta(0)


def test_a_move_names_the_new_chat() -> None:
    judged = meaning(ChatMigrated(-100777))
    assert isinstance(judged, Moved)
    assert judged.address == Address(Channel.TELEGRAM, "-100777")


@pytest.mark.parametrize("error", [NetworkError("x"), TimedOut("x")])
def test_what_is_behind_a_silence_decides(error: NetworkError) -> None:
    error.__cause__ = NeverLeft("refused")
    first = meaning(error)
    assert isinstance(first, TryLater)
    assert (first.after, first.throttled) == (timedelta(0), False)
    error.__cause__ = MaybeLeft("cut")
    assert type(meaning(error)) is Doubtful


def test_the_library_s_own_pool_time_out_never_left() -> None:
    text = "Pool timeout: ... Request was *not* sent to Telegram. Consider ..."
    assert type(meaning(TimedOut(text))) is TryLater


def test_the_library_s_own_413_is_the_message_s_fault() -> None:
    assert type(meaning(NetworkError("Request Entity Too Large"))) is Malformed


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (301, SenderDown),
        (303, Doubtful),
        (308, SenderDown),
        (408, TryLater),
        (418, Undeliverable),
        (520, Doubtful),
    ],
)
def test_statuses_that_only_proxies_give(
    status: int, expected: type[SendError]
) -> None:
    assert type(meaning(Answered(status, ""))) is expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Bad Request: USER 12345 of @somebody", "bad request: user of"),
        ('unsupported tag "Rain tomorrow" at 7', "unsupported tag at"),
        ('unsupported tag "Rain tomo', "unsupported tag"),
        ("see https://x.example/bot1:abc for more", "see for more"),
        ("کل بارش", "no words"),
        ("", "no words"),
        ("Odd. The server response contained unknown parameters: {'a': 'b'}", "odd"),
    ],
)
def test_codes_hold_nothing_personal(text: str, code: str) -> None:
    assert sanitised(text) == code


def test_codes_are_short() -> None:
    assert len(sanitised("word " * 1000)) <= 120
    assert meaning(BadRequest("word " * 1000)).code == sanitised("word " * 1000)


def test_a_known_refusal_is_kept_in_our_words() -> None:
    text = 'Bad Request: can\'t parse entities: Unsupported start tag "secret" at 7'
    assert meaning(BadRequest(text)).code == "can't parse"
