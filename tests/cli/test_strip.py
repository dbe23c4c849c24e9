"""What the demo's page is told of deliveries, and that it is always told something."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from bot.app import Desk, open_desk
from bot.cli.strip import FRESH, LATECOMER, Strip, words
from bot.config import Settings
from bot.domain.articles import Draft
from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import (
    BroadcastId,
    Delivery,
    DeliveryId,
    Failure,
    Form,
    State,
)
from bot.domain.errors import FailureKind, StorageError
from bot.domain.recipients import (
    Address,
    AudienceId,
    Channel,
    Kind,
    RecipientId,
    SenderId,
)
from storage import upgrade
from tests import hot
from tests.fakes import FakeClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
NAMES = {"1": "Ayesha", "+923005550101": "Gul"}


BASE = Delivery(
    id=DeliveryId(1),
    broadcast=BroadcastId(1),
    recipient=RecipientId(1),
    audience=AudienceId(1),
    sender=SenderId(1),
    part=1,
    due_at=NOW,
)


def delivery(state: State, **more: Any) -> Delivery:
    return replace(BASE, state=state, **more)


@pytest.mark.parametrize(
    ("state", "more", "channel", "said"),
    [
        ("queued", {}, "telegram", "waits for its turn"),
        ("queued", {"attempts": 1}, "telegram", "was asked to wait; will be tried"),
        ("leased", {}, "telegram", "about to be sent"),
        ("sending", {}, "telegram", "the call is under way"),
        ("accepted", {}, "telegram", "arrived"),
        ("accepted", {}, "whatsapp", "taken by WhatsApp"),
        ("delivered", {}, "whatsapp", "arrived"),
        ("delivered", {"form": Form.TEMPLATE}, "whatsapp", "sent as the template"),
        ("read", {"form": Form.TEMPLATE}, "whatsapp", "read"),
        ("suspended", {"reason": "403"}, "telegram", "may not write there"),
        ("expired", {}, "telegram", "too old to be news"),
        ("skipped", {"reason": "stopped"}, "telegram", "the editor stopped"),
        ("skipped", {"reason": "asked to"}, "telegram", "STOP"),
        ("skipped", {"reason": "blocked"}, "telegram", "the bot was blocked"),
        ("skipped", {"reason": "something new"}, "telegram", "something new"),
        ("skipped", {}, "telegram", "on purpose"),
        ("doubtful", {}, "telegram", "an editor decides"),
        ("doubtful", {}, "whatsapp", "Twilio is being asked"),
        ("recalled", {}, "telegram", "taken back"),
    ],
)
def test_a_state_is_said_in_words(
    state: str, more: dict[str, Any], channel: str, said: str
):
    assert said in words(delivery(State(state), **more), Channel(channel))


def test_before_the_confirmation_all_wait_for_the_editor():
    queued = delivery(State.QUEUED, attempts=1)
    waits = words(queued, Channel.TELEGRAM, broadcast=BroadcastState.PLANNED)
    assert waits == "waits for the editor to confirm"


def test_nothing_is_said_to_be_tried_again_while_the_broadcast_is_paused():
    for attempts in (0, 1):
        queued = delivery(State.QUEUED, attempts=attempts)
        waits = words(queued, Channel.TELEGRAM, broadcast=BroadcastState.PAUSED)
        assert waits == "waits until the broadcast goes on"


def test_every_state_and_every_kind_of_failure_has_words_of_its_own():
    for channel in Channel:
        for state in State:
            assert words(delivery(state), channel) != state.value or state is State.READ
    failed = {
        words(delivery(State.FAILED, failure=Failure(kind, "x")), Channel.TELEGRAM)
        for kind in FailureKind
    }
    assert len(failed) == len(FailureKind)


class Moment:
    """A clock that stands still until it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    database = tmp_path / "harkara.db"
    await upgrade(database)
    settings = Settings.model_validate(
        {
            "bot_token": "7000000001:SANDBOX-token-of-the-pretend-bot-001",
            "twilio_account_sid": "AC00000000000000000000000000005a4d",
            "twilio_auth_token": "x",
            "whatsapp_number": "+14155550100",
            "public_url": "http://127.0.0.1:9",
            "database": database,
            "undo_seconds": 0,
        }
    )
    async with open_desk(settings, online=False, clock=FakeClock(NOW)) as desk:
        await desk.enrolment.create_audience("valley", title="Valley", language="en")
        yield desk


async def enrol(desk: Desk, channel: str, value: str, kind: str = "reader") -> None:
    await desk.enrolment.enrol_by_hand(
        "valley",
        Address(Channel(channel), value),
        Kind(kind),
        by="test",
        evidence="a test",
        title="Neighbours" if kind == "group" else "",
    )


