"""How a database would find the rows of a statement."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection


def steps(connection: Connection, statement: str, parameters: Any) -> list[str]:
    """Return its plan's lines; of a server that reads whole tables only if it must."""
    one = parameters[0] if isinstance(parameters, list) else parameters
    if connection.dialect.name == "sqlite":
        found = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", one)
        return [row[3] for row in found]
    if "pg_advisory" in statement:
        return []
    connection.exec_driver_sql("SET LOCAL enable_seqscan = off")
    found = connection.exec_driver_sql(f"EXPLAIN {statement}", one)
    return [row[0].strip(" ->") for row in found]


def reads_all_of(step: str, *tables: str) -> bool:
    """Whether a step goes through every row of one of *tables*."""
    return step.startswith(
        tuple(f"{how} {each}" for how in ("SCAN", "Seq Scan on") for each in tables)
    )
