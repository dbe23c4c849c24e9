"""A child process: every line it writes is taken in, and its end is seen."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bot.cli import child as module
from bot.cli.child import CUT, LONGEST, Child

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

PATIENCE = 30  # seconds

#: More than a pipe and any buffer of ours would hold while nobody reads.
CHATTY = """
import os
for number in range(200_000):
    os.write(2, b"line %d of many that are written here\\n" % number)
"""
WORDY = f"""
import os
os.write(2, b"x" * {LONGEST} + b"\\n")
os.write(2, b"y" * {LONGEST * 40} + b"\\n")
os.write(2, b"short\\nand the last")
"""
#: Dies, and leaves somebody behind who holds its pipe.
HEIR = """
import os, subprocess, sys
heir = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
os.write(2, b"%d\\n" % heir.pid)
os._exit(3)
"""
PATIENT = """
import os
os.read(0, 1)
os.write(2, b"begun\\n")
"""


@asynccontextmanager
async def running(
    program: str, hear: Callable[[str], None], folder: Path
) -> AsyncIterator[Child]:
    child = await Child.start(
        sys.executable, "-c", program, hear=hear, env={}, cwd=folder
    )
    try:
        async with asyncio.timeout(PATIENCE):
            yield child
    finally:
        child.kill()
        await child.end()
        await child.last_words()


async def test_a_line_that_cannot_be_shown_is_the_only_one_lost(tmp_path, caplog):
    heard: list[str] = []

    def hear(line: str) -> None:
        if line.startswith(("line 5 ", "line 7 ")):
            raise UnicodeEncodeError("ascii", line, 0, 1, "not on this terminal")
        heard.append(line)

    async with running(CHATTY, hear, tmp_path) as child:
        await child.end()
        await child.last_words()
        assert child.status == 0
    assert len(heard) == 200_000 - 2
    assert heard[-1].startswith("line 199999 ")
    (said,) = caplog.records
    assert said.message == "lines of the application's log could not be shown"
    assert said.exc_info is None, "it might quote the line"


async def test_a_long_line_is_cut_and_those_after_it_are_heard(tmp_path):
    heard: list[str] = []
    async with running(WORDY, heard.append, tmp_path) as child:
        await child.end()
        await child.last_words()
    assert heard == ["x" * LONGEST, "y" * LONGEST + CUT, "short", "and the last"]


async def test_its_end_is_seen_though_somebody_holds_its_pipe(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "LAST_WORDS", 0.2)
    heard: list[str] = []
    async with running(HEIR, heard.append, tmp_path) as child:
        await child.end()
        assert child.status == 3
        assert not child.is_alive
        await child.last_words()
        (heir,) = heard
        os.kill(int(heir), 9)


async def test_it_waits_to_begin_and_may_be_ended_twice(tmp_path):
    heard: list[str] = []
    async with running(PATIENT, heard.append, tmp_path) as child:
        assert child.is_alive
        child.begin()
        await child.end()
        await child.last_words()
        assert heard == ["begun"]
        child.begin()
        child.terminate()
        child.kill()
        assert child.status == 0
