"""What readers and groups ask on Telegram."""

from __future__ import annotations

import pytest

from bot.domain.recipients import Kind
from handlers.telegram.incoming import Command, command_in
from tests.handlers.world import group, telegram


@pytest.mark.parametrize(
    ("text", "name", "target", "arguments"),
    [
        ("/latest", "latest", "", ()),
        ("/LATEST 3", "latest", "", ("3",)),
        ("/start@desk_bot  abc ", "start", "desk_bot", ("abc",)),
        ("\u2066/stop\u2069", "stop", "", ()),
        ("/help\nplease", "help", "", ("please",)),
    ],
)
def test_commands_are_read(text, name, target, arguments):
    assert command_in(text) == Command(name, target, arguments)


@pytest.mark.parametrize("text", ["", "hello /help", "/", "/a-b", "//help", "/پ"])
def test_anything_else_is_no_command(text):
    assert command_in(text) is None


@pytest.mark.parametrize("text", ["hello", "/nonsense", "/broadcast", "/status 1"])
async def test_whatever_is_not_understood_gets_a_hint(world, text):
    await world.says(text)

    [answer] = await world.texts(100)
    assert "/help" in answer
    assert await world.errors() == []


async def test_latest(world):
    await world.says("/latest")
    assert await world.texts(100) == ["Nothing has been published here yet."]

    for number in range(1, 8):
        await world.article(f"Bridge number {number} reopens", number)
    await world.says("/latest")
    [newest] = await world.sent(100)
    assert "Bridge number 7 reopens" in newest.text
    assert newest.markup == "HTML"

    await world.says("/latest 99")
    texts = await world.texts(100)
    assert len(texts) == 5
    assert "Bridge number 3" in texts[-1]


async def test_a_group_is_given_one_story_and_few_answers(world):
    for number in range(1, 4):
        await world.article(f"Bridge number {number} reopens", number)
    await world.says("/latest@desk_bot 5", chat=group())
    [newest] = await world.texts(-500)
    assert "Bridge number 3" in newest

    for _ in range(40):
        await world.says("/latest@desk_bot 5", chat=group())
    assert len(await world.texts(-500)) == 2


async def test_a_flood_is_not_answered_but_its_effects_are_had(world):
    address = telegram(100)
    await world.enrolment.enrol_by_hand(
        "valley", address, Kind.READER, by="test", evidence="a test"
    )
    for _ in range(30):
        await world.says("/help")
    await world.says("/stop")

    assert await world.joined(address) == []
    answers = await world.texts(100)
    assert len(answers) == 30
    assert all("What you can write" in each for each in answers)


async def test_stop_says_goodbye_once_and_then_that_nothing_is_sent(world):
    await world.enrolment.enrol_by_hand(
        "valley", telegram(100), Kind.READER, by="test", evidence="a test"
    )

    await world.says("/stop")
    await world.says("/stop")

    left, nothing = await world.texts(100)
    assert left.startswith("You have left")
    assert nothing.startswith("You are not enrolled")
    assert await world.joined(telegram(100)) == []


async def test_privacy_and_help(world):
    await world.says("/privacy", language="hi")
    await world.says("/help")
    await world.says("/help@desk_bot", chat=group())

    privacy, what = await world.texts(100)
    assert "न्यूज़रूम" in privacy
    assert "/broadcast" not in what
    assert "/leave@desk_bot" in (await world.texts(-500))[0]


async def test_an_editor_is_helped_with_the_desk_too(world):
    await world.editor(100)

    await world.says("/help")

    _, desk = await world.texts(100)
    assert "/broadcast" in desk


class TestTakingAGroupOut:
    @pytest.fixture(autouse=True)
    async def enrolled(self, world):
        await world.enrolment.enrol_by_hand(
            "valley", telegram(-500), Kind.GROUP, by="test", evidence="a test"
        )

    async def test_members_are_refused(self, world):
        await world.says("/stop@desk_bot", chat=group())
        await world.says("/leave@desk_bot", chat=group())

        refused = await world.texts(-500)
        assert all("Only an administrator" in each for each in refused)
        assert await world.joined(telegram(-500)) == ["valley"]

    async def test_administrators_are_told_how_and_then_obeyed(self, world):
        world.chats.administrators.add(("-500", "100"))

        await world.says("/stop@desk_bot", chat=group())
        assert await world.joined(telegram(-500)) == ["valley"]
        assert "/leave@desk_bot" in (await world.texts(-500))[0]

        await world.says("/leave@desk_bot", chat=group())
        assert await world.joined(telegram(-500)) == []
        assert "no longer enrolled" in (await world.texts(-500))[0]

    async def test_editors_are_obeyed(self, world):
        await world.editor(100)

        await world.says("/leave@desk_bot", chat=group())

        assert await world.joined(telegram(-500)) == []
