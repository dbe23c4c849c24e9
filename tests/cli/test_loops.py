"""What runs for long runs on uvloop, and without it where there is none."""

from __future__ import annotations

import asyncio
import gc
import sys

import pytest

from bot.cli.loops import run_long


async def loop_of_this() -> str:
    await asyncio.sleep(0)
    return type(asyncio.get_running_loop()).__module__.partition(".")[0]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no uvloop on Windows")
def test_uvloop_where_there_is_one():
    assert run_long(loop_of_this()) == "uvloop"


def test_asyncio_where_there_is_none(monkeypatch):
    monkeypatch.setitem(sys.modules, "uvloop", None)

    assert run_long(loop_of_this()) == "asyncio"


def test_what_was_loaded_before_is_left_out_of_every_look_for_garbage():
    async def left_out() -> int:
        await asyncio.sleep(0)
        return gc.get_freeze_count()

    assert run_long(left_out()) > 10_000  # pytest alone has more
    assert gc.get_freeze_count() == 0
