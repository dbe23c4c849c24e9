"""``harkara format``: what a file would look like in a chat. Sends nothing."""

from __future__ import annotations

import codecs
import json
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from bot.cli.common import Language  # noqa: TC001 - typer reads it
from bot.domain.articles import Draft
from bot.domain.recipients import Channel
from bot.formatter import FormatterError, JoinLine, compose, render
from bot.phrases import join_words

if TYPE_CHECKING:
    from bot.domain.digests import Digest
    from bot.domain.messages import Text

LARGEST_FILE = 10_000_000  #: bytes

_STANDARD_INPUT = "-"
_USAGE = 2  # exit status: what was asked for cannot be done


class Medium(StrEnum):
    """Where the messages are to be read."""

    TELEGRAM = "telegram"
    WHATSAPP = "whatsapp"
    PLAIN = "plain"


def format_(
    file: Annotated[
        str, typer.Argument(help="The article, as plain text; - is standard input.")
    ],
    *,
    title: Annotated[
        str, typer.Option(help="Its headline. Without one, one is made.")
    ] = "",
    link: Annotated[str, typer.Option(help="Where it can be read in full.")] = "",
    language: Language = "",
    join_link: Annotated[
        str, typer.Option(help="Where a reader joins; adds a join line.")
    ] = "",
    channel: Annotated[
        Medium, typer.Option(help="Whose limits and markup to use.")
    ] = Medium.TELEGRAM,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the messages and notes as JSON.")
    ] = False,
) -> None:
    """Print the messages an article would become, exactly. Sends nothing."""
    text = read_text(file)
    draft = Draft(text=text, headline=title, link=link, language=language)
    join = None
    if join_link:
        join = JoinLine(_join_words(language, channel, join_link), join_link)
    try:
        digest = compose(draft)
        messages = render(digest, _channel(channel), join=join)
    except FormatterError as error:
        _refuse(f"{_named(file)}: {error}.")
    if as_json:
        _print(_as_json(digest, messages))
        return
    for note in digest.notes:
        _print(f"note: {note.text}", err=True)
    for number, message in enumerate(messages, start=1):
        if number > 1:
            _print(f"\n--- {number}/{len(messages)} ---\n")
        _print(message.text)


def _as_json(digest: Digest, messages: tuple[Text, ...]) -> str:
    return json.dumps(
        {
            "messages": [
                {
                    "text": message.text,
                    "parse_mode": message.markup,
                    "length": message.length,
                    "limit": message.limit,
                }
                for message in messages
            ],
            "notes": [note.text for note in digest.notes],
        },
        ensure_ascii=False,
        indent=2,
    )


def _join_words(language: str, medium: Medium, join_link: str) -> str:
    channel = _channel(medium)
    if channel is None:  # plain text has no channel; the link knows where it leads
        leads_to_telegram = "t.me/" in join_link.lower()
        channel = Channel.TELEGRAM if leads_to_telegram else Channel.WHATSAPP
    return join_words(language or "en", channel.value)


def _channel(medium: Medium) -> Channel | None:
    return None if medium is Medium.PLAIN else Channel(medium.value)


def read_text(file: str) -> str:
    """Return the text in *file*, or end the program with what is wrong with it.

    Args:
        file: A name, or - for standard input.
    """
    try:
        if file == _STANDARD_INPUT and sys.stdin is None:
            _refuse("standard input is closed; name a file.")
        if file == _STANDARD_INPUT:
            content = sys.stdin.buffer.read(LARGEST_FILE + 1)
        else:
            with Path(file).open("rb") as opened:
                content = opened.read(LARGEST_FILE + 1)
    except IsADirectoryError:
        _refuse(f"{file} is a directory; name one text file.")
    except FileNotFoundError:
        _refuse(f"there is no file {file}; check the name.")
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        _refuse(f"{file} cannot be read ({reason}); check its name and permissions.")
    if len(content) > LARGEST_FILE:
        _refuse(
            f"{_named(file)} is larger than {LARGEST_FILE // 1_000_000} MB;"
            " give one article's text."
        )
    try:
        text = content.decode(_encoding(content))
    except UnicodeDecodeError:
        _refuse(f"{_named(file)} is not UTF-8 text; save it as UTF-8 and try again.")
    if "\0" in text:
        _refuse(f"{_named(file)} is a binary file; give plain text in UTF-8.")
    if not text.strip():
        _refuse(f"{_named(file)} is empty; put the article's text into it.")
    return text


def _encoding(content: bytes) -> str:
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    return "utf-8-sig"


def _named(file: str) -> str:
    return "standard input" if file == _STANDARD_INPUT else file


def _refuse(reason: str) -> NoReturn:
    one_line = " ".join(reason.split())
    _print(f"harkara: {one_line}", err=True)
    raise typer.Exit(_USAGE)


def _print(text: str, *, err: bool = False) -> None:
    # bytes: UTF-8 whatever the locale, and no markup of the terminal's
    try:
        typer.echo(text.encode("utf-8", "replace"), err=err)
    except BrokenPipeError:
        raise  # the reader has seen enough; typer ends the program quietly
    except OSError as error:
        if err:
            raise typer.Exit(_USAGE) from error  # nowhere is left to say it
        # What is still in the buffer cannot be written at the program's end either,
        # and would then change its exit status.
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), sys.stdout.fileno())
        _refuse(f"the output cannot be written ({error.strerror}); free some room.")
