"""What becomes of a delivery: the table, and the properties of folding reports."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.broadcasts import BroadcastId
from bot.domain.deliveries import (
    ARRIVED,
    Action,
    Attempt,
    Delivery,
    DeliveryId,
    Form,
    Progress,
    Reference,
    State,
    proven,
)
from bot.domain.errors import (
    Doubtful,
    FailureKind,
    Malformed,
    Moved,
    SenderDown,
    SendError,
    Suspended,
    TryLater,
    Undeliverable,
    WindowClosed,
)
from bot.domain.outcomes import (
    Consequence,
    Report,
    RetryPolicy,
    after_error,
    settle,
)
from bot.domain.recipients import (
    Address,
    AudienceId,
    Channel,
    RecipientId,
    SenderId,
)

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
POLICY = RetryPolicy(attempts=3)
ELSEWHERE = Address(Channel.TELEGRAM, "-1001")

TABLE = [
    (TryLater("busy"), State.QUEUED, Consequence.NONE),
    (Moved("moved", address=ELSEWHERE), State.QUEUED, Consequence.MOVE),
    (WindowClosed("63016"), State.QUEUED, Consequence.NONE),
    (SenderDown("401"), State.QUEUED, Consequence.SENDER_DOWN),
    (Suspended("rights"), State.SUSPENDED, Consequence.SUSPEND),
    (Malformed("entities"), State.FAILED, Consequence.STOP),
    (Doubtful("timeout"), State.DOUBTFUL, Consequence.NONE),
]
KINDS = {
    FailureKind.BLOCKED: Consequence.UNENROL,
    FailureKind.DEACTIVATED: Consequence.UNENROL,
    FailureKind.REMOVED: Consequence.UNENROL,
    FailureKind.DELETED: Consequence.UNENROL,
    FailureKind.OPTED_OUT: Consequence.UNENROL,
    FailureKind.NOT_FOUND: Consequence.STRIKE,
    FailureKind.NEVER_STARTED: Consequence.STRIKE,
    FailureKind.UNREACHABLE: Consequence.STRIKE_SUSPEND,
    FailureKind.CAPPED: Consequence.REST,
    FailureKind.REFUSED: Consequence.COUNT,
}


def decide(
    error: SendError,
    *,
    attempts=1,
    form=Form.TEXT,
    has_template=True,
    reported=False,
    action=Action.SEND,
):
    return after_error(
        error,
        attempts=attempts,
        form=form,
        has_template=has_template,
        now=NOON,
        policy=POLICY,
        reported=reported,
        action=action,
    )


@pytest.mark.parametrize(("error", "state", "consequence"), TABLE)
def test_every_class_of_error_has_its_next_step(error, state, consequence):
    step = decide(error)

    assert (step.state, step.consequence) == (state, consequence)


@pytest.mark.parametrize("kind", FailureKind)
def test_every_kind_of_failure_has_its_consequence(kind):
    step = decide(Undeliverable("code", kind=kind))

    assert step.state is State.FAILED
    assert step.consequence is KINDS.get(kind, Consequence.NONE)


BEYOND = Undeliverable("message can't be deleted", kind=FailureKind.BEYOND_REACH)
MOVED = Moved("moved", address=ELSEWHERE)
#: What becomes of an edit or a delete where a message that is sent fares otherwise.
CHANGES = [
    (Action.EDIT, Doubtful("timeout"), State.QUEUED, None, Consequence.NONE),
    (Action.DELETE, Doubtful("timeout"), State.QUEUED, None, Consequence.NONE),
    (Action.EDIT, MOVED, State.FAILED, None, Consequence.MOVE),
    (Action.DELETE, MOVED, State.FAILED, None, Consequence.MOVE),
    (Action.PIN, Doubtful("timeout"), State.QUEUED, None, Consequence.NONE),
    (Action.PIN, Suspended("rights"), State.SKIPPED, None, Consequence.NONE),
    (Action.UNPIN, BEYOND, State.SKIPPED, None, Consequence.NONE),
    (Action.EDIT, BEYOND, State.FAILED, None, Consequence.NONE),
    (Action.DELETE, BEYOND, State.QUEUED, Action.EDIT, Consequence.NONE),
]


@pytest.mark.parametrize(("action", "error", "state", "instead", "more"), CHANGES)
def test_what_may_be_done_twice_is_and_never_at_another_address(
    action, error, state, instead, more
):
    step = decide(error, action=action)

    assert (step.state, step.action, step.consequence) == (state, instead, more)
    if state is State.FAILED:
        assert step.failure
        assert step.failure.kind is FailureKind.BEYOND_REACH


def test_the_providers_wait_is_honoured_and_our_own_doubles():
    throttled = TryLater("429", after=timedelta(seconds=2), throttled=True)
    assert decide(throttled, attempts=2).due_at == NOON + timedelta(seconds=2)
    assert decide(TryLater("x"), attempts=1).due_at == NOON + timedelta(seconds=1)
    assert decide(TryLater("x"), attempts=2).due_at == NOON + timedelta(seconds=2)
    assert RetryPolicy().wait(10_000) == RetryPolicy().longest_wait


@pytest.mark.parametrize(
    "error", [TryLater("x"), Moved("x", address=ELSEWHERE)], ids=["later", "moved"]
)
def test_repeating_ends(error):
    """Two groups that call each other moved must not keep us busy for ever."""
    step = decide(error, attempts=POLICY.attempts, reported=True)

    assert step.state is State.FAILED
    assert step.failure
    assert step.failure.kind is FailureKind.GAVE_UP


@pytest.mark.parametrize("throttled", [True, False])
def test_an_outage_however_long_loses_nothing(throttled):
    """What never left is tried until the news is old, ever more seldom."""
    step = decide(TryLater("connection refused", throttled=throttled), attempts=500)

    assert step.state is State.QUEUED
    assert step.due_at
    assert step.due_at - NOON <= POLICY.longest_wait


def test_an_account_found_at_fault_later_does_not_send_again():
    """Each message that is taken and then fails may cost."""
    step = decide(SenderDown("63020"), reported=True)

    assert step.state is State.FAILED
    assert step.consequence is Consequence.SENDER_DOWN


def test_a_closed_window_asks_for_the_template_once():
    assert decide(WindowClosed("63016")).form is Form.TEMPLATE
    for step in (
        decide(WindowClosed("63016"), form=Form.TEMPLATE),
        decide(WindowClosed("63016"), has_template=False),
    ):
        assert step.state is State.FAILED
        assert step.failure
        assert step.failure.kind is FailureKind.WINDOW_CLOSED


def test_an_error_nobody_has_thought_of_is_doubt():
    class New(SendError):
        """A class that the table does not know."""

    assert decide(New("?")).state is State.DOUBTFUL


# --- folding --------------------------------------------------------------------


def delivery(**changes):
    return replace(
        Delivery(
            id=DeliveryId(1),
            broadcast=BroadcastId(1),
            recipient=RecipientId(1),
            audience=AudienceId(1),
            sender=SenderId(1),
            part=1,
            state=State.SENDING,
            due_at=NOON,
            attempts=1,
        ),
        **changes,
    )


def attempt(number=1, progress=Progress.SENDING):
    return Attempt(
        reference=Reference(DeliveryId(1), number),
        form=Form.TEXT,
        progress=progress,
        started_at=NOON,
    )


def fold(found, attempts, reports):
    """Apply reports one after another, as the ledger does."""
    known = {each.reference: each for each in attempts}
    consequences = []
    for report in reports:
        settlement = settle(
            found,
            list(known.values()),
            report,
            has_template=True,
            now=NOON,
            policy=POLICY,
        )
        found = settlement.delivery
        if settlement.attempt is not None:
            known[settlement.attempt.reference] = settlement.attempt
        consequences.append(settlement.consequence)
    return found, known, consequences


def report(progress, number=1, error=None):
    return Report(
        reference=Reference(DeliveryId(1), number), progress=progress, error=error
    )


@given(st.data())
def test_receipts_may_arrive_in_any_order_and_more_than_once(data):
    """The state depends on what was reported, not on when or how often."""
    progress = st.sampled_from([Progress.ACCEPTED, Progress.DELIVERED, Progress.READ])
    reports = [report(each) for each in data.draw(st.lists(progress, min_size=1))]
    shuffled = data.draw(st.permutations(reports + reports))

    one, attempts, _ = fold(delivery(), [attempt()], reports)
    two, same, _ = fold(delivery(), [attempt()], shuffled)

    assert one == two
    assert attempts == same
    assert one.state in ARRIVED


@given(st.permutations(["accepted", "failed", "delivered", "failed", "read"]))
def test_whatever_was_delivered_stays_delivered(order):
    """A late failure after a delivery is noted nowhere and changes nothing."""
    blocked = Undeliverable("63014", kind=FailureKind.OPTED_OUT)
    reports = [
        report(Progress[name.upper()], error=blocked if name == "failed" else None)
        for name in order
    ]

    found, _, _ = fold(delivery(), [attempt()], reports)

    assert found.state is State.READ
    assert found.failure is None


def test_a_failure_after_acceptance_counts_once():
    blocked = Undeliverable("63014", kind=FailureKind.OPTED_OUT)
    failed = report(Progress.FAILED, error=blocked)

    found, _, consequences = fold(
        delivery(), [attempt()], [report(Progress.ACCEPTED), failed, failed]
    )

    assert found.state is State.FAILED
    assert consequences.count(Consequence.UNENROL) == 1


def test_a_window_found_closed_later_opens_one_more_attempt_as_template():
    closed = report(Progress.FAILED, error=WindowClosed("63016"))

    found, _, _ = fold(
        delivery(), [attempt()], [report(Progress.ACCEPTED), closed, closed]
    )

    assert (found.state, found.form) == (State.QUEUED, Form.TEMPLATE)


def test_a_late_receipt_of_the_first_attempt_never_marks_the_second():
    late = report(Progress.FAILED, number=1, error=WindowClosed("63016"))
    first = attempt(1, Progress.FAILED)
    second = attempt(2, Progress.ACCEPTED)

    found, known, _ = fold(
        delivery(state=State.ACCEPTED, attempts=2), [first, second], [late]
    )

    assert found.state is State.ACCEPTED
    assert known[second.reference] == second


@pytest.mark.parametrize("progress", [Progress.READ, Progress.FAILED])
def test_a_report_of_another_message_changes_nothing(progress):
    """After a copy was restored its numbers are given out again."""
    error = WindowClosed("63016") if progress is Progress.FAILED else None
    other = replace(report(progress, error=error), provider_id="SMold")
    accepted = replace(attempt(1, Progress.ACCEPTED), provider_id="SMnew")

    found, known, _ = fold(delivery(state=State.ACCEPTED), [accepted], [other])
    assert found.state is State.ACCEPTED
    assert known[accepted.reference] == accepted

    own = replace(other, provider_id="SMnew", progress=Progress.READ, error=None)
    found, _, _ = fold(delivery(state=State.ACCEPTED), [accepted], [other, own])
    assert found.state is State.READ


def test_a_first_attempt_that_arrived_after_all_spares_the_second():
    found, _, _ = fold(
        delivery(state=State.QUEUED, attempts=1),
        [attempt(1, Progress.FAILED)],
        [report(Progress.DELIVERED)],
    )

    assert found.state is State.DELIVERED


def test_a_receipt_resolves_doubt():
    found, _, _ = fold(
        delivery(state=State.DOUBTFUL),
        [attempt(1, Progress.DOUBTFUL)],
        [report(Progress.ACCEPTED)],
    )

    assert found.state is State.ACCEPTED


def test_the_answer_of_a_fenced_owner_still_counts_as_what_it_is():
    """It was frozen in the call; its successor wrote doubt; it knows better."""
    found, _, _ = fold(
        delivery(state=State.DOUBTFUL),
        [attempt(1, Progress.DOUBTFUL)],
        [report(Progress.REFUSED, error=TryLater("429"))],
    )

    assert found.state is State.QUEUED


def test_an_error_does_not_wake_what_was_stopped():
    found, _, _ = fold(
        delivery(state=State.SKIPPED),
        [attempt()],
        [report(Progress.REFUSED, error=TryLater("429"))],
    )

    assert found.state is State.SKIPPED


def test_a_report_of_an_unknown_attempt_changes_nothing():
    found, _, _ = fold(delivery(), [attempt()], [report(Progress.READ, number=9)])

    assert found == delivery()


def test_attempts_prove_arrival_doubt_or_nothing():
    assert proven([]) is None
    assert proven([attempt(1, Progress.REFUSED)]) is None
    assert proven([attempt(1, Progress.SENDING)]) is State.DOUBTFUL
    assert (
        proven([attempt(1, Progress.DOUBTFUL), attempt(2, Progress.READ)]) is State.READ
    )


@pytest.mark.parametrize(
    "text", ["", ".", "1", "1.", ".1", "a.1", "1.1.1", "1.-1", "¹.²", "1" * 50 + ".1"]
)
def test_only_what_we_wrote_is_read_as_a_reference(text):
    assert Reference.parse(text) is None


@given(st.integers(1, 2**63 - 1), st.integers(1, 10**6))
def test_references_come_back_as_they_were_sent(number, place):
    reference = Reference(DeliveryId(number), place)

    assert Reference.parse(str(reference)) == reference
