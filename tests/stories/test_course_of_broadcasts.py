"""Held, undone, watched, and put together after a silence: seen from both ends."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import create_engine, text

from bot.domain.articles import Draft
from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import State
from tests.stories.stage import AUDIENCE, HEADLINE, NEWS, Stage, until

if TYPE_CHECKING:
    from bot.sandbox import Message, Person


async def button(stage: Stage, editor: Person, label: str) -> Message:
    """The message with that button, once it is there."""

    def shown() -> bool:
        return any(
            each["text"] == label
            for message in stage.world.messages(editor)
            for each in message.buttons
        )

    await until(shown, f"the button {label!r}")
    return stage.button(editor, label)


async def test_an_editor_takes_a_confirmation_back_and_nobody_ever_knows(stage: Stage):
    stage.values["undo_seconds"] = 30
    async with stage.office() as desk:
        editor = await stage.editor()
        readers = await stage.readers(3)
        await desk.editorial.take_in(NEWS)
    async with stage.app() as desk:
        await stage.world.say(editor, "/broadcast")
        await stage.world.press(
            editor, await button(stage, editor, "Confirm"), "Confirm"
        )
        held = await button(stage, editor, "Undo")
        assert "Seconds until it goes out: 30" in held.text
        await stage.world.press(editor, held, "Undo")
        await stage.told(editor, "is undone. Nothing was sent.")
        ((found, coverage),) = await desk.broadcaster.latest(1)
        assert found.state is BroadcastState.CANCELLED
        assert coverage.states == {State.SKIPPED: 3}
        assert not any(stage.copies(each) for each in readers)


async def test_what_is_not_undone_goes_out_by_itself_and_editors_have_the_last_word(
    stage: Stage,
):
    stage.values["undo_seconds"] = 1
    async with stage.office():
        editor = await stage.editor()
        readers = await stage.readers(3)
    async with stage.app():
        broadcast = await stage.broadcast()
        await stage.finished(broadcast)
        last = await stage.told(editor, f"Broadcast {broadcast}: finished")
        assert "3 of 3 accepted" in last
        assert [stage.copies(each) for each in readers] == [1, 1, 1]


async def test_a_message_that_is_refused_reaches_one_chat_and_no_other(stage: Stage):
    stage.values["canary"] = True
    async with stage.office():
        editor = await stage.editor()
        readers = await stage.readers(40)
    words = "Bad Request: something nobody has heard of"
    stage.faults.error(400, words, to=readers[0], method="sendMessage")
    async with stage.app() as desk:
        broadcast = await stage.broadcast()
        await stage.told(editor, "has paused itself")
        assert not any(stage.copies(each) for each in readers)
        await desk.broadcaster.resume(broadcast)
        await stage.finished(broadcast)
        assert sum(stage.copies(each) for each in readers) == 39


async def test_after_a_night_of_silence_readers_get_one_round_up(stage: Stage):
    async with stage.office() as desk:
        await stage.editor()
        readers = await stage.readers(3)
        for day in (1, 2, 3):
            article = await desk.editorial.take_in(
                Draft(
                    text=f"{NEWS.text} It was day {day}.",
                    headline=f"{HEADLINE}, day {day}",
                    link=f"https://news.example/day-{day}",
                    language="en",
                )
            )
            plan = await desk.broadcaster.plan(article, [AUDIENCE], by="test")
            await desk.broadcaster.confirm(plan.broadcast.id)
    age(stage, timedelta(hours=5))
    async with stage.app() as desk:
        newest, _ = (await desk.broadcaster.latest(1))[0]
        await stage.finished(newest.id)
        await until(lambda: all(stage.copies(each) for each in readers), "the round-up")
        for reader in readers:
            (only,) = stage.texts(reader)
            assert "Round-up" in only
            assert all(f"{HEADLINE}, day {day}" in only for day in (1, 2, 3))
        assert await stage.states(plan.broadcast.id) == {State.SKIPPED: 3}


def age(stage: Stage, by: timedelta) -> None:
    """Let what is confirmed have been so for longer, as after a machine's absence."""
    engine = create_engine(f"sqlite:///{stage.settings.database}")
    with engine.begin() as on:
        for number, at in on.execute(
            text("SELECT id, confirmed_at FROM broadcast")
        ).all():
            then = datetime.fromisoformat(at) - by
            on.execute(
                text("UPDATE broadcast SET confirmed_at = :then WHERE id = :number"),
                {"then": then.isoformat(" ", "microseconds"), "number": number},
            )
    engine.dispose()
