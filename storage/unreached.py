"""Who surely did not get a broadcast."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, or_, select, tuple_, update

from bot.domain.deliveries import WITHOUT, Progress, State
from bot.domain.recipients import Standing
from storage import reading
from storage.planning import plan
from storage.roundups import MERGED
from storage.tables import attempts, broadcasts, deliveries, enrolments, recipients

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from sqlalchemy import ColumnElement, FromClause

    from bot.domain.broadcasts import BroadcastId, ChannelPlan
    from bot.domain.errors import FailureKind
    from bot.domain.recipients import AudienceId, Channel, RecipientId, SenderId
    from bot.ports import DeliveryLine
    from storage.connection import Connection

_WITHOUT = tuple(sorted(WITHOUT))


class Unreached:
    """The Unreached port."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def retry(
        self, broadcast: BroadcastId, kinds: Collection[FailureKind], *, now: datetime
    ) -> int:
        """Queue again what failed for one of *kinds*, and the parts behind it."""
        enrolled = exists().where(
            enrolments.c.recipient_id == deliveries.c.recipient_id,
            enrolments.c.audience_id == deliveries.c.audience_id,
            enrolments.c.ended_at.is_(None),
        )
        writable = exists().where(
            recipients.c.id == deliveries.c.recipient_id,
            recipients.c.standing == Standing.ACTIVE,
        )
        queued = {
            "state": State.QUEUED,
            "due_at": now,
            "form": None,  # the window may have opened or closed since
            "failure_kind": None,
            "failure_code": "",
            "reason": "",
        }
        failed = await self._connection.run(
            update(deliveries)
            .where(
                deliveries.c.broadcast_id == broadcast,
                deliveries.c.state == State.FAILED,
                deliveries.c.failure_kind.in_(sorted(kinds)),
                ~_in_doubt(deliveries),
                enrolled,
                writable,
            )
            .values(queued)
        )
        if not failed:
            return 0
        before = deliveries.alias("before")
        behind = await self._connection.run(
            update(deliveries)
            .where(
                deliveries.c.broadcast_id == broadcast,
                deliveries.c.state == State.SKIPPED,
                deliveries.c.reason == "earlier part",
                exists().where(
                    before.c.broadcast_id == deliveries.c.broadcast_id,
                    before.c.recipient_id == deliveries.c.recipient_id,
                    before.c.part < deliveries.c.part,
                    before.c.state == State.QUEUED,
                ),
            )
            .values(queued)
        )
        return failed + behind

    async def plan(
        self,
        broadcast: BroadcastId,
        origin: BroadcastId,
        *,
        parts: Mapping[tuple[AudienceId, Channel], int],
        senders: Mapping[Channel, SenderId],
        now: datetime,
    ) -> list[ChannelPlan]:
        """Write a delivery for everybody who has nothing of *origin*, set by set."""
        first = deliveries.alias("first")
        since = deliveries.alias("since")
        kin = select(broadcasts.c.id).where(
            broadcasts.c.origin_id == origin, broadcasts.c.id != broadcast
        )
        without: ColumnElement[bool] = and_(
            exists().where(
                first.c.broadcast_id == origin,
                first.c.recipient_id == recipients.c.id,
                first.c.part == 1,
                first.c.state.in_(_WITHOUT),
                ~first.c.reason.startswith(MERGED),
                ~_in_doubt(first),
            ),
            ~exists().where(
                since.c.broadcast_id.in_(kin),
                since.c.recipient_id == recipients.c.id,
                or_(since.c.state.not_in(_WITHOUT), _in_doubt(since)),
            ),
        )
        return await plan(
            self._connection,
            broadcast,
            parts=parts,
            senders=senders,
            now=now,
            only=without,
        )

    async def page(
        self,
        broadcast: BroadcastId,
        *,
        states: Collection[State] | None,
        after: tuple[RecipientId, int] | None,
        limit: int,
    ) -> list[DeliveryLine]:
        """Return some of its deliveries by recipient and part, from behind *after*."""
        lines = reading.report(broadcast, states=states)
        if after is not None:
            place = tuple_(deliveries.c.recipient_id, deliveries.c.part)
            lines = lines.where(place > after)
        rows = await self._connection.rows(lines.limit(limit))
        return [reading.line(row) for row in rows]


def _in_doubt(of: FromClause) -> ColumnElement[bool]:
    """Whether some call for the delivery may have arrived, whatever came after."""
    return exists().where(
        attempts.c.delivery_id == of.c.id,
        attempts.c.progress.in_((Progress.SENDING, Progress.DOUBTFUL)),
    )
