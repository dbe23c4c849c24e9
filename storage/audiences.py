"""Named sets of enrolments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, delete, exists, func, or_, select, update

from bot.domain.deliveries import Action, State
from bot.domain.errors import Refusal, Unknown
from bot.domain.recipients import Audience, AudienceId, Channel, Kind, Standing
from bot.ports import Windows
from storage.recipients import to_recipient
from storage.tables import PENDING, audiences, consents, deliveries, enrolments
from storage.tables import recipients as recipient_table

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import ColumnElement, Row

    from bot.domain.joinlinks import JoinLinkId
    from bot.domain.recipients import Consent, Recipient, RecipientId
    from storage.connection import Connection


class Audiences:
    """The Audiences port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def create(self, name: str, *, title: str, language: str) -> Audience:
        """Make one. Raises Refusal when the name is taken."""
        same = select(audiences.c.id).where(audiences.c.name == name)
        if await self._connection.row(same) is not None:
            raise Refusal(f"there is an audience named {name!r} already")
        number = await self._connection.add(
            audiences, name=name, title=title, language=language
        )
        return Audience(
            id=AudienceId(number), name=name, title=title, language=language
        )

    async def by_name(self, name: str) -> Audience:
        """Return one. Raises Unknown."""
        row = await self._connection.row(
            select(audiences).where(audiences.c.name == name)
        )
        if row is None:
            raise Unknown(
                f"there is no audience named {name!r}; harkara audience list shows all"
            )
        return _audience(row)

    async def get(self, audience: AudienceId) -> Audience:
        """Return one. Raises Unknown."""
        row = await self._connection.row(
            select(audiences).where(audiences.c.id == audience)
        )
        if row is None:
            raise Unknown(
                f"there is no audience {audience}; harkara audience list shows all"
            )
        return _audience(row)

    async def all(self) -> list[Audience]:
        """Return all, by name."""
        rows = await self._connection.rows(select(audiences).order_by(audiences.c.name))
        return [_audience(row) for row in rows]

    async def enrol(
        self,
        audience: AudienceId,
        recipient: RecipientId,
        *,
        link: JoinLinkId | None,
        consent: Consent,
        now: datetime,
    ) -> bool:
        """Enrol; whether that was new. The consent is kept, once for each link.

        By one link the last counts; what began the enrolment stays in any case.
        """
        current = select(enrolments.c.id).where(
            enrolments.c.audience_id == audience,
            enrolments.c.recipient_id == recipient,
            enrolments.c.ended_at.is_(None),
        )
        enrolment = await self._connection.value(current)
        new = enrolment is None
        if new:
            enrolment = await self._connection.add(
                enrolments,
                audience_id=audience,
                recipient_id=recipient,
                link_id=link,
                began_at=now,
                end_reason="",
            )
        elif link is not None:
            # Whoever writes one code a thousand times fills no table.
            first = select(func.min(consents.c.id)).where(
                consents.c.enrolment_id == enrolment
            )
            await self._connection.run(
                delete(consents).where(
                    consents.c.enrolment_id == enrolment,
                    consents.c.link_id == link,
                    consents.c.given_at <= now,
                    consents.c.id != first.scalar_subquery(),
                )
            )
        seal = self._connection.keys.seal
        await self._connection.add(
            consents,
            enrolment_id=enrolment,
            link_id=link,
            source=consent.source,
            agreed_by=seal(consent.agreed_by, place=f"agreed_by {enrolment}"),
            evidence=seal(consent.evidence, place=f"evidence {enrolment}"),
            given_at=now,
        )
        return new

    async def unenrol(
        self,
        recipient: RecipientId,
        *,
        audience: AudienceId | None = None,
        reason: str,
        now: datetime,
    ) -> list[Audience]:
        """End the recipient's enrolments, or the one; return the audiences left.

        Deliveries of theirs that are not yet sending are skipped with *reason*.
        """
        ending = [
            each
            for each in await self.of(recipient)
            if audience is None or each.id == audience
        ]
        numbers = [each.id for each in ending]
        await self._connection.run(
            update(enrolments)
            .where(
                enrolments.c.recipient_id == recipient,
                enrolments.c.audience_id.in_(numbers),
                enrolments.c.ended_at.is_(None),
            )
            .values(ended_at=now, end_reason=reason)
        )
        skipping = (
            update(deliveries)
            .where(
                deliveries.c.recipient_id == recipient,
                deliveries.c.state.in_(PENDING),
                # What they have may still be corrected, where it can be reached.
                or_(
                    deliveries.c.action == Action.SEND,
                    exists().where(
                        recipient_table.c.id == recipient,
                        recipient_table.c.standing == Standing.GONE,
                    ),
                ),
            )
            .values(state=State.SKIPPED, reason=reason)
        )
        if audience is not None:
            skipping = skipping.where(deliveries.c.audience_id == audience)
        await self._connection.run(skipping)
        return ending

    async def of(
        self, recipient: RecipientId, *, before: datetime | None = None
    ) -> list[Audience]:
        """Return the audiences that the recipient is enrolled in, by name.

        With *before*, only those that they have not agreed to since.
        """
        wanted = (
            select(audiences)
            .join(enrolments, enrolments.c.audience_id == audiences.c.id)
            .where(
                enrolments.c.recipient_id == recipient, enrolments.c.ended_at.is_(None)
            )
            .order_by(audiences.c.name)
        )
        if before is not None:
            since = exists().where(
                consents.c.enrolment_id == enrolments.c.id,
                consents.c.given_at >= before,
            )
            wanted = wanted.where(enrolments.c.began_at < before, ~since)
        rows = await self._connection.rows(wanted)
        return [_audience(row) for row in rows]

    async def members(self, audience: AudienceId) -> list[Recipient]:
        """Return who is enrolled, whatever their standing, the longest first."""
        rows = await self._connection.rows(
            select(recipient_table)
            .join(enrolments, enrolments.c.recipient_id == recipient_table.c.id)
            .where(
                enrolments.c.audience_id == audience, enrolments.c.ended_at.is_(None)
            )
            .order_by(enrolments.c.id)
        )
        return [to_recipient(row, self._connection.keys) for row in rows]

    async def departed(
        self, audience: AudienceId, *, limit: int
    ) -> list[tuple[Recipient, str]]:
        """Return who left last and is not back, with the reason, newest first."""
        later = enrolments.alias()
        back = select(later.c.id).where(
            later.c.audience_id == audience,
            later.c.recipient_id == enrolments.c.recipient_id,
            later.c.id > enrolments.c.id,
        )
        rows = await self._connection.rows(
            select(recipient_table, enrolments.c.end_reason)
            .join(enrolments, enrolments.c.recipient_id == recipient_table.c.id)
            .where(
                enrolments.c.audience_id == audience,
                enrolments.c.ended_at.is_not(None),
                ~back.exists(),
            )
            .order_by(enrolments.c.ended_at.desc(), enrolments.c.id.desc())
            .limit(limit)
        )
        keys = self._connection.keys
        return [(to_recipient(row, keys), row.end_reason) for row in rows]

    async def chats(self) -> list[Recipient]:
        """Return the groups and Telegram channels in any audience, by number."""
        rows = await self._connection.rows(
            select(recipient_table)
            .where(recipient_table.c.kind != Kind.READER, _enrolled())
            .order_by(recipient_table.c.id)
        )
        return [to_recipient(row, self._connection.keys) for row in rows]

    async def windows(self, *, since: datetime) -> Windows:
        """Count enrolled WhatsApp readers by whether they wrote after *since*."""
        is_open = and_(
            recipient_table.c.last_inbound_at.is_not(None),
            recipient_table.c.last_inbound_at > since,
        )
        row = await self._connection.row(
            select(
                func.count(recipient_table.c.id).label("readers"),
                func.count(case((is_open, 1))).label("open"),
            ).where(
                recipient_table.c.channel == Channel.WHATSAPP,
                recipient_table.c.standing == Standing.ACTIVE,
                _enrolled(),
            )
        )
        if row is None:
            return Windows(open=0, closed=0)
        return Windows(open=row.open, closed=row.readers - row.open)


def _enrolled() -> ColumnElement[bool]:
    return exists().where(
        enrolments.c.recipient_id == recipient_table.c.id,
        enrolments.c.ended_at.is_(None),
    )


def _audience(row: Row[Any]) -> Audience:
    return Audience(
        id=AudienceId(row.id), name=row.name, title=row.title, language=row.language
    )
