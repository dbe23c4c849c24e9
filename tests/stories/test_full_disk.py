"""The disk fills up in the middle of a broadcast, and is given room again."""

from __future__ import annotations

import asyncio
import json
import logging
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
from sqlalchemy import text

from bot.domain.deliveries import State
from bot.logs import KeyValue
from tests.stories.stage import Stage, until

READERS = 120
FULL = "the disk that holds the database is full; free some space"


def said(caplog: pytest.LogCaptureFixture) -> str:
    """The log as its owner reads it."""
    return "\n".join(map(KeyValue().format, caplog.records))


async def limit(stage: Stage, pages: int | None) -> None:
    """Let the database file grow no further, or as it likes."""
    async with stage.desk.database.transaction() as tx:
        connection = tx.recipients._connection  # type: ignore[attr-defined] # SQL is storage's
        if pages is None:
            pages = 2**31
        else:
            pages += await connection.value(text("PRAGMA page_count"))
        await connection.run(text(f"PRAGMA max_page_count = {pages}"))


def health(stage: Stage) -> dict[str, str]:
    try:
        with urlopen(f"http://127.0.0.1:{stage.port}/health", timeout=8) as answer:
            return dict(json.load(answer))
    except HTTPError as error:
        return dict(json.load(error))


async def test_a_broadcast_waits_for_room_and_loses_and_doubles_nothing(
    stage: Stage, caplog: pytest.LogCaptureFixture
):
    async with stage.office():
        readers = await stage.readers(READERS)
    with caplog.at_level(logging.WARNING, "harkara"):
        async with stage.app():
            broadcast = await stage.broadcast()
            await limit(stage, 0)
            await until(lambda: FULL in said(caplog), "the word")
            told = await asyncio.to_thread(health, stage)
            before = len(stage.log.sends())
            await limit(stage, None)
            await stage.finished(broadcast, timeout=60)
            well = await asyncio.to_thread(health, stage)
            states = await stage.states(broadcast)

    assert told["status"] == "down"
    assert FULL in told["reason"]
    assert well["status"] == "up"
    assert before < READERS, "it was in the middle"
    assert states == {State.ACCEPTED: READERS}
    assert [stage.copies(reader) for reader in readers] == [1] * READERS
    assert "Traceback" not in said(caplog)
