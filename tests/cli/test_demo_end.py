"""How the demo ends: nobody is let in any more, and a second signal cuts it short."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from bot.cli import drawing
from bot.cli.application import Application
from bot.cli.demo import ENDING, _listening, _settings, _Show
from bot.sandbox import Sandbox

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PATIENCE = 10  # seconds


@pytest.fixture
def signals() -> Iterator[None]:
    """Leave the signals as they were found."""
    before = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    yield
    for each, handler in before.items():
        signal.signal(each, handler)


@pytest.fixture
async def show(tmp_path: Path) -> Any:
    def ignore(_words: str) -> None:
        pass

    async with Sandbox() as sandbox:
        settings = _settings(sandbox, tmp_path, template="HX1", log="error")
        application = Application(settings, folder=tmp_path, hear=ignore, tell=ignore)
        yield _Show(drawing.console(stderr=True), sandbox, application)


@pytest.mark.usefixtures("signals")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_the_first_signal_lets_it_end_in_order(number):
    with _listening() as stop:
        os.kill(os.getpid(), number)
        await asyncio.wait_for(stop.wait(), PATIENCE)


@pytest.mark.usefixtures("signals")
async def test_a_second_signal_is_not_swallowed():
    async def ending() -> None:
        with _listening() as stop:
            stop.set()
            await stop.wait()
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.sleep(PATIENCE)

    with pytest.raises(asyncio.CancelledError):
        await asyncio.create_task(ending())


async def test_while_it_ends_nobody_asks_a_desk_that_is_left(show):
    hooks = show._sandbox.hooks

    async def asked() -> Any:
        raise AssertionError("the desk has been left")

    hooks.deliveries = hooks.publish = hooks.kill = asked
    show.shut()
    assert (hooks.deliveries, hooks.can) == (None, [])
    with pytest.raises(ValueError, match="The demo is ending"):
        await show._sandbox.visits.visit({"do": "publish"})
    assert hooks.closed == ENDING


@pytest.mark.parametrize("address", ["forgotten 7", "+15550100999", "-5", "5"])
async def test_who_is_not_on_the_page_has_no_name(show, address):
    assert show._named(address) is None
