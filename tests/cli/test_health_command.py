"""``harkara health``: one line, and a status that a container understands."""

from __future__ import annotations

from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

PATIENCE = 30  # seconds


def test_a_running_application_is_well(connected, running):
    said = connected.ok("health")
    assert said == "up: database ok, telegram up, whatsapp up, inbox 0 waiting\n"


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", ""])  # noqa: S104 - asked, never bound
def test_every_interface_is_asked_on_our_own(connected, running, host):
    port = connected.settings["listen"].rpartition(":")[2]
    connected.write(listen=f"{host}:{port}")
    if host == "[::]":
        told = connected.refused("health")
        assert told.startswith(f"down: nothing of ours answers at [::]:{port} (")
    else:
        connected.ok("health")


def test_nothing_there(connected, free_port):
    connected.write(listen=f"127.0.0.1:{free_port}")
    told = connected.refused("health")
    assert told.startswith(f"down: nothing of ours answers at 127.0.0.1:{free_port} (")
    assert "harkara run" in told
    assert len(told.splitlines()) == 1


def test_something_else_there(connected, sandbox):
    connected.write(listen=sandbox.telegram_url.removeprefix("http://"))
    assert "nothing of ours answers" in connected.refused("health")


def test_settings_that_cannot_work(bare):
    bare.write(listen="here")
    assert bare.refused("health").startswith("down: HARKARA_LISTEN must be")


def test_it_is_open_by_polling_too(connected, free_port):
    """Without WhatsApp and without the webhook nobody else calls."""
    for name in ("twilio_account_sid", "twilio_auth_token", "whatsapp_number"):
        connected.settings.pop(name)
    connected.settings.pop("public_url")
    connected.write(listen=f"127.0.0.1:{free_port}")
    process = connected.process("run")
    try:
        assert "up senders=1" in process.stderr.readline()
        assert connected.ok("health").startswith("up: database ok, telegram up, inbox")
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_while_telegram_cannot_be_reached_it_is_starting(connected, sandbox, free_port):
    """To start again would not help, so a container must not be told to."""
    connected.write(listen=f"127.0.0.1:{free_port}", telegram_api="http://127.0.0.1:9")
    process = connected.process("run")
    try:
        for _ in range(2):  # the second time, it answers already
            assert "Telegram cannot be reached" in process.stderr.readline()
        said = connected.ok("health")
        assert said == "starting: Telegram cannot be reached; trying again\n"
        hook = f"http://127.0.0.1:{free_port}/twilio/inbound"
        with pytest.raises(HTTPError) as caught:
            urlopen(hook, data=b"Body=hello", timeout=PATIENCE)
        assert (caught.value.code, caught.value.headers["Retry-After"]) == (503, "5")
        caught.value.close()
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def test_once_telegram_can_be_reached_it_is_up(connected, sandbox, free_port):
    connected.write(listen=f"127.0.0.1:{free_port}")
    fault = sandbox.faults.error(503, method="getMe", times=1)
    process = connected.process("run")
    try:
        assert "Telegram cannot be reached" in process.stderr.readline()
        assert "harkara.app up" in process.stderr.readline()
        assert fault.played == 1
        assert connected.ok("health").startswith("up: ")
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
