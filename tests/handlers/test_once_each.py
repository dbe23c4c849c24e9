"""A hundred messages and reports, doubled and in disorder, with crashes at any line."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from bot.domain.deliveries import State
from bot.domain.recipients import Address, Channel, Kind
from tests.handlers.world import telegram

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.handlers.world import World

Entry = tuple[Channel, str, dict[str, Any]]

REPORTS = ("queued", "sent", "delivered", "read", "failed", "undelivered")


class Crash(BaseException):
    """The process is gone."""


class Crashing:
    """Ends the process at some commits: the moment before, or the moment after."""

    def __init__(self, world: World, rng: random.Random) -> None:
        self._rng = rng
        self._transaction = world.database.transaction
        self._task = asyncio.current_task()
        self.armed = False
        self.crashes = 0
        world.database.transaction = self.transaction  # type: ignore[method-assign] # a trap

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Any]:
        # Not in the task that commits for several: they would wait for it for ever.
        mine = self.armed and asyncio.current_task() is self._task
        fate = self._rng.random() if mine else 1
        async with self._transaction() as tx:
            yield tx
            self._perhaps(fate < 0.04)
        self._perhaps(fate < 0.08)

    def _perhaps(self, now: bool) -> None:  # noqa: FBT001 - the answer to its name
        if now:
            self.crashes += 1
            raise Crash


@dataclass
class Reader:
    """Somebody, what they do, and what must come of it."""

    address: Address
    entries: list[Entry] = field(default_factory=list)
    answers: int = 0
    joined: int = 0
    left: int = 0

    @property
    def inside(self) -> bool:
        return self.joined > self.left


class Story:
    """What a handful of people do, drawn by chance."""

    def __init__(self, rng: random.Random, *, token: str, code: str) -> None:
        self.rng = rng
        self.token, self.code = token, code
        self.numbers = iter(range(1, 10_000))
        self.poisoned = 0
        places = [telegram(number) for number in range(101, 105)] + [
            Address(Channel.WHATSAPP, f"+9230012345{number}")
            for number in range(61, 65)
        ]
        self.readers = [Reader(place) for place in places]
        for reader in self.readers:
            for _ in range(10):
                self._act(reader)

    def _act(self, reader: Reader) -> None:
        match self.rng.choice(["join", "join", "ask", "ask", "stop", "odd"]):
            case "join":
                self._says(reader, f"/start {self.token}", f"join {self.code}")
                reader.joined += not reader.inside
            case "ask":
                self._says(reader, "/help", "HELP")
            case "stop":
                self._says(reader, "/stop", "STOP")
                reader.left += reader.inside
            case _:
                self.poisoned += 1
                odd = {"message": {"chat": "?"}, "From": "?"}
                self._comes(reader, odd)

    def _says(self, reader: Reader, by_telegram: str, by_whatsapp: str) -> None:
        reader.answers += 1
        number = reader.address.value
        person = {"id": int(number), "first_name": "A"}
        message = {
            "message_id": 1,
            "date": 1763800000,
            "chat": {**person, "type": "private"},
            "from": {**person, "is_bot": False, "language_code": "en"},
            "text": by_telegram,
        }
        phone = {"From": f"whatsapp:{number}", "Body": by_whatsapp}
        self._comes(reader, {"message": message, **phone})

    def _comes(self, reader: Reader, payload: dict[str, Any]) -> None:
        number = next(self.numbers)
        kind = "update" if reader.address.channel is Channel.TELEGRAM else "message"
        entry = {"update_id": number, **payload}
        reader.entries.append((reader.address.channel, f"{kind}:{number}", entry))

    def as_it_comes(self) -> list[Entry]:
        """Each reader's in their order, the readers mixed, a tenth of them doubled."""
        queues = [list(reader.entries) for reader in self.readers]
        coming: list[Entry] = []
        while any(queues):
            coming.append(self.rng.choice([each for each in queues if each]).pop(0))
            if self.rng.random() < 0.1:
                coming.append(self.rng.choice(coming))
        return coming


