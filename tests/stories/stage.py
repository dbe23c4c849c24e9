"""The whole application before pretend providers, and what a story asks of both."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from bot.app import open_desk, running
from bot.config import Settings
from bot.domain.articles import Draft
from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import State
from bot.domain.recipients import Address, Channel, Kind
from storage import upgrade

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable
    from pathlib import Path

    from bot.app import Desk
    from bot.domain.broadcasts import BroadcastId
    from bot.domain.recipients import Recipient, Standing
    from bot.ports import DeliveryLine
    from bot.sandbox import Chat, Message, Person, Sandbox

HEADLINE = "The pass is open"
NEWS = Draft(
    text="The pass opened on Friday, the army said. Three hundred trucks had waited.",
    headline=HEADLINE,
    link="https://news.example/pass",
    language="en",
)
TEMPLATE = "HX00000000000000000000000000000001"
AUDIENCE = "valley"
PATIENCE = 20.0  # seconds
GLANCE = 0.02  # seconds between two looks


async def until(
    question: Callable[[], bool | Awaitable[bool]],
    what: str,
    *,
    timeout: float = PATIENCE,
) -> None:
    """Wait until *question* says yes.

    Raises:
        AssertionError: It never did.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + timeout
    while True:
        answer = question()
        if not isinstance(answer, bool):
            answer = await answer
        if answer:
            return
        assert loop.time() < end, f"waited {timeout} s in vain for {what}"
        await asyncio.sleep(GLANCE)


def telegram(who: Person | Chat | int | str) -> Address:
    return Address(Channel.TELEGRAM, str(getattr(who, "id", who)))


