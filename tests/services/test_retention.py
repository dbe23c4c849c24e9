"""Nothing about people is kept for longer than was decided."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import text

from bot import retention
from bot.domain.deliveries import Progress, Receipt, Reference, State
from bot.domain.errors import LinkUnknown, Refusal
from bot.domain.inbound import Inbound
from bot.domain.keeping import Keeping
from bot.domain.recipients import Channel, Kind
from bot.retention import Retention
from tests.services.conftest import Stand

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
KEEPING = Keeping(updates=7 * DAY, deliveries=30 * DAY, consents=365 * DAY)


def looking(stand: Stand) -> Retention:
    """One that was started just now, and runs as long as the clock goes on."""
    began = stand.clock.now()

    def seconds() -> float:
        return (stand.clock.now() - began).total_seconds()

    return Retention(
        database=stand.database,
        clock=stand.clock,
        keeping=KEEPING,
        seconds=seconds,
    )


@pytest.fixture
async def erasing(stand: Stand) -> Retention:
    """It has looked once, when there was nothing."""
    retention = looking(stand)
    await retention.run("all")
    return retention


async def count(stand: Stand, table: str) -> int:
    async with stand.database.snapshot() as tx:
        statement = text(f"SELECT count(*) FROM {table}")  # noqa: S608 - a table's name
        return int(await tx.inbox._connection.value(statement))


async def come_in(stand: Stand, number: int) -> None:
    """An update, handled at once."""
    now = stand.clock.now()
    entry = Inbound(
        channel=Channel.TELEGRAM,
        key=f"update:{number}",
        payload={"text": "hello"},
        received_at=now,
    )
    async with stand.database.transaction() as tx:
        await tx.inbox.store([entry])
        [stored] = await tx.inbox.waiting(limit=1)
        assert stored.id is not None
        await tx.inbox.done(stored.id, now=now)


async def test_a_year_passes_and_only_counts_and_news_are_left(
    stand, erasing, monkeypatch
):
    monkeypatch.setattr(retention, "BATCH", 2)
    staying = [await stand.reader(number) for number in range(1, 4)]
    leaving = await stand.reader(9, Channel.WHATSAPP)
    plan = await stand.send()
    await come_in(stand, 1)
    await stand.editorial.invite_editor("Meera")
    await stand.replies.answer(leaving, Kind.READER, ["Hello."], key="update:1")
    await stand.work()
    await stand.sweep.run("all")
    await stand.enrolment.leave(leaving)
    _, before = await stand.broadcaster.status(plan.broadcast.id)
    assert before.states == {State.ACCEPTED: 4}

    start = stand.clock.now()
    left: list[tuple[int, ...]] = []
    tables = (
        *("inbound", "reply", "delivery", "attempt"),
        *("consent", "recipient", "invitation"),
    )
    for days in (0, 8, 40, 400):
        for eve in (DAY, 0 * DAY):  # after a leap the clock is believed a day later
            stand.clock.set(max(start, start + days * DAY - eve))
            await erasing.run("all")
        left.append(tuple([await count(stand, each) for each in tables]))
    assert left == [
        (1, 1, 4, 4, 4, 4, 1),
        (0, 0, 4, 4, 4, 4, 1),
        (0, 0, 0, 0, 4, 4, 0),
        (0, 0, 0, 0, 3, 3, 0),
    ]
    _, after = await stand.broadcaster.status(plan.broadcast.id)
    assert after == before
    assert after.arrived == 4
    assert await stand.broadcaster.report(plan.broadcast.id) == []
    assert await stand.enrolment.find(leaving) is None
    for reader in staying:
        assert await stand.enrolment.find(reader) is not None
    await stand.send("The market burnt on Sunday, the police said. Nobody was hurt.")
    assert [await count(stand, each) for each in ("delivery", "attempt")] == [3, 3]


async def test_what_is_not_over_is_left_alone_however_old_it_is(stand, erasing):
    await stand.reader(1)
    plan = await stand.plan()
    stand.clock.set(stand.clock.now() + 400 * DAY)
    await erasing.run("all")

    assert (await stand.only(plan)).state is State.QUEUED


async def test_a_late_report_of_a_delivery_long_gone_changes_nothing(stand, erasing):
    await stand.reader(1, Channel.WHATSAPP)
    plan = await stand.send()
    delivery = await stand.only(plan)
    await stand.sweep.run("all")
    stand.clock.set(stand.clock.now() + 40 * DAY)
    await erasing.run("all")

    late = Receipt(
        reference=Reference(delivery.id, 1),
        progress=Progress.FAILED,
        provider_id="SM1",
        code="63016",
    )
    await stand.broadcaster.receive(Channel.WHATSAPP, late)
    _, coverage = await stand.broadcaster.status(plan.broadcast.id)
    assert coverage.states == {State.ACCEPTED: 1}


async def test_between_two_batches_everybody_has_their_turn(
    stand, erasing, monkeypatch
):
    monkeypatch.setattr(retention, "BATCH", 1)
    for number in range(3):
        await come_in(stand, number)
    # A moment past the bound: what is exactly as old as that is kept still.
    stand.clock.set(stand.clock.now() + 8 * DAY + retention.PAUSE)
    began = stand.clock.now()
    await erasing.run("all")

    assert await count(stand, "inbound") == 0
    assert stand.clock.now() - began == 3 * retention.PAUSE


async def test_whoever_was_forgotten_comes_back_by_themselves_only(stand):
    reader = await stand.reader(9, Channel.WHATSAPP)
    plan = await stand.plan()
    assert await stand.enrolment.forget(reader)
    assert not await stand.enrolment.forget(reader), "nobody is there any more"
    await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.work()

    assert stand.whatsapp.sent == []
    with pytest.raises(Refusal, match="asked to be forgotten"):
        await stand.reader(9, Channel.WHATSAPP)
    link = await stand.enrolment.create_link("valley", Kind.READER)
    welcome = await stand.enrolment.redeem_words(
        f"JOIN {link.code}", by=reader, agreed_by="whatsapp:reader"
    )
    assert welcome is not None
    assert welcome.new
    await stand.reader(9, Channel.WHATSAPP)


async def test_forgotten_while_their_message_is_worked_off(stand):
    """Another process forgets them between two steps of ours."""
    reader = await stand.reader(9, Channel.WHATSAPP)
    link = await stand.enrolment.create_link("valley", Kind.READER)
    wrote_at = stand.clock.now()
    assert await stand.enrolment.heard_from(reader, Kind.READER, at=wrote_at)
    assert await stand.enrolment.forget(reader)

    for redeemed in (
        stand.enrolment.redeem_words(
            f"JOIN {link.code}", by=reader, agreed_by="reader", written_at=wrote_at
        ),
        stand.enrolment.redeem(
            link.token,
            by=reader,
            kind=Kind.READER,
            agreed_by="reader",
            written_at=wrote_at,
        ),
    ):
        with pytest.raises(LinkUnknown):
            await redeemed
    await stand.replies.answer(reader, Kind.READER, ["Welcome!"], key="update:1")

    assert await stand.enrolment.find(reader) is None
    assert await count(stand, "reply") == 0


async def test_a_clock_that_is_ahead_erases_nothing_until_it_was_so_for_a_day(
    stand, erasing, caplog
):
    await come_in(stand, 1)
    await stand.reader(1)
    stand.clock.advance(DAY)
    await erasing.run("all")
    right, wrong = stand.clock.now(), stand.clock.now() + 4 * 365 * DAY

    for hours in (0, 20):
        stand.clock.set(wrong + hours * HOUR)
        started = looking(stand)
        await started.run("all")
        stand.clock.advance(20 * HOUR)
        await started.run("all")
    assert await count(stand, "inbound") == 1
    assert "erased" not in caplog.messages
    assert len([each for each in caplog.messages if "clock" in each]) == 2, "two starts"

    stand.clock.set(right + 10 * DAY)
    await looking(stand).run("all")
    assert await count(stand, "inbound") == 1, "it stood still, or leapt: who knows"
    stand.clock.set(right + DAY)
    await looking(stand).run("all")
    stand.clock.advance(DAY)
    await looking(stand).run("all")
    assert await count(stand, "inbound") == 1, "too young"


async def test_a_desk_that_stood_still_for_long_erases_after_a_day(stand, erasing):
    await come_in(stand, 1)
    stand.clock.advance(400 * DAY)
    started = looking(stand)
    await started.run("all")
    stand.clock.advance(23 * HOUR)
    await started.run("all")
    assert await count(stand, "inbound") == 1

    stand.clock.advance(HOUR)
    await started.run("all")
    assert await count(stand, "inbound") == 0


def on_disk(stand: Stand) -> bytes:
    """The database as it lies there while the desk works, its log included."""
    folder = stand.database._path.parent
    return b"".join(each.read_bytes() for each in folder.glob("harkara.db*"))


async def test_nothing_of_who_was_forgotten_is_left_in_the_log(stand):
    reader = await stand.reader(5_550_001_112)
    assert reader.value.encode() in on_disk(stand)
    await stand.enrolment.forget(reader)

    assert reader.value.encode() not in on_disk(stand)


async def test_nothing_of_what_was_erased_is_left_in_the_log(stand, erasing):
    reader = await stand.reader(5_550_001_112)
    await stand.enrolment.leave(reader)
    stand.clock.advance(400 * DAY)
    await erasing.run("all")

    assert await stand.enrolment.find(reader) is None
    assert reader.value.encode() not in on_disk(stand)


async def test_whoever_reads_meanwhile_keeps_the_log_for_a_while(stand):
    reader = await stand.reader(1)
    async with stand.database.snapshot() as tx:
        await tx.recipients.find(reader)
        await stand.reader(2)
        assert not await stand.database.checkpoint()
    assert await stand.database.checkpoint()
