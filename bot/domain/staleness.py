"""What has waited too long to be sent one by one, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.domain.broadcasts import BroadcastState, Lane

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    from bot.domain.broadcasts import Broadcast
    from bot.domain.deliveries import BroadcastId
    from bot.domain.recipients import AudienceId

#: As many stories at least make a round-up.
FEWEST = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A broadcast, and whom it has not been sent to."""

    broadcast: Broadcast
    begun: bool  #: something of it has been called, or may have been
    audiences: tuple[AudienceId, ...]  #: where messages of it are still queued


def overdue(
    broadcast: Broadcast, *, now: datetime, after: Mapping[Lane, timedelta]
) -> bool:
    """Whether *broadcast* has been free to go for longer than its lane may wait.

    Args:
        broadcast: At any state; only one that runs can be overdue.
        now: The present moment.
        after: How long a lane's broadcasts may wait; one that is not named may wait
            for ever. Breaking news is not named: it is sent or it expires.
    """
    longest = after.get(broadcast.lane)
    if longest is None or broadcast.lane is Lane.BREAKING:
        return False
    if broadcast.state is not BroadcastState.RUNNING or broadcast.confirmed_at is None:
        return False
    since = max(broadcast.confirmed_at, broadcast.held_until or broadcast.confirmed_at)
    return now - since > longest and now < broadcast.expires_at


def round_ups(
    waiting: Iterable[Waiting], *, now: datetime, after: Mapping[Lane, timedelta]
) -> dict[AudienceId, Sequence[BroadcastId]]:
    """Say which broadcasts each audience gets as one round-up instead.

    Only what is overdue and has not begun is merged: who has half of a broadcast
    shall get the other half as it is.

    Returns:
        For each audience that would get several, those, the oldest first.
    """
    by_audience: dict[AudienceId, list[BroadcastId]] = {}
    for each in sorted(waiting, key=lambda one: one.broadcast.id):
        if each.begun or not overdue(each.broadcast, now=now, after=after):
            continue
        for audience in each.audiences:
            by_audience.setdefault(audience, []).append(each.broadcast.id)
    return {
        audience: found
        for audience, found in by_audience.items()
        if len(found) >= FEWEST
    }
