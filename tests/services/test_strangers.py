"""A group without a token: one polite line, one notice, and goodbye."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.errors import TryLater, Unknown
from bot.domain.recipients import Address, Channel, Kind, Standing
from bot.strangers import GRACE, Strangers
from tests.services.conftest import Stand

GROUP = Address(Channel.TELEGRAM, "-7")


class Chats:
    """Remembers which groups were left."""

    def __init__(self) -> None:
        self.left: list[Address] = []
        self.down = False

    async def is_administrator(self, chat, person):
        return False

    async def leave(self, chat):
        if self.down:
            raise TryLater("NoNetwork")
        self.left.append(chat)


@pytest.fixture
def chats():
    return Chats()


@pytest.fixture
def strangers(stand: Stand, chats: Chats):
    return Strangers(
        database=stand.database,
        clock=stand.clock,
        enrolment=stand.enrolment,
        replies=stand.replies,
        chats=chats,
    )


async def test_a_token_that_follows_at_once_finds_us_quiet(stand, strangers):
    await stand.enrolment.added_to(GROUP, Kind.GROUP, title="Neighbours")
    await strangers.run("")
    await stand.group(-7)
    stand.clock.set(stand.clock.now() + GRACE * 2)

    await strangers.run("")
    await stand.work()

    assert stand.telegram.texts(GROUP) == []


async def test_one_line_one_notice_then_we_leave(stand, strangers, chats):
    editor = await stand.editor()
    await stand.enrolment.added_to(GROUP, Kind.GROUP, title="Neighbours")
    for _ in range(3):
        stand.clock.set(stand.clock.now() + GRACE)
        await strangers.run("")
        await stand.work()

    assert len(stand.telegram.texts(GROUP)) == 1
    [notice] = stand.telegram.texts(editor)
    assert "Neighbours" in notice
    assert chats.left == []

    stand.clock.set(stand.clock.now() + timedelta(hours=24))
    chats.down = True
    await strangers.run("")
    chats.down = False
    await strangers.run("")
    await strangers.run("")

    assert chats.left == [GROUP]
    found = await stand.enrolment.find(GROUP)
    assert found
    assert found[0].standing is Standing.GONE


async def test_an_editor_who_vouches_keeps_it(stand, strangers, chats):
    await stand.enrolment.added_to(GROUP, Kind.GROUP, title="Neighbours")
    found = await stand.enrolment.find(GROUP)
    [(audience, _)] = await stand.enrolment.audiences()

    welcome = await stand.enrolment.vouch(found[0].id, audience.id, by="editor:1")
    stand.clock.set(stand.clock.now() + timedelta(hours=25))
    await strangers.run("")

    assert welcome.new
    assert chats.left == []


async def test_the_old_button_of_a_group_that_was_erased_lets_no_other_in(stand):
    await stand.enrolment.added_to(GROUP, Kind.GROUP, title="Neighbours")
    asked_for, _ = await stand.enrolment.find(GROUP)
    [(audience, _)] = await stand.enrolment.audiences()
    await stand.enrolment.gone(GROUP, reason="removed")
    later = stand.clock.now() + timedelta(days=9)
    async with stand.database.transaction() as tx:
        assert await tx.erasure.recipients([asked_for.id], before=later) == 1
    other = Address(Channel.TELEGRAM, "-8")
    await stand.enrolment.added_to(other, Kind.GROUP, title="Somebody else")

    with pytest.raises(Unknown):
        await stand.enrolment.vouch(asked_for.id, audience.id, by="editor:1")
    assert (await stand.enrolment.find(other))[1] == []
