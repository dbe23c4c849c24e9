"""Groups: who may enrol them, who may take them out, and what strangers see."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.domain.deliveries import State
from bot.domain.recipients import Kind, Standing
from bot.sandbox import Chat, Person
from tests.stories.stage import AUDIENCE, Stage, telegram, until


def neighbours(stage: Stage) -> tuple[Chat, Person, Person]:
    """A group with its administrator and an ordinary member."""
    keeper = stage.world.person("Bilal", language="en")
    member = stage.world.person("Imran", language="en")
    return stage.world.group("Neighbours", [member], [keeper]), keeper, member


async def test_only_an_administrators_token_enrols(stage: Stage):
    group, keeper, member = neighbours(stage)
    async with stage.app() as desk:
        link = await desk.enrolment.create_link(AUDIENCE, Kind.GROUP)
        await stage.world.open_startgroup(member, group, link.token)
        await stage.told(group, "Only an administrator")
        assert not (await stage.found(telegram(group)))[1]
        await stage.world.open_startgroup(keeper, group, link.token)
        await stage.enrolled(telegram(group))
        (stored, _) = (await desk.enrolment.links())[0]
        assert stored.uses == 1, "the refusal did not spend it"


async def test_an_administrator_may_stay_anonymous(stage: Stage):
    group, keeper, _ = neighbours(stage)
    async with stage.app() as desk:
        link = await desk.enrolment.create_link(AUDIENCE, Kind.GROUP)
        await stage.world.add_bot(keeper, group)
        words = f"/start@{stage.sandbox.bot_username} {link.token}"
        await stage.world.say(keeper, words, group, anonymous=True)
        await stage.enrolled(telegram(group))
        await stage.told(group, "now enrolled")


@pytest.mark.parametrize("with_whatsapp", [True, False])
async def test_a_group_without_a_token_is_greeted_and_an_editor_accepts_it(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, *, with_whatsapp: bool
):
    monkeypatch.setattr("bot.strangers.GRACE", timedelta(seconds=0.5))
    monkeypatch.setattr("bot.app.STRANGERS_EVERY", 0.3)
    if not with_whatsapp:
        stage.without_whatsapp()
    group, _, member = neighbours(stage)
    async with stage.office():
        editor = await stage.editor()
    async with stage.app():
        await stage.world.add_bot(member, group)
        await stage.told(group, "This group is not enrolled")
        await stage.told(editor, "Neighbours")
        notice = stage.button(editor, "The Valley")
        await stage.world.press(editor, notice, "The Valley")
        await stage.enrolled(telegram(group))
        await stage.told(editor, "Neighbours is now enrolled in The Valley")
        accepted, _ = await stage.found(telegram(group))
        assert accepted.leave_at is None, "it is not left any more"
        assert len(stage.texts(group)) == 1, "one polite line, once"


async def test_a_group_that_nobody_vouches_for_is_left(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.app.STRANGERS_EVERY", 0.2)
    group, keeper, _ = neighbours(stage)
    async with stage.app() as desk:
        await stage.world.add_bot(keeper, group)

        async def noticed() -> bool:
            found = await desk.enrolment.find(telegram(group))
            return found is not None and found[0].leave_at is not None

        await until(noticed, "the group to be noticed")
        stranger, _ = await stage.found(telegram(group))
        async with desk.database.transaction() as tx:  # a day later
            await tx.recipients.leave_at(stranger.id, desk.clock.now())
        await until(lambda: group.bot == "left", "our leaving")
        assert [call["status"] for call in stage.log.calls("leaveChat")] == [200]


async def test_stop_says_how_and_leave_does_it_for_administrators(stage: Stage):
    group, keeper, member = neighbours(stage)
    name = stage.sandbox.bot_username
    async with stage.app() as desk:
        link = await desk.enrolment.create_link(AUDIENCE, Kind.GROUP)
        await stage.world.open_startgroup(keeper, group, link.token)
        await stage.enrolled(telegram(group))
        await stage.world.say(keeper, f"/stop@{name}", group)
        await stage.told(group, f"/leave@{name}", times=2)  # the welcome says it too
        await stage.world.say(member, f"/leave@{name}", group)
        await until(lambda: len(stage.texts(group)) == 3, "a refusal")
        assert (await stage.found(telegram(group)))[1], "neither has taken it out"
        await stage.world.say(keeper, f"/leave@{name}", group)
        await stage.enrolled(telegram(group), wanted=False)


async def test_being_put_out_unenrols(stage: Stage):
    async with stage.office():
        (group,) = await stage.groups(1)
        await stage.readers(1)
    async with stage.app():
        await stage.idle()
        await stage.world.remove_bot(stage.keeper(group), group)
        await stage.enrolled(telegram(group), wanted=False)
        await stage.standing(telegram(group), Standing.GONE)
        broadcast = await stage.broadcast()
        await stage.finished(broadcast)
        assert not stage.log.sends(group)


async def test_rights_lost_and_back_and_what_waited_goes_out(stage: Stage):
    async with stage.office():
        editor = await stage.editor()
        group, other = await stage.groups(2)
    async with stage.app():
        await stage.idle()
        await stage.world.forbid_sending(group, quietly=True)
        broadcast = await stage.broadcast()
        await stage.reached(broadcast, telegram(group), State.SUSPENDED)
        await stage.reached(broadcast, telegram(other), State.ACCEPTED)
        await stage.told(editor, group.title)
        await stage.world.allow_sending(group, quietly=True)
        await stage.world.forbid_sending(group)  # and now we are told of both
        await stage.world.allow_sending(group)
        await stage.reached(broadcast, telegram(group), State.ACCEPTED)
        assert (stage.copies(group), stage.copies(other)) == (1, 1)


async def test_a_group_that_moves_with_notice_stays_enrolled(stage: Stage):
    async with stage.office():
        (group,) = await stage.groups(1)
    async with stage.app() as desk:
        await stage.idle()
        new = await stage.world.migrate(group)

        async def followed() -> bool:
            found = await desk.enrolment.find(telegram(new))
            return found is not None and found[0].address == telegram(new)

        await until(followed, "the new address")
        broadcast = await stage.broadcast()
        await stage.finished(broadcast)
        (sent,) = stage.log.sends(group)
        assert (sent.chat, stage.copies(group)) == (str(new), 1)
