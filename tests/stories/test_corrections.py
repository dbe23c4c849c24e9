"""A correction and a recall of what thousands have: the phones and the report agree."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from sqlalchemy import literal, select

from bot.domain.articles import Draft
from bot.domain.corrections import Outcome
from bot.domain.deliveries import State
from bot.domain.recipients import Kind, Standing
from storage.tables import enrolments, recipients
from tests.stories.stage import AUDIENCE, NEWS, Stage, telegram, whatsapp

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bot.domain.corrections import CorrectionPlan
    from bot.sandbox import Chat, Message, Person

RIGHT = "The pass is shut"
CORRECTED = Draft(
    text="The pass shut on Friday, the army said. Three hundred trucks had waited.",
    headline=RIGHT,
    link=NEWS.link,
    language="en",
)
READERS, GROUPS, PHONES = 2_400, 300, 300
TEN = 10


async def enrol(stage: Stage) -> tuple[list[Person], list[Chat], list[Person]]:
    """Three thousand recipients, in one transaction: their joining is another story."""
    readers = [
        stage.world.person(f"Reader {n}", language="en", started=True)
        for n in range(READERS)
    ]
    keeper = stage.world.person("Keeper", language="en")
    groups = [
        stage.world.group(f"Group {n}", [], [keeper], with_bot=True)
        for n in range(GROUPS)
    ]
    phones = [
        stage.world.person(f"Phone {n}", phone=f"+9230055{n:05d}")
        for n in range(PHONES)
    ]
    network = stage.sandbox.twilio.network
    now = stage.desk.clock.now()
    async with stage.desk.database.transaction() as tx:
        audience = await tx.audiences.by_name(AUDIENCE)
        connection = tx.recipients._connection  # type: ignore[attr-defined] # in bulk
        await connection.run(
            recipients.insert(),
            [
                {
                    **connection.keys.stored(address),
                    "kind": kind,
                    "title": "",
                    "language": "",
                    "standing": Standing.ACTIVE,
                    "standing_reason": "",
                    "strikes": 0,
                    "created_at": now,
                    "last_inbound_at": now,
                }
                for address, kind in [
                    *((telegram(each), Kind.READER) for each in readers),
                    *((telegram(each), Kind.GROUP) for each in groups),
                    *((whatsapp(each), Kind.READER) for each in phones),
                ]
            ],
        )
        await connection.run(
            enrolments.insert().from_select(
                ["audience_id", "recipient_id", "began_at", "end_reason"],
                select(
                    literal(audience.id),
                    recipients.c.id,
                    literal(now, enrolments.c.began_at.type),
                    literal(""),
                ),
            )
        )
    for phone in phones:
        network.windows[phone.whatsapp] = stage.sandbox.clock() + 23 * 3600
    return readers, groups, phones


def ours(stage: Stage, chats: Iterable[Person | Chat]) -> list[Message]:
    """What people see of ours by now, as the sandbox has it."""
    return [
        message
        for chat in chats
        for message in stage.world.messages(chat)
        if message.outgoing and not message.deleted
    ]


async def go(stage: Stage, plan: CorrectionPlan) -> Counter[Outcome]:
    """Confirm a change, wait for its end, and return its report's numbers."""
    assert await stage.desk.broadcaster.confirm(plan.broadcast.id)
    await stage.finished(plan.broadcast.id, timeout=180)
    report = await stage.desk.corrections.report(plan.broadcast.id)
    assert len(report.missed) == report.counts[Outcome.BEYOND_REACH]
    return report.counts


async def test_what_thousands_have_is_corrected_and_recalled_wherever_it_can_be(  # noqa: C901 - one story, told from its beginning
    stage: Stage,
):
    stage.values |= {
        "telegram_rate": 1000,
        "whatsapp_rate": 400,
        "concurrency": 100,
    }
    async with stage.office():
        readers, groups, phones = await enrol(stage)
    chats: list[Person | Chat] = [*readers, *groups]
    silent, unsent, blocking, deleting, odd, lost, slow, *_ = (
        readers[at : at + TEN] for at in range(0, READERS, TEN)
    )
    moving, muted = groups[:TEN], groups[TEN : 2 * TEN]
    refusing, closing = phones[:TEN], phones[TEN : 2 * TEN]
    faults = stage.faults
    for reader in silent:
        faults.cut_after(to=reader, method="sendMessage")
    for reader in unsent:
        faults.cut_before(to=reader, method="sendMessage")
    for phone in refusing:
        await stage.world.refuse_with(phone, 63024)
    async with stage.app() as desk:
        broadcast = await stage.broadcast()
        await stage.finished(broadcast, timeout=180)
        states = await stage.states(broadcast)
        assert states[State.DOUBTFUL] == 2 * TEN

        # Afterwards much goes its way.
        for reader in blocking:
            await stage.world.block(reader)
        for reader in deleting:
            stage.world.messages(reader)[-1].deleted = True
        for group in moving:
            await stage.world.migrate(group)
        for phone in closing:
            stage.world.close_window(phone)
        for reader in odd:
            faults.cut_after(to=reader, method="editMessageText")
        for reader in lost:
            faults.error(502, "Bad Gateway", to=reader, method="editMessageText")
        for reader in slow:
            faults.too_many(1, to=reader, method="editMessageText")
        for group in muted:
            faults.cut_before(to=group, method="editMessageText")
        await stage.idle()

        article = await desk.editorial.take_in(CORRECTED)
        counts = await go(
            stage, await desk.corrections.correct(broadcast, article, by="test")
        )
        seen = Counter(RIGHT in message.text for message in ours(stage, chats))
        told = [
            message
            for phone in phones
            for message in stage.world.messages(phone, whatsapp=True)
            if message.outgoing and RIGHT in message.text
        ]
        reachable = len(chats) - 5 * TEN
        assert seen == {True: reachable, False: 3 * TEN}
        assert counts == {
            Outcome.EDITED: reachable,
            Outcome.NOTICED: len(phones) - TEN,
            Outcome.BEYOND_REACH: 5 * TEN,
        }
        assert len(told) == counts[Outcome.NOTICED]
        assert not stage.log.doubled()


async def test_a_recall_leaves_nothing_on_any_screen_where_it_can_be_taken_back(
    stage: Stage,
):
    async with stage.office():
        readers = await stage.readers(20)
        groups = await stage.groups(5)
        phones = await stage.phones(5)
    gone, old = readers[0], readers[1]
    async with stage.app() as desk:
        broadcast = await stage.broadcast()
        await stage.finished(broadcast)
        stage.world.messages(gone)[-1].deleted = True
        stage.faults.error(
            400,
            "Bad Request: message can't be deleted for everyone",
            to=old,
            method="deleteMessage",
        )
        counts = await go(stage, await desk.corrections.recall(broadcast, by="test"))
        (left,) = ours(stage, [*readers, *groups])
        assert "withdrawn this message" in left.text
        deleted = len(readers) + len(groups) - 1
        assert counts == {
            Outcome.DELETED: deleted,  # what its reader had deleted is gone, too
            Outcome.EDITED: 1,
            Outcome.NOTICED: len(phones),
        }
        assert len(stage.log.deletes()) == deleted - 1
        for phone in phones:
            *_, last = stage.world.messages(phone, whatsapp=True)
            assert "withdrawn a story" in last.text
        assert (await stage.states(broadcast))[State.RECALLED] == deleted + 1
