"""What the command line says of itself."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from bot.cli.root import app


def commands(
    group: Any, path: tuple[str, ...] = ()
) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, command in group.commands.items():
        found.append(((*path, name), command))
        if hasattr(command, "commands"):
            found += commands(command, (*path, name))
    return found


ALL = commands(typer.main.get_command(app))


@pytest.mark.parametrize(("path", "command"), ALL, ids=[" ".join(p) for p, _ in ALL])
def test_every_command_and_all_it_takes_is_explained(path, command):
    result = CliRunner().invoke(app, [*path, "--help"])
    assert result.exit_code == 0
    assert command.help, "what it does"
    for parameter in command.params:
        assert getattr(parameter, "help", ""), f"{parameter.name} is not explained"


def test_there_is_what_the_documents_speak_of():
    names = {" ".join(path) for path, _ in ALL}
    assert names >= {
        "demo",
        "run",
        "health",
        "check",
        "format",
        "database upgrade",
        "audience create",
        "audience list",
        "editor invite",
        "editor list",
        "group enrol",
        "group list",
        "group remove",
        "reader import",
        "reader remove",
        "reader count",
        "link create",
        "link list",
        "link revoke",
        "article add",
        "article list",
        "broadcast plan",
        "broadcast confirm",
        "broadcast show",
        "broadcast list",
        "broadcast stop",
        "broadcast resume",
        "broadcast decide",
    }


def test_the_version():
    result = CliRunner().invoke(app, ["--version"])
    assert (result.exit_code, result.stdout) == (0, f"harkara {version('harkara')}\n")


def test_nothing_at_all_shows_the_help():
    result = CliRunner().invoke(app, [])
    assert "broadcast" in result.output
