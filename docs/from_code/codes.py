"""The errors' classes, and what each provider's own words and codes become."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from telegram.error import (
    ChatMigrated,
    Conflict,
    EndPointNotFound,
    InvalidToken,
    RetryAfter,
)

from bot.domain import errors as domain
from bot.domain.deliveries import Form, State
from bot.domain.errors import (
    Doubtful,
    FailureKind,
    HarkaraError,
    Malformed,
    Moved,
    SenderDown,
    SendError,
    Suspended,
    TryLater,
    Undeliverable,
    WindowClosed,
)
from bot.domain.outcomes import Consequence, RetryPolicy, after_error
from bot.domain.recipients import Address, Channel
from bot.transports import telegram_errors
from bot.transports.telegram_errors import meaning
from bot.transports.telegram_request import Answered
from bot.transports.twilio_codes import CODES, explain, meaning_of_twilio
from docs.from_code.markdown import code, table
from docs.from_code.states import meanings

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.domain.outcomes import Step

_SAMPLES: dict[type[SendError], SendError] = {
    TryLater: TryLater("", after=timedelta(seconds=1)),
    Undeliverable: Undeliverable("", kind=FailureKind.BLOCKED),
    Suspended: Suspended(""),
    Moved: Moved("", address=Address(Channel.TELEGRAM, "-1")),
    WindowClosed: WindowClosed(""),
    Malformed: Malformed(""),
    SenderDown: SenderDown(""),
    Doubtful: Doubtful(""),
}


def _tree(of: type[HarkaraError], depth: int = 0) -> Iterator[tuple[str, str]]:
    """Return every class under *of* that the core defines, with its first sentences."""
    words = " ".join((of.__doc__ or "").partition("\n\n")[0].split()).replace("``", "`")
    yield " " * 6 * depth + code(of.__name__), words
    for each in of.__subclasses__():
        if each.__module__ == domain.__name__:
            yield from _tree(each, depth + 1)


def errors() -> str:
    """Every class, and for the ones of sending what becomes of the delivery."""
    rows = []
    for name, words in _tree(HarkaraError):
        bare = name.strip("` ")
        error = getattr(domain, bare)
        depth = (len(name) - len(name.lstrip())) // 6
        follows = _follows(error) if error in _SAMPLES else "–"
        rows.append(("&emsp;" * depth + name.strip(), words, follows))
    return table(("class", "means", "the delivery then"), rows)


def _step(error: SendError) -> Step:
    return after_error(
        error,
        attempts=1,
        form=Form.TEXT,
        has_template=True,
        now=datetime(2026, 1, 1, tzinfo=UTC),
        policy=RetryPolicy(),
    )


def _follows(error: type[SendError]) -> str:
    if error is Undeliverable:
        return "failed; what else follows, the kind says"
    step = _step(_SAMPLES[error])
    end = "queued again" if step.state is State.QUEUED else step.state.value
    if step.form is Form.TEMPLATE:
        end += " as the template, once; failed where there is none"
    if step.consequence is Consequence.NONE:
        return end
    return f"{end}; {meanings(Consequence)[step.consequence.name]}"


def failures() -> str:
    """Every kind of failure, and what else follows from it."""
    kinds, consequences = meanings(FailureKind), meanings(Consequence)
    rows = []
    for each in FailureKind:
        step = _step(Undeliverable("", kind=each)).consequence
        if each is FailureKind.MALFORMED:
            step = _step(_SAMPLES[Malformed]).consequence
        if each is FailureKind.SENDER_DOWN:
            step = _step(_SAMPLES[SenderDown]).consequence
        follows = "–" if step is Consequence.NONE else consequences[step.name]
        rows.append((code(each.value), kinds[each.name], follows))
    return table(("kind", "means", "what else follows"), rows)


def _named(error: SendError) -> str:
    """Return an error's class, with what tells it from others of the class."""
    name = type(error).__name__
    if isinstance(error, Undeliverable):
        return f"`{name}`, {error.kind.value}"
    if isinstance(error, TryLater):
        after = f" after {_seconds(error.after)}" if error.after else ""
        whose = ", the whole sender" if error.sender_wide else ""
        return f"`{name}`{after}{whose}"
    return f"`{name}`"


def _seconds(wait: timedelta) -> str:
    seconds = int(wait.total_seconds())
    return f"{seconds // 60} min" if seconds >= 60 else f"{seconds} s"  # noqa: PLR2004 - a minute


def _grouped(pairs: Iterator[tuple[str, SendError]]) -> list[tuple[str, str]]:
    """Gather what comes to the same: the class, and all that becomes it."""
    groups: dict[str, list[str]] = {}
    for told, error in pairs:
        groups.setdefault(_named(error), []).append(told)
    return [(name, " · ".join(told)) for name, told in groups.items()]


def telegram() -> str:
    """What Telegram's answers become."""

    def pairs() -> Iterator[tuple[str, SendError]]:
        known = telegram_errors
        # private: the tables are the transport's, and shown as they are
        texts = (
            *known._UNDELIVERABLE,  # noqa: SLF001 - as above
            *known._SUSPENDED,  # noqa: SLF001 - as above
            "chat_write_forbidden",
            "chat_send_plain_forbidden",
            *known._MALFORMED,  # noqa: SLF001 - as above
        )
        for text in texts:
            yield code(text), known.refusal(text)
        yield "any other 400 or 403", known.refusal("something new")
        yield "429 with its `retry_after`", meaning(RetryAfter(timedelta(seconds=1)))
        yield "`migrate_to_chat_id`", meaning(ChatMigrated(-1))
        yield "401", meaning(InvalidToken())
        yield "404", meaning(EndPointNotFound("not found"))
        yield "409", meaning(Conflict("conflict"))
        for status in (302, 408, 413, 500, 502, 504):
            yield str(status), meaning(Answered(status, ""))

    rows = _grouped(pairs())
    return table(("becomes", "what Telegram says"), rows)


def twilio() -> str:
    """What Twilio's codes become, in an answer as in a later report."""

    def pairs() -> Iterator[tuple[str, SendError]]:
        for each in sorted(CODES):
            yield str(each), explain(str(each))
        yield "any other code", explain("99999")
        for status in (302, 401, 403, 404, 408, 413, 429, 500, 503):
            yield f"HTTP {status}", meaning_of_twilio(status, None)
        yield "any other HTTP 4xx", meaning_of_twilio(418, None)

    return table(("becomes", "Twilio's code"), sorted(_grouped(pairs())))
