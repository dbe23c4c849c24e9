"""Telegram's troubles: after each, the sandbox's log and the ledger agree."""

from __future__ import annotations

import asyncio

import pytest

from bot.app import running
from bot.domain.deliveries import State
from bot.domain.errors import FailureKind
from bot.domain.recipients import Standing
from tests.stories.stage import HEADLINE, Stage, telegram, until


async def test_a_flood_wait_is_kept_and_delays_nobody_else(stage: Stage):
    async with stage.office():
        flooded, *others = await stage.readers(4)
    stage.faults.too_many(2, to=flooded, method="sendMessage")
    async with stage.app():
        broadcast = await stage.broadcast()
        await stage.finished(broadcast)
        first, second = stage.log.sends(flooded)
        assert (first["status"], second["status"]) == (429, 200)
        assert second.time - first.time >= 2
        for other in others:
            (sent,) = stage.log.sends(other)
            assert sent.time < second.time - 1, "nobody waits for the flooded one"
            assert stage.copies(other) == 1
        line = await stage.line(broadcast, telegram(flooded))
        assert line.delivery.state is State.ACCEPTED
        assert line.delivery.attempts == 2
        assert stage.copies(flooded) == 1


async def test_a_move_that_nobody_told_of_is_learnt_by_the_refusal(stage: Stage):
    async with stage.office():
        (group,) = await stage.groups(1)
    old = group.id
    async with stage.app():
        await stage.idle()
        new = await stage.world.migrate(group)
        stage.world.updates.drop()  # in the same breath: no update ever comes
        broadcast = await stage.broadcast()
        await stage.finished(broadcast)
        refused, sent = stage.log.sends(group)
        assert (refused.chat, refused["status"]) == (str(old), 400)
        assert (sent.chat, sent["status"]) == (str(new), 200)
        assert stage.copies(group) == 1
        by_old, _ = await stage.found(telegram(old))
        by_new, audiences = await stage.found(telegram(new))
        assert by_old.id == by_new.id
        assert audiences, "it stays enrolled"


async def test_missing_rights_suspend_and_the_editor_is_told_once(stage: Stage):
    async with stage.office():
        editor = await stage.editor()
        group, other = await stage.groups(2)
    words = "Bad Request: not enough rights to send text messages to the chat"
    stage.faults.error(400, words, to=group, method="sendMessage", times=None)
    async with stage.app():
        broadcast = await stage.broadcast()
        await stage.reached(broadcast, telegram(group), State.SUSPENDED)
        await stage.reached(broadcast, telegram(other), State.ACCEPTED)
        await stage.told(editor, group.title)
        waiting, audiences = await stage.found(telegram(group))
        assert waiting.standing is Standing.SUSPENDED
        assert audiences, "it stays enrolled"

        again = await stage.broadcast()
        await stage.reached(again, telegram(other), State.ACCEPTED)
        assert len(stage.log.sends(group)) == 1, "not tried while its rights are away"
        notices = [text for text in stage.texts(editor) if group.title in text]
        assert len(notices) == 1

        stage.faults.clear()
        await stage.world.promote_bot(stage.keeper(group), group)
        for each in (broadcast, again):
            await stage.reached(each, telegram(group), State.ACCEPTED)
        assert stage.copies(group) == 2


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("Forbidden: bot was kicked from the group chat", FailureKind.REMOVED),
        ("Forbidden: the group chat was deleted", FailureKind.DELETED),
        ("Forbidden: bot was blocked by the user", FailureKind.BLOCKED),
        ("Forbidden: user is deactivated", FailureKind.DEACTIVATED),
    ],
)
async def test_who_is_gone_is_unenrolled_at_the_first_word(
    stage: Stage, words: str, kind: FailureKind
):
    async with stage.office():
        gone, other = await stage.readers(2)
    stage.faults.error(403, words, to=gone)
    async with stage.app():
        broadcast = await stage.broadcast()
        await stage.finished(broadcast)
        line = await stage.line(broadcast, telegram(gone))
        assert line.delivery.state is State.FAILED
        assert line.delivery.failure
        assert line.delivery.failure.kind is kind
        await stage.enrolled(telegram(gone), wanted=False)
        again = await stage.broadcast()
        await stage.finished(again)
        assert len(stage.log.sends(gone)) == 1
        assert stage.copies(other) == 2


async def test_a_revoked_token_stops_the_sender_and_a_restored_one_loses_nothing(
    stage: Stage,
):
    async with stage.office():
        readers = await stage.readers(12)
    async with stage.app():
        stage.faults.unauthorized(method="sendMessage")
        broadcast = await stage.broadcast()
        await stage.log.wait_for(lambda log: log.sends())
        states = await stage.states(broadcast)
        assert states[State.FAILED] == states[State.DOUBTFUL] == 0
        stage.faults.clear()
    # Whoever has put the token right starts anew, or waits a minute.
    async with stage.app():
        await stage.finished(broadcast)
        assert [stage.copies(reader) for reader in readers] == [1] * len(readers)
        assert (await stage.states(broadcast))[State.ACCEPTED] == len(readers)


@pytest.mark.parametrize("status", [500, 502])
@pytest.mark.parametrize("stored", [True, False])
async def test_the_servers_own_trouble_is_in_doubt_and_not_repeated(
    stage: Stage, *, status: int, stored: bool
):
    async with stage.office():
        unlucky, other = await stage.readers(2)
    stage.faults.error(status, to=unlucky, stored=stored)
    async with stage.app() as desk:
        broadcast = await stage.broadcast()
        await stage.reached(broadcast, telegram(unlucky), State.DOUBTFUL)
        await stage.finished(broadcast)
        assert len(stage.log.sends(unlucky)) == 1
        assert stage.copies(unlucky) == int(stored)
        assert stage.copies(other) == 1

        settled = await desk.broadcaster.decide(broadcast, repeat=not stored)
        assert settled == 1
        await stage.reached(broadcast, telegram(unlucky), State.ACCEPTED)
        assert stage.copies(unlucky) == 1, "the editor decided rightly"


