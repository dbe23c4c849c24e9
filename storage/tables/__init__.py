"""The tables. Rows never leave this folder; values of `bot.domain` do.

Partial indexes are named for the question they answer. SQLite uses one only for a
query that repeats its condition word for word, so `words` writes both.
"""

from __future__ import annotations

from storage.tables.base import IN_HAND, OPEN, PENDING, Row, words
from storage.tables.ledger import (
    MESSAGES,
    attempts,
    deliveries,
    inbound,
    looks,
    replies,
)
from storage.tables.news import (
    article_versions,
    articles,
    broadcast_audiences,
    broadcasts,
    canaries,
    coverages,
    digest_articles,
    digests,
    messages,
)
from storage.tables.people import (
    aliases,
    audiences,
    clock_readings,
    consents,
    editors,
    enrolments,
    invitations,
    join_links,
    keyrings,
    recipients,
    senders,
    suppressions,
)

metadata = Row.metadata

__all__ = [
    "IN_HAND",
    "MESSAGES",
    "OPEN",
    "PENDING",
    "Row",
    "aliases",
    "article_versions",
    "articles",
    "attempts",
    "audiences",
    "broadcast_audiences",
    "broadcasts",
    "canaries",
    "clock_readings",
    "consents",
    "coverages",
    "deliveries",
    "digest_articles",
    "digests",
    "editors",
    "enrolments",
    "inbound",
    "invitations",
    "join_links",
    "keyrings",
    "looks",
    "messages",
    "metadata",
    "recipients",
    "replies",
    "senders",
    "suppressions",
    "words",
]
