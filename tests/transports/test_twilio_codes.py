"""Every code of Twilio's that we know has been thought about."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

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
from bot.transports.twilio_codes import CODES, explain, meaning_of_twilio

#: platform-facts §5, class by class, as the page lists them.
TRANSIENT = """20429 30001 21611 30008 30410 30500 63009 63010 63012 63023 30036 63017
63018 63019 14107 30022 30450"""
AMBIGUOUS = "20500 20503 20504 63037"
RECIPIENT = """21211 21614 63003 63024 63005 63014 63015 63031 63032 63033 63049 21610
30003 30004 30005 30006"""
RECIPIENT_AGAIN = "63029"
MESSAGE = """21602 21617 21620 21623 21655 21656 21658 63006 63011 63013 63021 63025
63026 63027 63028 63030 63034 63040 63041 63042 63052 30007 63035 63036 63043 63044
63045 63046 63047"""
WINDOW = "63016"
ACCOUNT = """20003 20005 20404 21408 21606 21659 21660 21703 30002 30454 63001 63002
63007 63008 63020 63022 63038 63051 63062 63101"""
WEBHOOK = "11200 11205"

CLASSES: list[tuple[str, type[SendError]]] = [
    (f"{TRANSIENT} {RECIPIENT_AGAIN} {WEBHOOK}", TryLater),
    (AMBIGUOUS, Doubtful),
    (RECIPIENT, Undeliverable),
    (MESSAGE, Malformed),
    (WINDOW, WindowClosed),
    (ACCOUNT, SenderDown),
]


def test_the_table_is_complete() -> None:
    listed = {int(code) for codes, _ in CLASSES for code in codes.split()}
    assert CODES.keys() == listed


@pytest.mark.parametrize(
    ("code", "expected"),
    [(code, expected) for codes, expected in CLASSES for code in codes.split()],
)
def test_each_code_has_its_class(code: str, expected: type[SendError]) -> None:
    error = explain(code)
    assert type(error) is expected
    assert error.code == code
    assert explain(code) is not error


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("21211", FailureKind.NOT_FOUND),
        ("21614", FailureKind.NOT_FOUND),
        ("63003", FailureKind.NOT_FOUND),
        ("63024", FailureKind.UNREACHABLE),
        ("30005", FailureKind.UNREACHABLE),
        ("63014", FailureKind.OPTED_OUT),
        ("21610", FailureKind.OPTED_OUT),
        ("63033", FailureKind.OPTED_OUT),
        ("63049", FailureKind.CAPPED),
        ("63032", FailureKind.CAPPED),
        ("63015", FailureKind.NEVER_STARTED),
        ("63005", FailureKind.REFUSED),
        ("63031", FailureKind.REFUSED),
    ],
)
def test_what_becomes_of_the_reader(code: str, kind: FailureKind) -> None:
    error = explain(code)
    assert isinstance(error, Undeliverable)
    assert error.kind is kind


def test_meta_s_limit_slows_the_sender() -> None:
    error = explain("63018")
    assert isinstance(error, TryLater)
    assert error.sender_wide
    assert error.throttled
    assert error.after == timedelta(minutes=15)


@pytest.mark.parametrize(
    "code", ["99999", "", "None", "+923001234567", "٣", "9" * 5000]
)
def test_an_unknown_code_concerns_the_recipient(code: str) -> None:
    error = explain(code)
    assert isinstance(error, Undeliverable)
    assert error.kind is FailureKind.REFUSED
    assert "+" not in error.code


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, None, TryLater),
        (429, 20429, TryLater),
        (400, 20429, TryLater),
        (500, None, Doubtful),
        (503, 20503, Doubtful),
        (504, 21610, Doubtful),
        (400, 21610, Undeliverable),
        (400, 63016, WindowClosed),
        (400, 21617, Malformed),
        (400, 99999, Undeliverable),
        (400, None, Undeliverable),
        (401, 20003, SenderDown),
        (401, None, SenderDown),
        (403, None, SenderDown),
        (404, 20404, SenderDown),
        (404, None, SenderDown),
        (307, None, SenderDown),
        (303, None, Doubtful),
        (408, None, TryLater),
        (413, None, Malformed),
    ],
)
def test_answers(status: int, code: int | None, expected: type[SendError]) -> None:
    assert type(meaning_of_twilio(status, code)) is expected


def test_the_wait_asked_for_is_kept() -> None:
    error = meaning_of_twilio(429, 20429, retry_after=timedelta(seconds=9))
    assert isinstance(error, TryLater)
    assert error.after == timedelta(seconds=9)


@given(st.integers(500, 599), st.none() | st.integers(0, 99_999))
def test_a_failing_server_is_always_doubt(status: int, code: int | None) -> None:
    assert type(meaning_of_twilio(status, code)) is Doubtful
