"""Every test's log is searched: no token, no number, no words of anybody.

What is logged anywhere in this process is heard as `bot.logs` would write it, ours
at its most talkative, whatever level a test or the program sets up. What a process of
its own left in ``process.log`` is read at the test's end.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

from bot.logs import KeyValue
from bot.sandbox.server import ACCOUNT_SID, AUTH_TOKEN, TELEGRAM_TOKEN
from docs.from_code.messages import GAP, sentences

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from bot.sandbox import Sandbox

#: What may stand in no log, and what it would be.
SHAPES = {
    "a phone number": re.compile(r"\+[1-9]\d{7,14}(?!\d)|(?<![\w.-])923\d{9}(?!\d)"),
    "a bot's token": re.compile(r"\d{6,20}:[A-Za-z0-9_-]{20,}"),
    "an account or message of Twilio's": re.compile(
        r"\b(?:AC|SM|MM|HX)[0-9a-fA-F]{32}\b"
    ),
    "a secret of many letters": re.compile(
        r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{30,}"
    ),
}
#: Secrets without a shape of their own, and sentences that the tests send or write.
MARKERS = (
    TELEGRAM_TOKEN,
    TELEGRAM_TOKEN.partition(":")[2],
    AUTH_TOKEN,
    ACCOUNT_SID,
    "The pass opened",
    "the army said",
    "Three hundred trucks",
    "The pass is open",
    "The old bridge reopened",
    "Divers replaced",
    "a secret question",
    "quietusmarker",
    "zephyrine",
    "umbramarker",
)
#: Four words in a row are a sentence; an id or a code is none.
_WORD = r"[^\W\d_]+(?:['’][^\W\d_]+)*"
PROSE = re.compile(rf"(?:{_WORD}[\s,;]+){{3,}}{_WORD}")
#: What SQLite says of itself, which storage's sentences pass on in brackets.
SQLITE = re.compile(
    r"database or disk is full|unable to open database file|file is not a database"
    r"|attempt to write a readonly database|database disk image is malformed"
)
#: Digits of a chat's number that stand in no log by accident.
LONG = 8
#: A text this long, with a blank in it, stands in no log by accident.
TELLING = 12

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LINE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ ", re.MULTILINE)


def leaks(text: str, secrets: Iterable[str] = ()) -> list[str]:
    """Say what *text* gives away, besides what the shapes and *secrets* are."""
    found = [
        f"{what}: {hit[0]}"
        for what, shape in SHAPES.items()
        if (hit := shape.search(text))
    ]
    found += [repr(each) for each in (*MARKERS, *secrets) if each in text]
    return found


def log_lines(text: str) -> str:
    """Return the lines of *text* that are a log's, not a person's to read."""
    return "\n".join(each for each in text.splitlines() if _LINE.match(each))


class Ear:
    """Hears one test's log."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._found: list[str] = []
        self._secrets: set[str] = set()
        self._formatter = KeyValue()

    def hear(self, record: logging.LogRecord) -> None:
        """Take a record in, as it would be written."""
        ours = record.name.partition(".")[0] == "harkara"
        if not ours and record.levelno < logging.WARNING:
            return
        line = self._formatter.format(record)
        self._lines.append(line)
        self._found += [f"{what} in: {line}" for what in leaks(line)]
        if ours:
            self._found += [f"{what} in: {line}" for what in _wordy(record)]

    def forbid(self, *secrets: str) -> None:
        """Let none of these stand in this test's log either."""
        self._secrets |= {each for each in secrets if each}

    def forbid_all_of(self, sandbox: Sandbox) -> None:
        """Forbid whatever people there wrote or were written, and who they are."""
        for record in sandbox.log.records:
            text = str(record["text"] or "")
            if len(text) >= TELLING and " " in text:
                self.forbid(
                    text, *(each for each in text.splitlines() if PROSE.search(each))
                )
        for person in sandbox.world.people.values():
            self.forbid((person.phone or "").removeprefix("+"))
        for number in (*sandbox.world.people, *sandbox.world.chats):
            # A short one could be a delivery's.
            self.forbid(str(number) if len(str(number)) >= LONG else "")

    def read(self, text: str) -> None:
        """Take in what a process of its own has logged."""
        self._lines.append(text)
        self._found += [f"{what} in a process's log" for what in leaks(text)]

    def take(self) -> list[str]:
        """Return what was found, and forget it."""
        text = "\n".join(self._lines)
        found = [*self._found, *(repr(each) for each in self._secrets if each in text)]
        self._found, self._lines = [], []
        return found


def _wordy(record: logging.LogRecord) -> list[str]:
    """Say what makes a record of ours more than a sentence of ours and ids."""
    extras: dict[str, Any] = {
        key: value for key, value in vars(record).items() if key not in _USUAL
    }
    found = ["values inside its sentence"] if record.args else []
    for key, value in extras.items():
        text = not_ours(str(value)) if key == "reason" else str(value)
        if PROSE.search(text) or not text.isascii():
            found.append(f"somebody's words as {key}")
    return found


def not_ours(reason: str) -> str:
    """Return what of a reason is not a sentence that the program has for it.

    An operator needs these sentences: they say what to do.
    """
    told = [each for shape in _sentences() if (each := shape.fullmatch(reason))]
    rest = min(("\n".join(filter(None, each.groups())) for each in told), default=None)
    return reason if rest is None else SQLITE.sub("", rest)


@cache
def _sentences() -> tuple[re.Pattern[str], ...]:
    """Every sentence of ours; what fills its gaps, or follows in brackets, is not."""
    return tuple(
        re.compile("(.*)".join(map(re.escape, each.split(GAP))) + r"(?: \((.*)\))?")
        for each in sentences()
        if PROSE.search(each)
    )


@contextmanager
def listening(ears: list[Ear]) -> Iterator[None]:
    """Let the last of *ears* hear whatever is logged, whoever else does.

    A handler would not do: `bot.logs.set_up` takes handlers off.
    """
    original = logging.Logger.handle

    def handle(self: logging.Logger, record: logging.LogRecord) -> None:
        for ear in ears[-1:]:
            ear.hear(record)
        original(self, record)

    logging.Logger.handle = handle  # type: ignore[method-assign] # the one place all pass
    try:
        yield
    finally:
        logging.Logger.handle = original  # type: ignore[method-assign] # as it was
