"""What waited too long, and what of it is put together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.broadcasts import Broadcast, BroadcastId, BroadcastState, Lane
from bot.domain.digests import DigestId
from bot.domain.manners import overdue_after, usual
from bot.domain.recipients import AudienceId
from bot.domain.staleness import Waiting, overdue, round_ups

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
AFTER = {Lane.REGULAR: 2 * HOUR, Lane.ROUND_UP: 3 * HOUR}
CITY, VALLEY = AudienceId(1), AudienceId(2)


def broadcast(number=1, *, lane=Lane.REGULAR, state=BroadcastState.RUNNING, **more):
    values = {"confirmed_at": NOW - 5 * HOUR, "expires_at": NOW + HOUR, **more}
    return Broadcast(
        id=BroadcastId(number),
        digest=DigestId(1),
        lane=lane,
        state=state,
        planned_by="test",
        planned_at=NOW - 6 * HOUR,
        **values,
    )


@pytest.mark.parametrize(
    ("one", "is_overdue"),
    [
        (broadcast(), True),
        (broadcast(confirmed_at=NOW - 2 * HOUR), False),
        (broadcast(confirmed_at=NOW - 2 * HOUR - timedelta(seconds=1)), True),
        (broadcast(held_until=NOW - HOUR), False),
        (broadcast(confirmed_at=None), False),
        (broadcast(expires_at=NOW), False),
        (broadcast(lane=Lane.ROUND_UP, confirmed_at=NOW - 2.5 * HOUR), False),
        (broadcast(lane=Lane.ROUND_UP), True),
        (broadcast(lane=Lane.BREAKING), False),
        *(
            (broadcast(state=each), False)
            for each in BroadcastState
            if each is not BroadcastState.RUNNING
        ),
    ],
)
def test_what_has_waited_too_long(one, is_overdue):
    assert overdue(one, now=NOW, after=AFTER) is is_overdue


def test_breaking_news_is_never_merged_whatever_the_settings_say():
    late = broadcast(lane=Lane.BREAKING)

    assert not overdue(late, now=NOW, after={Lane.BREAKING: HOUR})
    assert Lane.BREAKING not in overdue_after(usual())


def waiting(number, *audiences, begun=False, **more):
    return Waiting(
        broadcast=broadcast(number, **more), begun=begun, audiences=audiences
    )


@pytest.mark.parametrize(
    ("there", "merged"),
    [
        ([], {}),
        ([waiting(1, CITY)], {}),
        ([waiting(2, CITY), waiting(1, CITY)], {CITY: [1, 2]}),
        # One each is no flood.
        ([waiting(1, CITY), waiting(2, VALLEY)], {}),
        (
            [waiting(1, CITY, VALLEY), waiting(2, VALLEY), waiting(3, CITY)],
            {CITY: [1, 3], VALLEY: [1, 2]},
        ),
        # Who has half of one gets the other half as it is.
        ([waiting(1, CITY, begun=True), waiting(2, CITY)], {}),
        # What is fresh goes by itself.
        ([waiting(1, CITY), waiting(2, CITY, confirmed_at=NOW)], {}),
    ],
)
def test_what_goes_out_as_one(there, merged):
    assert round_ups(there, now=NOW, after=AFTER) == merged
