"""``harkara demo``, as somebody who has just installed it runs it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import TYPE_CHECKING, Any

from tests.quiet import leaks, log_lines

if TYPE_CHECKING:
    from pathlib import Path

#: The demo's own table: two of its troubles fail or suspend, one reader has left.
EXPECTED = {"failed": 1, "not planned": 1, "suspended": 1}
RECIPIENTS = 12
LONGEST = 90  # seconds


async def demo(*arguments: str, folder: Path) -> tuple[dict[str, Any], str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from bot.cli import main; main()",
        "demo",
        "--once",
        "--json",
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=folder,
        env={"PATH": os.environ["PATH"]},  # nobody's settings
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), LONGEST)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    told = err.decode()
    assert process.returncode == 0, told
    assert leaks(log_lines(told)) == []
    return json.loads(out), told


async def test_it_ends_as_its_table_says_with_a_text_of_ones_own(tmp_path: Path):
    own = "The mulberries ripened early in Ganderbal. Nobody remembers a May so warm."
    (tmp_path / "mine.txt").write_text(own, encoding="utf-8")
    counts, told = await demo("--article", "mine.txt", folder=tmp_path)
    assert counts["as_expected"] is True
    assert all(counts["checks"].values())
    deliveries = counts["deliveries"]
    assert {name: deliveries[name] for name in EXPECTED} == EXPECTED
    good = {"accepted", "delivered", "read"}
    assert deliveries.keys() <= good | EXPECTED.keys()
    assert sum(deliveries.values()) == RECIPIENTS
    assert "mulberries ripened early" in told
    assert "unexpected" not in told
    left = await asyncio.to_thread(os.listdir, tmp_path)
    assert left == ["mine.txt"], "nothing of it stays"
