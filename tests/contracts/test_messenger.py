"""What every Messenger promises, whichever provider is behind it."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from bot.domain.errors import (
    Doubtful,
    FailureKind,
    SenderDown,
    SendError,
    TryLater,
    Undeliverable,
)
from tests.transports.scripted import Answer
from tests.transports.stands import PASSWORD, TOKEN, Stand, stand_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from bot.ports import Messenger


@pytest.fixture(params=["telegram", "whatsapp", "fake"])
async def stand(request: pytest.FixtureRequest) -> AsyncIterator[Stand]:
    async with stand_of(request.param) as opened:
        yield opened


async def failure(stand: Stand) -> SendError:
    with pytest.raises(SendError) as caught:
        await stand.send()
    chain: list[BaseException | None] = [caught.value, caught.value.__cause__]
    for secret in (TOKEN, PASSWORD, stand.to.value, "tomorrow"):
        assert all(secret not in repr(each) for each in chain)
    return caught.value


async def test_an_accepted_message_has_an_id(stand: Stand) -> None:
    stand.accept()
    assert await stand.send() != ""
    assert stand.calls == 1


async def test_a_call_that_never_left_may_be_repeated_at_once(stand: Stand) -> None:
    await stand.vanish()
    error = await failure(stand)
    assert isinstance(error, TryLater)
    assert not error.throttled
    assert error.after == timedelta(0)


async def test_a_hang_is_doubt_within_the_time_out(stand: Stand) -> None:
    stand.hang()
    began = time.monotonic()
    assert isinstance(await failure(stand), Doubtful)
    assert time.monotonic() - began < 5
    assert stand.calls == 1


async def test_a_connection_cut_after_writing_is_doubt(stand: Stand) -> None:
    stand.cut()
    assert isinstance(await failure(stand), Doubtful)
    assert stand.calls == 1


async def test_throttling_says_how_long_to_wait(stand: Stand) -> None:
    stand.throttle()
    error = await failure(stand)
    assert isinstance(error, TryLater)
    assert error.throttled
    assert error.after == timedelta(seconds=7)
    assert stand.calls == 1


async def test_a_reader_who_has_left_is_told_from_the_rest(stand: Stand) -> None:
    stand.lose_reader()
    error = await failure(stand)
    assert isinstance(error, Undeliverable)
    assert error.kind in {FailureKind.BLOCKED, FailureKind.OPTED_OUT}
    assert stand.calls == 1


async def test_bad_credentials_are_the_senders_fault(stand: Stand) -> None:
    stand.refuse_us()
    assert isinstance(await failure(stand), SenderDown)
    assert stand.calls == 1


async def test_it_works_again_after_a_failure(stand: Stand) -> None:
    stand.cut()
    await failure(stand)
    stand.accept()
    assert await stand.send()


async def test_an_unknown_code_concerns_the_recipient(stand: Stand) -> None:
    error = stand.messenger.explain("never seen")
    assert isinstance(error, Undeliverable)
    assert error.kind is FailureKind.REFUSED


def test_each_is_a_messenger_to_the_type_checker() -> None:
    """The assignments below are what mypy checks."""
    from bot.transports.telegram import TelegramMessenger
    from bot.transports.whatsapp import WhatsAppMessenger
    from tests.fakes import FakeMessenger

    kinds: list[type[Messenger]] = [TelegramMessenger, WhatsAppMessenger, FakeMessenger]
    assert kinds


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = [
    *("ok", "result", "message_id", "description", "parameters", "retry_after"),
    *("migrate_to_chat_id", "sid", "status", "code", "error_code", "message"),
    *("details", "type", "title", "date_created"),
]
SHAPED = st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=6)
NESTED = st.dictionaries(
    st.sampled_from(["result", "parameters"]), SHAPED | JSON, max_size=2
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.builds(lambda content: json.dumps(content).encode(), JSON | SHAPED),
    st.builds(lambda one, two: json.dumps(one | two).encode(), SHAPED, NESTED),
)
HEADERS = st.lists(
    st.sampled_from(
        [
            ("Content-Type", "application/json"),
            ("Content-Type", "text/html; charset=no-such-charset"),
            ("Content-Type", ""),
            ("Content-Encoding", "gzip"),
            ("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"),
            ("Retry-After", "99999999999999999999"),
            ("Retry-After", "-1"),
            ("Location", "/elsewhere"),
            ("Set-Cookie", "a=b"),
        ]
    ),
    unique_by=lambda pair: pair[0],
)


@pytest.mark.parametrize("name", ["telegram", "whatsapp"])
def test_whatever_is_answered_it_is_an_id_or_one_of_our_errors(name: str) -> None:
    """One request each, no other exception, and 5xx never means "not sent"."""
    with asyncio.Runner() as runner:
        context = stand_of(name)
        stand = runner.run(context.__aenter__())

        @settings(
            max_examples=250, deadline=None, suppress_health_check=list(HealthCheck)
        )
        @example(200, b"", [])
        @example(200, b"{}", [])
        @example(400, b"x" * 1_000_000, [])
        @example(200, b'{"result": "' + b"x" * 1_000_000 + b'"}', [])
        @example(403, b"[" * 200_000, [])
        @example(200, b"[" * 200_000, [])
        @example(200, b'{"result": {"message_id": true}}', [])
        @example(429, b'{"parameters": {"retry_after": 1e400}}', [])
        @example(429, b'{"parameters": {"retry_after": 99999999999999999999}}', [])
        @example(400, b'{"parameters": {"migrate_to_chat_id": "x"}}', [])
        @example(400, b'{"parameters": {"migrate_to_chat_id": -100123}}', [])
        @example(503, b'{"parameters": {"retry_after": 3}}', [("Retry-After", "3")])
        @given(st.integers(200, 599), BODIES, HEADERS)
        def answered(status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
            before = stand.calls
            told = (*headers, ("Connection", "close"))
            stand.server.then(Answer(status, body, told))
            sent, error = "", None
            try:
                sent = runner.run(stand.send())
            except SendError as caught:
                error = caught
            if error is None:
                assert isinstance(sent, str)
                assert sent
                assert 200 <= status < 300
            else:
                assert len(error.code) <= 120
                assert status < 500 or isinstance(error, Doubtful)
            assert stand.calls == before + 1

        try:
            answered()
        finally:
            runner.run(context.__aexit__(None, None, None))
