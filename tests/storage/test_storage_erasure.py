"""Erasing: what has ended goes, what has not stays, and the counts stay the same."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, text

from bot.domain.broadcasts import BroadcastId, BroadcastState
from bot.domain.deliveries import Action, Form, Progress, State
from bot.domain.inbound import Inbound
from bot.domain.recipients import Address, Channel, Kind, RecipientId
from bot.ports import NewReply
from storage import SqliteDatabase
from storage.tables import (
    attempts,
    broadcasts,
    consents,
    deliveries,
    enrolments,
    inbound,
    invitations,
    recipients,
    replies,
)
from tests.storage.desk import CONSENT, MESSAGE, NOW, Desk
from tests.storage.plans import reads_all_of, steps

DAY = timedelta(days=1)
LATER = NOW + 400 * DAY
ENDED = set(State) - {State.QUEUED, State.LEASED, State.SENDING, State.SUSPENDED}
OVER = {BroadcastState.FINISHED, BroadcastState.CANCELLED}


async def count(database: SqliteDatabase, table: Any) -> int:
    async with database.snapshot() as tx:
        return int(
            await tx.recipients._connection.value(
                select(func.count()).select_from(table)
            )
        )


async def dropped(tx: Any, before: datetime) -> int:
    """Drop whoever can be dropped; how many."""
    some = await tx.erasure.unmentioned(before, limit=9)
    return int(await tx.erasure.recipients(some, before=before))


# --- the ledger ----------------------------------------------------------------

ledgers = st.lists(
    st.tuples(
        st.sampled_from(BroadcastState),
        st.integers(-3, 3),  # days from the bound to the broadcast's expiry
        st.lists(st.sampled_from(State), max_size=8),
    ),
    max_size=5,
)


async def written(
    database: SqliteDatabase, ledger: Any, *, bound: Any
) -> list[BroadcastId]:
    """Write a ledger past the port; return the broadcasts' numbers."""
    desk = Desk(database)
    sender, audience = await desk.sender(), await desk.audience()
    people = [await desk.recipient() for _ in range(8)]
    numbers = []
    for state, days, states in ledger:
        made = await desk.broadcast(audience)
        numbers.append(made.id)
        async with database.transaction() as tx:
            connection = tx.recipients._connection
            await connection.run(
                broadcasts.update()
                .where(broadcasts.c.id == made.id)
                .values(state=state, expires_at=bound + days * DAY)
            )
            for who, each in zip(people, states, strict=False):
                number = await connection.add(
                    deliveries,
                    broadcast_id=made.id,
                    recipient_id=who.id,
                    audience_id=audience.id,
                    sender_id=sender,
                    part=1,
                    action=Action.SEND,
                    state=each,
                    epoch=0,
                    due_at=NOW,
                    attempts=1,
                    failure_code="",
                    reason="",
                    target="",
                )
                await connection.run(
                    attempts.insert().values(
                        delivery_id=number,
                        number=1,
                        form=Form.TEXT,
                        progress=Progress.SENDING,
                        started_at=NOW,
                        provider_id="",
                        code="",
                    )
                )
    return numbers


async def seen(database: SqliteDatabase, numbers: list[BroadcastId]) -> tuple[Any, Any]:
    """Every broadcast's coverage, and every row with its attempts."""
    async with database.snapshot() as tx:
        coverage = {n: (await tx.deliveries.coverage(n)).states for n in numbers}
        which = await tx.recipients._connection.values(select(deliveries.c.id))
        return coverage, await tx.deliveries.load(which)


@settings(
    max_examples=20,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ledger=ledgers, limit=st.integers(1, 5), batches=st.integers(1, 20))
def test_folding_takes_the_ended_rows_of_old_broadcasts_and_no_count_changes(
    empty, ledger, limit, batches
):
    """Also where it is broken off after a few batches."""

    async def tried(path: Path) -> None:
        async with await SqliteDatabase.open(path, exclusive=True) as database:
            numbers = await written(database, ledger, bound=NOW)
            before, rows = await seen(database, numbers)
            facts = dict(zip(numbers, ledger, strict=True))
            due = {
                key
                for key, (row, _) in rows.items()
                if row.state in ENDED
                and facts[row.broadcast][0] in OVER
                and facts[row.broadcast][1] < 0
            }
            folded = 0
            for batch in range(batches):
                if batch == 1:
                    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - in its middle
                        async with database.transaction() as tx:
                            await tx.erasure.deliveries(NOW, limit=limit)
                            raise ZeroDivisionError
                async with database.transaction() as tx:
                    folded += await tx.erasure.deliveries(NOW, limit=limit)
            after, left = await seen(database, numbers)

            assert after == before, "a report's totals stay"
            assert folded == min(len(due), limit * batches)
            assert len(left) == len(rows) - folded
            assert all(left[key] == rows[key] for key in left), "no other row changes"
            assert set(rows) - set(left) <= due
            assert await count(database, attempts) == len(left)

    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(tried(Path(shutil.copy(empty, Path(folder) / "harkara.db"))))


