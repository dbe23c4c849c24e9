"""What Twilio's error codes ask of us (platform-facts §5 and §10)."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING

from bot.domain.errors import (
    Doubtful,
    FailureKind,
    Malformed,
    SenderDown,
    SendError,
    TryLater,
    Undeliverable,
    WindowClosed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    Meaning = Callable[[str], SendError]

#: A wait for "too many at a time" that comes without one of its own.
UNTOLD = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)

_REDIRECTS = frozenset({301, 302, 307, 308})
_THROTTLED = 20429


def _later(
    after: timedelta = timedelta(0),
    *,
    throttled: bool = False,
    sender_wide: bool = False,
) -> Meaning:
    def meaning(code: str) -> SendError:
        return TryLater(code, after=after, throttled=throttled, sender_wide=sender_wide)

    return meaning


def _never(kind: FailureKind) -> Meaning:
    def meaning(code: str) -> SendError:
        return Undeliverable(code, kind=kind)

    return meaning


def _codes(meaning: Meaning, codes: Iterable[int]) -> dict[int, Meaning]:
    return dict.fromkeys(codes, meaning)


_TRANSIENT: dict[int, Meaning] = {
    # Too many calls at a time: the account's affair, and surely not processed.
    _THROTTLED: _later(UNTOLD, throttled=True, sender_wide=True),
    # Twilio's own trouble, in the midst of the call.
    **_codes(Doubtful, (20500, 20503, 20504)),
    # Queue full, more than ten hours queued: the sender's clock moves.
    **_codes(_later(2 * MINUTE, throttled=True, sender_wide=True), (30001, 21611)),
    # The channel's rate.
    63017: _later(MINUTE, throttled=True, sender_wide=True),
    # Meta's limit of readers in a moving day: the sender rests, and tries again until
    # the news is old.
    63018: _later(15 * MINUTE, throttled=True, sender_wide=True),
    # Loop protection between two numbers, carriers' rates: the recipient's clock.
    **_codes(_later(MINUTE, throttled=True), (14107, 30022, 30450)),
    # Somebody's generic failure or time-out, reported as not delivered.
    **_codes(_later(2 * MINUTE), (30410, 30500, 63009, 63010, 63012, 63023)),
    30008: _later(MINUTE),
    63019: _later(MINUTE),  # media could not be fetched
    **_codes(_later(MINUTE), (11200, 11205)),  # our own web server did not answer
    63029: _later(MINUTE),  # the handset could not fetch the template
    30036: _later(),  # too long in the queue; whether it is still news, we know best
    63037: Doubtful,  # Twilio goes on trying by itself; a repeat could be the second
}

_RECIPIENT: dict[int, Meaning] = {
    **_codes(_never(FailureKind.NOT_FOUND), (21211, 21614, 63003)),
    **_codes(
        _never(FailureKind.UNREACHABLE), (63024, 30003, 30004, 30005, 30006)
    ),  # no proof of a wrong number
    **_codes(_never(FailureKind.OPTED_OUT), (63014, 21610)),
    # Opted out of marketing only. What this house sends to those it has consent from
    # is news, which Meta counts as marketing (§3.10): there is nothing else to send.
    63033: _never(FailureKind.OPTED_OUT),
    63049: _never(FailureKind.CAPPED),
    # Part of an experiment of Meta's, which holds marketing back from this reader:
    # a limit of the provider's like the cap. They stay enrolled, and rest a day.
    63032: _never(FailureKind.CAPPED),
    63015: _never(FailureKind.NEVER_STARTED),  # has not joined Twilio's sandbox
    # An invalid reader or a bad message: what several say tells which.
    63005: _never(FailureKind.REFUSED),
    63031: _never(FailureKind.REFUSED),  # our own number is enrolled
}

_MESSAGE: dict[int, Meaning] = {
    63016: WindowClosed,
    **_codes(
        Malformed,
        (
            *(21602, 21617, 21620, 21623, 21655, 21656, 21658, 30007),
            *(63006, 63011, 63013, 63021, 63025, 63026, 63027, 63028, 63030, 63034),
            *(63035, 63036, 63040, 63041, 63042, 63052),
            *(63043, 63044, 63045, 63046, 63047),
        ),
    ),
}

_ACCOUNT: dict[int, Meaning] = _codes(
    SenderDown,
    (
        *(20003, 20005, 20404, 21408, 21606, 21659, 21660, 21703, 30002, 30454),
        *(63001, 63002, 63007, 63008, 63020, 63022, 63038, 63051, 63062, 63101),
    ),
)

#: Every code of platform-facts §5.
CODES: dict[int, Meaning] = {**_TRANSIENT, **_RECIPIENT, **_MESSAGE, **_ACCOUNT}


def explain(code: str) -> SendError:
    """Say what a code, given in an answer or in a later report, asks of us.

    An unknown one concerns this recipient, until several say the same.
    """
    digits = code.isascii() and code.isdigit() and len(code) < len("1000000")
    known = CODES.get(int(code)) if digits else None
    if known:
        return known(code)
    return Undeliverable(code if digits else "unknown", kind=FailureKind.REFUSED)


def meaning_of_twilio(
    status: int, code: int | None, *, retry_after: timedelta | None = None
) -> SendError:
    """Say what an answer to a call asks of us.

    Args:
        status: HTTP's; from 500 on the message is in doubt, whatever the code.
        code: Twilio's, where the answer brought one.
        retry_after: The wait that the answer asked for.
    """
    told = str(code) if code is not None else f"http {status}"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Doubtful(told)
    if status == HTTPStatus.TOO_MANY_REQUESTS or code == _THROTTLED:
        after = UNTOLD if retry_after is None else retry_after
        return TryLater(told, after=after, throttled=True, sender_wide=True)
    if code in CODES:
        return explain(str(code))
    return _of_status(status, told)


def _of_status(status: int, told: str) -> SendError:
    if status in _REDIRECTS or status in {
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.FORBIDDEN,
        HTTPStatus.NOT_FOUND,
    }:
        return SenderDown(told)
    if status == HTTPStatus.REQUEST_TIMEOUT:  # our request never came to its end
        return TryLater(told)
    if status == HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
        return Malformed(told)
    if status >= HTTPStatus.BAD_REQUEST:
        return Undeliverable(told, kind=FailureKind.REFUSED)
    return Doubtful(told)
