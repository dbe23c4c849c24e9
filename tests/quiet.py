"""Every test's log is searched: no token, no number, no words of anybody.

Ours is heard as `bot.logs` would write it, and at every level, whatever a test or the
program sets up. Of the libraries' lines those count that somebody would get to see.
What a process of its own left in ``process.log`` is read at the test's end, and what
came to standard error is searched for secrets: it is a person's to read, who may be
told a number they gave.
"""

from __future__ import annotations

import logging
import re
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pytest

from bot.domain.joinlinks import CODE_ALPHABET, CODE_LENGTH
from bot.logs import KeyValue
from bot.sandbox import Sandbox
from bot.sandbox.server import ACCOUNT_SID, AUTH_TOKEN, TELEGRAM_TOKEN
from docs.from_code.messages import GAP, sentences
from handlers.telegram.webhook import secret_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

#: The shapes of secrets, which nobody is ever shown, and what they would be.
SECRETS = {
    "a bot's token": re.compile(r"\d{6,20}:[A-Za-z0-9_-]{20,}"),
    "a secret in hex": re.compile(r"(?<![0-9A-Za-z])[0-9a-f]{32,}(?![0-9A-Za-z])"),
    "a secret of many letters": re.compile(
        r"(?<![\w-])(?=[\w-]*\d)(?=[\w-]*[A-Z])(?=[\w-]*[a-z])[\w-]{30,}"
    ),
}
#: Our own ids, which may have as many digits as they like.
_OUR_ID = "".join(
    f"(?<!{each}=)"
    for each in ("inbound", "delivery", "broadcast", "recipient", "article", "sender")
)
#: What may stand in no log, and what it would be.
SHAPES = {
    **SECRETS,
    "a phone number": re.compile(r"\+[1-9](?:[ ().-]{0,2}\d){7,14}(?!\d)"),
    "a person's or chat's number": re.compile(
        rf"(?<![\w.+]){_OUR_ID}\d{{10,15}}(?!\d)"
    ),
    "a business-scoped id": re.compile(
        r"whatsapp:[A-Z]{2}\.|(?<![\w.])[A-Z]{2}\.(?:ENT\.)?(?=\w*\d)\w{8,128}"
    ),
    "a join code": re.compile(
        rf"(?<![\w-])(?=\w*\d)(?=\w*[A-Z])[{CODE_ALPHABET}]{{{CODE_LENGTH}}}(?![\w-])"
    ),
    "an account or message of Twilio's": re.compile(
        r"\b(?:AC|SM|MM|HX)[0-9a-fA-F]{32}\b"
    ),
}
#: Secrets without a shape of their own.
PRETEND = (
    TELEGRAM_TOKEN,
    TELEGRAM_TOKEN.partition(":")[2],
    AUTH_TOKEN,
)
#: Those, and sentences that the tests send or write.
MARKERS = (
    *PRETEND,
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
#: Where in our source something was, for which there is no id.
_PLACES = re.compile(r"\w+\.py:\d+(?: > \w+\.py:\d+)*")
#: What SQLite says of itself, which storage's sentences pass on in brackets.
SQLITE = re.compile(
    r"database or disk is full|unable to open database file|file is not a database"
    r"|attempt to write a readonly database|database disk image is malformed"
)
_BLANK = re.compile(r"\s")
#: A join code that has no digit looks like a word.
CODE = re.compile(rf"[{CODE_ALPHABET}]{{{CODE_LENGTH}}}")
#: Digits of a chat's number that stand in no log by accident.
LONG = 8
#: A text this long, with a blank in it, stands in no log by accident.
TELLING = 12

_USUAL = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
_LINE = re.compile(r"^\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ ", re.MULTILINE)


def leaks(text: str, secrets: Iterable[str] = ()) -> list[str]:
    """Say what *text* gives away, besides what the shapes and *secrets* are."""
    return _found(text, SHAPES, (*MARKERS, *secrets))


def betrays(text: str) -> list[str]:
    """Say which secrets are in *text*, which a person may read otherwise."""
    return _found(text, SECRETS, PRETEND)


def _found(
    text: str, shapes: Mapping[str, re.Pattern[str]], words: Iterable[str]
) -> list[str]:
    text = plain(text)
    found = [
        f"{what}: {hit[0]}"
        for what, shape in shapes.items()
        if (hit := shape.search(text))
    ]
    return found + [repr(each) for each in words if each in text]


def plain(text: str) -> str:
    """Return *text*, and after it what its addresses say when they are read."""
    read = unquote(text)
    return text if read == text else f"{text}\n{read}"


def log_lines(text: str) -> str:
    """Return the lines of *text* that are a log's, not a person's to read."""
    return "\n".join(each for each in text.splitlines() if _LINE.match(each))


class Ear:
    """Hears one test's log."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._found: list[str] = []
        self._secrets: set[str] = set()
        self._sandboxes: list[Sandbox] = []
        self._formatter = KeyValue()

    def hear(self, record: logging.LogRecord) -> None:
        """Take a record in, as it would be written."""
        line = self._formatter.format(record)
        self._lines.append(line)
        self._found += [f"{what} in: {line}" for what in leaks(line)]
        if is_ours(record.name):
            self._found += [f"{what} in: {line}" for what in _wordy(record)]

    def meet(self, sandbox: Sandbox) -> None:
        """Forbid at the end whatever is known of anybody there by then."""
        self._sandboxes.append(sandbox)

    def forbid(self, *secrets: str) -> None:
        """Let none of these stand in this test's log either."""
        self._secrets |= {each for each in secrets if each}

    def forbid_all_of(self, sandbox: Sandbox) -> None:
        """Forbid whatever people there wrote or were written, and who they are."""
        self.forbid(
            sandbox.bot_token,
            sandbox.bot_token.partition(":")[2],
            secret_of(sandbox.bot_token),
            sandbox.auth_token,
            sandbox.account_sid,
            sandbox.whatsapp_number.removeprefix("+"),
        )
        for record in sandbox.log.records:
            text = str(record["text"] or "")
            if len(text) >= TELLING and " " in text:
                self.forbid(
                    text, *(each for each in text.splitlines() if PROSE.search(each))
                )
        for person in sandbox.world.people.values():
            self.forbid((person.phone or "").removeprefix("+"), person.name)
        for number in (*sandbox.world.people, *sandbox.world.chats):
            # A short one could be a delivery's.
            self.forbid(str(number) if len(str(number)) >= LONG else "")

    def read(self, text: str) -> None:
        """Take in what a process of its own has logged."""
        self._lines.append(text)
        self._found += [f"{what} in a process's log" for what in leaks(text)]

    def take(self) -> list[str]:
        """Return what was found, and forget it."""
        for sandbox in self._sandboxes:
            self.forbid_all_of(sandbox)
        text = plain("\n".join(self._lines))
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
        if not isinstance(value, str | int | float | None):
            found.append(f"an object as {key}")
            continue
        text = str(value)
        rest = not_ours(text) if key == "reason" else text
        if rest != text:
            wordy = PROSE.search(rest) is not None
        else:
            wordy = bool(_BLANK.search(text)) and not _PLACES.fullmatch(text)
        if wordy or not rest.isascii() or CODE.fullmatch(text):
            found.append(f"somebody's words as {key}")
    for said in _errors(record):
        text = not_ours(said)
        if PROSE.search(text) or not text.isascii():
            found.append(f"somebody's words in an error: {text}")
    return found


def _errors(record: logging.LogRecord) -> Iterator[str]:
    """What the errors that were logged say, without the places they went through."""
    error = record.exc_info[1] if record.exc_info else None
    while error is not None:
        yield str(error)
        yield from getattr(error, "__notes__", ())
        error = error.__cause__ or error.__context__


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


def is_ours(name: str) -> bool:
    """Whether the logger is one of ours."""
    return name.partition(".")[0] == "harkara"


def _is_seen(logger: logging.Logger, record: logging.LogRecord) -> bool:
    """Whether anybody but a test gets to see it."""
    if record.levelno >= logging.WARNING:
        return True
    here: logging.Logger | None = logger
    while here is not None:
        for handler in here.handlers:
            of_a_test = type(handler).__module__.startswith("_pytest")
            if record.levelno >= handler.level and not of_a_test:
                return True
        here = here.parent if here.propagate else None
    return False


@contextmanager
def listening(ears: list[Ear]) -> Iterator[None]:
    """Let the last of *ears* hear whatever is logged and meet whatever sandbox is made.

    A handler would not do: `bot.logs.set_up` takes handlers off. Nor would a level:
    tests count the lines that they asked for.
    """
    logger = logging.Logger
    handle, enabled, make = logger.handle, logger.isEnabledFor, Sandbox.__init__

    def hear(self: logging.Logger, record: logging.LogRecord) -> None:
        if is_ours(record.name) or _is_seen(self, record):
            for ear in ears[-1:]:
                ear.hear(record)
        if enabled(self, record.levelno):
            handle(self, record)

    def every(self: logging.Logger, level: int) -> bool:
        return is_ours(self.name) or enabled(self, level)

    def meet(self: Sandbox, *args: Any, **options: Any) -> None:
        make(self, *args, **options)
        for ear in ears[-1:]:
            ear.meet(self)

    # The places that all pass.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(logger, "handle", hear)
        patch.setattr(logger, "isEnabledFor", every)
        patch.setattr(Sandbox, "__init__", meet)
        yield