def whatsapp(who: Person) -> Address:
    assert who.phone
    return Address(Channel.WHATSAPP, who.phone)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stage:
    """One sandbox, one database, and the application whenever a story runs it."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox = sandbox
        self.world = sandbox.world
        self.log = sandbox.log
        self.faults = sandbox.faults
        self.port = free_port()
        self.values: dict[str, Any] = {
            "bot_token": sandbox.bot_token,
            "twilio_account_sid": sandbox.account_sid,
            "twilio_auth_token": sandbox.auth_token,
            "whatsapp_number": sandbox.whatsapp_number,
            "content_sid": TEMPLATE,
            "public_url": f"http://127.0.0.1:{self.port}",
            "listen": f"127.0.0.1:{self.port}",
            "database": folder / "harkara.db",
            "telegram_api": sandbox.telegram_url,
            "twilio_api": sandbox.twilio_url,
            "telegram_rate": 400,
            "whatsapp_rate": 300,
            # What is confirmed goes at once, unless that is the story.
            "undo_seconds": 0,
            "canary": False,
            "log": "error",
        }
        self._desk: Desk | None = None

    @property
    def settings(self) -> Settings:
        return Settings.model_validate(self.values)

    @property
    def desk(self) -> Desk:
        assert self._desk is not None, "nothing runs"
        return self._desk

    async def prepare(self) -> None:
        """Make the database and one audience, and tell Twilio where we are."""
        await upgrade(self.settings.database)
        self.sandbox.add_template(
            sid=TEMPLATE, body="News: {{1}}\n\n{{2}}\n\n{{3}} Reply STOP to end."
        )
        self.sandbox.twilio.configure(
            inbound_url=f"http://127.0.0.1:{self.port}/twilio/inbound"
        )
        async with self.office() as desk:
            await desk.enrolment.create_audience(AUDIENCE, title="The Valley")

    @asynccontextmanager
    async def app(self) -> AsyncIterator[Desk]:
        """Run the application."""
        async with running(self.settings) as desk:
            self._desk = desk
            yield desk

    @asynccontextmanager
    async def office(self) -> AsyncIterator[Desk]:
        """Use the services while no application runs."""
        async with open_desk(self.settings, online=False) as desk:
            self._desk = desk
            yield desk

    def without_whatsapp(self) -> None:
        for name in ("twilio_account_sid", "twilio_auth_token", "whatsapp_number"):
            self.values.pop(name)
        for name in ("content_sid", "public_url"):
            self.values.pop(name)

    # --- who was there before the story begins -----------------------------------

    async def editor(self, name: str = "Meera") -> Person:
        """Somebody whose invitation was used long ago."""
        person = self.world.person(name, language="en", started=True)
        token = await self.desk.editorial.invite_editor(name)
        accepted = await self.desk.editorial.accept_invitation(
            token, by=telegram(person), language="en"
        )
        assert accepted == name
        return person

    async def readers(self, count: int) -> list[Person]:
        """Telegram readers, enrolled."""
        people = [
            self.world.person(f"Reader {place}", language="en", started=True)
            for place in range(1, count + 1)
        ]
        for person in people:
            await self._enrol(telegram(person), Kind.READER)
        return people

    async def phones(self, count: int, *, open_window: bool = True) -> list[Person]:
        """WhatsApp readers, enrolled; their last words may be an hour old."""
        known = len(self.world.by_phone)
        people = [
            self.world.person(f"Phone {place}", phone=f"+9230055{place:05d}")
            for place in range(known + 1, known + count + 1)
        ]
        for person in people:
            await self._enrol(whatsapp(person), Kind.READER)
            if open_window:
                network = self.sandbox.twilio.network
                network.windows[person.whatsapp] = self.sandbox.clock() + 23 * 3600
                await self.desk.enrolment.heard_from(whatsapp(person), Kind.READER)
        return people

    async def groups(self, count: int) -> list[Chat]:
        """Basic groups with the bot in them, enrolled, each with an administrator."""
        chats = []
        for place in range(1, count + 1):
            keeper = self.world.person(f"Keeper {place}", language="en")
            group = self.world.group(f"Group {place}", [], [keeper], with_bot=True)
            await self._enrol(telegram(group), Kind.GROUP, title=group.title)
            chats.append(group)
        return chats

    def keeper(self, group: Chat) -> Person:
        return next(
            self.world.people[key]
            for key, member in group.current.members.items()
            if member.admin and key in self.world.people
        )

    async def _enrol(self, address: Address, kind: Kind, *, title: str = "") -> None:
        await self.desk.enrolment.enrol_by_hand(
            AUDIENCE, address, kind, by="test", evidence="a story", title=title
        )

    # --- what the newsroom does ----------------------------------------------------

    async def broadcast(self, draft: Draft = NEWS) -> BroadcastId:
        """Take an article in, plan it for everybody, and confirm."""
        article = await self.desk.editorial.take_in(draft)
        plan = await self.desk.broadcaster.plan(
            article, [AUDIENCE], by="test", again=True
        )
        assert await self.desk.broadcaster.confirm(plan.broadcast.id)
        return plan.broadcast.id

    # --- what can be seen ------------------------------------------------------------

    async def lines(self, broadcast: BroadcastId) -> dict[str, DeliveryLine]:
        """The report, by the recipient's present address."""
        lines = await self.desk.broadcaster.report(broadcast)
        async with self.desk.database.snapshot() as tx:
            return {
                (await tx.recipients.get(line.delivery.recipient)).address.value: line
                for line in lines
            }

    async def line(self, broadcast: BroadcastId, who: Address) -> DeliveryLine:
        return (await self.lines(broadcast))[who.value]

    async def states(self, broadcast: BroadcastId) -> Counter[State]:
        _, coverage = await self.desk.broadcaster.status(broadcast)
        return Counter(coverage.states)

    async def reached(
        self,
        broadcast: BroadcastId,
        who: Address,
        *states: State,
        timeout: float = PATIENCE,
    ) -> DeliveryLine:
        """Wait until the delivery for *who* is in one of *states*."""
        found: list[DeliveryLine] = []

        async def there() -> bool:
            found[:] = [await self.line(broadcast, who)]
            return found[0].delivery.state in states

        try:
            await until(there, f"{states}", timeout=timeout)
        except AssertionError:
            raise AssertionError(f"not {states}: {found[0].delivery}") from None
        return found[0]

    async def finished(
        self, broadcast: BroadcastId, *, timeout: float = PATIENCE
    ) -> None:
        async def ended() -> bool:
            found, _ = await self.desk.broadcaster.status(broadcast)
            return found.state is BroadcastState.FINISHED

        await until(ended, "the broadcast's end", timeout=timeout)

    def copies(self, who: Person | Chat | None = None) -> int:
        """How many copies of the story *who* could see, by the sandbox's log."""
        return len(self.log.copies_of(HEADLINE, who))

    def texts(self, who: Person | Chat) -> list[str]:
        """What the application wrote to *who*."""
        return [str(record["text"]) for record in self.log.from_us(who)]

    async def told(self, who: Person | Chat, words: str, *, times: int = 1) -> str:
        """Wait until *who* has been written *words*; return the last such text."""

        def found() -> list[str]:
            return [text for text in self.texts(who) if words in text]

        try:
            await until(lambda: len(found()) >= times, words)
        except AssertionError:
            raise AssertionError(f"{words!r} not among {self.texts(who)}") from None
        return found()[-1]

    async def enrolled(self, who: Address, *, wanted: bool = True) -> None:
        """Wait until *who* is enrolled, or no longer."""

        async def so() -> bool:
            found = await self.desk.enrolment.find(who)
            return bool(found and found[1]) is wanted

        await until(so, "enrolment" if wanted else "its end")

    async def found(self, who: Address) -> tuple[Recipient, list[str]]:
        """Who is at an address, and the names of their audiences."""
        found = await self.desk.enrolment.find(who)
        assert found, "nobody is known there"
        return found[0], [each.name for each in found[1]]

    async def standing(self, who: Address, wanted: Standing) -> None:
        """Wait until we know *who* and believe them to be *wanted*."""

        async def so() -> bool:
            found = await self.desk.enrolment.find(who)
            return found is not None and found[0].standing is wanted

        await until(so, f"standing {wanted}")

    async def idle(self) -> None:
        """Wait until every update was fetched and everything stored was worked off."""

        async def empty() -> bool:
            async with self.desk.database.snapshot() as tx:
                waiting = await tx.inbox.waiting(limit=1)
            return not waiting and not self.world.updates.pending

        await until(empty, "an empty inbox")

    def button(self, who: Person, label: str) -> Message:
        """The newest message to *who* with a button of that label."""
        for message in reversed(self.world.messages(who)):
            if any(label == button["text"] for button in message.buttons):
                return message
        raise LookupError(f"no button {label!r}")
