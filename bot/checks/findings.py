"""What a check may say, and how far a question came."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Level(StrEnum):
    """How much a finding matters, the gravest first."""

    PROBLEM = "problem"  #: something does not work, or will not
    WARNING = "warning"  #: it works, and may not for long, or cannot be told
    NOTE = "note"  #: worth knowing; nothing to do
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report: what is so, and what to do about it."""

    level: Level
    topic: str  #: one word: telegram, webhook, disk, …
    what: str
    mend: str = ""  #: empty where there is nothing to do


class Reach(StrEnum):
    """How far a question came."""

    ANSWERED = "answered"
    REFUSED = "refused"  #: whoever we ask does not accept who we are
    UNREACHABLE = "unreachable"
    ODD = "odd"  #: an answer that we cannot read, or an error of theirs


def in_order(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings, the gravest first, otherwise as they came."""
    order = list(Level)
    return sorted(findings, key=lambda each: order.index(each.level))


def counted(number: int, noun: str) -> str:
    """Return a number and its noun, in the plural where it is one."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")
