"""A page's code blocks, each with what its mark says of it.

An HTML comment on the line before a block is its mark:

``not run: why``  the test leaves it alone, for a reason
``file: name``    the reader saves it under that name
``in each terminal``      it is typed here, and first in every other one
``in another terminal``  what it starts stays up
``in another terminal, in place of the last``  and what ran there before is ended
"""

from __future__ import annotations

import re
import textwrap
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])

_BLOCK = re.compile(
    r"(?:^ *<!-- (?P<mark>[^\n]*) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)


@dataclass(frozen=True)
class Block:
    """One block of code."""

    language: str
    mark: str
    body: str

    @property
    def skipped(self) -> bool:
        """Whether the page says that it is not run."""
        return self.mark.startswith("not run: ")

    @property
    def file(self) -> str:
        """The name to save it under; empty where it is no file."""
        return self.mark.removeprefix("file: ") if "file: " in self.mark else ""

    @property
    def everywhere(self) -> bool:
        """Whether every terminal wants it, those opened later too."""
        return self.mark == "in each terminal"

    @property
    def elsewhere(self) -> bool:
        """Whether it is typed in another terminal, where it stays up."""
        return self.mark.startswith("in another terminal")

    @property
    def again(self) -> bool:
        """Whether what runs in the other terminal is ended first."""
        return self.mark.endswith("in place of the last")

    @property
    def commands(self) -> list[tuple[str, str]]:
        """Each command with the output that is shown under it."""
        pieces = re.split(r"^\$ (.*)\n?", self.body, flags=re.MULTILINE)
        assert not pieces[0].strip(), f"no command before {pieces[0]!r}"
        return list(zip(pieces[1::2], pieces[2::2], strict=True))


def blocks(page: Path) -> list[Block]:
    """Return every block of *page*, in order."""
    return [
        Block(found["language"], found["mark"] or "", textwrap.dedent(found["body"]))
        for found in _BLOCK.finditer(page.read_text(encoding="utf-8"))
    ]
