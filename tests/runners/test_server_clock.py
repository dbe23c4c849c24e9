"""The server's clock, told between two looks by one that never jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.clock import SLOW, ServerClock
from bot.domain.errors import StorageFailing
from bot.domain.servers import Server
from storage import moment_of, open_database

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


class Far:
    """A server whose clock shows *shown*, and whose answers take *takes* seconds."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.shown = NOON
        self.takes = 0.1
        self.away = False

    async def ask(self) -> datetime:
        if self.away:
            raise StorageFailing("away")
        self.seconds += self.takes
        return self.shown

    def clock(self) -> ServerClock:
        return ServerClock(self.ask, seconds=lambda: self.seconds)


async def test_it_is_the_servers_and_goes_on_between_two_looks():
    far = Far()
    clock = far.clock()
    await clock.look()

    assert clock.now() == NOON + timedelta(seconds=far.takes / 2)
    far.seconds += 60
    assert clock.now() == NOON + timedelta(seconds=60 + far.takes / 2)


async def test_an_answer_that_was_long_on_its_way_counts_only_as_the_first():
    far = Far()
    far.takes = SLOW * 4
    clock = far.clock()
    await clock.look()
    known = clock.now()
    far.shown += timedelta(hours=1)
    await clock.look()
    assert clock.now() - known < timedelta(minutes=1)

    far.takes = SLOW / 4
    await clock.look()
    assert clock.now() - known > timedelta(minutes=59)


async def test_nobody_tells_the_time_before_the_first_look():
    far = Far()
    clock = far.clock()
    far.away = True
    with pytest.raises(StorageFailing):
        await clock.look()

    with pytest.raises(RuntimeError, match="nobody has looked"):
        clock.now()


async def test_a_real_server_tells_it_in_utc(postgres_url: str):
    async with await open_database(Server(postgres_url), exclusive=False) as database:
        moment = await moment_of(database)

    assert moment.tzinfo is UTC
    # The server is on this machine.
    assert abs(moment - datetime.now(UTC)) < timedelta(seconds=10)
