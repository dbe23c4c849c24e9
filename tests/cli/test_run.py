"""``harkara run`` in a process of its own: how it starts, refuses, and ends."""

from __future__ import annotations

import signal
import socket
import subprocess
import time

import pytest

from tests.quiet import leaks, log_lines

PATIENCE = 30  # seconds


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end; return the status and what a person was told."""
    try:
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    assert not out
    assert leaks(log_lines(err)) == []
    return process.returncode, err


def test_without_any_settings_all_that_is_missing_is_said_at_once(bare):
    bare.file.unlink()
    status, told = ended(bare.process("run"))
    assert status == 2
    (line,) = told.splitlines()
    assert line.startswith(
        "harkara: no channel is set up; for Telegram open @BotFather"
    )
    assert "Twilio console" in line


def test_every_mistake_is_said_at_once(bare):
    status, told = ended(
        bare.process(
            "run",
            HARKARA_BOT_TOKEN="x",
            HARKARA_TWILIO_ACCOUNT_SID="AC1",
            HARKARA_CONCURRENCY="many",
            HARKARA_LISTEN="here",
        )
    )
    assert status == 2
    names = {line.split()[1].rstrip(":") for line in told.splitlines()}
    assert names == {
        "HARKARA_BOT_TOKEN",
        "HARKARA_TWILIO_AUTH_TOKEN",
        "HARKARA_WHATSAPP_NUMBER",
        "HARKARA_PUBLIC_URL",
        "HARKARA_CONCURRENCY",
        "HARKARA_LISTEN",
    }


def test_without_a_database_the_mend_is_named(connected):
    (connected.folder / "harkara.db").unlink()
    status, told = ended(connected.process("run"))
    assert status == 1
    assert "run harkara database upgrade" in told
    assert len(told.splitlines()) == 1


def test_asked_to_upgrade_it_makes_the_database_and_then_runs(connected, free_port):
    connected.write(listen=f"127.0.0.1:{free_port}")
    file = connected.folder / "harkara.db"
    file.unlink()
    for told_first in ("new → ", "is up to date ("):
        process = connected.process("run", "--upgrade")
        try:
            assert "INFO harkara.app up senders=2" in process.stderr.readline()
            process.terminate()
            out, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        assert process.returncode == 0
        assert told_first in out
        assert file.is_file()


def test_asked_to_upgrade_it_touches_nothing_while_a_setting_is_missing(bare):
    status, told = ended(bare.process("run", "--upgrade"))
    assert status == 2
    assert "no channel is set up; for Telegram" in told
    assert not (bare.folder / "harkara.db").exists()


def test_a_wrong_token_is_one_clear_line(connected, sandbox):
    connected.write(bot_token=f"{sandbox.bot_token}-not")
    status, told = ended(connected.process("run"))
    assert status == 2
    assert told.startswith("harkara: Telegram does not accept HARKARA_BOT_TOKEN")
    assert len(told.splitlines()) == 1
    assert sandbox.bot_token not in told


def test_a_port_in_use_is_named(connected):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        connected.write(listen=f"127.0.0.1:{port}")
        status, told = ended(connected.process("run"))
    assert status == 2
    last = told.splitlines()[-1]
    assert f"HARKARA_LISTEN: 127.0.0.1:{port} cannot be opened (Address " in last
    assert "choose another port" in last
    assert "Traceback" not in told


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_in_order_when_asked(running, sign):
    running.send_signal(sign)
    status, told = ended(running)
    assert status == 0
    assert told.splitlines()[-1].endswith("INFO harkara.app drained")
    assert "Traceback" not in told


def test_it_ends_when_asked_while_telegram_cannot_be_reached(connected):
    connected.write(telegram_api="http://127.0.0.1:9")
    process = connected.process("run")
    assert "Telegram cannot be reached; trying again" in process.stderr.readline()
    process.terminate()
    status, told = ended(process)
    assert status == 0
    assert "stopped before it was up" in told


def test_a_second_application_on_the_same_file_is_refused(connected, running):
    status, told = ended(connected.process("run"))
    assert status == 1
    assert "another Harkara works on" in told
    assert "stop it first" in told
    assert "another Harkara works on" in connected.refused("database", "upgrade")
    connected.ok("audience", "create", "valley")  # beside it, one may look and write
    assert running.poll() is None


def test_the_running_application_sends_what_the_command_line_confirms(
    connected, running, sandbox
):
    group = sandbox.world.group("Neighbours", with_bot=True)
    connected.ok("audience", "create", "valley")
    connected.ok("group", "enrol", "valley", group.id, "--evidence", "by telephone")
    connected.ok("article", "add", "-", stdin="It rained all day.")
    connected.ok("broadcast", "plan")
    confirmed = connected.run("broadcast", "confirm", "1")
    assert confirmed.exit_code == 0
    assert not confirmed.stderr, "somebody is there to send it"
    end = time.monotonic() + PATIENCE
    while not connected.ok("broadcast", "show", "1").startswith(
        "broadcast 1: finished"
    ):
        assert time.monotonic() < end
    assert len(sandbox.log.copies_of("It rained all day.", group)) == 1
