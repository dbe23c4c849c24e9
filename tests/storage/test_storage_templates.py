"""Who had a template lately: what Meta counts for a portfolio."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.domain.deliveries import Form, Progress, State
from bot.domain.portfolio import Reached
from tests import hot
from tests.storage.desk import NOW
from tests.storage.plans import reads_all_of, steps

HOUR = timedelta(hours=1)


async def test_readers_count_from_their_latest_template(desk, statements):
    """Those who surely got none do not count, nor do those who had text."""
    all_of_us = await desk.audience()
    for _ in range(5):
        await desk.recipient(all_of_us)
    await desk.broadcast(all_of_us, parts=1)
    sender, epoch = await desk.owner()
    leases = await desk.claim(sender, epoch)
    moments = [NOW, NOW + HOUR, NOW - 2 * HOUR, NOW + HOUR, NOW]
    forms = [Form.TEMPLATE] * 4 + [Form.TEXT]
    for lease, moment, form in zip(leases, moments, forms, strict=True):
        page = hot.page(sender, epoch, moment)
        page.calls.append((lease.id, 1, form))
        await desk.database.record([page])
    loaded = await desk.delivery(leases[3])
    async with desk.database.transaction() as tx:
        [(_, [attempt])] = (await tx.deliveries.load([loaded.id])).values()
        await tx.deliveries.save(
            [loaded], [attempt.absorb(Progress.REFUSED, code="63018")]
        )
    twice = replace(await desk.delivery(leases[0]), state=State.QUEUED)
    async with desk.database.transaction() as tx:
        await tx.deliveries.save([twice], [])
    [lease] = await desk.claim(sender, epoch, now=NOW + 2 * HOUR)
    page = hot.page(sender, epoch, NOW + 2 * HOUR)
    page.calls.append((lease.id, 2, Form.TEMPLATE))
    await desk.database.record([page])
    statements.clear()

    async with desk.database.snapshot() as tx:
        reached = await tx.senders.templated_since(NOW - HOUR)
        nobody = await tx.senders.templated_since(NOW + 9 * HOUR)
        [asked, _] = [each for each in statements if "attempt" in each[0]]
        plan = steps(tx.senders._connection._connection, *asked)

    assert reached == Reached(readers=2, first=NOW + HOUR)
    assert nobody == Reached(readers=0)
    assert [each for each in plan if "ix_attempt_template" in each]
    assert not [each for each in plan if reads_all_of(each, "attempt", "delivery")]
