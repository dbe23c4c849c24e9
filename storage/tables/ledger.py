"""Tables of the work: deliveries, attempts, replies, what came in, and erasing."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLModel reads annotations at run time

from sqlalchemy import (
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
    text,
)

from bot.domain.deliveries import Action, Form, Progress, State
from bot.domain.errors import FailureKind
from bot.domain.recipients import Channel
from storage.columns import Id, Moment, Number, Word, column
from storage.tables.base import IN_HAND, OPEN, Row, table, words


class DeliveryRow(Row, table=True):
    """The ledger."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("broadcast_id", "recipient_id", "part"),
        Index("ix_delivery_states", "broadcast_id", "state"),
        Index(None, "recipient_id"),
        Index(
            "ix_delivery_queue",
            "broadcast_id",
            "sender_id",
            "due_at",
            "id",
            sqlite_where=text("state = 'queued'"),
            postgresql_where=text("state = 'queued'"),
        ),
        Index(
            "ix_delivery_in_hand",
            "sender_id",
            "state",
            sqlite_where=text(f"state IN ({words(IN_HAND)})"),
            postgresql_where=text(f"state IN ({words(IN_HAND)})"),
        ),
    )

    id: int | None = column(Id, key=True)
    broadcast_id: int = column(Id, ForeignKey("broadcast.id"))
    recipient_id: int = column(Id, ForeignKey("recipient.id"))
    audience_id: int = column(Id, ForeignKey("audience.id"))
    sender_id: int = column(Id, ForeignKey("sender.id"))
    part: int = column(Integer())
    action: Action = column(Word(Action))
    form: Form | None = column(Word(Form), null=True)
    state: State = column(Word(State))
    epoch: int = column(Integer())
    due_at: datetime = column(Moment())
    attempts: int = column(Integer())
    failure_kind: FailureKind | None = column(Word(FailureKind), null=True)
    failure_code: str = column(Text())
    reason: str = column(Text())
    target: str = column(Text())


#: Calls with a template; few among many.
TEMPLATES = "form = 'template'"


class AttemptRow(Row, table=True):
    """One call for a delivery."""

    __tablename__ = "attempt"
    __table_args__ = (
        PrimaryKeyConstraint("delivery_id", "number"),
        # How many had a template lately; text leaves it alone.
        Index(
            "ix_attempt_template",
            "started_at",
            sqlite_where=text(TEMPLATES),
            postgresql_where=text(TEMPLATES),
        ),
        {
            "sqlite_with_rowid": False,  # one tree to write instead of two
            "postgresql_with": {"fillfactor": 50},  # room for the one update beside it
        },
    )

    delivery_id: int = column(Id, ForeignKey("delivery.id"), key=True)
    number: int = column(Integer(), key=True)
    form: Form = column(Word(Form))
    progress: Progress = column(Number(Progress))
    started_at: datetime = column(Moment())
    provider_id: str = column(Text())
    code: str = column(Text())


class ReplyRow(Row, table=True):
    """An answer or a notice."""

    __tablename__ = "reply"
    __table_args__ = (
        Index(
            "ix_reply_open",
            "sender_id",
            "recipient_id",
            "id",
            sqlite_where=text(f"state IN ({words(OPEN)})"),
            postgresql_where=text(f"state IN ({words(OPEN)})"),
        ),
        Index(None, "recipient_id"),
    )

    id: int | None = column(Id, key=True)
    key: str = column(String(300), unique=True)
    sender_id: int = column(Id, ForeignKey("sender.id"))
    recipient_id: int = column(Id, ForeignKey("recipient.id"))
    body: str = column(Text())
    state: State = column(Word(State))
    epoch: int = column(Integer())
    due_at: datetime = column(Moment())
    attempts: int = column(Integer())
    provider_id: str = column(Text())
    code: str = column(Text())
    written_at: datetime = column(Moment())


#: What people wrote, as opposed to reports; few among many.
MESSAGES = "key LIKE 'message:%'"


class InboundRow(Row, table=True):
    """What came in."""

    __tablename__ = "inbound"
    __table_args__ = (
        UniqueConstraint("channel", "key"),
        Index(
            "ix_inbound_waiting",
            "id",
            sqlite_where=text("done_at IS NULL"),
            postgresql_where=text("done_at IS NULL"),
        ),
        Index(
            "ix_inbound_done",
            "done_at",
            sqlite_where=text("done_at IS NOT NULL"),
            postgresql_where=text("done_at IS NOT NULL"),
        ),
        Index(
            "ix_inbound_messages",
            "received_at",
            sqlite_where=text(MESSAGES),
            postgresql_where=text(MESSAGES),
        ),
    )

    id: int | None = column(Id, key=True)
    channel: Channel = column(Word(Channel))
    key: str = column(String(300))
    payload: bytes = column(LargeBinary())  # sealed
    received_at: datetime = column(Moment())
    done_at: datetime | None = column(Moment(), null=True)
    error: str = column(Text())


class LookRow(Row, table=True):
    """When what is no longer kept was last looked for; one row, or none before."""

    __tablename__ = "look"

    id: int | None = column(Id, key=True)
    at: datetime = column(Moment())


looks = table(LookRow)
deliveries = table(DeliveryRow)
attempts = table(AttemptRow)
replies = table(ReplyRow)
inbound = table(InboundRow)