async def brought(world: World, entry: Entry) -> None:
    """Bring an entry again until it is said to be stored, as providers do."""
    while True:
        try:
            await world.store(*entry)
        except Crash:
            continue
        else:
            return


async def work_off(world: World) -> None:
    """Start anew after every crash, until everything has had its effect."""
    while True:
        try:
            assert await world.inbox.run("all") is None
        except Crash:
            continue
        else:
            return


@pytest.mark.parametrize("seed", range(4))
async def test_every_message_has_one_effect(world: World, seed: int):
    rng = random.Random(seed)  # noqa: S311 - repeatable
    link = await world.enrolment.create_link("valley", Kind.READER)
    story = Story(rng, token=link.token, code=link.code)
    crashing = Crashing(world, rng)

    for entry in story.as_it_comes():
        await world.store(*entry)
        if rng.random() < 0.2:
            crashing.armed = True
            await work_off(world)
            crashing.armed = False
    crashing.armed = True
    await work_off(world)
    crashing.armed = False

    assert crashing.crashes > 3
    assert len(await world.errors()) == story.poisoned
    for reader in story.readers:
        assert len(await world.sent(reader.address)) == reader.answers
        assert await world.joined(reader.address) == ["valley"] * reader.inside
    stays = world._sql("SELECT count(*), count(ended_at) FROM enrolment")
    # Who writes their code again agrees anew, and stays where they are.
    consents = world._sql("SELECT count(DISTINCT enrolment_id) FROM consent")
    joined = sum(reader.joined for reader in story.readers)
    assert stays == [(joined, sum(reader.left for reader in story.readers))]
    assert consents == [(joined,)]
    assert [each.uses for each, _ in await world.enrolment.links()] == [joined]


@pytest.mark.parametrize("seed", range(3))
async def test_reports_in_any_order_and_number_come_to_the_same(
    world: World, seed: int
):
    rng = random.Random(seed)  # noqa: S311 - repeatable
    phones = [
        Address(Channel.WHATSAPP, f"+9230012345{place}") for place in range(20, 40)
    ]
    for phone in phones:
        await world.enrolment.enrol_by_hand(
            "valley", phone, Kind.READER, by="test", evidence="a test"
        )
        await world.enrolment.heard_from(phone, Kind.READER)
    article = await world.article()
    plan = await world.broadcaster.plan(article, ["valley"], by="test")
    await world.broadcaster.confirm(plan.broadcast.id)
    await world.pump(Channel.WHATSAPP)
    lines = await world.broadcaster.report(plan.broadcast.id)
    crashing = Crashing(world, rng)

    coming: list[Entry] = []
    expected: dict[int, State] = {}
    for line in lines:
        said = rng.sample(REPORTS[:4], rng.randint(1, 4))
        expected[line.delivery.id] = (
            State.READ
            if "read" in said
            else State.DELIVERED
            if "delivered" in said
            else State.ACCEPTED
        )
        for status in [*said, *rng.sample(said, rng.randint(0, len(said)))]:
            sid = line.provider_id
            payload = {
                "MessageSid": sid,
                "MessageStatus": status,
                "ref": f"{line.delivery.id}.1",
            }
            coming.append((Channel.WHATSAPP, f"status:{sid}:{status}", payload))
    rng.shuffle(coming)
    crashing.armed = True
    for entry in coming:
        await brought(world, entry)
        if rng.random() < 0.2:
            await work_off(world)
    await work_off(world)
    crashing.armed = False

    lines = await world.broadcaster.report(plan.broadcast.id)
    assert {line.delivery.id: line.delivery.state for line in lines} == expected
    assert Counter(
        each.to for each in world.messengers[Channel.WHATSAPP].sent
    ) == dict.fromkeys(phones, 1)
