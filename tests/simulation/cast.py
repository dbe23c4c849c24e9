"""Whom a simulated newsroom writes to, and what it has to say.

Everything that every world begins with is made once, by the product itself, and
copied.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from contextlib import closing
from functools import cache
from pathlib import Path

from bot.domain.digests import Digest, Story
from bot.domain.messages import Template, Text
from bot.domain.recipients import Address, Channel, Kind
from bot.editorial import Editorial
from bot.enrolment import Enrolment
from bot.notices import Notices
from bot.runners.local import LocalRunner
from storage import SqliteDatabase, upgrade
from tests.fakes import FakeClock
from tests.simulation.disk import HISTORY, KEY

READERS = [str(number) for number in range(101, 113)]
GROUPS = [str(-number) for number in range(201, 205)]
#: What a group is called once it has become a supergroup.
SUPERGROUPS = {group: f"-100{group[1:]}" for group in GROUPS}
NUMBERS = [f"+9230000000{number:02}" for number in range(1, 7)]
#: These have never written: only a template may be sent to them.
CLOSED = NUMBERS[4:]
EDITOR = "900"
AUDIENCE = "valley"
PARTS = 2  #: of the long story

BRIDGE = (
    "The old bridge over the river is open again, the city said. "
    "Its two piers were replaced in October, the engineer told reporters."
)
ROAD = (
    "The valley road is closed after a landslide, the police said. "
    "Nobody was hurt, the mayor told reporters on Sunday."
)
SCHOOL = (
    "The school year begins a week late, the ministry said. "
    "The heating is being repaired, the headmaster told reporters."
)
STORIES = (BRIDGE, ROAD, SCHOOL)
DIGEST = Digest(stories=(Story(headline="Bridge open", sentences=(STORIES[0],)),))


def long_story(audience: int) -> dict[tuple[int, Channel, str, int], object]:
    """The messages of a story that takes several: by channel, form and part."""
    messages: dict[tuple[int, Channel, str, int], object] = {}
    for channel in Channel:
        for part in range(1, PARTS + 1):
            text = f"Part {part} of {PARTS}."
            messages[audience, channel, "text", part] = Text(
                text=text, length=len(text), limit=4096
            )
    messages[audience, Channel.WHATSAPP, "template", 1] = Template(
        content_sid="HX1", variables=(("1", "Bridge open"),)
    )
    return messages


@cache
def template() -> bytes:
    """A database file with everybody enrolled, an editor, and an observer."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        asyncio.run(_fill(path))
        with closing(sqlite3.connect(path)) as file:
            file.executescript(HISTORY)
            file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return path.read_bytes()


async def _fill(path: Path) -> None:
    await upgrade(path)
    clock = FakeClock()
    runner = LocalRunner(clock)
    async with await SqliteDatabase.open(path, exclusive=False, key=KEY) as database:
        async with database.transaction() as tx:
            senders = {
                channel: (await tx.senders.ensure(channel, "sim", now=clock.now())).id
                for channel in Channel
            }
        enrolment = Enrolment(
            database=database,
            clock=clock,
            runner=runner,
            notices=Notices(senders),
            senders=senders,
        )
        editorial = Editorial(database=database, clock=clock)
        await enrolment.create_audience(AUDIENCE, title="Valley")
        for value, kind in [
            *((each, Kind.READER) for each in READERS),
            *((each, Kind.GROUP) for each in GROUPS),
        ]:
            await enrolment.enrol_by_hand(
                AUDIENCE,
                Address(Channel.TELEGRAM, value),
                kind,
                by="test",
                evidence="a test",
                title="Group" if kind is Kind.GROUP else "",
            )
        for value in NUMBERS:
            address = Address(Channel.WHATSAPP, value)
            await enrolment.enrol_by_hand(
                AUDIENCE, address, Kind.READER, by="test", evidence="a test"
            )
            if value not in CLOSED:
                await enrolment.heard_from(address, Kind.READER)
        token = await editorial.invite_editor("Meera")
        await editorial.accept_invitation(token, by=Address(Channel.TELEGRAM, EDITOR))
