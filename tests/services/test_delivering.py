"""From a plan to its end, recipient by recipient, over the real ledger."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import (
    Form,
    Progress,
    Receipt,
    Reference,
    State,
)
from bot.domain.errors import (
    Doubtful,
    FailureKind,
    Malformed,
    Moved,
    NothingToSend,
    SenderDown,
    StorageError,
    StorageFailing,
    Suspended,
    TooLate,
    TryLater,
    Undeliverable,
    WindowClosed,
)
from bot.domain.messages import Template
from bot.domain.recipients import Address, Channel, Kind, Standing
from bot.ports import LookUp
from tests import hot
from tests.services.conftest import Stand

ELSEWHERE = Address(Channel.TELEGRAM, "-100777")


async def state_of(stand: Stand, address: Address):
    found = await stand.enrolment.find(address)
    assert found
    recipient, audiences = found
    return recipient.standing, bool(audiences)


async def test_everybody_gets_it_once(stand: Stand):
    readers = [await stand.reader(number) for number in range(1, 41)]
    readers += [await stand.reader(number, Channel.WHATSAPP) for number in range(5)]

    plan = await stand.send()

    assert plan.recipients == plan.messages == 45
    sent = Counter(each.to for each in stand.telegram.sent + stand.whatsapp.sent)
    assert sent == dict.fromkeys(readers, 1)
    assert {line.delivery.state for line in await stand.lines(plan)} == {State.ACCEPTED}


async def test_nothing_leaves_before_the_confirmation_nor_twice_after_it(stand: Stand):
    await stand.reader(1)
    plan = await stand.plan()
    await stand.work()
    assert not stand.telegram.sent

    assert await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.work()
    assert not await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.work()

    assert len(stand.telegram.sent) == 1


async def test_a_broadcast_to_nobody_is_refused_and_leaves_nothing(stand: Stand):
    with pytest.raises(NothingToSend):
        await stand.plan()

    assert await stand.broadcaster.latest() == []


@pytest.mark.parametrize(
    ("error", "state", "standing", "enrolled"),
    [
        (
            Undeliverable("blocked", kind=FailureKind.BLOCKED),
            State.FAILED,
            Standing.GONE,
            False,
        ),
        (
            Undeliverable("not found", kind=FailureKind.NOT_FOUND),
            State.FAILED,
            Standing.ACTIVE,
            True,
        ),
        (Suspended("no rights"), State.SUSPENDED, Standing.SUSPENDED, True),
        (Doubtful("timeout"), State.DOUBTFUL, Standing.ACTIVE, True),
        (Malformed("entities"), State.FAILED, Standing.ACTIVE, True),
    ],
)
async def test_how_one_bad_recipient_ends(
    stand: Stand, error, state, standing, enrolled
):
    bad = await stand.reader(1)
    stand.telegram.fail(bad, error)

    plan = await stand.send()

    delivery = await stand.only(plan)
    assert (delivery.state, delivery.attempts) == (state, 1)
    assert await state_of(stand, bad) == (standing, enrolled)


async def test_an_address_not_found_three_times_running_is_given_up(stand: Stand):
    bad = await stand.reader(1)
    missing = Undeliverable("not found", kind=FailureKind.NOT_FOUND)
    for story in ("One thing happened.", "Two came.", "Three went."):
        stand.telegram.fail(bad, missing)
        assert (await state_of(stand, bad))[1]
        article = await stand.plan(text=story + " It was seen by many people.")
        await stand.broadcaster.confirm(article.broadcast.id)
        await stand.work()

    assert await state_of(stand, bad) == (Standing.GONE, False)


async def test_throttling_moves_one_chats_clock_and_nobody_else_waits(stand: Stand):
    slow = await stand.reader(1)
    others = [await stand.reader(number) for number in range(2, 12)]
    stand.telegram.fail(
        slow, TryLater("429", after=timedelta(seconds=60), throttled=True)
    )
    began = stand.clock.now()
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    again = await stand.pump().run("")

    assert {each.to for each in stand.telegram.sent} == set(others)
    assert stand.clock.now() - began < timedelta(seconds=2)
    assert again
    assert again - began >= timedelta(seconds=60)
    stand.clock.set(again)
    await stand.pump().run("")
    assert stand.telegram.texts(slow)
    lines = await stand.lines(plan)
    assert {line.delivery.attempts for line in lines} == {1, 2}


async def test_two_throttled_together_slow_the_sender_down(stand: Stand):
    readers = [await stand.reader(number) for number in range(1, 30)]
    wait = TryLater("429", after=timedelta(seconds=60), throttled=True)
    stand.telegram.fail(readers[0], wait)
    stand.telegram.fail(readers[1], wait)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    began = stand.clock.now()

    await stand.work()

    assert len(stand.telegram.sent) == 29
    async with stand.database.snapshot() as tx:
        sender = await tx.senders.get(stand.senders[Channel.TELEGRAM])
    assert sender.clock - began >= timedelta(seconds=60)


async def test_a_group_that_moved_is_followed_and_its_old_address_still_works(
    stand: Stand,
):
    old = await stand.group(-7)
    stand.telegram.fail(old, Moved("upgraded", address=ELSEWHERE))

    plan = await stand.send()

    assert (await stand.only(plan)).state is State.ACCEPTED
    assert [each.to for each in stand.telegram.sent] == [ELSEWHERE]
    before, after = (
        await stand.enrolment.find(old),
        await stand.enrolment.find(ELSEWHERE),
    )
    assert before
    assert before == after


async def test_a_muted_group_waits_its_editor_is_told_and_it_goes_on_later(
    stand: Stand,
):
    editor = await stand.editor()
    group = await stand.group(-7)
    stand.telegram.fail(group, Suspended("not enough rights"))
    plan = await stand.send()

    assert [text for text in stand.telegram.texts(editor) if "Group" in text]
    assert (await stand.only(plan)).state is State.SUSPENDED

    await stand.enrolment.rights_back(group)
    await stand.work()

    assert (await stand.only(plan)).state is State.ACCEPTED
    assert len(stand.telegram.texts(group)) == 1


async def test_a_bad_message_stops_at_the_first_answer(stand: Stand):
    editor = await stand.editor()
    for number in range(1, 201):
        address = await stand.reader(number)
        stand.telegram.fail(address, Malformed("can't parse entities"))

    plan = await stand.send()

    broadcast, coverage = await stand.broadcaster.status(plan.broadcast.id)
    assert broadcast.state is BroadcastState.PAUSED
    assert coverage.states[State.FAILED] <= 8, "only what was in the air"
    assert coverage.states[State.QUEUED] + coverage.states[State.FAILED] == 200
    assert len(stand.telegram.texts(editor)) == 1


async def test_an_unknown_refusal_concerns_one_until_three_say_the_same(stand: Stand):
    odd = Undeliverable("something new", kind=FailureKind.REFUSED)
    for number in range(1, 31):
        address = await stand.reader(number)
        if number <= 2:
            stand.telegram.fail(address, odd)
    plan = await stand.send()
    broadcast, coverage = await stand.broadcaster.status(plan.broadcast.id)
    assert broadcast.state is BroadcastState.RUNNING
    assert coverage.states[State.FAILED] == 2

    for number in range(1, 31):
        stand.telegram.fail(Address(Channel.TELEGRAM, str(number)), odd)
    stand.clock.set(stand.clock.now() + timedelta(minutes=1))
    plan = await stand.send("Another story altogether. It has two sentences.")

    broadcast, _ = await stand.broadcaster.status(plan.broadcast.id)
    assert broadcast.state is BroadcastState.PAUSED


async def test_a_revoked_token_stops_the_sender_and_loses_nothing(stand: Stand):
    readers = [await stand.reader(number) for number in range(1, 6)]
    for reader in readers:
        stand.telegram.fail(reader, SenderDown("Unauthorized"))
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    again = await stand.pump().run("")

    assert again
    assert {line.delivery.state for line in await stand.lines(plan)} == {State.QUEUED}
    stand.clock.set(again)
    await stand.work()
    assert {line.delivery.state for line in await stand.lines(plan)} == {State.ACCEPTED}


# --- WhatsApp --------------------------------------------------------------------


async def test_a_closed_window_means_the_template_at_once(stand: Stand):
    address = await stand.reader(1, Channel.WHATSAPP)
    stand.clock.set(stand.clock.now() + timedelta(hours=23, minutes=55))

    plan = await stand.send()

    [sent] = stand.whatsapp.sent
    assert isinstance(sent.message, Template)
    assert sent.to == address
    assert (await stand.only(plan)).state is State.ACCEPTED


async def test_a_window_that_only_we_believed_open_costs_one_more_attempt(stand: Stand):
    await stand.reader(1, Channel.WHATSAPP)
    stand.whatsapp.meanings["63016"] = WindowClosed("63016")
    plan = await stand.send()
    await stand.sweep.run("")
    first = await stand.only(plan)
    refused = Receipt(
        reference=Reference(first.id, 1), progress=Progress.FAILED, code="63016"
    )

    await stand.broadcaster.receive(Channel.WHATSAPP, refused)
    await stand.broadcaster.receive(Channel.WHATSAPP, refused)
    stand.clock.set(stand.clock.now() + timedelta(seconds=10))
    await stand.work()
    await stand.broadcaster.receive(Channel.WHATSAPP, refused)

    second = await stand.only(plan)
    assert (second.state, second.attempts, second.form) == (
        State.ACCEPTED,
        2,
        Form.TEMPLATE,
    )
    await stand.broadcaster.receive(
        Channel.WHATSAPP,
        Receipt(reference=Reference(first.id, 2), progress=Progress.READ),
    )
    assert (await stand.only(plan)).state is State.READ


@pytest.mark.parametrize("wrote_since", [False, True])
async def test_a_window_found_closed_stays_so_until_they_write(
    stand: Stand, wrote_since
):
    """The next story goes as the template at once, and costs no refused call."""
    address = await stand.reader(1, Channel.WHATSAPP)
    stand.whatsapp.meanings["63016"] = WindowClosed("63016")
    first = await stand.only(await stand.send())
    stand.clock.set(stand.clock.now() + timedelta(seconds=10))
    if wrote_since:
        await stand.enrolment.heard_from(address, Kind.READER)
    refused = Receipt(
        reference=Reference(first.id, 1), progress=Progress.FAILED, code="63016"
    )
    await stand.broadcaster.receive(Channel.WHATSAPP, refused)
    await stand.work()

    await stand.send("The pass is shut again. Nobody knows for how long.")

    last = stand.whatsapp.sent[-1].message
    assert isinstance(last, Template) is not wrote_since


async def test_stop_between_plan_and_confirmation_is_obeyed(stand: Stand):
    address = await stand.reader(1)
    await stand.reader(2)
    plan = await stand.plan()
    await stand.enrolment.leave(address)

    await stand.broadcaster.confirm(plan.broadcast.id)
    await stand.work()

    assert not stand.telegram.texts(address)
    states = Counter(line.delivery.state for line in await stand.lines(plan))
    assert states == {State.ACCEPTED: 1, State.SKIPPED: 1}


# --- crashes and doubt -------------------------------------------------------------


async def crash_in_mid_call(stand: Stand, channel=Channel.TELEGRAM):
    """Leave one delivery as a killed process does: marked, called, no more."""
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    sender = stand.senders[channel]
    now = stand.clock.now()
    async with stand.database.transaction() as tx:
        epoch = (await tx.senders.take(sender)).sender.epoch
    hand = await hot.claim(stand.database, sender, epoch, now=now, limit=2)
    leases = hand.leases
    await hot.mark(stand.database, sender, epoch, now=now, leases=leases[:1])
    return plan, leases, epoch


async def test_a_restart_sends_what_was_leased_and_lists_what_was_sending(stand: Stand):
    editor = await stand.editor()
    for number in (1, 2, 3):
        await stand.reader(number)
    plan, leases, _ = await crash_in_mid_call(stand)

    await stand.work()

    states = Counter(line.delivery.state for line in await stand.lines(plan))
    assert states == {State.ACCEPTED: 2, State.DOUBTFUL: 1}
    assert leases[0].address not in {each.to for each in stand.telegram.sent}
    assert stand.telegram.texts(editor)
    await stand.sweep.run("")
    broadcast, _ = await stand.broadcaster.status(plan.broadcast.id)
    assert broadcast.state is BroadcastState.FINISHED


async def test_an_owner_who_was_fenced_off_makes_no_call(stand: Stand):
    for number in (1, 2):
        await stand.reader(number)
    _, leases, epoch = await crash_in_mid_call(stand)
    sender, now = stand.senders[Channel.TELEGRAM], stand.clock.now()
    async with stand.database.transaction() as tx:
        await tx.senders.take(sender)

    late = await hot.mark(stand.database, sender, epoch, now=now, leases=leases[1:])

    assert not late.calls


@pytest.mark.parametrize("repeat", [True, False])
async def test_a_person_settles_doubt(stand: Stand, repeat):
    reader = await stand.reader(1)
    stand.telegram.fail(reader, Doubtful("timeout"))
    plan = await stand.send()
    await stand.sweep.run("")
    stand.clock.set(stand.clock.now() + timedelta(minutes=1))

    assert await stand.broadcaster.decide(plan.broadcast.id, repeat=repeat) == 1
    await stand.work()

    assert (await stand.only(plan)).state is State.ACCEPTED
    assert len(stand.telegram.texts(reader)) == (1 if repeat else 0)


@pytest.mark.parametrize("found", [True, False])
async def test_twilio_is_asked_about_doubt(stand: Stand, found):
    reader = await stand.reader(1, Channel.WHATSAPP)
    stand.whatsapp.fail(reader, Doubtful("timeout"))
    stand.whatsapp.find(
        reader,
        LookUp(found=found, provider_id="SM1", progress=Progress.DELIVERED)
        if found
        else LookUp(found=False),
    )
    plan = await stand.send()
    assert (await stand.only(plan)).state is State.DOUBTFUL

    await stand.doubts.run("")
    stand.clock.set(stand.clock.now() + timedelta(seconds=10))
    await stand.work()

    expected = State.DELIVERED if found else State.ACCEPTED
    assert (await stand.only(plan)).state is expected
    assert len(stand.whatsapp.sent) == (0 if found else 1)


async def test_twilio_is_asked_what_no_other_call_has_sent(stand: Stand):
    reader = await stand.reader(1, Channel.WHATSAPP)
    await stand.send()
    await stand.replies.answer(reader, Kind.READER, ["hello"], key="update:1")
    await stand.work()
    await stand.send("Another story. It is long enough, the engineer said.")
    stand.whatsapp.fail(reader, Doubtful("timeout"))
    await stand.send("A third story. It is long enough too, the engineer said.")

    await stand.doubts.run("")

    assert stand.whatsapp.others == [{each.provider_id for each in stand.whatsapp.sent}]
    assert len(stand.whatsapp.sent) == 3


# --- stopping and ending -----------------------------------------------------------


async def test_stopping_spares_what_has_not_left(stand: Stand):
    for number in (1, 2, 3):
        await stand.reader(number)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)

    assert await stand.broadcaster.stop(plan.broadcast.id) == 3
    await stand.work()

    assert not stand.telegram.sent
    with pytest.raises(TooLate):
        await stand.broadcaster.stop(plan.broadcast.id)


async def test_old_news_expires_and_the_broadcast_ends(stand: Stand):
    group = await stand.group(-7)
    stand.telegram.fail(group, Suspended("rights"))
    plan = await stand.send()
    await stand.sweep.run("")
    broadcast, _ = await stand.broadcaster.status(plan.broadcast.id)
    assert broadcast.state is BroadcastState.RUNNING

    stand.clock.set(stand.clock.now() + timedelta(hours=25))
    await stand.sweep.run("")

    broadcast, coverage = await stand.broadcaster.status(plan.broadcast.id)
    assert broadcast.state is BroadcastState.FINISHED
    assert coverage.states == {State.EXPIRED: 1}


async def test_replies_go_first_and_once(stand: Stand):
    for number in range(1, 20):
        await stand.reader(number)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    asker = Address(Channel.TELEGRAM, "500")

    for _ in range(2):
        await stand.replies.answer(asker, Kind.READER, ["one", "two"], key="update:1")
    await stand.work()

    assert stand.telegram.sent[0].to == asker
    assert stand.telegram.texts(asker) == ["one", "two"]


class FailingDisk:
    """A database that takes no answers for a while, and then all.

    Args:
        times: How often it fails. One batch of one report counts twice.
    """

    def __init__(self, database, error: StorageError, *, times: int) -> None:
        self._database = database
        self._error = error
        self.left = times
        self.full = False

    def __getattr__(self, name: str) -> object:
        """Be the database in all else."""
        return getattr(self._database, name)

    def transaction(self):
        if self.full:
            self._fail()
        return self._database.transaction()

    async def record(self, pages):
        if any(page.accepted for page in pages):
            self.full = True
            self._fail()
        return await self._database.record(pages)

    def _fail(self) -> None:
        if self.left:
            self.left -= 1
            raise self._error


@pytest.mark.parametrize(
    ("error", "arrived"),
    [
        (StorageFailing("the database is locked; try again"), State.ACCEPTED),
        (StorageError("that contradicts what is stored"), State.SENDING),
    ],
)
async def test_an_answer_waits_for_the_disk_and_not_for_what_never_can_be_written(
    stand: Stand, error, arrived
):
    await stand.reader(1)
    plan = await stand.plan()
    await stand.broadcaster.confirm(plan.broadcast.id)
    disk: Any = FailingDisk(stand.database, error, times=40)
    stand.ledger._database = stand.ledger.scribe._database = disk
    await stand.pump().run("")

    assert len(stand.telegram.sent) == 1
    assert (await stand.only(plan)).state is arrived


@pytest.mark.parametrize(
    "error",
    [
        None,
        TryLater("429", after=timedelta(seconds=5), throttled=True),
        Moved("moved", address=ELSEWHERE),
        SenderDown("401"),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_became_of_a_reply_waits_for_the_disk(stand, error):
    asker = await stand.reader(1)
    await stand.replies.answer(asker, Kind.READER, ["hello"], key="update:1")
    error_of_disk = StorageFailing("the database is locked; try again")
    disk: Any = FailingDisk(stand.database, error_of_disk, times=20)
    send = stand.telegram.send

    async def call(to, message, reference, **more):
        disk.full = True
        return await send(to, message, reference, **more)

    stand.telegram.send = call
    if error is not None:
        stand.telegram.fail(asker, error)
    pump = stand.pump()
    pump._callers._database = disk
    await pump.run("")
    assert not disk.left
    stand.telegram.send = send
    await stand.work()

    where = ELSEWHERE if isinstance(error, Moved) else asker
    assert stand.telegram.texts(where) == ["hello"]
