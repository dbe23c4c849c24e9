"""How Alembic reaches a database: through the connection it is given, or by address.

`storage.schema` hands a connection over; somebody who writes a new migration gives
``sqlalchemy.url`` instead.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from alembic import context
from sqlalchemy import create_engine
from sqlalchemy.types import TypeDecorator

from storage.columns import Moment
from storage.tables import metadata

if TYPE_CHECKING:
    from alembic.autogenerate.api import AutogenContext
    from sqlalchemy import Connection


def plain(kind: str, thing: object, within: AutogenContext) -> str | Literal[False]:
    """Write our own column types as what they are in the database.

    A migration must not change when a class of ours does.
    """
    if kind == "type" and isinstance(thing, Moment):
        return 'sa.DateTime(timezone=True).with_variant(sa.String(26), "sqlite")'
    if kind != "type" or not isinstance(thing, TypeDecorator):
        return False
    if within.dialect is None:
        return False
    return f"sa.{thing.load_dialect_impl(within.dialect)!r}"


def run(connection: Connection) -> None:
    """Run what Alembic has been asked for."""
    options: dict[str, Any] = {
        "connection": connection,
        "target_metadata": metadata,
        "render_as_batch": True,
        "render_item": plain,
    }
    context.configure(**options)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = create_engine(context.config.get_main_option("sqlalchemy.url") or "")
    with engine.begin() as opened:
        run(opened)
    engine.dispose()
