"""A thousand updates and callbacks, a tenth of them bad, across five restarts.

Three lives end by kill -9, two by SIGTERM, and each takes Telegram's updates the other
way than the one before. Every good one has exactly one effect: the sandbox's log and
the database are the judges.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import sqlite3
from collections import Counter
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp

from bot.domain.receipts import progress_of_status
from bot.domain.recipients import Address, Kind
from bot.sandbox import Sandbox
from bot.sandbox.whatsapp import Delays
from storage import KeySource
from tests.chaos.harness import CONCURRENCY, life, log_of
from tests.stories.stage import HEADLINE, NEWS, Stage, telegram, until, whatsapp

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.sandbox import Message, Person

    Event = Callable[[], Awaitable[Any]]

#: How each life takes Telegram's updates, and how it ends; the last is let finish.
LIVES = (
    ("polling", signal.SIGKILL),
    ("webhook", signal.SIGTERM),
    ("polling", signal.SIGKILL),
    ("webhook", signal.SIGKILL),
    ("polling", signal.SIGTERM),
    ("webhook", None),
)
#: How many there are of each.
JOINING, ASKING, LEAVING, BLOCKING = 60, 80, 30, 30
WRITING_JOIN, WRITING_ASK, WRITING_STOP = 40, 30, 30
NEWS_READERS = 200
POISONED, DOUBLED = 40, 50
#: What no handler can read, as Telegram might send it one day.
ODD_UPDATES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("message", {"message_id": 1, "text": "/help"}),
    ("message", {"message_id": 1, "date": "soon", "chat": {"id": 1, "type": "x"}}),
    ("callback_query", {"id": "1"}),
    ("my_chat_member", {"date": 0}),
)


class Newsroom:
    """The people, what they will do, and what must come of it."""

    def __init__(self, stage: Stage, rng: random.Random) -> None:
        self.stage = stage
        self.rng = rng
        self.world = stage.world
        self.network = stage.sandbox.twilio.network
        self.events: list[Event] = []
        self.steady: list[Event] = []  #: can only happen while we are up
        self.answered: list[Person] = []  #: each is owed one answer
        self.joined: list[Address] = []
        self.left: list[Address] = []
        self.blocked: list[Address] = []
        self.readers: list[Person] = []  #: of the broadcast
        self.forged = 0
        self.repeated = 0  #: updates
        self._phones = count(1)

    async def prepare(self) -> None:
        """Enrol whoever was there before, and write down what everybody will do."""
        async with self.stage.office() as desk:
            await desk.enrolment.create_audience("club", title="The Club")
            link = await desk.enrolment.create_link("club", Kind.READER)
            await desk.editorial.take_in(NEWS)
            self.editor = await self.stage.editor()
            for _ in range(JOINING):
                self._joins(link.token)
            for word in self._some(ASKING, "/help", "/privacy", "/latest"):
                self._asks(word)
            for _ in range(LEAVING):
                await self._leaves(self._person(), "/stop")
            for place in range(BLOCKING):
                await self._blocks(back=place % 2 == 0)
            for _ in range(WRITING_JOIN):
                self._writes_join(link.code)
            for word in self._some(WRITING_ASK, "HELP", "privacy", "خبریں"):
                self._writes(word)
            for _ in range(WRITING_STOP):
                await self._leaves(self._phone(), "STOP")
            self.readers = await self.stage.phones(NEWS_READERS)
        for person in self.readers:
            person.auto_read = True
        for place in range(POISONED):
            self._poisons(place)
        self.events += [self._doubles] * DOUBLED
        self.rng.shuffle(self.events)

    def share(self, number: int) -> tuple[list[Event], list[Event], list[Event]]:
        """Return what happens before a life, during it, and while it is ended."""
        mine = self.events[number :: len(LIVES)]
        steady = [each for each in mine if each in self.steady]
        loose = [each for each in mine if each not in self.steady]
        # In the first there is no last message yet from which on to fetch.
        before = len(loose) // 4 if number else 0
        after = len(loose) - len(loose) // 6
        return loose[:before], [*steady, *loose[before:after]], loose[after:]

    def _some(self, number: int, *words: str) -> list[str]:
        return [words[place % len(words)] for place in range(number)]

    def _person(self) -> Person:
        return self.world.person("Reader", language="en", started=True)

    def _phone(self) -> Person:
        return self.world.person("Phone", phone=f"+92311{next(self._phones):07}")

    def _joins(self, token: str) -> None:
        person = self._person()
        self.answered.append(person)
        self.joined.append(telegram(person))
        self.events.append(lambda: self.world.open_start(person, token))

    def _asks(self, word: str) -> None:
        person = self._person()
        self.answered.append(person)
        self.events.append(lambda: self.world.say(person, word))

    def _writes_join(self, code: str) -> None:
        person = self._writes(f"JOIN {code}")
        self.joined.append(whatsapp(person))

    def _writes(self, text: str) -> Person:
        person = self._phone()
        self.answered.append(person)
        self.events.append(lambda: self.world.whatsapp(person, text))
        return person

    async def _leaves(self, person: Person, word: str) -> None:
        address = whatsapp(person) if person.phone else telegram(person)
        await self._enrol(address)
        self.answered.append(person)
        self.left.append(address)
        say = self.world.whatsapp if person.phone else self.world.say
        self.events.append(lambda: say(person, word))

    async def _blocks(self, *, back: bool) -> None:
        person = self._person()
        await self._enrol(telegram(person))
        self.blocked.append(telegram(person))

        async def block() -> None:
            await self.world.block(person)
            if back:
                await self.world.unblock(person)

        self.events.append(block)

    async def _enrol(self, address: Address) -> None:
        await self.stage.desk.enrolment.enrol_by_hand(
            "club", address, Kind.READER, by="test", evidence="a test"
        )

    # --- the bad ones -----------------------------------------------------------

    def _poisons(self, place: int) -> None:
        kind, payload = ODD_UPDATES[place % len(ODD_UPDATES)]

        async def update() -> None:
            self.world.updates.put(kind, payload)

        async def message() -> None:
            url = self.network.inbound_url or ""
            odd = {"MessageSid": f"SModd{place}", "From": "whatsapp:?", "Body": "STOP"}
            # Twilio never repeats it, and it is in no list: it comes while we are up.
            while (await self.network.post(url, odd)).status != 200:
                await asyncio.sleep(0.1)

        if place % 4:
            self.events.append(update)
        else:
            self.events.append(message)
            self.steady.append(message)

    async def _doubles(self) -> None:
        """Bring something once more that came long ago or just now."""
        updates = self.stage.log.of("update")
        if updates and self.rng.random() < 0.5:
            self.repeated += 1
            self.world.updates.again(self.rng.choice(updates)["update_id"])
        elif self.network.posts:
            await self.network.post(*self.rng.choice(self.network.posts))

    async def summary(self) -> Message:
        """Wait for the message with the button."""
        with_button: list[Message] = []

        def there() -> bool:
            with_button[:] = [
                each for each in self.world.messages(self.editor) if each.buttons
            ]
            return bool(with_button)

        await until(there, "the plan's summary", timeout=60)
        return with_button[-1]

    async def forge(self) -> None:
        """What is not Twilio's or Telegram's leaves no trace."""
        base = self.stage.values["public_url"]
        stop = {"MessageSid": "SMforged", "Body": "STOP"}
        update = {"update_id": 1, "message": {"text": "/help"}}
        async with aiohttp.ClientSession() as session:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.post(f"{base}/twilio/inbound", data=stop) as answer:
                    assert answer.status == 403
                    self.forged += 1
                url = f"{base}/telegram/webhook"
                async with session.post(url, json=update) as answer:
                    assert answer.status in {403, 404}
                    self.forged += 1


def rows(stage: Stage, statement: str) -> list[Any]:
    """Look behind the ports, which have no such question."""
    path = stage.settings.database
    assert isinstance(path, Path)
    with contextlib.closing(sqlite3.connect(path, timeout=20)) as file:
        return file.execute(statement).fetchall()


def stored_as(stage: Stage) -> Callable[[Address], str]:
    """Say how an address stands in the tables: a number as a keyed hash."""
    keys = KeySource().find(stage.settings.database)
    assert keys is not None
    return keys.known_as


async def happen(events: list[Event]) -> None:
    """Let *events* happen, some at the same time."""
    free = asyncio.Semaphore(6)

    async def one(event: Event) -> None:
        async with free:
            await event()
            await asyncio.sleep(0.01)

    async with asyncio.TaskGroup() as group:
        for event in events:
            group.create_task(one(event))


async def listening(stage: Stage) -> None:
    async def so() -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", stage.port)
        except OSError:
            return False
        writer.close()
        return True

    await until(so, "the port", timeout=60)


async def at_rest(stage: Stage) -> None:
    """Wait until everything that came has had its effect, and every answer its end."""
    pending = {"queued", "leased", "sending"}

    def so() -> bool:
        waiting = rows(stage, "SELECT id FROM inbound WHERE done_at IS NULL LIMIT 1")
        states = rows(stage, "SELECT state FROM reply UNION SELECT state FROM delivery")
        return not (
            waiting
            or pending & {state for (state,) in states}
            or stage.world.updates.pending
            or stage.sandbox.twilio.network._tasks
        )

    async with asyncio.timeout(240):
        while not so():
            await asyncio.sleep(0.25)


async def test_a_thousand_across_five_restarts(tmp_path: Path):
    rng = random.Random(1000)  # noqa: S311 - repeatable
    async with Sandbox(rate="unlimited", seed=23, latency=(0, 0.01)) as sandbox:
        sandbox.twilio.configure(delays=Delays(sent=0.2, delivered=0.4, read=0.4))
        sandbox.faults.callbacks("reordered", probability=0.1)
        stage = Stage(sandbox, tmp_path)
        # Slow enough that a restart falls into the middle of the broadcast.
        stage.values |= {"whatsapp_rate": 40, "concurrency": CONCURRENCY}
        stage.world.updates.retry_first = 0.2
        await stage.prepare()
        room = Newsroom(stage, rng)
        await room.prepare()

        for number, (way, end) in enumerate(LIVES):
            stage.values["telegram_webhook"] = way == "webhook"
            before, during, after = room.share(number)
            await happen(before)
            async with life(stage.settings, tmp_path) as process:
                await listening(stage)
                if number == 0:
                    await stage.world.say(room.editor, "/broadcast valley")
                    summary = await room.summary()
                elif number == 1:
                    for _ in range(2):
                        await stage.world.press(room.editor, summary, "Confirm")
                await room.forge()
                await happen(during)
                late = asyncio.create_task(happen(after))
                if end is None:
                    await late
                    await at_rest(stage)
                await asyncio.sleep(rng.uniform(0, 0.1))
                assert process.returncode is None, "it ended by itself"
                process.send_signal(end or signal.SIGTERM)
                await asyncio.wait_for(process.wait(), 12)
                await late

        judge(room)
        assert "Traceback" not in log_of(tmp_path).read_text()


def judge(room: Newsroom) -> None:
    stage, log = room.stage, room.stage.log
    came = len(log.of("update")) + room.repeated + len(room.network.posts)
    assert came >= 1000
    assert room.forged >= 6

    # Every entry once, all worked off; the poisoned set aside, and they alone.
    entries = rows(stage, "SELECT channel, key, done_at, error FROM inbound")
    assert all(done_at is not None for _, _, done_at, _ in entries)
    assert sum(bool(error) for *_, error in entries) == POISONED
    updates = {f"update:{each['update_id']}" for each in log.of("update")}
    assert {key for _, key, _, _ in entries if key.startswith("update:")} == updates
    assert not any("forged" in key for _, key, _, _ in entries)
    told = [text for text in stage.texts(room.editor) if "could not be handled" in text]
    assert 1 <= len(told) <= 8, "as many kinds as there are, and no more"

    stored = stored_as(stage)
    # One answer to each question. A kill may leave an answer in the air in doubt.
    doubtful = dict(
        rows(
            stage,
            "SELECT recipient.value, count(*) FROM reply JOIN recipient"
            " ON recipient.id = reply.recipient_id"
            " WHERE reply.state = 'doubtful' GROUP BY 1",
        )
    )
    kills = sum(end is signal.SIGKILL for _, end in LIVES)
    assert len(doubtful) <= kills * 2 * CONCURRENCY
    for person in room.answered:
        who = whatsapp(person) if person.phone else telegram(person)
        got = len(stage.texts(person))
        assert got == 1 or (got == 0 and stored(who) in doubtful), who.value

    # One consent for each who joined, one end for each who left.
    stays = stays_of(stage)
    for who in room.joined:
        assert stays[stored(who)] == [("join link", "")], who
    for who in room.left:
        assert stays[stored(who)] == [("by hand", "asked to")], who
    for who in room.blocked:
        assert stays[stored(who)] == [("by hand", "blocked")], who
    assert rows(stage, "SELECT sum(uses) FROM join_link") == [(len(room.joined),)]

    # One press, one broadcast, one copy; its reports folded to the furthest.
    assert len(rows(stage, "SELECT id FROM broadcast")) == 1
    copies = Counter(record.chat for record in log.copies_of(HEADLINE))
    states = dict(
        rows(
            stage,
            "SELECT recipient.value, delivery.state FROM delivery JOIN recipient"
            " ON recipient.id = delivery.recipient_id",
        )
    )
    assert len(states) == NEWS_READERS
    for person in room.readers:
        phone = stored(whatsapp(person))
        assert copies[person.whatsapp] <= 1
        if copies[person.whatsapp]:
            between(room, person, states[phone])
        else:
            assert states[phone] == "doubtful"


def stays_of(stage: Stage) -> dict[str, list[tuple[str, str]]]:
    """How each stay in the club began and ended, by address."""
    found: dict[str, list[tuple[str, str]]] = {}
    # Who is told to join twice agrees twice, and stays once.
    for value, source, reason, _ in rows(
        stage,
        "SELECT DISTINCT recipient.value, consent.source, enrolment.end_reason,"
        " enrolment.id FROM consent"
        " JOIN enrolment ON enrolment.id = consent.enrolment_id"
        " JOIN recipient ON recipient.id = enrolment.recipient_id",
    ):
        found.setdefault(value, []).append((source, reason))
    return found


def between(room: Newsroom, person: Person, state: str) -> None:
    """Hold a state against what Twilio reported: no less, and not more than is true."""
    (submission,) = [
        each
        for each in room.network.by_to[person.whatsapp]
        if HEADLINE in each.body and each.direction != "inbound"
    ]
    reports = room.stage.log.callbacks(sid=submission.sid)
    heard = [each["status"] for each in reports if each["answer"] == 204]
    least = max((progress_of_status(each) or 0 for each in heard), default=0)
    most = progress_of_status(submission.status) or 0
    reached = progress_of_status(state)
    if state == "doubtful":
        assert not least, "a report settles it"
    else:
        assert reached is not None
        assert least <= reached <= most, (heard, state)
