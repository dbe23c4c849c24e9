"""What ``harkara demo`` prints: it fits, it wraps with sense, it says what happened."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from rich.console import Console

from bot.cli import demo, drawing
from bot.cli.cast import Ending, Result
from bot.domain.deliveries import Form, State

if TYPE_CHECKING:
    from pathlib import Path

LINK = "https://t.me/harkara_demo_bot?start=p2JSWHDi6RA91jdOqs4K18-dyyPEHWkmkppEMBdDLZE"


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=80, highlight=False, emoji=False)


def printed(console: Console) -> list[str]:
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def line(state: State, attempts: int = 1, **more: Any) -> Any:
    """What the report reads of a delivery's line."""
    fields = {"state": state, "attempts": attempts, "failure": None, "reason": ""}
    return SimpleNamespace(delivery=SimpleNamespace(**fields | {"form": None} | more))


ARRIVED = Ending("Telegram channel", "none", frozenset({State.ACCEPTED}), 1)
TEMPLATE = Ending(
    "WhatsApp four",
    "window closed behind our back",
    frozenset({State.DELIVERED}),
    2,
    form=Form.TEMPLATE,
)
LEFT = Ending("WhatsApp three", "sent STOP", frozenset(), 0)


def result(*, good: bool = True) -> Result:
    return Result(
        rows=[
            (ARRIVED, line(State.ACCEPTED), True),
            (TEMPLATE, line(State.DELIVERED, 2, form=Form.TEMPLATE), good),
            (LEFT, None, True),
        ],
        checks=[("nobody received the story twice", True)],
        first_delivery=0.21,
        received=[("Gul", "*Bridge*\n\nIt opened."), ("Omar", "Bridge\n\nIt opened.")],
    )


def test_the_report_fits_eighty_columns_with_a_row_for_each_recipient(console):
    drawing.report(console, result(), 19.94)
    lines = printed(console)
    assert max(map(len, lines)) <= 80
    rows = [each for each in lines if each.startswith(("✓  ", "✗  "))]
    assert [each[:19].split("  ")[1].strip() for each in rows] == [
        "Telegram channel",
        "WhatsApp four",
        "WhatsApp three",
    ]
    assert rows[1].endswith("delivered: template, 2 calls")
    assert rows[2].endswith("not planned")
    assert "✓ 2 deliveries, all ended as they should, in 19.9 s;" in lines
    assert "  first delivery 0.2 s after the confirmation." in lines
    assert "│ [… 1 paragraph as above …]" in lines


def test_a_surprise_is_said_in_words_beside_what_was_wanted(console):
    drawing.report(console, result(good=False), 1.0)
    text = " ".join(" ".join(printed(console)).split())
    assert "✗ WhatsApp four" in text
    assert "(not delivered after 2 calls)" in text
    assert "✗ 2 deliveries, 1 did not end as they should" in text


def test_a_failed_check_spoils_the_summary_too():
    spoiled = replace(result(), checks=[("nothing was sent too fast", False)])
    assert "1 of the other checks failed" in drawing.summary(spoiled, 1.0)


def test_a_step_hangs_and_its_link_stays_whole(console):
    words = "a group moved, one muted, a reader blocked us, one is flooded, and more"
    drawing.step(console, 9.5, words)
    drawing.step(console, 10.1, f"join link for readers: {LINK}")
    first, second, third, link = printed(console)
    assert first.startswith("✓  9.5 s  a group moved")
    assert second.startswith(" " * drawing.INDENT)
    assert third == "✓ 10.1 s  join link for readers:"
    assert link.strip() == LINK


def test_urdu_stands_behind_a_bar_and_is_not_cut(console):
    story = "سرینگر کی لائبریری اب رات دس بجے تک کھلی رہے گی " * 4
    drawing.message(console, "What Imran received", story)
    shown = [each[2:] for each in printed(console) if each.startswith("│ ")]
    assert " ".join(" ".join(shown).split()) == story.strip()


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGINT, demo.INTERRUPTED), (signal.SIGTERM, demo.TERMINATED)],
)
async def test_stopping_it_early_leaves_nothing_and_complains_of_nothing(
    tmp_path: Path, number: signal.Signals, status: int
):
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "from bot.cli import main; main()",
        "demo",
        "--once",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"},
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            while "join link" not in (await process.stdout.readline()).decode():
                pass
            process.send_signal(number)
            rest = (await process.stdout.read()).decode()
            assert await process.wait() == status, rest
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert "Traceback" not in rest
    assert os.listdir(tmp_path) == []  # noqa: PTH208 - a Path would block, too
