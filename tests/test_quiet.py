"""The search of the log finds what was planted, and nothing else."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from pathlib import Path

import pytest

from bot import logs
from bot.domain.errors import StorageError
from bot.sandbox import Sandbox
from bot.sandbox.server import AUTH_TOKEN, TELEGRAM_TOKEN
from handlers.telegram.webhook import secret_of
from tests.quiet import leaks, log_lines

ROOT = Path(__file__).parent.parent
log = logging.getLogger("harkara.test")
#: A key as `harkara database upgrade` writes it; a join link's token looks alike.
KEY = "q8Zt3l0fWc5Vb1Yx7Rk2Uo9Ej4Hn6Gd-As_PmTiLwXM"
FULL = (
    "the disk that holds the database is full; free some space and start again, "
    "nothing half-written was kept"
)


@pytest.mark.parametrize(
    ("extra", "what"),
    [
        ({"to": "+923001234567"}, "a phone number"),
        ({"to": "whatsapp:+14155550100"}, "a phone number"),
        ({"to": "923001234567"}, "a person's or chat's number"),
        ({"url": f"https://api/bot{TELEGRAM_TOKEN}/getMe"}, "a bot's token"),
        ({"password": AUTH_TOKEN}, AUTH_TOKEN),
        ({"token": "Zm9vYmFyYmF6cXV4MTIzNDU2Nzg5MA-_"}, "a secret of many letters"),
        ({"sid": "SM0123456789abcdef0123456789abcdef"}, "Twilio's"),
        ({"what": "when does it leave"}, "somebody's words as what"),
        ({"title": "اردو"}, "somebody's words as title"),
        ({"text": "the army said"}, "the army said"),
        ({"url": "/x?To=whatsapp%3A%2B923001234567"}, "a phone number"),
        ({"to": "+92 300 1234567"}, "a phone number"),
        ({"to": "+1 (415) 555-0100"}, "a phone number"),
        ({"to": "4915112345678"}, "a person's or chat's number"),
        ({"chat": -1001234567890}, "a person's or chat's number"),
        ({"to": "whatsapp:PK.13491208655302741918"}, "a business-scoped id"),
        ({"to": "PK.ENT.13491208655302741918"}, "a business-scoped id"),
        ({"password": "0123456789abcdef0123456789abcdef"}, "a secret in hex"),
        ({"secret": secret_of("1:a")}, "a secret in hex"),
        ({"key": KEY}, "a secret of many letters"),
        ({"link": f"t.me/x?start={KEY}"}, "a secret of many letters"),
        ({"code": "ABCD2345"}, "a join code"),
        ({"code": "ABCDEFGH"}, "somebody's words as code"),
        ({"who": "Gul Khan"}, "somebody's words as who"),
        ({"said": "it's\nover"}, "somebody's words as said"),
        ({"update": {"text": "x"}}, "an object as update"),
    ],
)
def test_what_is_planted_is_found(ear, extra, what):
    log.debug("a line", extra=extra)

    found = ear.take()
    assert any(what in each for each in found), found


@pytest.mark.parametrize(
    "reason",
    [
        FULL,
        f"{FULL} (database or disk is full)",
        "that contradicts what is stored (UNIQUE constraint failed: recipient.hash)",
        "the database has not answered for 5 seconds",
    ],
)
def test_the_program_s_own_sentences_are_a_reason(ear, reason):
    log.error("a line", extra={"reason": reason})

    assert ear.take() == []


@pytest.mark.parametrize(
    "reason",
    [
        "I shall be away tonight",
        f"{FULL}, said my old friend",
        f"{FULL} (I shall be away tonight)",
        f"{FULL} (+923001234567)",
        "the database has not answered for my old friend's many seconds",
    ],
)
def test_others_words_are_none(ear, reason):
    log.error("a line", extra={"reason": reason})

    assert ear.take()


def test_the_program_s_own_sentences_are_nothing_else(ear):
    log.error("a line", extra={"what": FULL})

    assert ear.take()


def test_words_inside_the_sentence_are_found_and_in_a_traceback(ear):
    log.info("%s wrote", "Gul")
    assert any("values inside" in each for each in ear.take())
    try:
        int("+923001234567 wrote")
    except ValueError:
        log.exception("it failed")
    assert any("a phone number" in each for each in ear.take())


@pytest.mark.parametrize(
    "error",
    [
        ValueError("when does it leave"),
        ValueError("when does\nit leave"),
        KeyError("اردو"),
        RuntimeError(f"{FULL}, said my old friend"),
    ],
)
def test_words_in_an_error_are_found_wherever_it_came_from(ear, error):
    for raised in (error, RuntimeError("boom")):
        raised.__cause__ = None if raised is error else error
        log.error("it failed", exc_info=raised)
        assert any("somebody's words in an error" in each for each in ear.take())


def test_an_error_without_anybody_s_words_is_none(ear):
    failing = StorageError(FULL)
    failing.__cause__ = KeyError("delivery")
    log.error("it failed", exc_info=failing)
    assert ear.take() == []


def test_every_level_is_heard_and_none_is_written_that_was_not_asked_for(ear, caplog):
    with caplog.at_level(logging.ERROR, "harkara"):
        log.debug("a line", extra={"to": "+923001234567"})
    assert ear.take()
    assert caplog.records == []


def test_another_program_s_chatter_counts_where_somebody_sees_it(ear):
    chatty = logging.getLogger("httpx.planted")
    chatty.setLevel(logging.INFO)
    handler = logging.StreamHandler(io.StringIO())
    chatty.addHandler(handler)
    try:
        chatty.info("POST https://api.telegram.org/bot%s/getMe", TELEGRAM_TOKEN)
    finally:
        chatty.removeHandler(handler)
    assert ear.take()


def test_whoever_is_in_a_sandbox_is_forbidden_wherever_it_was_made(ear):
    token, password = "7000000002:the-token", "the-password"
    sandbox = Sandbox(bot_token=token, auth_token=password)
    person = sandbox.world.person("Nishat", phone="+4912345678")
    for each in (token, password, secret_of(token), person.id, "4912345678", "Nishat"):
        log.info("a line", extra={"x": each})
        assert any(repr(str(each)) in found for found in ear.take()), each


def test_other_programs_warnings_count_and_their_chatter_does_not(ear):
    logging.getLogger("aiohttp.server").warning("no route for +923001234567")
    assert ear.take()
    chatty = logging.getLogger("aiohttp.client")
    chatty.setLevel(logging.DEBUG)
    chatty.info("a call to +923001234567")
    assert ear.take() == []


def test_a_log_that_was_set_up_to_be_silent_is_heard_all_the_same(ear, capsys):
    ours = logging.getLogger("harkara")
    before = (list(ours.handlers), ours.propagate)
    try:
        logs.set_up("error")
        log.error("a line", extra={"to": "+923001234567"})
    finally:
        ours.handlers[:], ours.propagate = before
    assert ear.take()


def test_what_a_test_forbids_is_found(ear):
    ear.forbid("Nishat", "")
    log.info("a line", extra={"whose": "Nishat"})
    assert ear.take() == ["'Nishat'"]
    log.info("a line", extra={"whose": "Shalimar"})
    assert ear.take() == []


def test_a_process_of_its_own_is_read(ear, tmp_path):
    ear.read("2026-11-22T10:00:00.000Z INFO harkara.x sent to=+923001234567\n")
    assert ear.take() == ["a phone number: +923001234567 in a process's log"]


@pytest.mark.parametrize(
    "line",
    [
        "2026-11-22T10:00:00.123Z INFO harkara.pump delivery delivery=7 state=accepted",
        "2026-11-22T10:00:00.123Z ERROR harkara.inbox set aside inbound=12345678901",
        "where=inbox.py:97 > updates.py:12 > enrolment.py:301",
        "error=Forbidden sender=1 count=12 at 127.0.0.1:54321 in 0x7f086173d190",
        "state=accepted code=63016 key=update:100000011 HARKARA_PUBLIC_URL",
        "pytest-of-somebody/pytest-0/test_a_name_that_is_very_long_indeed0/x.db",
        "",
    ],
)
def test_what_is_right_is_left_alone(line):
    assert leaks(line) == []


def test_only_a_logs_lines_are_a_log():
    line = "2026-11-22T10:00:00.123Z INFO harkara.pump delivery"
    assert log_lines(f"Imran received:\n{line}\nThe pass opened\n") == line


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (
            "logging.getLogger('harkara').debug('sent', extra={'to': '+923001234567'})",
            "the log gives away a phone number: +923001234567",
        ),
        (
            f"sys.stderr.write('https://api/bot{TELEGRAM_TOKEN}')",
            "standard error gives away a bot's token",
        ),
    ],
)
def test_whoever_lets_it_out_fails(tmp_path, line, told):
    """The fixture itself, in a run of its own."""
    (tmp_path / "test_planted.py").write_text(
        f"import logging, sys\ndef test_it():\n    {line}\n", encoding="utf-8"
    )
    ran = subprocess.run(  # noqa: S603 - our own interpreter and words
        [
            *(sys.executable, "-m", "pytest", str(tmp_path / "test_planted.py")),
            *("-n", "0", "-q", "-p", "tests.conftest", "-p", "no:cacheprovider"),
            *("--rootdir", str(tmp_path), "-c", "/dev/null"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert told in ran.stdout
