"""Typing what docs/how-to/container.md shows, with a stand-in for the engine.

``docker compose exec`` and ``docker compose run`` run their command in the container as
the proof has made it; what only an engine does is the proof's own part.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from typing import TYPE_CHECKING

from tests.documents.pages import ROOT, blocks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.documents.pages import Block

PAGE = ROOT / "docs" / "how-to" / "container.md"

#: What the engine does by itself, and what fetches or fills in.
_ENGINE = re.compile(
    r"docker compose (up|stop|build|ps|logs)\b|git pull$"
    r'|cp \.env\.example \.env$|chmod 600 \.env$|"\$\{EDITOR:-vi\}" \.env$'
)

_STAND_IN = """\
set -eu
docker() {{
  shift 2
  while [ "$1" != desk ]; do shift; done
  shift
  env -i {environ} {words} "$@"
}}
"""


class NotFollowed(Exception):
    """A command of the page failed, or was never typed."""


class Reader:
    """Somebody who types the page's commands, block by block.

    Args:
        folder: Where they are typed: of this machine, not of the container.
        words: What a command in the container is put behind.
        environ: The container's environment.
    """

    def __init__(
        self, folder: Path, words: Sequence[str], environ: Mapping[str, str]
    ) -> None:
        self._folder = folder
        self._stand_in = _STAND_IN.format(
            environ=shlex.join(f"{name}={value}" for name, value in environ.items()),
            words=shlex.join(words),
        )
        self._left = [each for each in blocks(PAGE) if _ours(each)]

    def follow(self, phrase: str) -> str:
        """Type the one block that holds *phrase*; return what it printed.

        Raises:
            NotFollowed: There is no such block, or a command of it failed.
        """
        found = [block for block in self._left if phrase in block.body]
        if len(found) != 1:
            raise NotFollowed(f"{len(found)} blocks hold {phrase!r}")
        self._left.remove(found[0])
        lines = "\n".join(_ours(found[0]))
        done = subprocess.run(  # noqa: S603 - our own page
            ["/bin/sh", "-c", self._stand_in + lines],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=False,
        )
        if done.returncode:
            raise NotFollowed(f"status {done.returncode}\n{lines}\n{done.stdout}")
        return done.stdout

    @property
    def left(self) -> list[str]:
        """Every command that nobody has typed yet."""
        return [line for block in self._left for line in _ours(block)]


def _ours(block: Block) -> list[str]:
    """Return a block's commands without those that are the engine's."""
    if block.language != "console" or block.skipped:
        return []
    return [line for line, _ in block.commands if not _ENGINE.match(line)]
