"""What the provider sees: no window overrun, no chat hurried, replies ahead."""

from __future__ import annotations

import random
from datetime import timedelta
from itertools import pairwise

import pytest

from bot.domain.recipients import Address, Channel, Kind
from tests.services.conftest import NEWS, Stand

SECOND = timedelta(seconds=1)


async def watched(stand: Stand):
    """Note when each message leaves, by the clock that the pump goes by."""
    seen: list[tuple[object, Address]] = []
    send = stand.telegram.send

    async def noting(to, message, reference, **more):
        seen.append((stand.clock.now(), to))
        return await send(to, message, reference, **more)

    stand.telegram.send = noting  # type: ignore[method-assign] # a wire tap
    return seen


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_no_second_holds_more_than_the_rate_and_no_chat_is_hurried(stand, seed):
    """Two broadcasts and a chatty reader, the clock stumbling now and then."""
    rng = random.Random(seed)  # noqa: S311 - repeatable
    seen = await watched(stand)
    readers = [await stand.reader(number) for number in range(1, 61)]
    groups = [await stand.group(-number) for number in range(1, 11)]
    for text in (NEWS, "Another story, from the other bank. It has two sentences."):
        plan = await stand.plan(text)
        await stand.broadcaster.confirm(plan.broadcast.id)
    for number in range(20):
        asker = rng.choice(readers)
        await stand.replies.answer(
            asker, Kind.READER, ["one", "two"], key=f"update:{number}"
        )
    sleep = stand.clock.sleep_until

    async def stumbling(moment):
        late = timedelta(milliseconds=rng.choice([0, 0, 0, 40, 300]))
        await sleep(moment + late)

    stand.clock.sleep_until = stumbling
    await stand.work()

    assert len(seen) == 2 * (len(readers) + len(groups)) + 40
    moments = [moment for moment, _ in seen]
    for place, moment in enumerate(moments):
        window = [each for each in moments[place:] if each - moment < SECOND]
        assert len(window) <= stand.rate.per_second + 1
    for who in readers + groups:
        own = [moment for moment, to in seen if to == who]
        least = stand.rate.group if who in groups else stand.rate.private
        assert all(later - earlier >= least for earlier, later in pairwise(own))


async def test_an_answer_asked_for_in_mid_broadcast_does_not_wait_for_its_end(stand):
    for number in range(1, 301):
        await stand.reader(number)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    asker = Address(Channel.TELEGRAM, "900")
    seen = await watched(stand)
    send = stand.telegram.send

    async def asking(to, message, reference, **more):
        if len(seen) == 30:
            await stand.replies.answer(asker, Kind.READER, ["news"], key="update:1")
        return await send(to, message, reference, **more)

    stand.telegram.send = asking
    await stand.work()

    place = [to for _, to in seen].index(asker)
    assert place <= 30 + 2 * 15, "one claim in hand, and one more at the most"
