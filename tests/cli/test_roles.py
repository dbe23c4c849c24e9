"""``harkara worker`` and ``harkara web``, and the lives of who was given up."""

from __future__ import annotations

import secrets
import signal
import time
import urllib.request
from base64 import urlsafe_b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING

import psycopg
import pytest

from bot.cli.service import FIRST_PAUSE, GIVEN_UP, LONG_LIFE, LONGEST_PAUSE, Lives
from bot.config import Settings, with_listen
from bot.domain.errors import ConfigError
from tests.stories.stage import free_port

if TYPE_CHECKING:
    from tests.cli.conftest import Desk

PATIENCE = 60.0  # seconds, for a machine that is busy


@pytest.mark.parametrize("command", ["worker", "web"])
def test_a_file_is_for_one_application_only(connected: Desk, command: str):
    told = connected.refused(command, status=2)

    assert f"harkara {command} needs PostgreSQL" in told
    assert "start harkara run, or set HARKARA_DATABASE" in told


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def well(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health") as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def test_both_are_well_and_one_who_is_given_up_ends_as_it_was_told(
    connected: Desk, postgres_url: str
):
    key = urlsafe_b64encode(secrets.token_bytes(32)).decode()
    here, there = free_port(), free_port()
    connected.write(database=postgres_url, encryption_key=key)
    worker = connected.process("worker", "--once", "--health", f"127.0.0.1:{here}")
    web = connected.process("web", "--listen", f"127.0.0.1:{there}")
    try:
        until(lambda: well(here) and well(there))
        with psycopg.connect(postgres_url, autocommit=True) as others:

            def given_up() -> bool:
                # As they do with one that fell silent; it may not be known yet.
                gone = others.execute("DELETE FROM jobs.procrastinate_workers")
                return gone.rowcount > 0

            until(given_up)
        _, said = worker.communicate(timeout=PATIENCE)
        assert worker.returncode == GIVEN_UP
        assert "it has to start anew" in said
        web.send_signal(signal.SIGTERM)
        assert web.wait(PATIENCE) == 0
    finally:
        for process in (worker, web):
            process.kill()
            process.communicate()


def test_lives_that_end_soon_are_further_and_further_apart():
    now = [0.0]
    lives = Lives(lambda: now[0])
    pauses = []
    for _ in range(12):
        lives.begin()
        now[0] += 1
        pauses.append(lives.pause())
    assert pauses[:4] == [FIRST_PAUSE * 2**place for place in range(4)]
    assert pauses[-1] == LONGEST_PAUSE

    lives.begin()
    now[0] += LONG_LIFE + 1
    assert lives.pause() == FIRST_PAUSE, "the last was long"


@pytest.mark.parametrize("listen", ["127.0.0.1", "127.0.0.1:http", "127.0.0.1:99999"])
def test_an_address_that_is_none_is_refused(listen: str):
    with pytest.raises(ConfigError, match="must be an address and a port"):
        with_listen(Settings.model_validate({}), listen)


def test_no_address_is_an_address_too():
    assert with_listen(Settings.model_validate({}), "").listen == ""
    assert (
        with_listen(Settings.model_validate({}), None).listen
        == Settings.model_validate({}).listen
    )
