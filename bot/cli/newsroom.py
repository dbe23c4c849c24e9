"""The demo's story: a newsroom, its readers, and all that goes wrong."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bot.cli.cast import AUDIENCE, Ending, Result, cast, sample
from bot.domain.articles import Draft
from bot.domain.deliveries import Form, State
from bot.domain.errors import FailureKind
from bot.domain.recipients import Address, Channel, Kind, Standing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from bot.app import Desk
    from bot.domain.broadcasts import BroadcastId
    from bot.ports import DeliveryLine
    from bot.sandbox import Sandbox
    from bot.sandbox.people import Message, Person

#: Seconds to wait for anything in the demo; on a busy machine it may take a while.
PATIENCE = 60.0


class Story:
    """Plays the demo, one step after another."""

    def __init__(
        self,
        sandbox: Sandbox,
        desk: Desk,
        *,
        article: Draft | None,
        tell: Callable[[str], None],
        show: Callable[[str, str], None],
    ) -> None:
        self.sandbox = sandbox
        self.world = sandbox.world
        self.desk = desk
        self.people = cast(sandbox)
        self.article = article
        self.tell = tell
        self.show = show
        self.result = Result()
        self.links: list[dict[str, str]] = []  #: as under an article
        self._names: dict[int, str] = {}

    async def play(self) -> Result:
        """Play everything."""
        await self._articles()
        await self._join()
        await self._ask()
        await self._broadcast()
        await self._endings()
        return self.result

    # --- 1 ---------------------------------------------------------------------

    async def _articles(self) -> None:
        drafts = [
            Draft(
                text=sample("valley-bridge.txt"),
                headline="Zaina Kadal bridge reopens to walkers on Saturday",
                link="https://kashmirwatch.example/bridge",
                language="en",
            ),
            Draft(
                text=sample("srinagar-library.txt"),
                headline="سرینگر کی لائبریری اب رات دس بجے تک کھلی رہے گی",
                link="https://kashmirwatch.example/ur/library",
                language="ur",
            ),
            self.article
            or Draft(
                text=sample("pakistan-ttp-border.txt"),
                link="https://kashmirwatch.example/border",
                language="en",
            ),
        ]
        for draft in drafts:
            taken = await self.desk.editorial.take_in(draft)
        self.tell(
            f"three articles taken in; the newest, number {taken.id}, came with "
            + ("your own text" if self.article else "its page's furniture")
        )

    # --- 2 ---------------------------------------------------------------------

    async def _join(self) -> None:
        desk, world, people = self.desk, self.world, self.people
        enrolment = desk.enrolment
        await enrolment.create_audience(AUDIENCE, title="Kashmir Watch", language="en")
        readers = await enrolment.create_link(AUDIENCE, Kind.READER, label="website")
        self.tell(
            f"join link for readers: {readers.telegram_url(self.sandbox.bot_username)}"
        )
        self.tell(f"and on WhatsApp: {readers.whatsapp_url(_number(desk))}")

        groups = await enrolment.create_link(
            AUDIENCE, Kind.GROUP, label="website", max_uses=10
        )
        self.links = [
            {
                "label": "Readers on Telegram",
                "url": readers.telegram_url(self.sandbox.bot_username),
                "kind": "start",
            },
            {
                "label": "Groups on Telegram",
                "url": groups.telegram_url(self.sandbox.bot_username),
                "kind": "startgroup",
            },
            {
                "label": "Readers on WhatsApp",
                "url": readers.whatsapp_url(_number(desk)),
                "kind": "wa",
            },
        ]

        invitation = await desk.editorial.invite_editor("Meera")
        await world.open_start(people.editor, invitation)
        await self._answered(people.editor)
        self.tell("Meera used her one-time invitation and is an editor")

        for keeper, group in zip(people.keepers[:2], people.groups[:2], strict=True):
            link = await enrolment.create_link(AUDIENCE, Kind.GROUP)
            await world.open_startgroup(keeper, group, link.token)
            await self._enrolled(group.id)
        self.tell("two groups joined, each by a token of its own")

        await world.add_bot(people.keepers[2], people.groups[2])
        await self._known(people.groups[2].id)
        await enrolment.enrol_by_hand(
            AUDIENCE,
            _telegram(people.groups[2].id),
            Kind.GROUP,
            by="demo",
            evidence="asked for by its keeper, Tariq, on the telephone",
            title=people.groups[2].title,
        )
        self.tell("a third group was enrolled by hand")

        link = await enrolment.create_link(AUDIENCE, Kind.TELEGRAM_CHANNEL)
        keeper = people.keepers[0]
        await world.open_start(keeper, link.token)
        request = await self._picker(keeper)
        await world.share_chat(keeper, people.channel, request)
        await self._enrolled(people.channel.id)
        self.tell("a Telegram channel joined: token in private, channel chosen there")

        for reader in people.readers:
            await world.open_start(reader, readers.token)
            await self._enrolled(reader.id)
        code = readers.code
        words = [
            f"JOIN {code}",
            f"JOIN {code}",
            f"JOIN {code}",
            f"hello, join {code.lower()} please",
        ]
        for phone, text in zip(people.phones, words, strict=False):
            await world.whatsapp(phone, text)
            await self._enrolled(phone)
        await enrolment.enrol_by_hand(
            AUDIENCE,
            _whatsapp(people.phones[4]),
            Kind.READER,
            by="demo",
            evidence="ticked 'news by WhatsApp' on the subscription form, 2 November",
            source="import",
        )
        self.tell(
            "three readers joined on Telegram, four on WhatsApp; one was imported"
        )

    # --- 3 ---------------------------------------------------------------------

    async def _ask(self) -> None:
        world, people = self.world, self.people
        for reader, text, answers in (
            (people.readers[0], "/latest", 1),
            (people.readers[1], "/latest 2", 2),
            (people.readers[2], "/help", 1),
        ):
            before = self._sent(reader.id)
            await world.say(reader, text)
            await self._until(
                lambda reader=reader, goal=before + answers: (
                    self._sent(reader.id) >= goal
                ),
                f"an answer to {text}",
            )
        first, third = people.phones[0], people.phones[2]
        for phone, text in ((first, "LATEST"), (third, "STOP")):
            before = self._sent(phone.whatsapp)
            await world.whatsapp(phone, text)
            await self._until(
                lambda phone=phone, goal=before + 1: self._sent(phone.whatsapp) >= goal,
                f"an answer to {text}",
            )
        self.tell("/latest, /latest 2, /help and LATEST were answered; STOP was obeyed")

    # --- 4 and 5 ---------------------------------------------------------------

    async def _broadcast(self) -> None:
        world, people, sandbox = self.world, self.people, self.sandbox
        await world.say(people.editor, "/broadcast")
        offer = await self._offer()
        self.show("What Meera is shown before she confirms", offer.text)
        self.tell("the editor asked for /broadcast and was shown all of it")

        self._old_id = people.groups[1].id
        self._new_id = await world.migrate(people.groups[1])
        await world.forbid_sending(people.groups[2], quietly=True)
        people.readers[1].blocked = True  # Telegram's update about it is late
        sandbox.faults.too_many(2, to=people.readers[2], method="sendMessage")
        world.close_window(people.phones[3])
        self.tell(
            "trouble: a group moved, one muted, a reader blocked us, one is "
            "flooded, a WhatsApp window closed behind our back"
        )

        broadcasts = await self.desk.broadcaster.latest(1)
        self.result.broadcast = broadcasts[0][0].id
        confirm = offer.buttons[0]["callback_data"]
        loop = asyncio.get_running_loop()
        start = loop.time()
        await world.press(people.editor, offer, confirm)
        await self._until(self._anything_accepted, "the first delivery")
        self.result.first_delivery = loop.time() - start
        again = await self.desk.broadcaster.status(self.result.broadcast)
        await world.press(people.editor, offer, confirm)
        self.tell(
            f"confirmed; first delivery after {self.result.first_delivery:.2f} s; "
            "a second press of the button"
        )
        self._planned = again[1].planned

    # --- 6 ---------------------------------------------------------------------

    async def _endings(self) -> None:
        await self._until(self._all_ended, "every delivery's end", fail=False)
        await self._until(
            lambda: not self.sandbox.world.queries, "the second press", fail=False
        )
        lines = await self._lines()
        for who, ending in self._expected():
            line = lines.get(who)
            self.result.rows.append((ending, line, ending.matches(line)))
        await self._check()
        story = self._story_of(self.people.groups[0].id)
        self.result.received = [
            (self.people.groups[0].title, story),
            (
                f"{self.people.phones[0].name} on WhatsApp",
                self._story_of(self.people.phones[0].whatsapp),
            ),
        ]

    def _expected(self) -> list[tuple[str, Ending]]:
        """The table: who, what trouble, and how it ends."""
        people = self.people
        accepted = frozenset({State.ACCEPTED})
        read, delivered = frozenset({State.READ}), frozenset({State.DELIVERED})
        return [
            (str(people.groups[0].id), Ending("group one", "none", accepted, 1)),
            (
                str(self._new_id),
                # Followed by the update if that came first, by the refusal if not.
                Ending("group two", "becomes a supergroup", accepted, self._moves()),
            ),
            (
                str(people.groups[2].id),
                Ending(
                    "group three",
                    "bot may not send there",
                    frozenset({State.SUSPENDED}),
                    1,
                    standing=Standing.SUSPENDED,
                ),
            ),
            (str(people.channel.id), Ending("Telegram channel", "none", accepted, 1)),
            (str(people.readers[0].id), Ending("reader one", "none", accepted, 1)),
            (
                str(people.readers[1].id),
                Ending(
                    "reader two",
                    "has blocked the bot",
                    frozenset({State.FAILED}),
                    1,
                    kind=FailureKind.BLOCKED,
                    enrolled=False,
                    standing=Standing.GONE,
                ),
            ),
            (
                str(people.readers[2].id),
                Ending("reader three", "429, retry after 2 s", accepted, 2),
            ),
            (_phone(people.phones[0]), Ending("WhatsApp one", "none", read, 1)),
            (_phone(people.phones[1]), Ending("WhatsApp two", "none", read, 1)),
            (
                _phone(people.phones[2]),
                Ending("WhatsApp three", "sent STOP", frozenset(), 0, enrolled=False),
            ),
            (
                _phone(people.phones[3]),
                Ending(
                    "WhatsApp four",
                    "window closed behind our back",
                    delivered,
                    2,
                    form=Form.TEMPLATE,
                ),
            ),
            (
                _phone(people.phones[4]),
                Ending("WhatsApp five", "never wrote", delivered, 1),
            ),
        ]

    def _moves(self) -> int:
        refused = [
            record
            for record in self.sandbox.log.sends(str(self._old_id))
            if record["status"] != 200  # noqa: PLR2004 - HTTP
        ]
        return 1 + len(refused)

    async def _check(self) -> None:
        """What the table cannot show: enrolments, notices, copies, addresses."""
        checks = self.result.checks
        enrolment, people = self.desk.enrolment, self.people
        for who, ending in self._expected():
            channel = Channel.WHATSAPP if who.startswith("+") else Channel.TELEGRAM
            found = await enrolment.find(Address(channel, who))
            enrolled = bool(found and found[1])
            good = enrolled is ending.enrolled and bool(
                found and found[0].standing is ending.standing
            )
            if (
                not good
                or not ending.enrolled
                or ending.standing is not Standing.ACTIVE
            ):
                words = "still enrolled" if ending.enrolled else "no longer enrolled"
                checks.append((f"{ending.name}: {words}", good))
        old = await enrolment.find(_telegram(self._old_id))
        new = await enrolment.find(_telegram(self._new_id))
        same = bool(old and new and old[0].id == new[0].id)
        checks.append(("group two's old address still leads to it", same))
        told = [
            message
            for message in self.world.messages(people.editor)
            if message.outgoing and people.groups[2].title in message.text
        ]
        checks.append(("the editor was told about group three", len(told) == 1))
        status = await self.desk.broadcaster.status(_known(self.result.broadcast))
        checks.append(
            ("the second press changed nothing", status[1].planned == self._planned)
        )
        checks.append(("nobody received the story twice", self._no_copies()))
        checks.append(("nothing was sent too fast", not self.sandbox.log.refusals()))

    def _no_copies(self) -> bool:
        """The sandbox's log is the judge: one visible copy a recipient."""
        headline = self._headline()
        people = self.people
        start = self._broadcast_began()
        for who in (
            str(people.groups[0].id),
            str(self._new_id),
            str(people.channel.id),
            *(str(each.id) for each in people.readers),
            *(each.whatsapp for each in people.phones),
        ):
            copies = [
                record
                for record in self.sandbox.log.copies_of(headline, who)
                if record.seq > start
            ]
            if len(copies) > 1:
                return False
        return True

    # --- looking ---------------------------------------------------------------

    def _headline(self) -> str:
        story = self._story_of(self.people.groups[0].id)
        return story.split("\n", 1)[0].strip() or "\0"

    def _broadcast_began(self) -> int:
        presses = [
            record
            for record in self.sandbox.log
            if record.kind == "action" and record.fields.get("action") == "press"
        ]
        return presses[0].seq if presses else 0

    def _story_of(self, where: int | str) -> str:
        sent = self.sandbox.log.from_us(str(where))
        return str(sent[-1]["text"]) if sent else ""

    def _sent(self, where: int | str) -> int:
        return len(self.sandbox.log.from_us(str(where)))

    async def _lines(self) -> dict[str, DeliveryLine]:
        """The report's lines by the recipient's present address."""
        lines = await self.desk.broadcaster.report(_known(self.result.broadcast))
        found = {}
        async with self.desk.database.snapshot() as tx:
            for line in lines:
                who = await tx.recipients.get(line.delivery.recipient)
                found[who.address.value] = line
        return found

    async def _all_ended(self) -> bool:
        lines = await self._lines()
        return all(ending.matches(lines.get(who)) for who, ending in self._expected())

    async def _anything_accepted(self) -> bool:
        _, coverage = await self.desk.broadcaster.status(_known(self.result.broadcast))
        return coverage.arrived > 0

    async def _answered(self, person: Person) -> None:
        await self._until(lambda: self._sent(person.id) > 0, f"{person.name}'s answer")

    async def _enrolled(self, who: int | str | Person) -> None:
        address = _telegram(who) if isinstance(who, int | str) else _whatsapp(who)

        async def joined() -> bool:
            found = await self.desk.enrolment.find(address)
            return bool(found and found[1])

        await self._until(joined, "an enrolment")

    async def _known(self, chat: int | str) -> None:
        async def known() -> bool:
            return await self.desk.enrolment.find(_telegram(chat)) is not None

        await self._until(known, "a group to be noticed")

    async def _picker(self, person: Person) -> int:
        def offered() -> int | None:
            for message in reversed(self.world.messages(person)):
                for row in (message.keyboard or {}).get("keyboard", []):
                    for button in row:
                        if "request_chat" in button:
                            return int(button["request_chat"]["request_id"])
            return None

        await self._until(lambda: offered() is not None, "the channel picker")
        return offered() or 0

    async def _offer(self) -> Message:
        def offered() -> Message | None:
            for message in reversed(self.world.messages(self.people.editor)):
                if message.outgoing and message.buttons:
                    return message
            return None

        await self._until(lambda: offered() is not None, "the editor's preview")
        found = offered()
        if found is None:
            raise TimeoutError("no preview came")
        return found

    async def _until(
        self,
        question: Callable[[], bool] | Callable[[], Awaitable[bool]],
        what: str,
        *,
        fail: bool = True,
    ) -> None:
        """Wait until *question* says yes; the demo's people are patient."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while loop.time() < end:
            answer = question()
            if not isinstance(answer, bool):
                answer = await answer
            if answer:
                return
            await asyncio.sleep(0.05)
        if fail:
            raise TimeoutError(f"waited {PATIENCE:.0f} s for {what}")


def _known(broadcast: BroadcastId | None) -> BroadcastId:
    if broadcast is None:
        raise LookupError("nothing has been broadcast yet")
    return broadcast


def _number(desk: Desk) -> str:
    return desk.newsroom.whatsapp_number


def _phone(person: Person) -> str:
    return person.phone or ""


def _telegram(chat: int | str) -> Address:
    return Address(Channel.TELEGRAM, str(chat))


def _whatsapp(person: Person) -> Address:
    return Address(Channel.WHATSAPP, _phone(person))