async def plan(desk: Desk, headline: str) -> Any:
    draft = Draft(
        text="It opened on Friday, the army said.",
        headline=headline,
        link=f"https://a.example/{len(headline)}",
    )
    article = await desk.editorial.take_in(draft)
    return (await desk.broadcaster.plan(article, ["valley"], by="test")).broadcast.id


def strip_of(desk: Desk, clock: Moment | None = None) -> Strip:
    return Strip(desk, named=NAMES.get, clock=clock or Moment())


async def test_nothing_yet_is_said_as_nothing(desk):
    nothing: dict[str, Any] = {"broadcast": None, "rows": [], "not_sent": []}
    assert await strip_of(desk).look() == nothing


async def test_it_names_everybody_and_who_gets_nothing_and_why(desk):
    await enrol(desk, "telegram", "1")
    await enrol(desk, "telegram", "-5", "group")
    await enrol(desk, "whatsapp", "+923005550101")
    await enrol(desk, "telegram", "2")
    await desk.enrolment.leave(Address(Channel.TELEGRAM, "2"))
    number = await plan(desk, "The pass opened")
    await enrol(desk, "telegram", "3")
    gul = Address(Channel.WHATSAPP, "+923005550101")
    await desk.enrolment.gone(gul, reason="blocked")

    seen = await strip_of(desk).look()
    assert seen["broadcast"] == {
        "id": number,
        "title": "The pass opened",
        "state": "planned",
        "planned_at": NOW.isoformat(),
    }
    assert [(row["recipient"], row["chat"], row["state"]) for row in seen["rows"]] == [
        ("Ayesha", "1", "queued"),
        ("Neighbours", "-5", "queued"),
        ("Gul", "whatsapp:+923005550101", "skipped"),
    ]
    assert seen["rows"][0] == {
        "recipient": "Ayesha",
        "chat": "1",
        "channel": "telegram",
        "state": "queued",
        "detail": "",
        "words": "waits for the editor to confirm",
        "attempts": 0,
        "form": "",
    }
    why = {each["recipient"]: each["why"] for each in seen["not_sent"]}
    assert why == {
        "Gul": "the bot was blocked; taken off the list",
        "3": LATECOMER,
        "2": "asked to leave (STOP); not written to any more",
    }


async def test_the_newest_shows_up_but_not_one_that_was_given_up_unconfirmed(desk):
    await enrol(desk, "telegram", "1")
    clock = Moment()
    strip = strip_of(desk, clock)
    first = await plan(desk, "One")
    await desk.broadcaster.confirm(first)
    assert (await strip.look())["broadcast"]["state"] == "running"
    second = await plan(desk, "Two and more")
    assert (await strip.look())["broadcast"]["id"] == first, (
        "a look is good for a while"
    )
    clock.now += FRESH
    assert (await strip.look())["broadcast"]["id"] == second
    await desk.broadcaster.stop(second)
    clock.now += FRESH
    assert (await strip.look())["broadcast"]["id"] == first


async def test_a_busy_database_leaves_what_was_known(desk, monkeypatch):
    await enrol(desk, "telegram", "1")
    await plan(desk, "One")
    clock = Moment()
    strip = strip_of(desk, clock)
    known = await strip.look()

    asked = 0

    async def busy(*_: object, **__: object) -> None:
        nonlocal asked
        asked += 1
        raise StorageError("the database is locked")

    monkeypatch.setattr(desk.broadcaster, "latest", busy)
    clock.now += FRESH
    assert await strip.look() == known
    assert await strip.look() == known
    assert asked == 1, "each would wait as long as the database lets it"
    assert await strip.under_way() is None


async def test_who_was_forgotten_is_not_named_any_more(desk):
    await enrol(desk, "telegram", "1")
    number = await plan(desk, "One")
    await desk.broadcaster.confirm(number)
    ayesha = Address(Channel.TELEGRAM, "1")
    await desk.enrolment.leave(ayesha)
    clock = Moment()
    strip = strip_of(desk, clock)
    assert (await strip.look())["rows"][0]["recipient"] == "Ayesha"
    assert await desk.enrolment.forget(ayesha)
    clock.now += FRESH
    assert "Ayesha" not in str(await strip.look())


async def test_calls_under_way_are_counted(desk):
    await enrol(desk, "telegram", "1")
    number = await plan(desk, "One")
    await desk.broadcaster.confirm(number)
    strip = strip_of(desk)
    assert await strip.under_way() == 0
    sender = desk.senders[Channel.TELEGRAM]
    async with desk.database.transaction() as tx:
        epoch = (await tx.senders.take(sender)).sender.epoch
    leases = (await hot.claim(desk.database, sender, epoch, now=NOW)).leases
    await hot.mark(desk.database, sender, epoch, now=NOW, leases=leases)
    assert await strip.under_way() == 1
