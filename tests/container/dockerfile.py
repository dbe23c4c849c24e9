"""What a Dockerfile says, as far as ours goes: its stages, and what each would be.

An instruction that is not known here is an error, never passed over.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_FLAG = re.compile(r"--([a-z-]+)=(\S+)\s+")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


class NotUnderstood(Exception):
    """The Dockerfile uses what this reader does not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """One instruction, its continued lines joined."""

    line: int  #: where it begins, from 1
    name: str  #: in capitals
    flags: Mapping[str, str]  #: ``--from=build`` is ``from``
    value: str  #: what follows, as written

    @property
    def words(self) -> list[str]:
        """The command or paths; what is written for a shell is given to one."""
        if self.value.startswith("["):
            return [str(word) for word in json.loads(self.value)]
        if self.name == "COPY":
            return self.value.split()
        return ["/bin/sh", "-c", self.value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """What an image says about itself."""

    environ: Mapping[str, str] = field(default_factory=dict)
    labels: Mapping[str, str] = field(default_factory=dict)
    folder: str = "/"
    user: str = "0:0"
    volumes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    signal: str = "SIGTERM"
    health: tuple[str, ...] = ()  #: the command that tells whether it is well
    command: tuple[str, ...] = ()

    def after(self, instruction: Instruction) -> Image:
        """Return what the image says once *instruction* is taken in."""
        value = _expanded(instruction.value, self.environ)
        changes: dict[str, Callable[[], dict[str, Any]]] = {
            "ENV": lambda: {"environ": {**self.environ, **_pairs(value)}},
            "LABEL": lambda: {"labels": {**self.labels, **_pairs(value)}},
            "WORKDIR": lambda: {"folder": str(Path(self.folder, value))},
            "USER": lambda: {"user": value},
            "VOLUME": lambda: {"volumes": (*self.volumes, value)},
            "EXPOSE": lambda: {"ports": (*self.ports, value)},
            "STOPSIGNAL": lambda: {"signal": value},
            "HEALTHCHECK": lambda: {"health": _health(instruction)},
            "CMD": lambda: {"command": tuple(instruction.words)},
            "COPY": dict,
            "RUN": dict,
        }
        if instruction.name not in changes:
            raise NotUnderstood(f"line {instruction.line}: {instruction.name}")
        return replace(self, **changes[instruction.name]())


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """One ``FROM`` and what follows it."""

    base: str
    name: str  #: empty if it has none
    instructions: Sequence[Instruction]

    def image(self, base: Image) -> Image:
        """Return what the stage says in the end, having begun as *base*."""
        for instruction in self.instructions:
            base = base.after(instruction)
        return base


def parse(text: str) -> list[Stage]:
    """Return the stages of a Dockerfile.

    Raises:
        NotUnderstood: Something stands there that is not known here.
    """
    stages: list[Stage] = []
    found: list[Instruction] = []
    for instruction in _instructions(text):
        if instruction.name != "FROM":
            if not stages:
                raise NotUnderstood(f"line {instruction.line}: nothing before FROM")
            found.append(instruction)
            continue
        base, *rest = instruction.value.split()
        name = rest[1] if len(rest) == 2 and rest[0].upper() == "AS" else ""
        if rest and not name:
            raise NotUnderstood(f"line {instruction.line}: {instruction.value}")
        found = []
        stages.append(Stage(base=base, name=name, instructions=found))
    return stages


def _instructions(text: str) -> list[Instruction]:
    found: list[Instruction] = []
    pending = ""
    start = 0
    for number, line in enumerate(text.splitlines(), start=1):
        written = line.strip()
        if not written or written.startswith("#"):
            continue
        start = start if pending else number
        pending += written.removesuffix("\\").strip() + " "
        if not written.endswith("\\"):
            found.append(_instruction(start, pending.strip()))
            pending = ""
    if pending:
        raise NotUnderstood(f"line {start}: goes on after the end")
    return found


def _instruction(line: int, text: str) -> Instruction:
    name, _, value = text.partition(" ")
    flags = {}
    value = value.strip()
    while flag := _FLAG.match(value):
        flags[flag[1]] = flag[2]
        value = value[flag.end() :]
    return Instruction(line=line, name=name.upper(), flags=flags, value=value)


def _health(instruction: Instruction) -> tuple[str, ...]:
    kind, _, command = instruction.value.partition(" ")
    if kind != "CMD":
        raise NotUnderstood(f"line {instruction.line}: HEALTHCHECK {kind}")
    return tuple(replace(instruction, value=command.strip()).words)


def _pairs(value: str) -> dict[str, str]:
    """``A=1 B="two words"``."""
    pairs = (word.partition("=") for word in shlex.split(value))
    return {name: said for name, _, said in pairs}


def _expanded(value: str, environ: Mapping[str, str]) -> str:
    return _VARIABLE.sub(lambda found: environ.get(found[1] or found[2], ""), value)


class Ignored:
    """What a ``.dockerignore`` keeps out of the build; the last match decides."""

    def __init__(self, text: str) -> None:
        """Read the patterns."""
        lines = (line.strip() for line in text.splitlines())
        self._rules = [
            (_pattern(line.removeprefix("!").strip("/")), not line.startswith("!"))
            for line in lines
            if line and not line.startswith("#")
        ]

    def __contains__(self, path: str) -> bool:
        """Whether *path*, relative to the context, or a folder above is kept out."""
        above = [path, *(str(each) for each in Path(path).parents if each.name)]
        out = False
        for pattern, keeps_out in self._rules:
            if any(pattern.fullmatch(each) for each in above):
                out = keeps_out
        return out


def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"(\*\*/|\*\*|\*|\?)", text)
    meaning = {"**/": "(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    return re.compile("".join(meaning.get(part) or re.escape(part) for part in parts))


def context(root: Path) -> list[Path]:
    """Return the files that a build in *root* would be given, relative to it."""
    ignored = Ignored((root / ".dockerignore").read_text(encoding="utf-8"))
    files = (path for path in root.rglob("*") if not path.is_dir())
    return sorted(
        path.relative_to(root)
        for path in files
        if path.relative_to(root).as_posix() not in ignored
    )
