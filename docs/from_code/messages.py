"""What the program says when something cannot be done, gathered from its source."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

from bot.config import NO_CHANNEL
from bot.domain import errors as domain
from bot.domain.errors import ConfigError, HarkaraError, Refusal, StorageError
from docs.from_code import markdown
from storage import errors as storage_errors

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent.parent

#: The ends of the program, by what was raised.
_STATUS = {ConfigError: "2", StorageError: "1", Refusal: "1", HarkaraError: "1"}
_FAMILIES = {
    ConfigError: "settings",
    StorageError: "database",
    Refusal: "what was asked",
    HarkaraError: "the application",
}
#: Shorter ones name a thing and say nothing.
_SHORTEST = 15
#: What stands in a message for what is known only when it is said.
GAP = "…"


def _rows() -> list[tuple[str, str, str]]:
    """Return each message once: the family, its words, the exit status."""
    rows: dict[str, tuple[str, str, str]] = {}
    for family, words in (*_raised(), *_of_settings(), *_of_files(), *_of_sqlite()):
        text = " ".join(words.replace(f"{GAP}{GAP}", GAP).split())
        if len(text) >= _SHORTEST:
            status = "2" if family == "files" else _STATUS[_class(family)]
            rows.setdefault(text, (family, text, status))
    return sorted(rows.values())


def sentences() -> list[str]:
    """Every message, with `GAP` for what is known only when it is said."""
    return [text for _, text, _ in _rows()]


def table() -> str:
    """Every message, as the reference shows it."""
    return markdown.table(("about", "it says", "exit status"), _rows())


def _class(family: str) -> type[HarkaraError]:
    return next(each for each, name in _FAMILIES.items() if name == family)


def _family(name: str) -> str | None:
    error = getattr(domain, name, None)
    if not (isinstance(error, type) and issubclass(error, HarkaraError)):
        return None
    near = next(each for each in error.__mro__ if each in _FAMILIES)
    if near is HarkaraError and error is not HarkaraError:
        return None  # a send error's text is a provider's code
    return _FAMILIES[near]


def _sources() -> Iterator[tuple[Path, ast.Module]]:
    for folder in ("bot", "handlers", "storage"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if "sandbox" not in path.parts and "migrations" not in path.parts:
                yield path, ast.parse(path.read_text(encoding="utf-8"))


def _raised() -> Iterator[tuple[str, str]]:
    """Messages of errors where they are made."""
    for _, tree in _sources():
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.args
                and (family := _family(node.func.id)) is not None
            ):
                yield family, _words(node.args[0])


def _of_settings() -> Iterator[tuple[str, str]]:
    """The settings' problems are gathered first and raised together."""
    yield "settings", NO_CHANNEL
    for path, tree in _sources():
        if path.name != "config.py":
            continue
        pieces = {
            piece
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            for piece in node.values
        }
        for node in ast.walk(tree):
            if node in pieces:
                continue
            text = _words(node)
            said = text.startswith("HARKARA_") and " " in text
            if said or isinstance(node, ast.JoinedStr):
                yield "settings", text


def _of_files() -> Iterator[tuple[str, str]]:
    """What is wrong with a file that somebody gave."""
    for path, tree in _sources():
        if path.name != "formatting.py":
            continue
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Name)
                and node.func.id == "_refuse"
            ):
                yield "files", _words(node.args[0])


def _of_sqlite() -> Iterator[tuple[str, str]]:
    """What SQLite's own words mean."""
    # private: the table is storage's, and shown as it is
    for text in storage_errors._MEANINGS.values():  # noqa: SLF001 - as above
        yield "database", text


def _words(node: ast.AST) -> str:
    """Return the text that an expression makes, with gaps for what it fills in."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.JoinedStr(values=values):
            return "".join(map(_words, values))
        case ast.FormattedValue(value=ast.Name(id="UPGRADE")):
            return storage_errors.UPGRADE
        case ast.BinOp(left=left, right=right, op=ast.Add()):
            return _words(left) + _words(right)
    return GAP
