"""People with a role at the desk."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from bot.domain.recipients import RecipientId
from bot.ports import Editor
from storage.recipients import Recipients
from storage.tables import editors, invitations, recipients

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Row

    from bot.domain.recipients import Address
    from storage.connection import Connection
    from storage.sealing import Keyring


class Editors:
    """The Editors port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def add_invitation(
        self, token_hash: str, *, name: str, expires_at: datetime
    ) -> None:
        """Store a one-time invitation by the hash of its token."""
        await self._connection.run(
            invitations.insert().values(
                token_hash=token_hash, name=name, expires_at=expires_at
            )
        )

    async def use_invitation(self, token_hash: str, *, now: datetime) -> str | None:
        """Use one up and return the name it was made for; None if there is none."""
        name = await self._connection.value(
            update(invitations)
            .where(
                invitations.c.token_hash == token_hash,
                invitations.c.used_at.is_(None),
                invitations.c.expires_at > now,
            )
            .values(used_at=now)
            .returning(invitations.c.name)
        )
        return None if name is None else str(name)

    async def add(self, recipient: RecipientId, *, name: str, now: datetime) -> None:
        """Give the role; giving it twice changes nothing."""
        await self._connection.run(
            self._connection.insert_new(editors).values(
                recipient_id=recipient, name=name, since=now
            )
        )

    async def find(self, address: Address) -> Editor | None:
        """Return the editor who writes from *address*."""
        found = await Recipients(self._connection).find(address)
        if found is None:
            return None
        row = await self._connection.row(_all.where(recipients.c.id == found.id))
        return None if row is None else _editor(row, self._connection.keys)

    async def all(self) -> list[Editor]:
        """Return all, by name."""
        rows = await self._connection.rows(
            _all.order_by(editors.c.name, editors.c.recipient_id)
        )
        return [_editor(row, self._connection.keys) for row in rows]


_all = select(
    editors,
    recipients.c.channel,
    recipients.c.value,
    recipients.c.sealed,
    recipients.c.thread,
    recipients.c.language,
).join(recipients, recipients.c.id == editors.c.recipient_id)


def _editor(row: Row[Any], keys: Keyring) -> Editor:
    return Editor(
        recipient=RecipientId(row.recipient_id),
        address=keys.address(row),
        name=row.name,
        language=row.language,
        since=row.since,
    )
