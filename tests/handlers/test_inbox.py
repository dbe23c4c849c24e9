"""Whatever comes in, the inbox goes on."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from datetime import timedelta
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bot.domain.errors import StorageError, StorageFailing
from bot.domain.recipients import Channel, Kind
from handlers.inbox import STORAGE_ERRORS, InboxReader
from tests.handlers.world import telegram

if TYPE_CHECKING:
    from bot.domain.inbound import Inbound

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**70), max_value=2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)
PERSON = st.fixed_dictionaries({"id": JSON, "is_bot": JSON, "first_name": JSON})
CHAT = st.fixed_dictionaries(
    {"id": JSON, "type": JSON | st.sampled_from(["private", "group", "channel"])}
)
MESSAGE = st.fixed_dictionaries(
    {"message_id": JSON, "date": JSON, "chat": CHAT | JSON},
    optional={"from": PERSON | JSON, "text": JSON, "chat_shared": JSON},
)
UPDATE = st.dictionaries(st.text(), JSON) | st.fixed_dictionaries(
    {"update_id": JSON},
    optional={
        "message": MESSAGE | JSON,
        "callback_query": JSON,
        "my_chat_member": JSON,
        "edited_message": JSON,
    },
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(payload=UPDATE, channel=st.sampled_from(Channel), status=st.booleans())
async def test_no_payload_stops_the_inbox(world, payload, channel, status):
    number = next(world.numbers)
    key = f"{'status' if status else 'update'}:{number}"
    await world.store(channel, key, payload)
    await world.store(Channel.TELEGRAM, f"after:{number}", {"update_id": number})

    assert await world.inbox.run("all") is None

    async with world.database.snapshot() as tx:
        assert await tx.inbox.waiting(limit=10) == []


async def test_one_that_fails_is_set_aside_and_the_next_is_had(world, caplog):
    secret = "a very private remark"
    await world.store(
        Channel.TELEGRAM,
        "update:900",
        {"update_id": 900, "message": {"text": secret, "chat": secret}},
    )

    await world.says("/stop")

    assert len(await world.errors()) == 1
    assert len(await world.texts(100)) == 1
    [record] = [each for each in caplog.records if each.levelno >= logging.ERROR]
    assert secret not in f"{record.getMessage()} {record.__dict__}"


async def test_editors_are_told_once_of_what_was_set_aside(world):
    token = await world.editorial.invite_editor("Meera")
    await world.says(f"/start {token}", person=500)
    assert await world.texts(500)

    key = await world.update(message={"text": "a private remark", "chat": "x"})
    await world.again(key)
    await world.says("/stop")

    [told] = await world.texts(500)
    assert told.startswith("Telegram: something that came in could not be handled (")
    assert "private" not in told


async def test_messages_are_worked_off_in_order(world):
    await world.enrolment.enrol_by_hand(
        "valley", telegram(100), Kind.READER, by="test", evidence="a test"
    )
    for number, words in ((901, "/stop"), (902, "/help"), (903, "hello")):
        await world.store(
            Channel.TELEGRAM,
            f"update:{number}",
            {
                "update_id": number,
                "message": {
                    "message_id": 1,
                    "date": 1763800000,
                    "chat": {"id": 100, "type": "private"},
                    "from": {"id": 100, "is_bot": False, "first_name": "A"},
                    "text": words,
                },
            },
        )

    await world.inbox.run("all")

    left, what, hint = await world.texts(100)
    assert left.startswith("You have left")
    assert what.startswith("What you can write")
    assert hint.startswith("I did not understand")


class Failing:
    """A handler that finds the database unable, at first."""

    def __init__(self, failures: int, error: StorageError) -> None:
        self.failures = failures
        self.error = error
        self.handled: list[str] = []

    async def handle(self, entry: Inbound, *, key: str) -> None:
        if self.failures:
            self.failures -= 1
            raise self.error
        self.handled.append(key)


def reader(world, handler) -> InboxReader:
    return InboxReader(
        database=world.database,
        clock=world.clock,
        handlers={Channel.TELEGRAM: handler},
        notices=world.notices,
    )


async def test_a_database_that_could_not_answer_loses_nothing(world):
    handler = Failing(1, StorageError("that contradicts what is stored"))
    inbox = reader(world, handler)
    await world.store(Channel.TELEGRAM, "update:1", {})

    again = await inbox.run("all")
    assert again > world.clock.now()
    assert await inbox.run("all") is None

    assert handler.handled == ["telegram:update:1"]
    assert await world.errors() == []


async def test_a_disk_at_fault_for_hours_is_no_entrys_fault(world):
    handler = Failing(50, StorageFailing("the disk is full"))
    inbox = reader(world, handler)
    await world.store(Channel.TELEGRAM, "update:1", {})

    for _ in range(50):
        again = await inbox.run("all")
        assert again is not None, "left for later"
        world.clock.set(again)
    assert await inbox.run("all") is None

    assert handler.handled == ["telegram:update:1"]
    assert await world.errors() == []


async def test_a_stop_is_obeyed_however_long_somebody_locks_the_database(world):
    await world.enrolment.enrol_by_hand(
        "valley", telegram(100), Kind.READER, by="test", evidence="a test"
    )
    async with world.database.transaction() as tx:
        await tx.inbox._connection.value(text("PRAGMA busy_timeout = 1"))
    payload = {
        "update_id": 1,
        "message": {
            "message_id": 1,
            "date": 1763800000,
            "chat": {"id": 100, "type": "private"},
            "from": {"id": 100, "is_bot": False, "first_name": "A"},
            "text": "/stop",
        },
    }
    await world.store(Channel.TELEGRAM, "update:1", payload)
    with contextlib.closing(
        sqlite3.connect(world.database._path, isolation_level=None)
    ) as other:
        other.execute("BEGIN IMMEDIATE")
        for _ in range(2 * STORAGE_ERRORS):
            world.clock.set(await world.inbox.run("all"))
        other.rollback()

    assert await world.inbox.run("all") is None
    assert await world.errors() == []
    assert await world.joined(telegram(100)) == []


async def test_an_entry_that_always_fails_does_not_block_for_ever(world):
    handler = Failing(STORAGE_ERRORS, StorageError("that contradicts it"))
    inbox = reader(world, handler)
    await world.store(Channel.TELEGRAM, "update:1", {})
    await world.store(Channel.TELEGRAM, "update:2", {})

    while await inbox.run("all") is not None:
        world.clock.advance(timedelta(minutes=1))

    assert handler.handled == ["telegram:update:2"]
    assert await world.errors() == ["StorageError"]


async def test_a_channel_without_a_handler_is_set_aside(world):
    inbox = reader(world, Failing(0, StorageError("")))
    await world.store(Channel.WHATSAPP, "message:SM1", {})

    assert await inbox.run("all") is None
    assert await world.errors() == ["KeyError"]


async def test_rubbish_in_heaps_makes_no_heap_of_notices(world):
    await world.editor(500)
    for _ in range(20):
        await world.update(message={"chat": "x"})
        await world.whatsapp("STOP", sender="nobody")
    first = await world.texts(500)
    world.clock.advance(timedelta(hours=1))
    await world.update(message={"chat": "x"})

    assert len(await world.errors()) == 41
    assert len(first) == 2, "one for each kind"
    assert len(await world.texts(500)) == 1
