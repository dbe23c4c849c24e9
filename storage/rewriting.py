"""The rows of a correction or a recall: who is to have what done, set by set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    null,
    or_,
    select,
)

from bot.domain.broadcasts import Purpose
from bot.domain.corrections import INSTEAD, YOUNG
from bot.domain.deliveries import ARRIVED, NOTES, PIN_PART, Action, Form, State
from bot.domain.errors import FailureKind
from bot.domain.recipients import Channel, Kind, Standing
from storage.copies import MOVED, copies, has_moved
from storage.tables import deliveries, enrolments, recipients

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from datetime import datetime

    from bot.domain.broadcasts import Broadcast, BroadcastId
    from bot.domain.recipients import AudienceId
    from bot.ports import MessageKey

_UNSURE = (State.SENDING, State.DOUBTFUL)


class Rewriting:
    """The rows of one change, as selects of those who are to have them.

    Args:
        broadcast: The change.
        family: What it changes, the oldest first.
        keys: What it says, by audience, channel, form and part.
        waiting: The states of what it goes in place of.
        now: The present moment.
    """

    def __init__(
        self,
        broadcast: Broadcast,
        family: Sequence[BroadcastId],
        keys: Collection[MessageKey],
        *,
        waiting: Sequence[State],
        now: datetime,
    ) -> None:
        self._broadcast = broadcast
        self._family = family
        self._texts: dict[tuple[AudienceId, Channel], set[int]] = {}
        for audience, channel, form, part in keys:
            texts = self._texts.setdefault((audience, channel), set())
            if form is not Form.NOTICE:
                texts.add(part)
        self._waiting = waiting
        self._now = now

    def selects(self) -> Iterator[tuple[Channel, Select[Any]]]:
        """Yield what is to be written, copies first, notes last."""
        for (audience, channel), texts in self._texts.items():
            parts = sorted(part for part in texts if part <= NOTES)
            notes = sorted(part for part in texts if part > NOTES)
            if channel is Channel.TELEGRAM:
                yield channel, self._changes(audience, parts)
            for part in parts:
                if channel is Channel.TELEGRAM:
                    yield channel, self._added(audience, part)
                yield channel, self._anew(audience, channel, part)
            for note in notes:
                if channel is Channel.TELEGRAM:
                    yield channel, self._added(audience, note)
                else:
                    yield channel, self._told(audience, channel, note)

    def _changes(self, audience: AudienceId, parts: Sequence[int]) -> Select[Any]:
        """Edit each copy of a part that there still is; take the others back."""
        recall = self._broadcast.purpose is Purpose.RECALL
        bounds = () if recall else (deliveries.c.part <= NOTES,)
        found = copies(
            self._family, deliveries.c.audience_id == audience, *bounds
        ).subquery()
        kept = found.c.part.in_(parts)
        action = deliveries.c.action.type
        old = found.c.started_at <= self._now - YOUNG
        return self.row(
            found,
            part=found.c.part,
            action=case(
                (or_(kept, old), literal(Action.EDIT, action)),
                else_=literal(Action.DELETE, action),
            ),
            form=case(
                (kept, null()), else_=literal(Form.NOTICE, deliveries.c.form.type)
            ),
            target=found.c.provider_id,
            moved=has_moved(found.c.started_at),
        ).where(_on(Channel.TELEGRAM))

    def _added(self, audience: AudienceId, part: int) -> Select[Any]:
        """Send what is new in answer to the first part, where that can be answered."""
        first = first_messages(self._family, audience=audience)
        theirs = deliveries.alias("theirs")
        return self.row(
            first,
            part=literal(part, deliveries.c.part.type),
            target=first.c.provider_id,
            audience=audience,
        ).where(
            ~_any(copies(self._family, deliveries.c.part == part), first),
            ~exists().where(
                theirs.c.broadcast_id.in_(self._family),
                theirs.c.recipient_id == first.c.recipient_id,
                or_(
                    theirs.c.state == State.SENDING,
                    and_(theirs.c.part == part, theirs.c.state == State.DOUBTFUL),
                ),
            ),
        )

    def _anew(self, audience: AudienceId, channel: Channel, part: int) -> Select[Any]:
        """Send the new text to whom the old was still to go."""
        theirs = deliveries.alias("theirs")
        waiting = (
            select(
                deliveries.c.recipient_id,
                func.min(deliveries.c.sender_id).label("sender_id"),
                func.max(deliveries.c.target).label("target"),
            )
            .where(
                deliveries.c.broadcast_id.in_(self._family),
                deliveries.c.audience_id == audience,
                deliveries.c.part == 1,
                deliveries.c.action == Action.SEND,
                deliveries.c.state.in_(self._waiting),
                or_(
                    deliveries.c.state != State.SKIPPED,
                    deliveries.c.reason.in_(INSTEAD.values()),
                ),
                ~exists().where(
                    theirs.c.broadcast_id.in_(self._family),
                    theirs.c.recipient_id == deliveries.c.recipient_id,
                    theirs.c.action == Action.SEND,
                    theirs.c.state.in_((*_UNSURE, *ARRIVED)),
                ),
            )
            .group_by(deliveries.c.recipient_id)
            .subquery()
        )
        target = waiting.c.target if part == 1 else literal("")
        return self.row(
            waiting,
            part=literal(part, deliveries.c.part.type),
            target=target,
            audience=audience,
        ).where(_on(channel))

    def _told(self, audience: AudienceId, channel: Channel, part: int) -> Select[Any]:
        """Tell of the change whoever has the story and cannot see it change."""
        reached = (
            select(
                deliveries.c.recipient_id,
                func.min(deliveries.c.sender_id).label("sender_id"),
            )
            .where(
                deliveries.c.broadcast_id.in_(self._family),
                deliveries.c.audience_id == audience,
                deliveries.c.action == Action.SEND,
                deliveries.c.state.in_(ARRIVED),
            )
            .group_by(deliveries.c.recipient_id)
            .subquery()
        )
        return self.row(
            reached,
            part=literal(part, deliveries.c.part.type),
            target=literal(""),
            audience=audience,
        ).where(_on(channel))

    def row(
        self,
        whose: Any,
        *,
        part: ColumnElement[Any],
        target: ColumnElement[Any],
        action: ColumnElement[Any] | None = None,
        form: ColumnElement[Any] | None = None,
        moved: ColumnElement[bool] | None = None,
        audience: AudienceId | None = None,
    ) -> Select[Any]:
        """Select rows for those in *whose*, each in the state that its reader allows.

        Args:
            whose: Recipients with their sender, and their audience unless it is given.
            part: Its place.
            target: The provider's id that it is about.
            action: What to do; to send unless given.
            form: Which rendering; chosen when it is sent, unless given.
            moved: Whether the copy has been left behind.
            audience: For whom it is sent: those who have left it get no message.
        """
        column = deliveries.c
        standing = recipients.c.standing
        gone = [(standing == Standing.GONE, _or(recipients.c.standing_reason, "gone"))]
        if audience is not None:
            stays = exists().where(
                enrolments.c.recipient_id == recipients.c.id,
                enrolments.c.audience_id == audience,
                enrolments.c.ended_at.is_(None),
            )
            rests = func.coalesce(recipients.c.rest_until > self._now, False)
            gone += [(~stays, literal("unenrolled")), (rests, literal("capped"))]
        behind = [] if moved is None else [(moved, literal(MOVED))]

        def state(of: State) -> ColumnElement[Any]:
            return literal(of, column.state.type)

        suspended = standing == Standing.SUSPENDED
        sending = literal(Action.SEND, column.action.type)
        return (
            select(
                literal(self._broadcast.id, column.broadcast_id.type).label(
                    "broadcast_id"
                ),
                whose.c.recipient_id,
                (
                    whose.c.audience_id
                    if audience is None
                    else literal(audience, column.audience_id.type).label("audience_id")
                ),
                whose.c.sender_id,
                part.label("part"),
                (sending if action is None else action).label("action"),
                (null() if form is None else form).label("form"),
                case(
                    *((when, state(State.FAILED)) for when, _ in behind),
                    *((when, state(State.SKIPPED)) for when, _ in gone),
                    (suspended, state(State.SUSPENDED)),
                    else_=state(State.QUEUED),
                ).label("state"),
                literal(0, column.epoch.type).label("epoch"),
                literal(self._now, column.due_at.type).label("due_at"),
                literal(0, column.attempts.type).label("attempts"),
                _failing(behind).label("failure_kind"),
                case(*behind, else_="").label("failure_code")
                if behind
                else literal("").label("failure_code"),
                case(*gone, (suspended, recipients.c.standing_reason), else_="").label(
                    "reason"
                ),
                target.label("target"),
            )
            .join_from(whose, recipients, recipients.c.id == whose.c.recipient_id)
            .order_by(recipients.c.id)
        )


def pinned(broadcast: Broadcast, *, now: datetime) -> Select[Any]:
    """Select the pin of a live card in each group that has it."""
    found = copies([broadcast.id], deliveries.c.part == 1).subquery()
    return _pin(broadcast, found, Action.PIN, now=now).where(
        _on(Channel.TELEGRAM),
        recipients.c.kind != Kind.READER,
        ~has_moved(found.c.started_at),
    )


def unpinned(
    broadcast: Broadcast, family: Sequence[BroadcastId], *, now: datetime
) -> Select[Any]:
    """Select the end of each pin of a live card."""
    found = (
        select(
            deliveries.c.recipient_id,
            deliveries.c.audience_id,
            deliveries.c.sender_id,
            deliveries.c.target.label("provider_id"),
        )
        .where(
            deliveries.c.broadcast_id.in_(family),
            deliveries.c.action == Action.PIN,
            deliveries.c.state.in_(ARRIVED),
        )
        .subquery()
    )
    return _pin(broadcast, found, Action.UNPIN, now=now).where(_on(Channel.TELEGRAM))


def _pin(
    broadcast: Broadcast, found: Any, action: Action, *, now: datetime
) -> Select[Any]:
    rows = Rewriting(broadcast, (), (), waiting=(), now=now)
    return rows.row(
        found,
        part=literal(PIN_PART, deliveries.c.part.type),
        action=literal(action, deliveries.c.action.type),
        target=found.c.provider_id,
    )


def _failing(behind: Sequence[tuple[Any, Any]]) -> ColumnElement[Any]:
    kind = literal(FailureKind.BEYOND_REACH, deliveries.c.failure_kind.type)
    return (
        case(*((when, kind) for when, _ in behind), else_=null()) if behind else null()
    )


def first_messages(
    family: Sequence[BroadcastId],
    *,
    audience: AudienceId | None = None,
) -> Any:
    """Select the first message of a story in each chat where it can be answered."""
    where = [deliveries.c.part == 1]
    if audience is not None:
        where.append(deliveries.c.audience_id == audience)
    found = copies(family, *where).subquery()
    return (
        select(found)
        .join(recipients, recipients.c.id == found.c.recipient_id)
        .where(_on(Channel.TELEGRAM), ~has_moved(found.c.started_at))
        .subquery()
    )


def _any(found: Select[Any], whose: Any) -> ColumnElement[bool]:
    """Say that *found* has a row for the recipient of *whose*."""
    return found.where(deliveries.c.recipient_id == whose.c.recipient_id).exists()


def _on(channel: Channel) -> ColumnElement[bool]:
    return recipients.c.channel == channel


def _or(text: ColumnElement[Any], otherwise: str) -> ColumnElement[Any]:
    return func.coalesce(func.nullif(text, ""), otherwise)
