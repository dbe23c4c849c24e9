"""An editor's broadcast from the chat, seen from both ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.articles import Draft
from bot.domain.broadcasts import BroadcastId, BroadcastState
from bot.domain.deliveries import State
from bot.domain.recipients import Kind
from tests.stories.stage import AUDIENCE, HEADLINE, NEWS, Stage, until

if TYPE_CHECKING:
    from bot.sandbox import Message, Person

#: With everything that could be changed on the way.
TRICKY = Draft(
    text='A <b>bold</b> claim & "quotes", *stars*, _lines_ and https://x.example/?a=1&b.'
    "\n\nشہر میں بارش۔ The council met on Monday 🌧 and voted 7 : 5.",
    headline=f"{HEADLINE} <again> & 5 > 4",
    link="https://news.example/pass?from=chat&lang=en",
    language="en",
)


async def offer(stage: Stage, editor: Person) -> Message:
    """The plan with its buttons."""

    def shown() -> bool:
        return any(message.buttons for message in stage.world.messages(editor))

    await until(shown, "the plan")
    return stage.button(editor, "Confirm")


async def newest(stage: Stage) -> BroadcastId:
    ((broadcast, _),) = await stage.desk.broadcaster.latest(1)
    return broadcast.id


async def test_what_the_editor_is_shown_is_what_is_received_byte_for_byte(
    stage: Stage,
):
    async with stage.office() as desk:
        editor = await stage.editor()
        (reader,) = await stage.readers(1)
        (group,) = await stage.groups(1)
        (phone,) = await stage.phones(1)
        await desk.enrolment.create_link(AUDIENCE, Kind.READER)
        await desk.editorial.take_in(TRICKY)
    async with stage.app():
        await stage.world.say(editor, "/broadcast")
        plan = await offer(stage, editor)
        assert "3 recipients, 3 messages" in plan.text
        assert not stage.copies(reader), "nothing leaves before it is confirmed"
        preview, on_whatsapp = (
            message
            for message in stage.world.messages(editor)
            if message.outgoing and HEADLINE in message.text
        )
        await stage.world.press(editor, plan, "Confirm")
        await stage.finished(await newest(stage))
        for chat in (reader, group):
            (received,) = [
                message
                for message in stage.world.messages(chat)
                if HEADLINE in message.text
            ]
            assert received.text == preview.text
            assert received.entities == preview.entities
        (received,) = stage.world.messages(phone, whatsapp=True)
        assert received.text.encode() in on_whatsapp.text.encode()
        parameters = [call["params"] for call in stage.log.sends(reader)]
        shown = [
            call["params"]
            for call in stage.log.sends(editor)
            if HEADLINE in call["params"]["text"]
            and "<pre>" not in call["params"]["text"]
        ]
        assert [each["text"] for each in parameters] == [each["text"] for each in shown]


async def test_confirming_twice_sends_once(stage: Stage):
    async with stage.office() as desk:
        editor = await stage.editor()
        readers = await stage.readers(3)
        await desk.editorial.take_in(NEWS)
    async with stage.app():
        await stage.world.say(editor, "/broadcast")
        plan = await offer(stage, editor)
        first = await stage.world.press(editor, plan, "Confirm")
        second = await stage.world.press(editor, plan, "Confirm")
        await until(lambda: not stage.world.queries, "both presses to be answered")
        said = {each["query"]: each["text"] for each in stage.log.of("answered")}
        assert said == {first: "On its way", second: "It was confirmed before"}
        await stage.finished(await newest(stage))
        assert [stage.copies(reader) for reader in readers] == [1, 1, 1]


async def test_a_cancelled_plan_sends_nothing_and_cannot_be_confirmed(stage: Stage):
    async with stage.office() as desk:
        editor = await stage.editor()
        (reader,) = await stage.readers(1)
        await desk.editorial.take_in(NEWS)
    async with stage.app() as desk:
        await stage.world.say(editor, "/broadcast")
        plan = await offer(stage, editor)
        await stage.world.press(editor, plan, "Cancel")
        await stage.world.press(editor, plan, "Confirm")
        await until(lambda: not stage.world.queries, "both presses to be answered")
        found, coverage = await desk.broadcaster.status(await newest(stage))
        assert found.state is BroadcastState.CANCELLED
        assert coverage.states[State.SKIPPED] == 1
        assert not stage.copies(reader)


async def test_a_broadcast_is_stopped_on_its_way(stage: Stage):
    async with stage.office():
        editor = await stage.editor()
        readers = await stage.readers(60)
    stage.values |= {"telegram_rate": 10, "concurrency": 2}
    async with stage.app() as desk:
        await stage.idle()
        broadcast = await stage.broadcast()
        await stage.log.wait_for(lambda log: log.copies_of(HEADLINE), count=5)
        await stage.world.say(editor, "/status")
        await stage.told(editor, f"Broadcast {broadcast}: under way")
        await stage.world.say(editor, "/stop_broadcast")
        await stage.told(editor, f"Broadcast {broadcast} is stopped")

        async def settled() -> bool:
            states = await stage.states(broadcast)
            return not states[State.LEASED] + states[State.SENDING]

        await until(settled, "the calls under way")
        found, coverage = await desk.broadcaster.status(broadcast)
        assert found.state is BroadcastState.CANCELLED
        sent = coverage.states[State.ACCEPTED]
        assert coverage.states == {
            State.ACCEPTED: sent,
            State.SKIPPED: len(readers) - sent,
        }
        assert 5 <= sent < len(readers)
        await stage.world.say(editor, "/status")
        await stage.told(editor, f"Broadcast {broadcast}: stopped")
        assert len(stage.log.copies_of(HEADLINE)) == sent, "nothing left after that"


async def test_who_is_no_editor_moves_nothing(stage: Stage):
    async with stage.office() as desk:
        (reader,) = await stage.readers(1)
        editor = await stage.editor()
        await desk.editorial.take_in(NEWS)
    async with stage.app() as desk:
        await stage.world.say(editor, "/broadcast")
        plan = await offer(stage, editor)
        for words in ("/broadcast", "/status", "/preview", "/stop_broadcast"):
            await stage.world.say(reader, words)
        # A button that was handed on: Telegram would carry the press.
        stage.world.chats[reader.id].messages[plan.id] = plan
        query = await stage.world.press(reader, plan, "Confirm")
        await until(lambda: not stage.world.queries, "the press to be answered")
        (answer,) = stage.log.of("answered")
        assert answer["query"] == query
        assert "editors only" in answer["text"]
        await until(lambda: len(stage.texts(reader)) == 4, "four answers")
        assert len(set(stage.texts(reader))) == 1, "as to any word we do not know"
        assert HEADLINE not in stage.texts(reader)[0]
        found, _ = await desk.broadcaster.status(await newest(stage))
        assert found.state is BroadcastState.PLANNED
        assert len(await desk.broadcaster.latest(10)) == 1
