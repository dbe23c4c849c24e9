"""Tables of what is published and how it is sent on."""

from __future__ import annotations

from datetime import datetime  # noqa: TC003 - SQLModel reads annotations at run time

from sqlalchemy import (
    Boolean,
    ForeignKey,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Text,
)

from bot.domain.broadcasts import BroadcastState, Lane
from bot.domain.deliveries import Form, State
from bot.domain.recipients import Channel
from storage.columns import Id, Moment, Number, Word, column
from storage.tables.base import Row, table


class ArticleRow(Row, table=True):
    """An article; ``version`` is its newest."""

    __tablename__ = "article"
    __table_args__ = (Index(None, "changed_at"),)

    id: int | None = column(Id, key=True)
    fingerprint: str = column(String(200), unique=True)
    version: int = column(Integer())
    changed_at: datetime = column(Moment())


class ArticleVersionRow(Row, table=True):
    """What an article said at one of its versions."""

    __tablename__ = "article_version"
    __table_args__ = (PrimaryKeyConstraint("article_id", "version"),)

    article_id: int = column(Id, ForeignKey("article.id"), key=True)
    version: int = column(Integer(), key=True)
    headline: str = column(Text())
    text: str = column(Text())
    link: str = column(Text())
    language: str = column(String(40))
    taken_in_at: datetime = column(Moment())


class DigestRow(Row, table=True):
    """A digest, fixed, as JSON."""

    __tablename__ = "digest"

    id: int | None = column(Id, key=True)
    body: str = column(Text())
    made_at: datetime = column(Moment())


class DigestArticleRow(Row, table=True):
    """Which version of which article a digest was made of."""

    __tablename__ = "digest_article"
    __table_args__ = (
        PrimaryKeyConstraint("digest_id", "place"),
        Index(None, "article_id"),
    )

    digest_id: int = column(Id, ForeignKey("digest.id"), key=True)
    place: int = column(Integer(), key=True)
    article_id: int = column(Id, ForeignKey("article.id"))
    version: int = column(Integer())


class BroadcastRow(Row, table=True):
    """One digest on its way."""

    __tablename__ = "broadcast"
    __table_args__ = (Index(None, "state"), Index(None, "digest_id"))

    id: int | None = column(Id, key=True)
    digest_id: int = column(Id, ForeignKey("digest.id"))
    lane: Lane = column(Number(Lane))
    state: BroadcastState = column(Word(BroadcastState))
    planned_by: str = column(Text())
    planned_at: datetime = column(Moment())
    expires_at: datetime = column(Moment())
    confirmed_at: datetime | None = column(Moment(), null=True)
    finished_at: datetime | None = column(Moment(), null=True)
    reason: str = column(Text())
    held_until: datetime | None = column(Moment(), null=True)
    again: bool = column(Boolean())
    watched: bool = column(Boolean())
    stars: int = column(Integer())
    origin_id: int | None = column(Id, ForeignKey("broadcast.id"), null=True)
    merged_into_id: int | None = column(Id, null=True)  # a later row: no foreign key


class CanaryRow(Row, table=True):
    """The first that a sender may send of a broadcast, while they are watched.

    Deliveries are planned in one go, so the first are a short range of their numbers:
    to claim among them asks nothing of the million behind, and to let everybody
    follow is one row less instead of a million changed.
    """

    __tablename__ = "canary"
    __table_args__ = (PrimaryKeyConstraint("broadcast_id", "sender_id"),)

    broadcast_id: int = column(Id, ForeignKey("broadcast.id"), key=True)
    sender_id: int = column(Id, ForeignKey("sender.id"), key=True)
    first_id: int = column(Id)
    last_id: int = column(Id)
    since: datetime = column(Moment())


class BroadcastAudienceRow(Row, table=True):
    """Whom a broadcast is for, in the order in which they count."""

    __tablename__ = "broadcast_audience"
    __table_args__ = (PrimaryKeyConstraint("broadcast_id", "audience_id"),)

    broadcast_id: int = column(Id, ForeignKey("broadcast.id"), key=True)
    audience_id: int = column(Id, ForeignKey("audience.id"), key=True)
    place: int = column(Integer())


class MessageRow(Row, table=True):
    """What is sent, once for all who get the same."""

    __tablename__ = "message"
    __table_args__ = (
        PrimaryKeyConstraint("broadcast_id", "audience_id", "channel", "form", "part"),
    )

    broadcast_id: int = column(Id, ForeignKey("broadcast.id"), key=True)
    audience_id: int = column(Id, ForeignKey("audience.id"), key=True)
    channel: Channel = column(Word(Channel), key=True)
    form: Form = column(Word(Form), key=True)
    part: int = column(Integer(), key=True)
    body: str = column(Text())


class CoverageRow(Row, table=True):
    """How many of a broadcast's deliveries are no longer kept one by one."""

    __tablename__ = "coverage"
    __table_args__ = (PrimaryKeyConstraint("broadcast_id", "state"),)

    broadcast_id: int = column(Id, ForeignKey("broadcast.id"), key=True)
    state: State = column(Word(State), key=True)
    number: int = column(Integer())


coverages = table(CoverageRow)
articles = table(ArticleRow)
article_versions = table(ArticleVersionRow)
digests = table(DigestRow)
digest_articles = table(DigestArticleRow)
broadcasts = table(BroadcastRow)
canaries = table(CanaryRow)
broadcast_audiences = table(BroadcastAudienceRow)
messages = table(MessageRow)
