"""The short road for plain answers and the long one write the same rows."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from bot.domain.articles import Draft
from bot.domain.broadcasts import Lane
from bot.domain.deliveries import Form, Progress, Receipt, Reference, State
from bot.domain.errors import FailureKind
from bot.domain.outcomes import Report
from bot.domain.recipients import Address, Channel, Consent, Kind
from bot.ports import Lease
from bot.scribe import Call
from storage.tables import attempts, broadcasts, deliveries, recipients
from tests.services.conftest import Stand

PEOPLE = 40
NAMES = ("long", "short")


class Owner:
    """A pump, as far as the scribe needs one."""

    def __init__(self, stand: Stand, channel: Channel) -> None:
        self.sender = stand.senders[channel]
        self.epoch = 1
        self.rate = stand.rate
        self.sure = channel is Channel.TELEGRAM
        self.done: list[Call] = []
        self.errors: list[Exception | None] = []

    def marked(self, calls): ...

    def refused(self, calls, error):
        self.errors.append(error)
        self.done.extend(calls)

    def written(self, calls):
        self.done.extend(calls)


async def people(stand: Stand, channel: Channel) -> None:
    """The same number of readers in two audiences."""
    now = stand.clock.now()
    consent = Consent(source="by hand", agreed_by="test", evidence="a test")
    for place, name in enumerate(NAMES):
        audience = await stand.enrolment.create_audience(name, title=name)
        async with stand.database.transaction() as tx:
            for number in range(PEOPLE):
                unique = place * 1000 + number + 1
                value = str(unique)
                if channel is Channel.WHATSAPP:
                    value = f"+9230000{unique:05}"
                reader = await tx.recipients.ensure(
                    Address(channel, value), Kind.READER, now=now
                )
                await tx.audiences.enrol(
                    audience.id, reader.id, link=None, consent=consent, now=now
                )


def situation(rng: random.Random) -> dict[str, Any]:
    """Where a delivery may stand when an answer comes; half of them as they should."""
    plain = rng.random() < 0.5
    calls = rng.choice([1, 1, 2, 3])
    progress = [rng.choice(list(Progress)) for _ in range(calls)]
    if plain:
        progress[-1] = Progress.SENDING
        progress[:-1] = [Progress.REFUSED] * (calls - 1)
    return {
        "state": State.SENDING if plain else rng.choice(list(State)),
        "calls": calls,
        "progress": progress,
        "ids": [rng.choice(["", "", "other", "m"]) for _ in range(calls)],
        "forms": [rng.choice(list(Form)) for _ in range(calls)],
        "failure": rng.choice([None, None, FailureKind.REFUSED]),
        "strikes": rng.choice([0, 0, 2]),
        "form": rng.choice([None, None, Form.TEMPLATE]),
        "answered": calls if plain else rng.randint(1, calls),
        "rest": rng.choice([State.QUEUED, State.SUSPENDED, State.SKIPPED]),
    }


async def arrange(stand: Stand, name: str, cases, seed: int):
    """Plan a broadcast to *name*, and put its rows as *cases* say."""
    article = await stand.editorial.take_in(
        Draft(
            text=f"The {name} bridge reopened. Divers replaced two piers.",
            link=f"https://news.example/{name}/{seed}",
            language="en",
        )
    )
    plan = await stand.broadcaster.plan(article, [name], by="test")
    await stand.broadcaster.confirm(plan.broadcast.id)
    lines = await stand.lines(plan)
    async with stand.database.transaction() as tx:
        connection = tx.deliveries._connection
        for case, line in zip(cases, lines, strict=True):
            delivery = line.delivery
            await connection.run(
                update(deliveries)
                .where(deliveries.c.id == delivery.id)
                .values(
                    state=case["state"],
                    form=case["form"],
                    attempts=case["calls"],
                    failure_kind=case["failure"],
                    failure_code="400" if case["failure"] else "",
                    reason="so" if case["failure"] else "",
                )
            )
            await connection.run(
                attempts.insert(),
                [
                    {
                        "delivery_id": delivery.id,
                        "number": place + 1,
                        "form": case["forms"][place],
                        "progress": case["progress"][place],
                        "started_at": stand.clock.now(),
                        "provider_id": case["ids"][place],
                        "code": "",
                    }
                    for place in range(case["calls"])
                ],
            )
            await connection.run(
                update(recipients)
                .where(recipients.c.id == delivery.recipient)
                .values(strikes=case["strikes"])
            )
            # A second part, of which the first one's end may make something.
            first = await connection.row(
                select(deliveries).where(deliveries.c.id == delivery.id)
            )
            assert first
            second = {**first._mapping, "part": 2, "state": case["rest"]}
            for own in ("id", "form", "failure_kind"):
                del second[own]
            second |= {"attempts": 0, "failure_code": "", "reason": ""}
            await connection.run(deliveries.insert().values(**second))
    return plan, [line.delivery for line in lines]


async def rows(stand: Stand, plan) -> list[tuple[object, ...]]:
    """All that the roads may have written, without the numbers of rows."""
    async with stand.database.snapshot() as tx:
        connection = tx.deliveries._connection
        table = deliveries
        found = await connection.rows(
            select(
                table.c.part,
                table.c.state,
                table.c.attempts,
                table.c.failure_kind,
                table.c.failure_code,
                table.c.reason,
                table.c.form,
                recipients.c.strikes,
                recipients.c.standing,
                recipients.c.next_at,
            )
            .join(recipients, recipients.c.id == table.c.recipient_id)
            .where(table.c.broadcast_id == plan.broadcast.id)
            .order_by(table.c.recipient_id, table.c.part)
        )
        made = await connection.rows(
            select(
                attempts.c.number,
                attempts.c.form,
                attempts.c.progress,
                attempts.c.provider_id,
                attempts.c.code,
            )
            .join(table, table.c.id == attempts.c.delivery_id)
            .where(table.c.broadcast_id == plan.broadcast.id)
            .order_by(table.c.recipient_id, attempts.c.number)
        )
        state = await connection.value(
            select(broadcasts.c.state).where(broadcasts.c.id == plan.broadcast.id)
        )
    return [*map(tuple, found), *map(tuple, made), (state,)]


def call_of(owner: Owner, delivery, case, address: Address, now) -> Call:
    number = case["answered"]
    lease = Lease(
        id=delivery.id,
        broadcast=delivery.broadcast,
        recipient=delivery.recipient,
        audience=delivery.audience,
        lane=Lane.REGULAR,
        part=1,
        attempts=number - 1,
        action=delivery.action,
        target="",
        form=case["form"],
        address=address,
        kind=Kind.READER,
        last_inbound_at=None,
        strikes=case["strikes"],
    )
    call = Call(owner, lease, 0.0)
    call.form = case["forms"][number - 1]
    call.marked_at = now
    call.provider_id = "m"
    return call


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("seed", range(2))
async def test_both_roads_write_the_same(stand: Stand, channel, seed):
    rng = random.Random(seed)  # noqa: S311 - repeatable
    await people(stand, channel)
    cases = [situation(rng) for _ in range(PEOPLE)]
    long, by_long = await arrange(stand, "long", cases, seed)
    short, by_short = await arrange(stand, "short", cases, seed)
    before = await rows(stand, long)
    assert before == await rows(stand, short)

    for delivery, case in zip(by_long, cases, strict=True):
        await stand.ledger.report(
            Report(
                reference=Reference(delivery.id, case["answered"]),
                progress=Progress.ACCEPTED,
                provider_id="m",
            ),
        )
    owner = Owner(stand, channel)
    calls = [
        call_of(owner, delivery, case, Address(channel, "1"), stand.clock.now())
        for delivery, case in zip(by_short, cases, strict=True)
    ]
    roads = []
    report = stand.ledger.scribe._report

    async def without_rest(what, rest):
        roads.append(what)
        assert rest == stand.clock.now() + timedelta(seconds=1)
        return await report(what, None)

    stand.ledger.scribe._report = without_rest
    for call in calls:
        stand.ledger.scribe.accept(call)
    for _ in range(1000):
        if len(owner.done) == PEOPLE:
            break
        await asyncio.sleep(0.01)

    assert len(owner.done) == PEOPLE
    assert not owner.errors
    after = await rows(stand, short)
    assert after == await rows(stand, long)
    assert after != before
    assert 5 < len(roads) < PEOPLE - 5, "both roads were taken"


async def test_a_receipt_leaves_the_senders_clock_alone(stand: Stand):
    """Hot writes lock the sender before their deliveries: it would be the other way."""
    await stand.reader(1, Channel.WHATSAPP)
    plan = await stand.send()
    sent = await stand.only(plan)
    stand.clock.advance(timedelta(hours=1))

    async def clock():
        async with stand.database.snapshot() as tx:
            return (await tx.senders.get(sent.sender)).clock

    before = await clock()
    await stand.broadcaster.receive(
        Channel.WHATSAPP,
        Receipt(reference=Reference(sent.id, 1), progress=Progress.DELIVERED),
    )
    assert (await stand.only(plan)).state is State.DELIVERED
    assert await clock() == before
