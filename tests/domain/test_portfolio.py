"""Meta's tiers: how many readers may be written to first, within a day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.portfolio import Reached, again_at, room

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("limit", "readers", "left"),
    [(250, 0, 250), (250, 249, 1), (250, 250, 0), (250, 300, 0), (0, 5_000, None)],
)
def test_a_tier_leaves_room_for_the_rest_of_it(limit, readers, left):
    assert room(limit, Reached(readers=readers)) == left


@pytest.mark.parametrize(
    ("limit", "readers", "first", "expected"),
    [
        (250, 249, NOON - HOUR, NOON),
        (250, 250, NOON - HOUR, NOON + 23 * HOUR),
        (250, 250, NOON - 30 * HOUR, NOON),
        (0, 5_000, NOON - HOUR, NOON),
        (250, 250, None, NOON),
    ],
)
def test_there_is_room_again_when_the_first_is_a_day_old(
    limit, readers, first, expected
):
    reached = Reached(readers=readers, first=first)

    assert again_at(limit, reached, now=NOON) == expected
