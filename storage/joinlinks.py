"""Ways into audiences."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from bot.domain.errors import Unknown
from bot.domain.joinlinks import JoinLink, JoinLinkId
from bot.domain.recipients import AudienceId
from storage.tables import join_links

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row

    from storage.connection import Connection


class JoinLinks:
    """The JoinLinks port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add(self, link: JoinLink) -> JoinLink:
        """Store a new link (its ``id`` is ignored) and return it with its id."""
        number = await self._connection.add(
            join_links,
            audience_id=link.audience,
            kind=link.kind,
            token=link.token,
            code=link.code,
            label=link.label,
            max_uses=link.max_uses,
            uses=link.uses,
            expires_at=link.expires_at,
            revoked_at=link.revoked_at,
            created_at=link.created_at,
        )
        return replace(link, id=JoinLinkId(number))

    async def by_token(self, token: str) -> JoinLink | None:
        """Return the link with that token."""
        return await self._one(join_links.c.token == token)

    async def by_code(self, code: str) -> JoinLink | None:
        """Return the link with that code."""
        return await self._one(join_links.c.code == code)

    async def get(self, link: JoinLinkId) -> JoinLink:
        """Return one. Raises Unknown."""
        found = await self._one(join_links.c.id == link)
        if found is None:
            raise Unknown(f"there is no join link {link}; harkara link list shows all")
        return found

    async def count_use(self, link: JoinLinkId) -> None:
        """Count one more use."""
        await self._connection.run(
            update(join_links)
            .where(join_links.c.id == link)
            .values(uses=join_links.c.uses + 1)
        )

    async def revoke(self, link: JoinLinkId, *, now: datetime) -> None:
        """Withdraw it; of two withdrawals the first one's moment stands."""
        await self._connection.run(
            update(join_links)
            .where(join_links.c.id == link, join_links.c.revoked_at.is_(None))
            .values(revoked_at=now)
        )

    async def all(self) -> list[JoinLink]:
        """Return all, newest first."""
        rows = await self._connection.rows(
            select(join_links).order_by(join_links.c.id.desc())
        )
        return [_link(row) for row in rows]

    async def _one(self, condition: ColumnElement[bool]) -> JoinLink | None:
        row = await self._connection.row(select(join_links).where(condition))
        return None if row is None else _link(row)


def _link(row: Row[Any]) -> JoinLink:
    return JoinLink(
        id=JoinLinkId(row.id),
        audience=AudienceId(row.audience_id),
        kind=row.kind,
        token=row.token,
        code=row.code,
        label=row.label,
        max_uses=row.max_uses,
        uses=row.uses,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        created_at=row.created_at,
    )
