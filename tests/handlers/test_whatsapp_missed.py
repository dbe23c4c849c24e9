"""What readers wrote while Twilio could not reach us."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from bot import phrases
from bot.domain.errors import LinkRevoked, TryLater
from bot.domain.inbound import Inbound
from bot.domain.keeping import REPEATS, Keeping
from bot.domain.recipients import Address, Channel, Kind
from bot.retention import Retention
from handlers.whatsapp.missed import AGAIN, FURTHEST, OVERLAP, MissedMessages

if TYPE_CHECKING:
    from datetime import datetime

READER = Address(Channel.WHATSAPP, "+923001234567")
MINUTE = timedelta(minutes=1)


class Listed:
    """A pretend provider's list."""

    def __init__(self, world) -> None:
        self.world = world
        self.entries: list[Inbound] = []
        self.asked: list[datetime] = []
        self.fails = False

    def wrote(self, body: str, *, ago: timedelta, sid: str = "") -> None:
        number = next(self.world.numbers)
        self.entries.append(
            Inbound(
                channel=Channel.WHATSAPP,
                key=f"message:{sid or f'SM{number}'}",
                payload={
                    "From": f"whatsapp:{READER.value}",
                    "Body": body,
                    "Fetched": "1",
                },
                received_at=self.world.clock.now() - ago,
            )
        )

    async def __call__(self, since):
        self.asked.append(since)
        if self.fails:
            raise TryLater("Lost")
        return [each for each in self.entries if each.received_at >= since]


@pytest.fixture
def listed(world):
    return Listed(world)


@pytest.fixture
def missed(world, listed):
    return MissedMessages(
        listed=listed, database=world.database, clock=world.clock, runner=world.runner
    )


async def started(world, missed, *, down: timedelta = timedelta(hours=10)) -> None:
    """Somebody wrote, then nothing ran for as long as *down*."""
    await world.enrolment.enrol_by_hand(
        "valley", READER, Kind.READER, by="test", evidence="a test"
    )
    await world.whatsapp("PRIVACY")
    await world.sent(READER)
    world.clock.advance(down)
    await missed.begin()


async def looked(world, missed) -> None:
    assert await missed.run("all") is None
    assert await world.inbox.run("all") is None


async def test_a_stop_that_never_reached_us_is_obeyed(world, listed, missed):
    await started(world, missed)
    listed.wrote("STOP", ago=5 * MINUTE)

    await looked(world, missed)

    assert await world.joined(READER) == []
    goodbye = phrases.goodbye("en", channel=Channel.WHATSAPP)
    assert await world.texts(READER) == [goodbye]
    assert ("inbox", "all") in world.runner.kicks


async def test_what_has_come_by_itself_is_not_had_twice(world, listed, missed):
    await started(world, missed)
    await world.store(
        Channel.WHATSAPP,
        "message:SMx",
        {"From": f"whatsapp:{READER.value}", "Body": "HELP"},
    )
    listed.wrote("HELP", ago=timedelta(0), sid="SMx")

    await looked(world, missed)
    await looked(world, missed)

    assert len(await world.texts(READER)) == 1


async def test_a_stop_older_than_joining_anew_ends_nothing(world, listed, missed):
    await started(world, missed)
    listed.wrote("STOP", ago=5 * MINUTE)
    await world.enrolment.leave(READER)
    link = await world.enrolment.create_link("valley", Kind.READER)
    await world.whatsapp(f"JOIN {link.code}")

    await looked(world, missed)

    assert await world.joined(READER) == ["valley"]


@pytest.mark.parametrize(
    ("ahead", "left"),
    [
        (timedelta(seconds=0.8), True),  # written after it, and told in whole seconds
        (timedelta(seconds=1.9), True),  # and by another clock
        (timedelta(seconds=2.1), False),
    ],
)
async def test_two_clocks_that_differ_a_little_do_not_undo_a_stop(
    world, listed, missed, ahead, left
):
    """They join, and STOP a moment later; by the list it was *ahead* before."""
    await started(world, missed)
    await world.enrolment.leave(READER)
    link = await world.enrolment.create_link("valley", Kind.READER)
    listed.wrote("STOP", ago=timedelta(0))
    world.clock.set(listed.entries[0].received_at + ahead)
    await world.whatsapp(f"JOIN {link.code}")

    await looked(world, missed)

    assert await world.joined(READER) == ([] if left else ["valley"])


