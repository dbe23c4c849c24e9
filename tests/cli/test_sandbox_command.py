"""``harkara sandbox``: the pretend providers from the terminal."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from bot.cli.root import app

if TYPE_CHECKING:
    from bot.sandbox import Sandbox


def told(port: int, *arguments: str, status: int = 0) -> str:
    """Run a command; return what a person reads."""
    result = CliRunner().invoke(app, ["sandbox", *arguments, "--port", str(port)])
    assert result.exit_code == status, (result.output, result.exception)
    return result.stderr if status else result.stdout


@pytest.fixture
def port(sandbox: Sandbox) -> int:
    """The page's port of a sandbox with two people and a group."""
    bilal = sandbox.world.person("Bilal", role="keeper")
    sandbox.world.person("Gul", phone="+923005550101", role="reader")
    sandbox.world.group("Neighbours", admins=[bilal])
    return int(sandbox.page_url.rpartition(":")[2])


def test_a_chat_shows_what_was_written_in_it(port: int):
    assert told(port, "write", "Bilal", "Good morning", "--into", "Neighbours")

    assert told(port, "show", "neighbours") == "Bilal: Good morning\n"


def test_a_link_opens_on_the_phone_that_it_is_for(sandbox: Sandbox, port: int):
    link = f"https://t.me/{sandbox.bot_username}?start=token"

    assert told(port, "follow", "Bilal", link) == "Bilal has opened it\n"
    assert told(port, "show", "Bilal") == "Bilal: /start token\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "Nobody"), "there is no Nobody here; there are Bilal, Gul"),
        (("show", "Bilal", "--whatsapp"), "Bilal has no WhatsApp"),
        (("write", "Bilal", "x", "--into", "Strangers"), "there is no group Strangers"),
        (("press", "Bilal", "Confirm"), "Bilal sees no button 'Confirm'"),
        (("follow", "Bilal", "https://t.me/another?start=x"), "no @another"),
        (("follow", "Gul", "https://wa.me/14155550100?text="), "no words"),
    ],
)
def test_what_cannot_be_done_is_said(port: int, arguments: tuple[str, ...], words: str):
    assert words in told(port, *arguments, status=1)


def test_without_a_sandbox_it_says_how_to_start_one():
    with socket.socket() as nobody:  # bound and deaf: nobody else answers there
        nobody.bind(("127.0.0.1", 0))

        message = told(nobody.getsockname()[1], "settings", status=1)

    assert "start one with harkara sandbox start" in message


def test_a_port_that_is_taken_is_said(sandbox: Sandbox):
    taken = int(sandbox.telegram_url.rpartition(":")[2])

    message = told(taken - 1, "start", status=1)

    assert f"a port from {taken - 1} to {taken + 1} cannot be opened" in message
    assert "choose others with --port" in message