# --- what came in ----------------------------------------------------------------


def entry(number: int, *, days: int = 0) -> Inbound:
    return Inbound(
        channel=Channel.TELEGRAM,
        key=f"update:{number}",
        payload={"text": f"word {number}"},
        received_at=NOW + days * DAY,
    )


async def kept(database: SqliteDatabase) -> dict[str, bool]:
    """The keys that are known, and whether there is anything behind them."""
    async with database.snapshot() as tx:
        rows = await tx.inbox._connection.rows(select(inbound))
    return {row.key: bool(row.payload) for row in rows}


async def test_words_go_before_the_key_and_a_repeat_is_still_known(database):
    async with database.transaction() as tx:
        await tx.inbox.store([entry(1), entry(2), entry(3), entry(4)])
        one, two, three, _ = await tx.inbox.waiting(limit=9)
        await tx.inbox.done(one.id, now=NOW)
        await tx.inbox.done(two.id, now=NOW + DAY)
        await tx.inbox.done(three.id, now=NOW, error="ValueError")
        words = tx.erasure.words
        assert await words(NOW + DAY, set_aside=NOW, limit=9) == 1
        assert await words(NOW + DAY, set_aside=NOW, limit=9) == 0
        assert await tx.inbox.store([entry(1)]) == 0

    assert await kept(database) == {
        "update:1": False,
        "update:2": True,
        "update:3": True,
        "update:4": True,
    }
    async with database.transaction() as tx:
        drop = tx.erasure.inbound
        assert await drop(handled=LATER, set_aside=NOW, limit=1) == 1
        assert await drop(handled=LATER, set_aside=NOW, limit=9) == 1
    assert set(await kept(database)) == {"update:3", "update:4"}
    async with database.transaction() as tx:
        assert await tx.erasure.inbound(handled=LATER, set_aside=LATER, limit=9) == 1
        [waiting] = await tx.inbox.waiting(limit=9)
    assert waiting.payload == {"text": "word 4"}, "what waits has not ended"


async def test_the_last_message_loses_its_words_though_it_was_set_aside(database):
    """It stays, as the mark of how far we have heard."""
    last = Inbound(
        channel=Channel.WHATSAPP,
        key="message:SM1",
        payload={"Body": "a word"},
        received_at=NOW,
    )
    async with database.transaction() as tx:
        await tx.inbox.store([last])
        [stored] = await tx.inbox.waiting(limit=9)
        await tx.inbox.done(stored.id, now=NOW, error="ValueError")
        words = tx.erasure.words
        assert await words(LATER, set_aside=NOW, limit=9) == 0, "somebody may look"
        await tx.erasure.inbound(handled=LATER, set_aside=LATER, limit=9)
        assert await words(LATER, set_aside=LATER, limit=9) == 1
        assert await words(LATER, set_aside=LATER, limit=9) == 0

    assert await kept(database) == {"message:SM1": False}


async def test_the_last_message_stays_and_is_not_searched_for(database, statements):
    """The lock is held meanwhile, and reports are many."""
    moments = {"message:1": NOW, "message:2": NOW + DAY, "status:1:sent": NOW + 2 * DAY}
    async with database.transaction() as tx:
        await tx.inbox.store(
            [
                replace(entry(0), key=key, received_at=moment)
                for key, moment in moments.items()
            ]
        )
        for each in await tx.inbox.waiting(limit=9):
            assert each.id is not None
            await tx.inbox.done(each.id, now=NOW)
    statements.clear()
    async with database.transaction() as tx:
        assert await tx.erasure.inbound(handled=LATER, set_aside=LATER, limit=9) == 2
        [(statement, parameters)] = [
            each for each in statements if each[0].startswith("DELETE")
        ]
        plan = steps(tx.inbox._connection._connection, statement, parameters)

    assert set(await kept(database)) == {"message:2"}
    assert [each for each in plan if "ix_inbound_messages" in each]
    whole = [each for each in plan if reads_all_of(each, "inbound")]
    assert [each for each in whole if "USING" not in each] == []