async def test_a_stop_older_than_agreeing_anew_ends_nothing(world, listed, missed):
    """To the desk they had never left."""
    await started(world, missed)
    link = await world.enrolment.create_link("valley", Kind.READER)
    listed.wrote("STOP", ago=5 * MINUTE)
    await world.whatsapp(f"JOIN {link.code}")

    await looked(world, missed)

    assert await world.joined(READER) == ["valley"]


async def test_a_stop_before_another_question_is_obeyed(world, listed, missed):
    await started(world, missed)
    listed.wrote("STOP", ago=5 * MINUTE)
    await world.whatsapp("HELP")

    await looked(world, missed)

    assert await world.joined(READER) == []
    assert len(await world.texts(READER)) == 1, "the question's answer, and no other"


async def test_joining_before_a_stop_does_not_undo_it(world, listed, missed):
    await started(world, missed)
    link = await world.enrolment.create_link("valley", Kind.READER)
    listed.wrote(f"JOIN {link.code}", ago=5 * MINUTE)
    await world.whatsapp("STOP")

    await looked(world, missed)

    assert await world.joined(READER) == []


@pytest.mark.parametrize("asked", ["JOIN", "HELP", "STOP"])
async def test_what_was_written_before_being_forgotten_undoes_nothing(
    world, listed, missed, asked
):
    await started(world, missed)
    link = await world.enrolment.create_link("valley", Kind.READER)
    body = f"JOIN {link.code}" if asked == "JOIN" else asked
    listed.wrote(body, ago=5 * MINUTE)
    await world.store(Channel.WHATSAPP, "message:SMwaits", listed.entries[0].payload)
    assert await world.enrolment.forget(READER)

    await looked(world, missed)

    assert await world.enrolment.find(READER) is None
    async with world.database.snapshot() as tx:
        assert await tx.erasure.suppressed(READER)
    assert await world.texts(READER) == []
    assert await world.errors() == []

    world.clock.advance(MINUTE)
    await world.whatsapp(body)
    assert await world.joined(READER) == (["valley"] if asked == "JOIN" else [])
    assert len(await world.texts(READER)) == 1


async def test_joining_before_a_stop_by_who_was_not_in_does_not_undo_it(
    world, listed, missed
):
    """They were told that they are in no list; nothing may follow that."""
    await started(world, missed)
    await world.enrolment.leave(READER)
    link = await world.enrolment.create_link("valley", Kind.READER)
    world.clock.advance(10 * MINUTE)
    listed.wrote(f"JOIN {link.code}", ago=5 * MINUTE)
    await world.whatsapp("STOP")
    await world.whatsapp("HELP")

    await looked(world, missed)

    assert await world.joined(READER) == []


async def test_joining_before_another_question_joins(world, listed, missed):
    await started(world, missed)
    await world.enrolment.leave(READER)
    link = await world.enrolment.create_link("valley", Kind.READER)
    world.clock.advance(10 * MINUTE)
    listed.wrote(f"JOIN {link.code}", ago=5 * MINUTE)
    await world.whatsapp("hello?")
    await world.sent(READER)

    await looked(world, missed)
    await looked(world, missed)

    assert await world.joined(READER) == ["valley"]
    [welcome] = await world.texts(READER)
    assert "Valley" in welcome


async def test_of_two_messages_fetched_late_the_stop_after_joining_counts(
    world, listed, missed
):
    await started(world, missed)
    await world.enrolment.leave(READER)
    link = await world.enrolment.create_link("valley", Kind.READER)
    world.clock.advance(10 * MINUTE)
    listed.wrote(f"JOIN {link.code}", ago=5 * MINUTE)
    listed.wrote("STOP", ago=4 * MINUTE)
    await world.whatsapp("hello?")

    await looked(world, missed)

    assert await world.joined(READER) == []


async def test_a_late_code_that_lets_nobody_in_is_answered_a_late_word_is_not(
    world, listed, missed
):
    await started(world, missed)
    link = await world.enrolment.create_link("valley", Kind.READER)
    await world.enrolment.leave(READER)
    await world.enrolment.revoke_link(link.id)
    world.clock.advance(10 * MINUTE)
    for words in (f"JOIN {link.code}", "WATERWAY", "thanks"):
        listed.wrote(words, ago=5 * MINUTE)
    await world.whatsapp("hello?")
    await world.sent(READER)

    await looked(world, missed)

    [refusal] = await world.texts(READER)
    assert refusal == phrases.refusal("en", error=LinkRevoked())


