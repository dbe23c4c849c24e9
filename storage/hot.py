"""What every message costs: one transaction to take rows in hand, one to write.

Both are plain functions on an open connection, run in its own thread in one go, and
work on hundreds of rows with a handful of statements. What is to be written travels
as JSON, which both databases read row by row; only how they do that differs.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import String, bindparam, select, text, type_coerce

from bot.domain import pacing
from bot.domain.broadcasts import BroadcastId, Lane
from bot.domain.deliveries import (
    Action,
    DeliveryId,
    Form,
    Progress,
    State,
)
from bot.domain.errors import Fenced
from bot.domain.recipients import AudienceId, Channel, Kind, RecipientId
from bot.ports.ledger import Hand, Lease, ReplyLease, Written
from storage import due
from storage.codec import decode_message
from storage.columns import Moment
from storage.tables import (
    PENDING,
    deliveries,
    recipients,
    senders,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import Connection, Row, TextClause

    from bot.ports.ledger import Order, Page
    from storage.sealing import Keyring

#: The columns that a lease is made of. Words are read as they are stored, because a
#: type of their own costs a call for each.
_LEAN = (
    deliveries.c.id,
    deliveries.c.recipient_id,
    deliveries.c.audience_id,
    deliveries.c.part,
    deliveries.c.attempts,
    type_coerce(deliveries.c.action, String).label("action"),
    deliveries.c.target,
    type_coerce(deliveries.c.form, String).label("form"),
    type_coerce(recipients.c.kind, String).label("kind"),
    recipients.c.strikes,
    recipients.c.last_inbound_at,
    recipients.c.channel,
    recipients.c.value,
    recipients.c.sealed,
    recipients.c.thread,
)
_ACTIONS = {each.value: each for each in Action}
_FORMS: dict[str | None, Form | None] = {each.value: each for each in Form}
_FORMS[None] = None
_KINDS = {each.value: each for each in Kind}

#: How each database reads a JSON array of numbers, and one of rows.
_NUMBERS = {
    "sqlite": "SELECT value FROM json_each(:{name})",
    "postgresql": "SELECT CAST(value AS bigint) "
    "FROM json_array_elements_text(CAST(:{name} AS json))",
}
_ROWS = {
    "sqlite": "SELECT value ->> 0 AS id, value ->> 1 AS number, value ->> 2 AS word "
    "FROM json_each(:{name})",
    "postgresql": "SELECT CAST(value ->> 0 AS bigint) AS id, "
    "CAST(value ->> 1 AS integer) AS number, value ->> 2 AS word "
    "FROM json_array_elements(CAST(:{name} AS json))",
}


# --- taking in hand ----------------------------------------------------------------


def claim(on: Connection, keys: Keyring, order: Order) -> Hand:
    """Take what is due in hand, and reserve a moment for each; see the port."""
    own = on.execute(
        select(senders.c.epoch, senders.c.clock, senders.c.down)
        .where(senders.c.id == order.sender)
        .with_for_update()
    ).first()
    if own is None or own.epoch != order.epoch:
        raise Fenced(f"sender {order.sender} has another owner")
    clock = pacing.bounded(own.clock, now=order.now)
    if own.down or clock - order.now > order.ahead:
        return Hand([], [], clock, down=bool(own.down))
    answers = _due_replies(on, order)
    room = order.limit - min(len(answers), order.limit - order.kept)
    leases = _claim_deliveries(
        on, keys, order, room, {row.recipient_id for row in answers}
    )
    del answers[order.limit - len(leases) :]
    _lease(on, "reply", [row.id for row in answers], order.epoch)
    start = max(clock, order.now)
    if count := len(answers) + len(leases):
        on.execute(
            _clock_set(),
            {"sender": order.sender, "clock": start + order.interval * count},
        )
    return Hand([_reply(row, keys) for row in answers], leases, start)


def _due_replies(on: Connection, order: Order) -> list[Row[Any]]:
    found = on.execute(
        due.due_replies(order.sender, now=order.now).limit(
            order.limit + len(order.excluding)
        )
    ).all()
    return [row for row in found if row.recipient_id not in order.excluding][
        : order.limit
    ]


def _claim_deliveries(
    on: Connection, keys: Keyring, order: Order, room: int, busy: Collection[int]
) -> list[Lease]:
    leases: list[Lease] = []
    excluded = {*order.excluding, *busy}
    for broadcast in on.execute(due.running(order.now)).all():
        if len(leases) >= room:
            break
        found = (
            due.due_deliveries(broadcast.id, order.sender, now=order.now)
            .with_only_columns(*_LEAN)
            .limit(room - len(leases))
            .with_for_update(skip_locked=True, of=deliveries)
        )
        if excluded:
            found = found.where(deliveries.c.recipient_id.not_in(excluded))
        number, lane = BroadcastId(broadcast.id), broadcast.lane
        taken = [_in_hand(row, keys, number, lane) for row in on.execute(found)]
        leases += taken
        excluded.update(lease.recipient for lease in taken)
    _lease(on, "delivery", [lease.id for lease in leases], order.epoch)
    return leases


def _in_hand(row: Row[Any], keys: Keyring, broadcast: BroadcastId, lane: Lane) -> Lease:
    written = row.last_inbound_at if row.channel is Channel.WHATSAPP else None
    return Lease(
        DeliveryId(row.id),
        broadcast,
        RecipientId(row.recipient_id),
        AudienceId(row.audience_id),
        lane,
        row.part,
        row.attempts,
        _ACTIONS[row.action],
        row.target,
        _FORMS[row.form],
        keys.address(row),
        _KINDS[row.kind],
        written,
        row.strikes,
    )


def _reply(row: Row[Any], keys: Keyring) -> ReplyLease:
    return ReplyLease(
        id=row.id,
        recipient=RecipientId(row.recipient_id),
        address=keys.address(row),
        kind=row.kind,
        message=decode_message(row.body),
        attempts=row.attempts,
    )


def _lease(on: Connection, table: str, numbers: list[int], epoch: int) -> None:
    if numbers:
        on.execute(
            _leasing(table, on.dialect.name), {"ids": _json(numbers), "epoch": epoch}
        )


# --- writing -----------------------------------------------------------------------


def record(on: Connection, pages: Sequence[Page]) -> list[Written]:
    """Write pages; see the port."""
    return [_record(on, page) for page in pages]


def _record(on: Connection, page: Page) -> Written:
    dialect = on.dialect.name
    written = Written(set(), set(), set())
    # The clock says until when the sender may have called, whoever asks later.
    moved = {"sender": page.sender, "clock": page.moment}
    if page.calls or page.replies:
        owned = on.execute(_clock_moved(owned=True), {**moved, "epoch": page.epoch})
        if owned.rowcount:
            _mark(on, page, written)
    else:
        on.execute(_clock_moved(owned=False), moved)
    if page.accepted:
        _accept(on, page, written)
    for until, who in page.holds:
        on.execute(
            _holding(dialect),
            {"ids": _json(who), "until": until, "absurd": until + pacing.BELIEVED},
        )
    if page.arrived:
        on.execute(_forgiving(dialect), {"ids": _json(page.arrived)})
    return written


def _mark(on: Connection, page: Page, written: Written) -> None:
    dialect = on.dialect.name
    own = {"epoch": page.epoch, "sender": page.sender}
    if page.calls:
        numbers = _json([call[0] for call in page.calls])
        marked = on.execute(_marking("delivery", dialect), {"ids": numbers, **own})
        written.calls.update(DeliveryId(row[0]) for row in marked)
        rows = [call for call in page.calls if call[0] in written.calls]
        if rows:
            on.execute(_attempting(dialect), {"rows": _json(rows), "at": page.moment})
    if page.replies:
        marked = on.execute(
            _marking("reply", dialect), {"ids": _json(page.replies), **own}
        )
        written.replies.update(row[0] for row in marked)


def _accept(on: Connection, page: Page, written: Written) -> None:
    dialect = on.dialect.name
    met = on.execute(_accepting(dialect), {"rows": _json(page.accepted)})
    written.accepted.update(DeliveryId(row[0]) for row in met)
    rows = [row for row in page.accepted if row[0] in written.accepted]
    if rows:
        on.execute(_answered(dialect), {"rows": _json(rows)})
    alone = [each for each in page.in_template if each in written.accepted]
    if alone:
        on.execute(_skipping(dialect), {"ids": _json(alone)})


def _json(rows: Iterable[object]) -> str:
    return orjson.dumps(rows).decode()


# --- the statements ----------------------------------------------------------------

_QUEUED, _LEASED = State.QUEUED.value, State.LEASED.value
_SENDING, _ACCEPTED = State.SENDING.value, State.ACCEPTED.value


@cache
def _leasing(table: str, dialect: str) -> TextClause:
    return text(
        f"UPDATE {table} SET state = '{_LEASED}', epoch = :epoch "  # noqa: S608 - our own words
        f"WHERE id IN ({_NUMBERS[dialect].format(name='ids')})"
    )


@cache
def _marking(table: str, dialect: str) -> TextClause:
    return text(
        f"UPDATE {table} SET state = '{_SENDING}', attempts = attempts + 1 "  # noqa: S608 - our own words
        f"WHERE id IN ({_NUMBERS[dialect].format(name='ids')}) "
        f"AND state = '{_LEASED}' AND epoch = :epoch AND sender_id = :sender "
        "RETURNING id"
    )


@cache
def _attempting(dialect: str) -> TextClause:
    return text(
        "INSERT INTO attempt "  # noqa: S608 - our own words
        "(delivery_id, number, form, progress, started_at, provider_id, code) "
        f"SELECT id, number, word, {Progress.SENDING.value}, :at, '', '' "
        f"FROM ({_ROWS[dialect].format(name='rows')}) AS made"
    ).bindparams(bindparam("at", type_=Moment()))


@cache
def _accepting(dialect: str) -> TextClause:
    # The delivery before its attempt, as everybody locks them.
    return text(
        f"UPDATE delivery SET state = '{_ACCEPTED}', "  # noqa: S608 - our own words
        "failure_kind = NULL, failure_code = '', reason = '' "
        f"FROM ({_ROWS[dialect].format(name='rows')}) AS answer "
        f"WHERE delivery.id = answer.id AND delivery.state = '{_SENDING}' "
        "AND delivery.attempts = answer.number AND EXISTS (SELECT 1 FROM attempt "
        "WHERE attempt.delivery_id = answer.id AND attempt.number = answer.number "
        f"AND attempt.progress = {Progress.SENDING.value} "
        "AND attempt.provider_id = '') "
        "RETURNING delivery.id"
    )


@cache
def _answered(dialect: str) -> TextClause:
    return text(
        f"UPDATE attempt SET progress = {Progress.ACCEPTED.value}, code = '', "  # noqa: S608 - our own words
        "provider_id = answer.word "
        f"FROM ({_ROWS[dialect].format(name='rows')}) AS answer "
        "WHERE attempt.delivery_id = answer.id AND attempt.number = answer.number"
    )


@cache
def _skipping(dialect: str) -> TextClause:
    return text(
        f"UPDATE delivery SET state = '{State.SKIPPED.value}', "  # noqa: S608 - our own words
        "reason = 'in template' FROM "
        "(SELECT broadcast_id, recipient_id, part FROM delivery "
        f"WHERE id IN ({_NUMBERS[dialect].format(name='ids')})) AS first "
        "WHERE delivery.broadcast_id = first.broadcast_id "
        "AND delivery.recipient_id = first.recipient_id "
        "AND delivery.part > first.part "
        f"AND delivery.action = '{Action.SEND.value}' "
        f"AND delivery.state IN ({words(PENDING)})"
    )


@cache
def _holding(dialect: str) -> TextClause:
    return text(
        "UPDATE recipient SET next_at = :until "  # noqa: S608 - our own words
        f"WHERE id IN ({_NUMBERS[dialect].format(name='ids')}) "
        "AND (next_at IS NULL OR next_at < :until OR next_at > :absurd)"
    ).bindparams(
        bindparam("until", type_=Moment()), bindparam("absurd", type_=Moment())
    )


@cache
def _forgiving(dialect: str) -> TextClause:
    return text(
        "UPDATE recipient SET strikes = 0 "  # noqa: S608 - our own words
        f"WHERE id IN ({_NUMBERS[dialect].format(name='ids')}) AND strikes > 0"
    )


@cache
def _clock_set() -> TextClause:
    return text("UPDATE sender SET clock = :clock WHERE id = :sender").bindparams(
        bindparam("clock", type_=Moment())
    )


@cache
def _clock_moved(*, owned: bool) -> TextClause:
    return text(
        "UPDATE sender SET clock = CASE WHEN clock < :clock THEN :clock ELSE clock END "  # noqa: S608 - our own words
        "WHERE id = :sender" + (" AND epoch = :epoch" if owned else "")
    ).bindparams(bindparam("clock", type_=Moment()))