async def test_answers_go_once_settled_and_not_before_what_may_ask_again(
    database, desk
):
    sender, reader = await desk.sender(), await desk.recipient()
    async with database.transaction() as tx:
        await tx.replies.add(
            [
                NewReply(key=key, sender=sender, recipient=reader.id, message=MESSAGE)
                for key in ("settled", "queued")
            ],
            now=NOW,
        )
        await tx.replies.settle(1, State.ACCEPTED, provider_id="7")
        await tx.inbox.store([entry(1, days=-1)])
        assert await tx.erasure.replies(LATER, limit=9) == 0, "it may be asked again"
        [waiting] = await tx.inbox.waiting(limit=9)
        await tx.inbox.done(waiting.id, now=NOW)
        assert await tx.erasure.replies(NOW, limit=9) == 0, "too young"
        assert await tx.erasure.replies(LATER, limit=9) == 1
    async with database.snapshot() as tx:
        keys = await tx.replies._connection.values(select(replies.c.key))
    assert keys == ["queued"]


# --- people ----------------------------------------------------------------


async def test_who_left_long_ago_goes_with_the_evidence_and_who_stays_stays(
    database, desk
):
    audience = await desk.audience()
    left = await desk.recipient(audience)
    stays = await desk.recipient(audience)
    stranger = await desk.recipient()
    async with database.transaction() as tx:
        await tx.audiences.unenrol(left.id, reason="asked to", now=NOW)
        assert await tx.erasure.enrolments(NOW, limit=9) == 0, "too young"
        assert await dropped(tx, LATER) == 1, "the stranger"
        assert await tx.erasure.enrolments(LATER, limit=9) == 1
        assert await dropped(tx, NOW) == 0, "too young"
        assert await dropped(tx, LATER) == 1
    assert await count(database, consents) == 1
    async with database.snapshot() as tx:
        assert await tx.audiences.members(audience.id) == [stays]
        for gone in (left, stranger):
            assert await tx.recipients.find(gone.address) is None


async def test_whoever_is_mentioned_anywhere_stays(database, desk):
    audience = await desk.audience()
    enrolled, editor, asked, merged = [
        await desk.recipient(*([audience] if place == 0 else [])) for place in range(4)
    ]
    pending = await desk.recipient()
    sender = await desk.sender()
    await desk.broadcast(audience)
    async with database.transaction() as tx:
        await tx.audiences.unenrol(enrolled.id, reason="asked to", now=NOW)
        await tx.erasure.enrolments(LATER, limit=9)
        await tx.editors.add(editor.id, name="Asma", now=NOW)
        reply = NewReply(key="k", sender=sender, recipient=asked.id, message=MESSAGE)
        await tx.replies.add([reply], now=NOW)
        await tx.recipients.leave_at(pending.id, LATER)
        await tx.recipients.heard_from(merged.id, LATER)
        assert await dropped(tx, LATER) == 0
    assert await count(database, recipients) == 5


async def test_whoever_is_mentioned_meanwhile_stays(database, desk):
    """Between the look and the deed somebody may join."""
    audience, stranger = await desk.audience(), await desk.recipient()
    async with database.snapshot() as tx:
        some = await tx.erasure.unmentioned(LATER, limit=9)
    assert some == [stranger.id]
    async with database.transaction() as tx:
        await tx.audiences.enrol(
            audience.id, stranger.id, link=None, consent=CONSENT, now=NOW
        )
        assert await tx.erasure.recipients(some, before=LATER) == 0


async def test_one_that_lives_on_in_another_goes_before_it(database, desk):
    old, new = await desk.recipient(), await desk.recipient()
    async with database.transaction() as tx:
        await tx.recipients.move(old.address, new.address)
        assert await dropped(tx, LATER) == 1
        assert (await tx.recipients.get(old.id)).address == new.address
        assert await dropped(tx, LATER) == 1
    assert await count(database, recipients) == 0