async def test_the_window_opens_when_they_wrote(world, listed, missed):
    await started(world, missed)
    listed.wrote("HELP", ago=5 * MINUTE)
    wrote_at = listed.entries[0].received_at

    await looked(world, missed)

    found = await world.enrolment.find(READER)
    assert found
    assert found[0].last_inbound_at == wrote_at


async def test_how_far_back_is_looked(world, listed, missed):
    await started(world, missed)
    last = world.clock.now() - timedelta(hours=10)
    await world.whatsapp("HELP")  # comes in before the first look
    await looked(world, missed)
    world.clock.advance(5 * MINUTE)
    await looked(world, missed)

    assert listed.asked == [last - OVERLAP, world.clock.now() - 5 * MINUTE - OVERLAP]

    world.clock.advance(FURTHEST * 2)
    await looked(world, missed)
    assert listed.asked[-1] == world.clock.now() - FURTHEST


async def test_an_entry_of_a_clock_that_was_ahead_hides_nothing(world, listed, missed):
    await started(world, missed)
    last = world.clock.now() - timedelta(hours=10)
    right = world.clock.now()
    world.clock.set(right + timedelta(days=365))
    await world.whatsapp("HELP")
    world.clock.set(right + timedelta(hours=3))
    await missed.begin()
    listed.wrote("STOP", ago=timedelta(hours=2))

    await looked(world, missed)

    assert listed.asked == [last - OVERLAP]
    assert await world.joined(READER) == []


async def test_where_every_entry_is_of_a_clock_ahead_all_is_looked_at(
    world, listed, missed
):
    right = world.clock.now()
    world.clock.set(right + timedelta(days=365))
    await started(world, missed)
    world.clock.set(right)
    await missed.begin()

    await looked(world, missed)

    assert listed.asked == [world.clock.now() - FURTHEST]


async def test_a_clock_set_back_between_two_looks_hides_nothing(world, listed, missed):
    await started(world, missed)
    right = world.clock.now()
    world.clock.set(right + timedelta(days=365))
    await looked(world, missed)
    world.clock.set(right + timedelta(hours=3))
    listed.wrote("STOP", ago=timedelta(hours=2))

    await looked(world, missed)
    await looked(world, missed)

    assert await world.joined(READER) == []
    now = world.clock.now()
    assert listed.asked[1:] == [now - FURTHEST, now - OVERLAP], "once from the first"


async def test_where_nothing_ever_came_in_nothing_is_fetched(world, listed, missed):
    """The number may have served another system until today."""
    listed.wrote("STOP", ago=5 * MINUTE)
    await missed.begin()

    await looked(world, missed)

    assert not listed.asked


async def test_twilio_is_asked_again_when_it_could_not_be(world, listed, missed):
    await started(world, missed)
    listed.wrote("STOP", ago=timedelta(hours=9))
    listed.fails = True
    assert await missed.run("all") == world.clock.now() + AGAIN

    listed.fails = False
    world.clock.advance(5 * MINUTE)
    await looked(world, missed)

    assert await world.joined(READER) == []
    assert listed.asked[0] == listed.asked[1], "from where it was to begin"


async def test_nothing_is_fetched_twice_that_was_erased_meanwhile(
    world, listed, missed
):
    """A question of four days ago, answered, its words and its number's time over."""
    assert REPEATS > FURTHEST + OVERLAP
    await started(world, missed, down=timedelta(days=4))
    (old,) = [each for each in await inbox(world) if each.startswith("message:")]
    listed.wrote("PRIVACY", ago=timedelta(days=4), sid=old.removeprefix("message:"))
    await erased(world)

    await looked(world, missed)

    assert len(await world.texts(READER)) == 0


async def test_a_stop_is_obeyed_though_nobody_had_written_for_a_month(
    world, listed, missed
):
    await started(world, missed, down=timedelta(days=30))
    await erased(world)
    await missed.begin()
    listed.wrote("STOP", ago=5 * MINUTE)

    await looked(world, missed)

    assert await world.joined(READER) == []


async def erased(world) -> None:
    keeping = Keeping(updates=timedelta(0))
    ran = iter([0.0, timedelta(days=1).total_seconds()])
    retention = Retention(
        database=world.database,
        clock=world.clock,
        keeping=keeping,
        seconds=lambda: next(ran),
    )
    await retention.run("all")  # does not believe the clock yet
    await retention.run("all")


async def inbox(world) -> list[str]:
    async with world.database.snapshot() as tx:
        keys = await tx.inbox._connection.values(text("SELECT key FROM inbound"))
    return [str(key) for key in keys]
