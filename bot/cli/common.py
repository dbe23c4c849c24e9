"""What the commands share: settings, the wired services, errors for people."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn, TypeVar

import typer

from bot.domain.errors import (
    ConfigError,
    HarkaraError,
    LinkExpired,
    LinkRevoked,
    LinkSpent,
    LinkUnknown,
)
from bot.phrases.languages import is_language, nearest

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from bot.app import Desk

T = TypeVar("T")


def _named(context: typer.Context, parameter: typer.CallbackParam, file: Path) -> Path:
    """Refuse a settings file that was named and is missing; the default may be."""
    source = context.get_parameter_source(str(parameter.name))
    if source is not None and source.name in _NAMED:
        try:
            file.stat()
        except (FileNotFoundError, NotADirectoryError):
            fail(
                ConfigError(
                    f"there is no settings file {file}; check --config (HARKARA_CONFIG)"
                )
            )
        except OSError:
            pass  # it is there, and reading it says what is wrong
    return file


ConfigFile = Annotated[
    Path,
    typer.Option(
        "--config",
        envvar="HARKARA_CONFIG",
        callback=_named,
        help="The settings file; HARKARA_… variables win over it.",
    ),
]


def _spoken(tag: str) -> str:
    """Refuse what names no language: nobody would hear of the mistake later."""
    if tag and not is_language(tag):
        near = nearest(tag)
        hint = (
            f"did you mean {near}?" if near else "write it as BCP 47 does: en, ur, ks"
        )
        raise typer.BadParameter(f"{tag} is no language; {hint}")
    return tag


#: A language of articles, readers or audiences; empty where nobody says.
Language = Annotated[
    str,
    typer.Option(callback=_spoken, help="As BCP 47 writes it: en, ur, hi, ar, ks …"),
]

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]

DEFAULT_CONFIG = Path("harkara.toml")

#: For what only Telegram can do.
NO_BOT = "{}: set HARKARA_BOT_TOKEN, from @BotFather"

#: Where a setting's file was named by a person.
_NAMED = frozenset({"COMMANDLINE", "ENVIRONMENT"})

#: The largest number that the tables hold; a larger one is nobody's.
LARGEST_NUMBER = 2**63 - 1

#: Exit statuses: what was asked cannot be done; the settings or the call are wrong.
REFUSED = 1
WRONG = 2

_WORDS: dict[type[Exception], str] = {
    LinkUnknown: "there is no such join link",
    LinkExpired: "that join link has expired",
    LinkSpent: "that join link has been used up",
    LinkRevoked: "that join link was withdrawn",
}


def fail(error: Exception) -> NoReturn:
    """Print what is wrong and what to do, and end with the fitting status."""
    text = str(error) or _WORDS.get(type(error), type(error).__name__)
    for line in text.splitlines():
        typer.echo(f"harkara: {line}", err=True)
    raise typer.Exit(WRONG if isinstance(error, ConfigError) else REFUSED)


def at_desk(
    config: Path,
    work: Callable[[Desk], Awaitable[T]],
    *,
    channels: bool = False,
) -> T:
    """Run *work* at the desk: settings read, services wired, errors phrased.

    Args:
        config: The settings file.
        work: What to do.
        channels: Whether a provider must be set up for it, and be reached.
    """
    from bot.app import open_desk  # slow: the providers' libraries
    from bot.config import load

    async def wired() -> T:
        settings = load(config, channels=channels)
        async with open_desk(settings, online=channels) as desk:
            return await work(desk)

    try:
        return asyncio.run(wired())
    except (HarkaraError, ValueError) as error:
        fail(error)


def shown_at(moment: datetime, zone: ZoneInfo) -> str:
    """Return a moment as people in *zone* write it."""
    return f"{moment.astimezone(zone):%Y-%m-%d %H:%M}"


def table(headings: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print a table: plain columns, right for a pipe and for a person."""
    lines = [tuple(headings), *(tuple(str(each) for each in row) for row in rows)]
    widths = [max(len(line[place]) for line in lines) for place in range(len(headings))]
    for line in lines:
        cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=True)]
        typer.echo("  ".join(cells).rstrip())


def counted(number: int, noun: str, several: str = "") -> str:
    """Return ``1 message``, or ``2 messages``."""
    return f"{number} {noun if number == 1 else several or noun + 's'}"


def utf8_output() -> None:
    """Print Urdu on a terminal whose locale has never heard of it."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