async def test_whoever_asks_is_forgotten_and_their_rows_name_nobody(database, desk):
    audience = await desk.audience()
    old, reader = Address(Channel.WHATSAPP, "+923001"), "+923002"
    sender = await desk.sender(Channel.WHATSAPP)
    async with database.transaction() as tx:
        made = await tx.recipients.ensure(old, Kind.READER, title="Gul", now=NOW)
        await tx.audiences.enrol(
            audience.id, made.id, link=None, consent=CONSENT, now=NOW
        )
        new = Address(Channel.WHATSAPP, reader)
        await tx.recipients.move(old, new)
        await tx.editors.add(made.id, name="Gul", now=NOW)
        reply = NewReply(key="k", sender=sender, recipient=made.id, message=MESSAGE)
        await tx.replies.add([reply], now=NOW)
    broadcast = await desk.broadcast(audience)
    async with database.transaction() as tx:
        await tx.deliveries.plan(
            broadcast.id,
            parts={(audience.id, Channel.WHATSAPP): 1},
            senders={Channel.WHATSAPP: sender},
            now=NOW,
        )
        await tx.audiences.unenrol(made.id, reason="forgotten", now=NOW)
        await tx.erasure.forget(made.id)
        await tx.erasure.forget(RecipientId(999))

    async with database.snapshot() as tx:
        assert await tx.recipients.find(old) is None
        assert await tx.recipients.find(new) is None
        [line] = await tx.deliveries.report(broadcast.id)
        assert (line.title, line.delivery.state) == ("", State.SKIPPED)
        shell = await tx.recipients.get(made.id)
        assert shell.address.value == f"forgotten {made.id}"
        assert await tx.editors.all() == []
    for table in (enrolments, consents, replies):
        assert await count(database, table) == 0
    async with database.transaction() as tx:
        again = await tx.recipients.ensure(new, Kind.READER, now=NOW)
    assert again.id != made.id, "who comes back is somebody new"


async def test_invitations_go_once_used_or_expired(database):
    async with database.transaction() as tx:
        for name, days in (("used", 9), ("expired", 2), ("open", 9)):
            await tx.editors.add_invitation(
                name, name=name.title(), expires_at=NOW + days * DAY
            )
        assert await tx.editors.use_invitation("used", now=NOW) == "Used"
        drop = tx.erasure.invitations
        assert await drop(NOW, limit=9) == 0, "too young"
        assert await drop(NOW + DAY, limit=9) == 1
        assert await drop(NOW + 3 * DAY, limit=1) == 1
        assert await drop(NOW + 3 * DAY, limit=1) == 0
        assert await tx.editors.use_invitation("open", now=NOW) == "Open"


async def test_with_an_editor_goes_the_invitation_that_names_them(database, desk):
    gul, meera = await desk.recipient(), await desk.recipient()
    async with database.transaction() as tx:
        for who, name in ((gul, "Gul"), (meera, "Meera")):
            await tx.editors.add_invitation(name, name=name, expires_at=LATER)
            await tx.editors.use_invitation(name, now=NOW)
            await tx.editors.add(who.id, name=name, now=NOW)
        await tx.editors.add_invitation("again", name="Gul", expires_at=LATER)
        await tx.erasure.forget(gul.id)
        left = await tx.editors._connection.values(select(invitations.c.token_hash))
    assert sorted(left) == ["Meera", "again"]


async def test_that_they_asked_is_known_by_a_hash_alone(database):
    chat = Address(Channel.TELEGRAM, "5550001112")
    async with database.transaction() as tx:
        await tx.erasure.suppress(chat, now=NOW)
        await tx.erasure.suppress(chat, now=NOW + DAY)
        assert await tx.erasure.suppressed(chat)
        assert await tx.erasure.suppressed(chat, written_at=NOW + DAY)
        assert not await tx.erasure.suppressed(chat, written_at=NOW + 2 * DAY)
        assert not await tx.erasure.suppressed(Address(Channel.WHATSAPP, chat.value))
        rows = await tx.erasure._connection.rows(text("SELECT * FROM suppression"))
        assert chat.value not in str(rows)
        await tx.erasure.welcome_back(chat)
        assert not await tx.erasure.suppressed(chat)


async def test_what_is_erased_is_overwritten(database, path):
    async with database.transaction() as tx:
        await tx.inbox.store([entry(number) for number in range(50)])
        sealed = await tx.inbox._connection.values(select(inbound.c.payload))
        for each in await tx.inbox.waiting(limit=99):
            assert each.id is not None
            await tx.inbox.done(each.id, now=NOW)
    async with database.transaction() as tx:
        assert await tx.erasure.inbound(handled=LATER, set_aside=NOW, limit=40) == 40
        assert await tx.erasure.words(LATER, set_aside=NOW, limit=99) == 10
    await database.close()
    left = b"".join(each.read_bytes() for each in path.parent.glob("harkara.db*"))

    assert [each for each in sealed if each[13:] in left] == []