async def test_what_telegram_deleted_at_once_is_in_doubt(stage: Stage):
    async with stage.office():
        (reader,) = await stage.readers(1)
    stage.faults.immediately_deleted(to=reader)
    async with stage.app():
        broadcast = await stage.broadcast()
        await stage.reached(broadcast, telegram(reader), State.DOUBTFUL)
        assert len(stage.log.sends(reader)) == 1


@pytest.mark.parametrize(("fault", "copies"), [("cut_before", 0), ("cut_after", 1)])
async def test_a_cut_connection_leaves_doubt_whether_or_not_it_arrived(
    stage: Stage, fault: str, copies: int
):
    async with stage.office():
        unlucky, other = await stage.readers(2)
    stage.faults.add(fault, to=unlucky, method="sendMessage")
    async with stage.app():
        broadcast = await stage.broadcast()
        await stage.reached(broadcast, telegram(unlucky), State.DOUBTFUL)
        await stage.finished(broadcast)
        assert len(stage.log.sends(unlucky)) == 1, "never repeated by itself"
        assert (stage.copies(unlucky), stage.copies(other)) == (copies, 1)


async def test_an_answer_beyond_the_time_out_is_in_doubt_and_not_repeated(
    stage: Stage,
):
    async with stage.office():
        slow, other = await stage.readers(2)
    stage.values["timeout"] = 0.5
    stage.faults.slow(20, to=slow, method="sendMessage")
    async with stage.app():
        broadcast = await stage.broadcast()
        await stage.reached(broadcast, telegram(slow), State.DOUBTFUL)
        await stage.finished(broadcast)
        assert len(stage.log.sends(slow)) == 1
        assert (stage.copies(slow), stage.copies(other)) == (1, 1)


async def test_the_newsrooms_rule_can_be_to_repeat(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("bot.app.DOUBTS_EVERY", 1.0)
    async with stage.office():
        (reader,) = await stage.readers(1)
    stage.values["when_in_doubt"] = "repeat"
    stage.faults.cut_before(to=reader, method="sendMessage")
    async with stage.app():
        broadcast = await stage.broadcast()
        await stage.reached(broadcast, telegram(reader), State.ACCEPTED)
        assert len(stage.log.sends(reader)) == 2
        assert stage.copies(reader) == 1


async def test_a_message_bad_for_everybody_pauses_the_broadcast(stage: Stage):
    async with stage.office():
        editor = await stage.editor()
        await stage.readers(30)
    stage.values["telegram_rate"] = 20
    words = "Bad Request: can't parse entities: unclosed start tag at byte offset 3"
    stage.faults.error(400, words, method="sendMessage")
    async with stage.app() as desk:
        broadcast = await stage.broadcast()

        async def paused() -> bool:
            found, _ = await desk.broadcaster.status(broadcast)
            return found.state.value == "paused"

        await until(paused, "the pause")
        await stage.told(editor, "can't parse")
        await desk.broadcaster.resume(broadcast)
        await stage.finished(broadcast)
        states = await stage.states(broadcast)
        assert states == {State.FAILED: 1, State.ACCEPTED: 29}
        assert len(stage.log.copies_of(HEADLINE)) == 29


async def test_a_provider_that_is_down_at_the_start_is_waited_for(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("bot.accounts.AGAIN", 0.1)
    async with stage.office():
        readers = await stage.readers(3)
        broadcast = await stage.broadcast()
    await stage.faults.down("telegram")
    up = asyncio.Event()
    stop = asyncio.Event()

    async def work() -> None:
        async with running(stage.settings, stop=stop) as desk:
            stage._desk = desk
            up.set()
            await stop.wait()

    life = asyncio.create_task(work())
    await until(
        lambda: caplog.text.count("Telegram cannot be reached") >= 2, "tries in vain"
    )
    assert not up.is_set()
    assert not life.done()
    await stage.faults.up("telegram")
    await asyncio.wait_for(up.wait(), 10)
    await stage.finished(broadcast)
    assert [stage.copies(reader) for reader in readers] == [1, 1, 1]
    stop.set()
    await asyncio.wait_for(life, 10)


async def test_a_provider_that_goes_down_in_the_middle_loses_and_doubles_nothing(
    stage: Stage,
):
    async with stage.office():
        readers = await stage.readers(60)
    stage.values |= {"telegram_rate": 40, "concurrency": 4}
    async with stage.app() as desk:
        broadcast = await stage.broadcast()
        await stage.log.wait_for(lambda log: log.from_us(), count=15)
        await stage.faults.down("telegram")
        states = await stage.states(broadcast)
        assert states[State.QUEUED] > 0, "in the middle"

        async def tried_in_vain() -> bool:
            lines = await desk.broadcaster.report(broadcast, states={State.QUEUED})
            return any(line.delivery.attempts for line in lines)

        await until(tried_in_vain, "a refused connection")
        await stage.faults.up("telegram")
        await stage.finished(broadcast)
        lines = await stage.lines(broadcast)
        for reader in readers:
            state = lines[str(reader.id)].delivery.state
            if state is State.DOUBTFUL:  # was in the air when the line was cut
                assert stage.copies(reader) <= 1
            else:
                assert (state, stage.copies(reader)) == (State.ACCEPTED, 1)
        assert (await stage.states(broadcast))[State.DOUBTFUL] <= 4
        assert not stage.log.doubled()
