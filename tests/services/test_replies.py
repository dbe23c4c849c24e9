"""Answers have a quota, so that who asks without end keeps no news waiting."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from sqlalchemy import select

from bot.domain.deliveries import State
from bot.domain.errors import TryLater
from bot.domain.recipients import Address, Channel, Kind
from storage.tables import replies
from tests.services.conftest import Stand


async def ask(stand: Stand, who: Address, kind: Kind, times: int, first: int = 1):
    for number in range(first, first + times):
        await stand.replies.answer(who, kind, ["news"], key=f"update:{number}")


@pytest.mark.parametrize(
    ("kind", "quota", "seconds"),
    [(Kind.GROUP, 3, 15), (Kind.TELEGRAM_CHANNEL, 3, 15), (Kind.READER, 30, 60)],
)
async def test_what_is_beyond_the_quota_is_dropped(
    stand: Stand, caplog, kind, quota, seconds
):
    who = Address(Channel.TELEGRAM, "7" if kind is Kind.READER else "-7")
    began = stand.clock.now()
    with caplog.at_level(logging.WARNING, "harkara.replies"):
        await ask(stand, who, kind, quota + 2)
    await stand.work()

    assert len(stand.telegram.texts(who)) == quota
    assert len(caplog.records) == 2
    assert vars(caplog.records[0])["count"] == 1
    assert who.value not in {str(each) for each in vars(caplog.records[0]).values()} - {
        str(vars(caplog.records[0])["recipient"])
    }

    stand.clock.set(began + timedelta(seconds=seconds))
    await ask(stand, who, kind, 1, first=100)
    await stand.work()
    assert len(stand.telegram.texts(who)) == quota + 1


async def test_a_long_answer_is_sent_as_far_as_the_quota_goes(stand: Stand):
    group = Address(Channel.TELEGRAM, "-7")
    await stand.replies.answer(group, Kind.GROUP, list("abcde"), key="update:1")
    await stand.replies.answer(group, Kind.GROUP, list("abcde"), key="update:1")
    await stand.work()

    assert stand.telegram.texts(group) == ["a", "b", "c"]


async def test_each_recipient_has_a_quota_of_their_own(stand: Stand):
    one, other = (Address(Channel.TELEGRAM, each) for each in ("-7", "-8"))
    await ask(stand, one, Kind.GROUP, 5)
    await ask(stand, other, Kind.GROUP, 1, first=50)
    await stand.work()

    assert len(stand.telegram.texts(other)) == 1


async def test_notices_neither_count_nor_are_dropped(stand: Stand):
    editor = await stand.editor()
    async with stand.database.transaction() as tx:
        sender = await tx.senders.get(stand.senders[Channel.TELEGRAM])
        for hour in range(40):
            await stand.notices.sender_down(
                tx, sender, "401", now=stand.clock.now() + timedelta(hours=hour)
            )
    await stand.replies.answer(editor, Kind.READER, ["answer"], key="update:1")
    await stand.work()

    assert len(stand.telegram.texts(editor)) == 41
    assert "answer" in stand.telegram.texts(editor)


async def test_a_flood_does_not_keep_a_group_s_story_waiting(stand: Stand):
    group = await stand.group(-7)
    plan = await stand.plan()
    await ask(stand, group, Kind.GROUP, 40)
    began = stand.clock.now()
    assert await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.work()

    assert "bridge" in stand.telegram.texts(group)[-1]
    assert stand.clock.now() - began <= timedelta(seconds=15)


@pytest.mark.parametrize("when", ["in hand", "under way"])
async def test_who_is_forgotten_while_an_answer_is(stand: Stand, when):
    """It is sent at most once, to nobody else, and not tried again."""
    one, other = (Address(Channel.WHATSAPP, f"+92300111222{each}") for each in (1, 2))
    await stand.replies.answer(one, Kind.READER, ["for one"], key="update:1")
    await stand.replies.answer(one, Kind.READER, ["for one, later"], key="update:2")
    pump = stand.pump(Channel.WHATSAPP)
    send, claim = stand.whatsapp.send, stand.database.claim

    async def forgetting() -> None:
        assert await stand.enrolment.forget(one)
        await stand.replies.answer(other, Kind.READER, ["for other"], key="update:3")

    async def in_hand(order):
        stand.database.claim = claim  # type: ignore[method-assign] # as before
        hand = await claim(order)
        await forgetting()
        await claim(order)
        return hand

    async def under_way(*_message, **_more):
        stand.whatsapp.send = send  # type: ignore[method-assign] # as before
        await forgetting()
        raise TryLater("busy")

    if when == "in hand":
        stand.database.claim = in_hand  # type: ignore[method-assign] # they ask just now
    else:
        stand.whatsapp.send = under_way  # type: ignore[method-assign] # they ask just now
    await pump.run("")
    await stand.work()

    assert [each.to for each in stand.whatsapp.sent] == [other]
    async with stand.database.snapshot() as tx:
        rows = await tx.replies._connection.rows(select(replies))
    assert [(row.state, row.body != "") for row in rows] == [
        (State.SKIPPED, False),
        (State.ACCEPTED, True),
    ]
