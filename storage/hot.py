"""What every message costs: one transaction to take rows in hand, one to write.

Both are plain functions on an open connection, run in its own thread in one go, and
work on hundreds of rows with a handful of statements. What is to be written travels
as JSON, which both databases read row by row; only how they do that differs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import (
    JSON,
    BigInteger,
    Text,
    bindparam,
    cast,
    func,
    select,
    type_coerce,
)
from sqlalchemy.types import NullType

from bot.domain import pacing
from bot.domain.broadcasts import BroadcastId, Lane
from bot.domain.deliveries import (
    Action,
    Form,
)
from bot.domain.errors import Fenced
from bot.domain.recipients import Address, Channel, Kind, RecipientId
from bot.ports.ledger import Hand, Lease, ReplyLease, Written
from storage import due, statements
from storage.codec import decode_message
from storage.columns import Moment
from storage.tables import (
    broadcasts,
    deliveries,
    recipients,
    senders,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from bot.ports.ledger import Order, Page
    from storage.sealing import Keyring

#: The columns that a lease is made of, as they are stored: a type of their own would
#: cost a call for each value.
_LEAN = [
    type_coerce(each, NullType()).label(each.name)
    for each in (
        deliveries.c.id,
        deliveries.c.recipient_id,
        deliveries.c.audience_id,
        deliveries.c.part,
        deliveries.c.attempts,
        deliveries.c.action,
        deliveries.c.target,
        deliveries.c.form,
        recipients.c.kind,
        recipients.c.strikes,
        recipients.c.last_inbound_at,
        recipients.c.channel,
        recipients.c.value,
        recipients.c.thread,
    )
]
_ACTIONS = {each.value: each for each in Action}
_FORMS: dict[str | None, Form | None] = {each.value: each for each in Form}
_FORMS[None] = None
_KINDS = {each.value: each for each in Kind}
_STORED = Moment().process_bind_param


# --- taking in hand ----------------------------------------------------------------


def claim(on: Connection, keys: Keyring, order: Order) -> Hand:
    """Take what is due in hand, and reserve a moment for each; see the port."""
    own = on.execute(_owner(), {"sender": order.sender}).first()
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
        on.exec_driver_sql(
            statements.clock_set(on.dialect.name),
            {
                "sender": order.sender,
                "clock": _STORED(start + order.interval * count, on.dialect),
            },
        )
    return Hand([_reply(row, keys) for row in answers], leases, start)


def _due_replies(on: Connection, order: Order) -> list[Row[Any]]:
    most = order.limit + len(order.excluding)
    values = due.moment(order.sender, order.now)
    found = on.execute(due.due_replies(), {**values, "most": most}).all()
    return [row for row in found if row.recipient_id not in order.excluding][
        : order.limit
    ]


def _claim_deliveries(
    on: Connection, keys: Keyring, order: Order, room: int, busy: Collection[int]
) -> list[Lease]:
    leases: list[Lease] = []
    excluded = {*order.excluding, *busy}
    values = due.moment(order.sender, order.now)
    for broadcast in on.execute(_undecided(), values).all():
        if len(leases) >= room:
            break
        values |= due.place(broadcast)
        values["most"] = room - len(leases)
        values["excluded"] = _json(list(excluded))
        bounded = broadcast.last_id is not None
        asked = _claiming(on.dialect.name, bounded=bounded)
        # As one value: every row that is fetched costs the event loop a turn.
        whole = orjson.loads(on.execute(asked, values).scalar_one())
        taken = list(_in_hand(whole, keys, BroadcastId(broadcast.id), broadcast.lane))
        leases += taken
        excluded.update(lease.recipient for lease in taken)
    _lease(on, "delivery", [lease.id for lease in leases], order.epoch)
    return leases


@cache
def _owner() -> Select[Any]:
    return (
        select(senders.c.epoch, senders.c.clock, senders.c.down)
        .where(senders.c.id == bindparam("sender"))
        .with_for_update()
    )


@cache
def _claiming(dialect: str, *, bounded: bool) -> Select[Any]:
    """Ask for what is due of one broadcast, as one JSON text, and lock it."""
    found = (
        due.due_deliveries(bounded=bounded)
        .with_only_columns(*_LEAN, _hexed(dialect))
        .where(deliveries.c.recipient_id.not_in(_numbers("excluded", dialect)))
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True, of=deliveries)
    )
    return _gathered(found, dialect)


def _numbers(name: str, dialect: str) -> Select[Any]:
    """Read the numbers of a JSON array."""
    given = bindparam(name, type_=Text)
    if dialect == "sqlite":
        return select(func.json_each(given).table_valued("value").c.value)
    every = func.json_array_elements_text(cast(given, JSON)).table_valued("value")
    return select(cast(every.c.value, BigInteger))


@cache
def _undecided() -> Select[Any]:
    """Ask for what may be sent, so that nobody stops or pauses it meanwhile.

    What is leased by then is seen and let go. One that somebody decides about right now
    is left for later.
    """
    return due.running().with_for_update(
        key_share=True, read=True, skip_locked=True, of=broadcasts
    )


def _in_hand(
    rows: Iterable[Sequence[Any]],
    keys: Keyring,
    broadcast: BroadcastId,
    lane: Lane,
) -> Iterator[Lease]:
    telegram = Channel.TELEGRAM.value
    for (
        number,
        recipient,
        audience,
        part,
        attempts,
        action,
        target,
        form,
        kind,
        strikes,
        written,
        channel,
        value,
        thread,
        sealed,
    ) in rows:
        if channel == telegram:
            address = Address(Channel.TELEGRAM, value, thread or None)
            written = None  # noqa: PLW2901 - there are no windows on Telegram
        else:
            address = keys.opened(Channel(channel), value, bytes.fromhex(sealed))
            written = _moment(written)  # noqa: PLW2901 - as stored, as meant
        yield Lease(
            number,
            broadcast,
            recipient,
            audience,
            lane,
            part,
            attempts,
            _ACTIONS[action],
            target,
            _FORMS[form],
            address,
            _KINDS[kind],
            written,
            strikes,
        )


def _hexed(dialect: str) -> ColumnElement[Any]:
    """Write what is sealed so that JSON can hold it."""
    sealed = recipients.c.sealed
    if dialect == "sqlite":
        return func.hex(sealed).label("hexed")
    return func.encode(sealed, "hex").label("hexed")


def _gathered(found: Select[*tuple[Any, ...]], dialect: str) -> Select[Any]:
    """Ask for all rows of *found* as one JSON text."""
    rows = found.subquery("found")
    if dialect == "sqlite":
        return select(func.json_group_array(func.json_array(*rows.c)))
    every = func.json_agg(func.json_build_array(*rows.c))
    return select(func.coalesce(cast(every, Text), "[]"))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


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
        on.exec_driver_sql(
            statements.leasing(table, on.dialect.name),
            {"ids": _json(numbers), "epoch": epoch},
        )


# --- writing -----------------------------------------------------------------------


def record(on: Connection, pages: Sequence[Page]) -> list[Written]:
    """Write pages; see the port."""
    return [_record(on, page) for page in pages]


def _record(on: Connection, page: Page) -> Written:
    dialect = on.dialect.name
    written = Written(set(), set(), set())
    # The clock says until when the sender may have called, whoever asks later.
    moved = {"sender": page.sender, "clock": _STORED(page.moment, on.dialect)}
    if page.calls or page.replies:
        owned = on.exec_driver_sql(
            statements.clock_moved(dialect, owned=True), {**moved, "epoch": page.epoch}
        )
        if owned.rowcount:
            _mark(on, page, written)
    else:
        on.exec_driver_sql(statements.clock_moved(dialect, owned=False), moved)
    if page.accepted:
        _accept(on, page, written)
    for until, who in page.holds:
        on.exec_driver_sql(
            statements.holding(dialect),
            {
                "ids": _json(who),
                "until": _STORED(until, on.dialect),
                "absurd": _STORED(until + pacing.BELIEVED, on.dialect),
            },
        )
    forgiven = [who for which, who in page.arrived if which in written.accepted]
    if forgiven:
        on.exec_driver_sql(statements.forgiving(dialect), {"ids": _json(forgiven)})
    return written


def _mark(on: Connection, page: Page, written: Written) -> None:
    dialect = on.dialect.name
    own = {"epoch": page.epoch, "sender": page.sender}
    if page.calls:
        numbers = [call[0] for call in page.calls]
        marking = statements.marking("delivery", dialect)
        met = on.exec_driver_sql(marking, {"ids": _json(numbers), **own}).rowcount
        rows = page.calls
        if 0 < met < len(rows):
            which = {"rows": _json(rows), "epoch": page.epoch}
            found = on.exec_driver_sql(statements.marked(dialect), which)
            written.calls.update(found.scalars())
            rows = [call for call in rows if call[0] in written.calls]
        elif met:
            written.calls.update(numbers)
        if met:
            on.exec_driver_sql(
                statements.attempting(dialect),
                {"rows": _json(rows), "at": _STORED(page.moment, on.dialect)},
            )
    if page.replies:
        ids = _json(page.replies)
        before = {"ids": ids, "epoch": page.epoch}
        sure = statements.marked_replies(dialect)
        already = set(on.exec_driver_sql(sure, before).scalars())
        marking = statements.marking("reply", dialect)
        on.exec_driver_sql(marking, {"ids": ids, **own})
        written.replies.update(on.exec_driver_sql(sure, before).scalars())
        written.replies.difference_update(already)


def _accept(on: Connection, page: Page, written: Written) -> None:
    dialect = on.dialect.name
    rows, every = page.accepted, {"rows": _json(page.accepted)}
    met = on.exec_driver_sql(statements.accepting(dialect), every).rowcount
    if 0 < met < len(rows):
        found = on.exec_driver_sql(statements.accepted(dialect), every)
        written.accepted.update(found.scalars())
        rows = [row for row in rows if row[0] in written.accepted]
    elif met:
        written.accepted.update(row[0] for row in rows)
    if met:
        on.exec_driver_sql(statements.answered(dialect), {"rows": _json(rows)})
    alone = [each for each in page.in_template if each in written.accepted]
    if alone:
        on.exec_driver_sql(statements.skipping(dialect), {"ids": _json(alone)})


def _json(rows: Iterable[object]) -> str:
    return orjson.dumps(rows).decode()
