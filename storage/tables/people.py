"""Tables of accounts, recipients and how they came to be written to."""

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

from bot.domain.recipients import Channel, Kind, Standing
from storage.columns import Id, Moment, Word, column
from storage.tables.base import Row, table


class SenderRow(Row, table=True):
    """One account at a provider."""

    __tablename__ = "sender"
    __table_args__ = (UniqueConstraint("channel", "name"),)

    id: int | None = column(Id, key=True)
    channel: Channel = column(Word(Channel))
    name: str = column(String(200))
    epoch: int = column(Integer())
    clock: datetime = column(Moment())
    down: str = column(Text())


class RecipientRow(Row, table=True):
    """Who can be written to. ``thread`` is 0 for none, so that it can be unique."""

    __tablename__ = "recipient"
    __table_args__ = (
        # A merged recipient keeps its last address for the record only.
        Index(
            "ix_recipient_address",
            "channel",
            "value",
            "thread",
            unique=True,
            sqlite_where=text("merged_into IS NULL"),
            postgresql_where=text("merged_into IS NULL"),
        ),
        Index(
            "ix_recipient_leaving",
            "leave_at",
            sqlite_where=text("leave_at IS NOT NULL"),
            postgresql_where=text("leave_at IS NOT NULL"),
        ),
        Index(
            "ix_recipient_retrying",
            "retry_at",
            sqlite_where=text("retry_at IS NOT NULL"),
            postgresql_where=text("retry_at IS NOT NULL"),
        ),
    )

    id: int | None = column(Id, key=True)
    channel: Channel = column(Word(Channel))
    value: str = column(String(200))  # a phone number's keyed hash
    sealed: bytes | None = column(LargeBinary(), null=True)  # the number itself
    thread: int = column(Id)
    kind: Kind = column(Word(Kind))
    title: str = column(Text())
    language: str = column(String(40))
    standing: Standing = column(Word(Standing))
    standing_reason: str = column(Text())
    retry_at: datetime | None = column(Moment(), null=True)
    strikes: int = column(Integer())
    last_inbound_at: datetime | None = column(Moment(), null=True)
    stopped_at: datetime | None = column(Moment(), null=True)
    next_at: datetime | None = column(Moment(), null=True)
    rest_until: datetime | None = column(Moment(), null=True)
    leave_at: datetime | None = column(Moment(), null=True)
    created_at: datetime = column(Moment())
    merged_into: int | None = column(Id, ForeignKey("recipient.id"), null=True)
    moved_at: datetime | None = column(Moment(), null=True)  # of its last call before


class AliasRow(Row, table=True):
    """An address that a recipient had before."""

    __tablename__ = "alias"
    __table_args__ = (
        PrimaryKeyConstraint("channel", "value", "thread"),
        Index(None, "recipient_id"),
    )

    channel: Channel = column(Word(Channel), key=True)
    value: str = column(String(200), key=True)
    sealed: bytes | None = column(LargeBinary(), null=True)
    thread: int = column(Id, key=True)
    recipient_id: int = column(Id, ForeignKey("recipient.id"))


class AudienceRow(Row, table=True):
    """A named set of enrolments."""

    __tablename__ = "audience"

    id: int | None = column(Id, key=True)
    name: str = column(String(200), unique=True)
    title: str = column(Text())
    language: str = column(String(40))


class JoinLinkRow(Row, table=True):
    """A way into an audience."""

    __tablename__ = "join_link"

    id: int | None = column(Id, key=True)
    audience_id: int = column(Id, ForeignKey("audience.id"))
    kind: Kind = column(Word(Kind))
    token: str = column(String(200), unique=True)
    code: str = column(String(40), unique=True)
    label: str = column(Text())
    max_uses: int | None = column(Integer(), null=True)
    uses: int = column(Integer())
    expires_at: datetime | None = column(Moment(), null=True)
    revoked_at: datetime | None = column(Moment(), null=True)
    created_at: datetime = column(Moment())


class EnrolmentRow(Row, table=True):
    """A stay in an audience; one that has ended is kept, and joining anew adds one."""

    __tablename__ = "enrolment"
    __table_args__ = (
        Index(
            "ix_enrolment_current",
            "audience_id",
            "recipient_id",
            unique=True,
            sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        Index(None, "recipient_id"),
    )

    id: int | None = column(Id, key=True)
    audience_id: int = column(Id, ForeignKey("audience.id"))
    recipient_id: int = column(Id, ForeignKey("recipient.id"))
    link_id: int | None = column(Id, ForeignKey("join_link.id"), null=True)
    began_at: datetime = column(Moment())
    ended_at: datetime | None = column(Moment(), null=True)
    end_reason: str = column(Text())


class ConsentRow(Row, table=True):
    """Evidence for an enrolment. Rows are never changed; a link's later one replaces.

    The one that began the enrolment stays.
    """

    __tablename__ = "consent"
    __table_args__ = (Index(None, "enrolment_id"),)

    id: int | None = column(Id, key=True)
    enrolment_id: int = column(Id, ForeignKey("enrolment.id"))
    link_id: int | None = column(Id, ForeignKey("join_link.id"), null=True)
    source: str = column(Text())
    agreed_by: bytes = column(LargeBinary())  # sealed
    evidence: bytes = column(LargeBinary())  # sealed
    given_at: datetime = column(Moment())


class InvitationRow(Row, table=True):
    """A one-time invitation to the desk, by the hash of its token."""

    __tablename__ = "invitation"

    token_hash: str = column(String(200), key=True)
    name: str = column(Text())
    expires_at: datetime = column(Moment())
    used_at: datetime | None = column(Moment(), null=True)


class EditorRow(Row, table=True):
    """A person with a role at the desk."""

    __tablename__ = "editor"

    recipient_id: int = column(Id, ForeignKey("recipient.id"), key=True)
    name: str = column(Text())
    since: datetime = column(Moment())


class SuppressionRow(Row, table=True):
    """An address that asked to be forgotten, by its keyed hash alone."""

    __tablename__ = "suppression"

    address_hash: str = column(String(43), key=True)
    since: datetime = column(Moment())


class ClockReadingRow(Row, table=True):
    """What the machine's clock showed when it was believed last; one row, or none."""

    __tablename__ = "clock_reading"

    id: int | None = column(Id, key=True)
    shown: datetime = column(Moment())
    latest: datetime = column(Moment())  # the latest moment in the tables then


class KeyringRow(Row, table=True):
    """By which key this file is sealed; one row, or none before the first."""

    __tablename__ = "keyring"

    id: int | None = column(Id, key=True)
    fingerprint: str = column(String(64))


clock_readings = table(ClockReadingRow)
keyrings = table(KeyringRow)
suppressions = table(SuppressionRow)
senders = table(SenderRow)
recipients = table(RecipientRow)
aliases = table(AliasRow)
audiences = table(AudienceRow)
join_links = table(JoinLinkRow)
enrolments = table(EnrolmentRow)
consents = table(ConsentRow)
invitations = table(InvitationRow)
editors = table(EditorRow)
