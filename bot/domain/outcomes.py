"""What becomes of a delivery after an error: pure decisions, obeyed by the ledger."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from bot.domain.deliveries import (
    ARRIVED,
    PINS,
    REPEATABLE,
    Action,
    Attempt,
    Delivery,
    Failure,
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

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class Consequence(StrEnum):
    """What else a failure asks for, besides the delivery's own end."""

    NONE = "none"  #: nothing
    UNENROL = "unenrol"  #: out of every audience: the recipient has left us
    STRIKE = "strike"  #: unenrol once the same has been heard three times running
    #: suspend once the same has been heard three times running: no proof of a wrong
    #: number
    STRIKE_SUSPEND = "strike_suspend"
    SUSPEND = "suspend"  #: wait for the recipient's rights; tell the editors
    REST = "rest"  #: leave the recipient alone for a day
    MOVE = "move"  #: rewrite the address
    COUNT = "count"  #: unknown words: when several recipients say them, stop
    STOP = "stop"  #: pause the broadcast; tell the editors
    SENDER_DOWN = "sender_down"  #: stop the sender; tell the editors


#: A recipient is given up, or suspended, at this many like answers in a row.
STRIKES = 3
#: An unknown refusal becomes the message's fault when this many recipients give it.
UNKNOWN_REFUSALS = 3
#: How long Meta's cap on marketing messages is respected (platform-facts: ≥ 24 h).
REST = timedelta(hours=24)

