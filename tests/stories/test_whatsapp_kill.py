"""kill -9 in the middle of a WhatsApp broadcast: Twilio resolves what is in doubt."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from bot.domain.deliveries import State
from bot.sandbox import Delays
from tests.stories.stage import HEADLINE, Stage, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

READERS = 150
KILLS = 3
CONCURRENCY = 6
ARRIVED = {State.ACCEPTED, State.DELIVERED, State.READ}


@asynccontextmanager
async def life(stage: Stage, folder: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run ``harkara run`` in a process of its own; it is dead afterwards."""
    environ = {f"HARKARA_{name.upper()}": str(v) for name, v in stage.values.items()}
    with (folder / "process.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            "from bot.cli import main; main()",
            "run",
            env={"PATH": os.environ["PATH"], **environ},
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


async def test_reports_resolve_the_doubt_that_three_kills_leave(
    stage: Stage, tmp_path: Path
):
    async with stage.office():
        phones = await stage.phones(READERS)
        broadcast = await stage.broadcast()
    for name in ("bot_token", "telegram_api"):
        stage.values.pop(name)
    stage.values |= {"whatsapp_rate": 60, "concurrency": CONCURRENCY}
    stage.sandbox.twilio.listener._latency = (0.02, 0.06)
    # Reports come while the next process lives, as after a quick restart.
    stage.sandbox.twilio.configure(delays=Delays(sent=3.0, delivered=0.5))
    before = 0
    for kill in range(KILLS):
        goal = (kill + 1) * READERS // (KILLS + 1)
        async with life(stage, tmp_path) as process:
            await stage.log.wait_for(_taken, count=goal, timeout=30)
            assert process.returncode is None, "it ended by itself"
            process.send_signal(signal.SIGKILL)
            await process.wait()
        async with stage.office():
            states = await stage.states(broadcast)
        doubt = states[State.SENDING] + states[State.DOUBTFUL]
        assert states[State.QUEUED], "the kill was in the middle"
        assert doubt <= before + CONCURRENCY
        before = doubt
    async with life(stage, tmp_path), stage.office():

        async def resolved() -> bool:
            states = await stage.states(broadcast)
            return sum(states[each] for each in ARRIVED) + states[
                State.DOUBTFUL
            ] == READERS and await _only_lost_are_in_doubt(stage, broadcast)

        await until(resolved, "every report", timeout=30)
        await until(
            lambda: len(stage.log.copies_of(HEADLINE)) == len(_taken(stage.log)),
            "what was taken to arrive",
        )
        lines = await stage.lines(broadcast)
    copies = Counter(record.chat for record in stage.log.copies_of(HEADLINE))
    assert set(copies.values()) == {1}, "nobody has two copies"
    for phone in phones:
        assert phone.phone
        delivery = lines[phone.phone].delivery
        if delivery.state is State.DOUBTFUL:  # never taken: Twilio is asked, later
            assert not copies[phone.whatsapp]
        else:
            assert copies[phone.whatsapp] == 1
            assert delivery.attempts == 1


def _taken(log):
    return [record for record in log.sends() if record["stored"]]


async def _only_lost_are_in_doubt(stage: Stage, broadcast) -> bool:
    """Whether what is still in doubt is what Twilio never took."""
    taken = {record.chat for record in _taken(stage.log)}
    lines = await stage.lines(broadcast)
    return not any(
        f"whatsapp:{number}" in taken
        for number, line in lines.items()
        if line.delivery.state is State.DOUBTFUL
    )
