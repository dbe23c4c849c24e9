"""What all tables share."""

from __future__ import annotations

from typing import Any

from sqlalchemy import MetaData, Table, inspect
from sqlmodel import SQLModel

from bot.domain.deliveries import State

#: Nothing has been called yet: these can still be skipped.
PENDING = (State.QUEUED, State.LEASED, State.SUSPENDED)
#: An owner has, or had, these in hand.
IN_HAND = (State.LEASED, State.SENDING, State.DOUBTFUL)
#: A reply that stands before the later ones to the same recipient.
OPEN = (State.QUEUED, State.LEASED, State.SENDING)


def words(states: tuple[State, ...]) -> str:
    """Write *states* as SQL reads them, for indexes and the queries that use them."""
    return ", ".join(f"'{state.value}'" for state in states)


class Row(SQLModel):
    """What all tables share."""

    metadata = MetaData(
        naming_convention={
            "pk": "pk_%(table_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        }
    )


def table(row: type[Row]) -> Table:
    """Return the table behind *row*, to build statements on.

    A row's own number is never given out again: buttons, receipts and calls under way
    may still hold that of one that was erased.
    """
    found: Any = inspect(row)
    behind: Table = found.local_table
    if "id" in behind.columns:
        behind.dialect_kwargs["sqlite_autoincrement"] = True
    return behind
