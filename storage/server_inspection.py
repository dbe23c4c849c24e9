"""A look at a database on a server that changes nothing."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import inspect as inspector
from sqlalchemy import select, text
from sqlalchemy.exc import SQLAlchemyError

from bot.checks.machine import DatabaseFacts
from bot.domain.errors import StorageError
from storage.errors import UPGRADE, meaning
from storage.keyfile import KeySource, fitting
from storage.schema import revision_in, revisions
from storage.server_engine import server_engine
from storage.server_schema import applications_on, require_fit
from storage.tables import keyrings

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from bot.domain.servers import Server

#: Without these, what was said to be kept can be gone after a power cut.
_DURABLE = ("fsync", "synchronous_commit", "full_page_writes")


async def inspect_server(server: Server, key: KeySource) -> DatabaseFacts:
    """Look at the database, its key and the server's settings."""
    return await asyncio.to_thread(_inspect, server, key)


def _inspect(server: Server, key: KeySource) -> DatabaseFacts:
    facts = DatabaseFacts(
        path=str(server),
        revisions=tuple(revisions()),
        exposed_key=key.where(server) if key.exposed(server) else "",
    )
    engine = None
    try:
        engine = server_engine(server, 1)
        with engine.connect() as connection:
            return _opened(connection, server, facts, key)
    except SQLAlchemyError as error:
        return replace(facts, problem=str(meaning(error)))
    except StorageError as error:
        return replace(facts, problem=str(error))
    finally:
        if engine is not None:
            engine.dispose()


def _opened(
    connection: Connection, server: Server, facts: DatabaseFacts, key: KeySource
) -> DatabaseFacts:
    require_fit(connection, server)
    lax = tuple(
        name
        for name in _DURABLE
        if connection.scalar(text(f"SHOW {name}")) in {"off", "local"}
    )
    unwritable = ""
    if connection.scalar(text("SHOW transaction_read_only")) == "on":
        unwritable = (
            f"{server} may only be read; name the server that is written to, not one "
            "that follows it"
        )
    return replace(
        facts,
        revision=revision_in(connection),
        running=applications_on(connection) > 0,
        locked_out=_locked_out(connection, server, key),
        unwritable=unwritable,
        lax=lax,
    )


def _locked_out(connection: Connection, server: Server, key: KeySource) -> str:
    """Why the key does not open the database, and what to do; empty if it does."""
    if not inspector(connection).has_table(keyrings.name):
        return ""
    bound = connection.scalar(select(keyrings.c.fingerprint))
    if bound is None:
        return f"{server} has no key yet; {UPGRADE}"
    try:
        fitting(bound, server, key)
    except StorageError as error:
        return str(error)
    return ""