_OF_KIND = {
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


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How many calls to make for one delivery, and how long to wait between them."""

    attempts: int = 6  #: for what moves, or is taken and then fails
    first_wait: timedelta = timedelta(seconds=1)  #: doubles after each failed call
    longest_wait: timedelta = timedelta(minutes=5)

    def wait(self, attempts: int) -> timedelta:
        """Time to wait after the call number *attempts* (from 1) came to nothing."""
        doublings = min(max(attempts - 1, 0), 30)
        return min(self.first_wait * (1 << doublings), self.longest_wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Where a delivery goes next, and what else must happen."""

    state: State
    due_at: datetime | None = None  #: when to try again, for queued
    form: Form | None = None  #: the form that the next attempt must have
    action: Action | None = None  #: what the next attempt does instead
    failure: Failure | None = None
    consequence: Consequence = Consequence.NONE


def after_error(  # noqa: C901, PLR0911, PLR0912 - a table: one line an error
    error: SendError,
    *,
    attempts: int,
    form: Form,
    has_template: bool,
    now: datetime,
    policy: RetryPolicy,
    reported: bool = False,
    action: Action = Action.SEND,
) -> Step:
    """Decide what becomes of a delivery now that an attempt ended with *error*.

    Args:
        error: What the provider answered, or reported later.
        attempts: Calls made for this delivery, the failed one included.
        form: What the failed attempt sent.
        has_template: Whether a template stands ready for this delivery.
        now: The present moment, aware, in UTC.
        policy: A wait that the provider asks for is honoured if it is longer.
        reported: The provider had accepted the message, and said this later.
        action: What the failed attempt did.

    Returns:
        The next step. A repeat is decided only where the error proves that nothing
        was sent, or where twice comes to the same as once. While the provider
        refuses to take it, or cannot be reached, only the broadcast's expiry ends
        the trying; a message that is taken and then fails is tried as often as the
        policy says, for each costs.
    """
    match error:
        case Doubtful() if action in REPEATABLE:
            return Step(state=State.QUEUED, due_at=now + policy.wait(attempts))
        case Doubtful():
            return Step(state=State.DOUBTFUL)
        case Moved() if action in REPEATABLE:
            # The numbers of a group's messages stay behind when it moves; at the new
            # address the same number is another message.
            return _failed(FailureKind.BEYOND_REACH, error, Consequence.MOVE)
        case Undeliverable() | Suspended() | Malformed() if action in PINS:
            return Step(state=State.SKIPPED)
        case Undeliverable(kind=FailureKind.BEYOND_REACH) if action is Action.DELETE:
            # Too old to be deleted: then it is to say that it is withdrawn.
            return Step(state=State.QUEUED, due_at=now, action=Action.EDIT)
        case TryLater(after=after):
            wait = after if error.throttled else max(after, policy.wait(attempts))
            if reported and not error.throttled:
                return _again(error, attempts, now + wait, policy)
            return Step(state=State.QUEUED, due_at=now + wait)
        case Moved():
            step = _again(error, attempts, now, policy)
            return Step(
                state=step.state,
                due_at=step.due_at,
                failure=step.failure,
                consequence=Consequence.MOVE,
            )
        case WindowClosed() if form is Form.TEXT and has_template:
            return Step(state=State.QUEUED, due_at=now, form=Form.TEMPLATE)
        case WindowClosed():
            return _failed(FailureKind.WINDOW_CLOSED, error)
        case SenderDown() if reported:
            return _failed(FailureKind.SENDER_DOWN, error, Consequence.SENDER_DOWN)
        case SenderDown():
            return Step(
                state=State.QUEUED, due_at=now, consequence=Consequence.SENDER_DOWN
            )
        case Suspended():
            return Step(state=State.SUSPENDED, consequence=Consequence.SUSPEND)
        case Malformed():
            return _failed(FailureKind.MALFORMED, error, Consequence.STOP)
        case Undeliverable(kind=kind):
            return _failed(kind, error, _OF_KIND.get(kind, Consequence.NONE))
    return Step(state=State.DOUBTFUL)


def _again(error: SendError, attempts: int, due: datetime, policy: RetryPolicy) -> Step:
    if attempts >= policy.attempts:
        return _failed(FailureKind.GAVE_UP, error)
    return Step(state=State.QUEUED, due_at=due)


def _failed(
    kind: FailureKind, error: SendError, consequence: Consequence = Consequence.NONE
) -> Step:
    return Step(
        state=State.FAILED,
        failure=Failure(kind, error.code),
        consequence=consequence,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What has been learnt of one attempt: an answer, its absence, or a receipt."""

    reference: Reference
    progress: Progress
    provider_id: str = ""
    error: SendError | None = None  #: what went wrong, where something did


@dataclass(frozen=True, slots=True, kw_only=True)
class Settlement:
    """A delivery after a report."""

    delivery: Delivery
    attempt: Attempt | None = None  #: what to write of the attempt; None if nothing
    consequence: Consequence = Consequence.NONE


#: States that an error of the latest attempt may still change.
_OPEN = frozenset({State.SENDING, State.DOUBTFUL, State.ACCEPTED})


def settle(
    delivery: Delivery,
    attempts: Sequence[Attempt],
    report: Report,
    *,
    has_template: bool,
    now: datetime,
    policy: RetryPolicy,
) -> Settlement:
    """Fold *report* into its attempt, and the attempts into the delivery.

    Reports may come late, twice and in any order. What any attempt proves to have
    arrived stands, whatever the others say; an error counts once, and only if it is
    the latest attempt's. What the provider reports of another message than the
    attempt's own says nothing of it.
    """
    found = [each for each in attempts if each.reference == report.reference]
    if not found or _another(found[0].provider_id, report.provider_id):
        return Settlement(delivery=delivery)
    before = found[0]
    code = report.error.code if report.error else ""
    after = before.absorb(report.progress, provider_id=report.provider_id, code=code)
    written = after if after != before else None
    folded = [after if each is before else each for each in attempts]

    state = proven(folded)
    if state in ARRIVED:
        arrived = replace(delivery, state=state, failure=None, reason="")
        return Settlement(delivery=arrived, attempt=written)
    latest = report.reference.number == delivery.attempts
    advanced = after.progress > before.progress
    if not (latest and advanced and delivery.state in _OPEN and report.error):
        return Settlement(delivery=delivery, attempt=written)

    step = after_error(
        report.error,
        attempts=delivery.attempts,
        form=after.form,
        has_template=has_template,
        now=now,
        policy=policy,
        reported=report.progress is Progress.FAILED,
        action=delivery.action,
    )
    moved_on = replace(
        delivery,
        state=step.state,
        due_at=step.due_at or delivery.due_at,
        form=step.form or delivery.form,
        action=step.action or delivery.action,
        failure=step.failure,
        reason=code if step.state in {State.SUSPENDED, State.SKIPPED} else "",
    )
    return Settlement(delivery=moved_on, attempt=written, consequence=step.consequence)


def _another(known: str, reported: str) -> bool:
    """Whether two provider's ids, as far as they are known, are of two messages."""
    return bool(known and reported) and known != reported
