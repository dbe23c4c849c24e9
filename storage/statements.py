"""The statements that every message costs, as each database wants them spelt.

What varies comes as values: JSON for the rows, so that one statement serves hundreds.
"""

# ruff: noqa: S608 - put together of our own words alone

from __future__ import annotations

import re
from functools import cache

from bot.domain.deliveries import Action, Progress, State
from storage.tables import PENDING, words

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

_ARRIVED = (
    f"{Progress.ACCEPTED.value}, {Progress.DELIVERED.value}, {Progress.READ.value}"
)
_LEASED = State.LEASED.value
_SENDING, _ACCEPTED = State.SENDING.value, State.ACCEPTED.value


@cache
def leasing(table: str, dialect: str) -> str:
    """Take rows in hand."""
    return _spelt(
        dialect,
        f"UPDATE {table} SET state = '{_LEASED}', epoch = :epoch "
        f"WHERE id IN ({_NUMBERS[dialect].format(name='ids')})",
    )


@cache
def marking(table: str, dialect: str) -> str:
    """Say that calls are about to be made, where that still holds."""
    return _spelt(
        dialect,
        f"UPDATE {table} SET state = '{_SENDING}', attempts = attempts + 1 "
        f"WHERE id IN ({_NUMBERS[dialect].format(name='ids')}) "
        f"AND state = '{_LEASED}' AND epoch = :epoch AND sender_id = :sender",
    )


@cache
def marked(dialect: str) -> str:
    """Find the deliveries just marked: their attempts are not there yet."""
    return _spelt(
        dialect,
        "SELECT delivery.id FROM delivery "
        f"JOIN ({_ROWS[dialect].format(name='rows')}) AS made ON made.id = delivery.id "
        f"WHERE delivery.state = '{_SENDING}' AND delivery.epoch = :epoch "
        "AND delivery.attempts = made.number AND NOT EXISTS (SELECT 1 FROM attempt "
        "WHERE attempt.delivery_id = made.id AND attempt.number = made.number)",
    )


@cache
def marked_replies(dialect: str) -> str:
    """Find which replies are under way."""
    return _spelt(
        dialect,
        "SELECT id FROM reply "
        f"WHERE id IN ({_NUMBERS[dialect].format(name='ids')}) "
        f"AND state = '{_SENDING}' AND epoch = :epoch",
    )


@cache
def attempting(dialect: str) -> str:
    """Add their attempts."""
    return _spelt(
        dialect,
        "INSERT INTO attempt "
        "(delivery_id, number, form, progress, started_at, provider_id, code) "
        f"SELECT id, number, word, {Progress.SENDING.value}, :at, '', '' "
        f"FROM ({_ROWS[dialect].format(name='rows')}) AS made",
    )


@cache
def accepting(dialect: str) -> str:
    """Say of deliveries of which nothing else is known that they were taken.

    The delivery before its attempt, as everybody locks them.
    """
    return _spelt(
        dialect,
        f"UPDATE delivery SET state = '{_ACCEPTED}', "
        "failure_kind = NULL, failure_code = '', reason = '' "
        f"FROM ({_ROWS[dialect].format(name='rows')}) AS answer "
        f"WHERE delivery.id = answer.id AND delivery.state = '{_SENDING}' "
        "AND delivery.attempts = answer.number "
        # One row, by its key: with EXISTS, PostgreSQL joins what it believes small.
        "AND (SELECT attempt.progress FROM attempt "
        "WHERE attempt.delivery_id = answer.id AND attempt.number = answer.number "
        f"AND attempt.provider_id = '') = {Progress.SENDING.value} "
        "AND (answer.number = 1 OR NOT EXISTS (SELECT 1 FROM attempt AS earlier "
        "WHERE earlier.delivery_id = answer.id "
        f"AND earlier.progress IN ({_ARRIVED})))",
    )


@cache
def accepted(dialect: str) -> str:
    """Find the deliveries just accepted: their attempts are as they were."""
    return _spelt(
        dialect,
        "SELECT delivery.id FROM delivery "
        f"JOIN ({_ROWS[dialect].format(name='rows')}) AS answer "
        "ON answer.id = delivery.id JOIN attempt "
        "ON attempt.delivery_id = answer.id AND attempt.number = answer.number "
        f"WHERE delivery.state = '{_ACCEPTED}' "
        "AND delivery.attempts = answer.number "
        f"AND attempt.progress = {Progress.SENDING.value} "
        "AND attempt.provider_id = ''",
    )


@cache
def answered(dialect: str) -> str:
    """Say so of their attempts, with the provider's ids."""
    return _spelt(
        dialect,
        f"UPDATE attempt SET progress = {Progress.ACCEPTED.value}, code = '', "
        "provider_id = answer.word "
        f"FROM ({_ROWS[dialect].format(name='rows')}) AS answer "
        "WHERE attempt.delivery_id = answer.id AND attempt.number = answer.number",
    )


@cache
def skipping(dialect: str) -> str:
    """Leave out what comes after a template: it stands for all parts."""
    return _spelt(
        dialect,
        f"UPDATE delivery SET state = '{State.SKIPPED.value}', "
        "reason = 'in template' FROM "
        "(SELECT broadcast_id, recipient_id, part FROM delivery "
        f"WHERE id IN ({_NUMBERS[dialect].format(name='ids')})) AS first "
        "WHERE delivery.broadcast_id = first.broadcast_id "
        "AND delivery.recipient_id = first.recipient_id "
        "AND delivery.part > first.part "
        f"AND delivery.action = '{Action.SEND.value}' "
        f"AND delivery.state IN ({words(PENDING)})",
    )


@cache
def holding(dialect: str) -> str:
    """Move recipients' clocks; forward, or from where they cannot be believed."""
    return _spelt(
        dialect,
        "UPDATE recipient SET next_at = :until "
        f"WHERE id IN ({_NUMBERS[dialect].format(name='ids')}) "
        "AND (next_at IS NULL OR next_at < :until OR next_at > :absurd)",
    )


@cache
def forgiving(dialect: str) -> str:
    """Forget strikes."""
    return _spelt(
        dialect,
        "UPDATE recipient SET strikes = 0 "
        f"WHERE id IN ({_NUMBERS[dialect].format(name='ids')}) AND strikes > 0",
    )


@cache
def clock_set(dialect: str) -> str:
    """Move a sender's clock to the moments given out."""
    return _spelt(dialect, "UPDATE sender SET clock = :clock WHERE id = :sender")


@cache
def clock_moved(dialect: str, *, owned: bool) -> str:
    """Note when a sender was called; *owned*: and whether its owner still is."""
    return _spelt(
        dialect,
        "UPDATE sender SET clock = CASE WHEN clock < :clock THEN :clock ELSE clock END "
        "WHERE id = :sender" + (" AND epoch = :epoch" if owned else ""),
    )


def _spelt(dialect: str, sql: str) -> str:
    """Write the names of values as the database's driver reads them."""
    return sql if dialect == "sqlite" else re.sub(r":([a-z]+)", r"%(\1)s", sql)
