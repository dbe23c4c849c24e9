"""Editors are asked to decide what nobody else can: did it arrive?"""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import State
from bot.domain.errors import Doubtful
from bot.domain.messages import Text
from bot.domain.recipients import Channel, Kind
from tests.services.conftest import Stand

#: "finished", in the languages of these tests.
ENDED = ("finished", "पूरा")


async def sent_in_doubt(stand: Stand, *readers: int):
    addresses = [await stand.reader(each) for each in readers]
    for each in addresses:
        stand.telegram.fail(each, Doubtful("timeout"))
    return await stand.send()


async def notices(stand: Stand, editor):
    """What the editor was told, besides the figures that end every broadcast."""
    await stand.work()
    told = [
        each.message
        for each in stand.telegram.sent
        if each.to == editor and isinstance(each.message, Text)
    ]
    return [each for each in told if not each.text.split("\n")[0].endswith(ENDED)]


async def test_the_end_of_a_broadcast_tells_of_doubt_once(stand: Stand):
    editor = await stand.editor()
    await stand.reader(1)
    plan = await sent_in_doubt(stand, 2, 3)
    for _ in range(3):
        await stand.sweep.run("all")

    [notice] = await notices(stand, editor)
    assert notice.text == (
        f"Broadcast {plan.broadcast.id} is over. 2 messages may or may not have "
        "arrived: the connection was lost before the answer came."
    )
    assert [(each.label, each.data) for each in notice.buttons[0]] == [
        ("Take as sent", f"decide:sent:{plan.broadcast.id}"),
        ("Send again", f"decide:repeat:{plan.broadcast.id}"),
    ]


async def test_every_editor_is_told_in_their_language(stand: Stand):
    editor = await stand.editor()
    other = await stand.editor(998)
    async with stand.database.transaction() as tx:
        await tx.recipients.ensure(
            other, Kind.READER, language="hi", now=stand.clock.now()
        )
    await sent_in_doubt(stand, 2)
    await stand.sweep.run("all")

    [english] = await notices(stand, editor)
    [hindi] = await notices(stand, other)
    assert english.text != hindi.text
    assert english.buttons[0][0].label != hindi.buttons[0][0].label


async def test_without_doubt_nobody_is_told(stand: Stand):
    editor = await stand.editor()
    await stand.reader(1)
    await stand.send()
    await stand.sweep.run("all")

    assert await notices(stand, editor) == []


async def test_doubt_that_outlives_the_news_is_told_of_too(stand: Stand):
    editor = await stand.editor()
    plan = await sent_in_doubt(stand, 2)
    stand.clock.advance(timedelta(hours=25))
    await stand.sweep.run("all")

    assert len(await notices(stand, editor)) == 1
    found, _ = await stand.broadcaster.status(plan.broadcast.id)
    assert found.state is BroadcastState.FINISHED


@pytest.mark.parametrize("again", [True, False])
async def test_fresh_doubt_is_told_of_anew_and_settled_doubt_is_not(
    stand: Stand, again
):
    editor = await stand.editor()
    one, two = await stand.reader(1), await stand.reader(2)
    for each in (one, two):
        stand.telegram.fail(each, Doubtful("timeout"))
    if again:
        stand.telegram.fail(one, Doubtful("timeout"))
    plan = await stand.send()
    await stand.sweep.run("all")

    assert await stand.broadcaster.decide(plan.broadcast.id, repeat=True) == 2
    await stand.work()
    await stand.sweep.run("all")

    texts = [each.text for each in await notices(stand, editor)]
    assert len(texts) == (2 if again else 1)
    assert not again or "1 message may" in texts[1]
    _, coverage = await stand.broadcaster.status(plan.broadcast.id)
    assert coverage.states[State.DOUBTFUL] == (1 if again else 0)


async def test_what_twilio_can_be_asked_about_is_left_to_it(stand: Stand):
    """Sending it again while the look-up is under way could make a second copy."""
    editor = await stand.editor()
    reader = await stand.reader(1, Channel.WHATSAPP)
    stand.whatsapp.fail(reader, Doubtful("timeout"))
    plan = await stand.send()
    await stand.sweep.run("")

    assert await notices(stand, editor) == []
    assert await stand.broadcaster.decide(plan.broadcast.id, repeat=True) == 0
    chosen = {(await stand.only(plan)).id}
    assert (
        await stand.broadcaster.decide(
            plan.broadcast.id, repeat=False, deliveries=chosen
        )
        == 1
    )
