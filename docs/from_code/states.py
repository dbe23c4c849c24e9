"""Enumerations with what their comments say of each member, and readers' words."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from typing import TYPE_CHECKING

from bot.domain.broadcasts import BroadcastState, Lane
from bot.domain.deliveries import ARRIVED, ENDED, Progress, State
from bot.domain.recipients import Kind, Standing
from docs.from_code.markdown import code, table
from handlers.whatsapp import keywords

if TYPE_CHECKING:
    from enum import Enum

_COMMENT = re.compile(r"#:\s*(.*)$")


def meanings(enum: type[Enum]) -> dict[str, str]:
    """Return what the ``#:`` comment behind, or above, each member says.

    Raises:
        LookupError: A member has none.
    """
    lines = textwrap.dedent(inspect.getsource(enum)).splitlines()
    tree = ast.parse("\n".join(lines)).body[0]
    assert isinstance(tree, ast.ClassDef)  # noqa: S101 - an enum is a class
    said: dict[str, str] = {}
    for node in tree.body:
        if not isinstance(node, ast.Assign) or not isinstance(
            node.targets[0], ast.Name
        ):
            continue
        end = node.end_lineno or node.lineno
        beside = [_COMMENT.search(line) for line in lines[node.lineno - 1 : end]]
        words = [each[1] for each in beside if each]
        above = node.lineno - 2
        over: list[str] = []
        while comment := _COMMENT.fullmatch(lines[above].strip()):
            over.insert(0, comment[1])
            above -= 1
        words = words or over
        if not words:
            raise LookupError(f"{enum.__name__}.{node.targets[0].id} is not explained")
        said[node.targets[0].id] = " ".join(words)
    return said


def _rows(enum: type[Enum]) -> list[tuple[str, str]]:
    said = meanings(enum)
    return [(code(each.value), said[each.name]) for each in enum]


def deliveries() -> str:
    """Every state of a delivery, whether it is over, whether it arrived."""
    said = meanings(State)
    return table(
        ("state", "means", "over", "arrived"),
        [
            (
                code(each.value),
                said[each.name],
                "yes" if each in ENDED else "no",
                "yes" if each in ARRIVED else "no",
            )
            for each in State
        ],
    )


def broadcasts() -> str:
    """Every state of a broadcast."""
    return table(("state", "means"), _rows(BroadcastState))


def standings() -> str:
    """Every standing of a recipient."""
    return table(("standing", "means"), _rows(Standing))


def kinds() -> str:
    """Every kind of recipient."""
    return table(("kind", "means"), _rows(Kind))


def lanes() -> str:
    """The lanes, the most urgent first."""
    said = meanings(Lane)
    return table(
        ("lane", "means"),
        [(each.name.lower().replace("_", "-"), said[each.name]) for each in Lane],
    )


def progress() -> str:
    """How far an attempt can come, the least first."""
    said = meanings(Progress)
    return table(
        ("attempt", "means"),
        [(each.name.lower(), said[each.name]) for each in Progress],
    )


def whatsapp_words() -> str:
    """The words that do something on WhatsApp, as people write them."""
    phrases: dict[keywords.Wish, list[str]] = {each: [] for each in keywords.Wish}
    # private: they are the handler's, and nobody else's business but the reference's
    for wish, words in keywords._WORDS.items():  # noqa: SLF001 - as above
        phrases[wish] += words.split()
    for phrase, wish in keywords._PHRASES.items():  # noqa: SLF001 - as above
        phrases[wish].append(phrase)
    return table(
        ("wish", "words"),
        [
            (each.value, " · ".join(f"`{word}`" for word in phrases[each]))
            for each in keywords.Wish
        ],
    )
