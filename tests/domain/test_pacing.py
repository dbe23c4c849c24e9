"""No window of a sender's is ever fuller than its rate allows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.pacing import (
    BELIEVED,
    DEFAULT_RATES,
    SECOND,
    Rate,
    bounded,
    claim_size,
    reserve,
)
from bot.domain.recipients import Channel, Kind

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
seconds = st.floats(min_value=0, max_value=5, allow_nan=False)


@given(
    rate=st.floats(min_value=0.5, max_value=100),
    steps=st.lists(st.tuples(seconds, st.integers(1, 20)), max_size=20),
)
def test_no_two_slots_are_closer_than_the_interval(rate, steps):
    """However the claims fall, the slots of all of them keep their distance."""
    interval = Rate(per_second=rate, private=timedelta(0), group=timedelta(0)).interval
    now, clock, slots = NOON, NOON, []
    for wait, count in steps:
        now += timedelta(seconds=wait)
        new, clock = reserve(clock, now=now, interval=interval, count=count)
        assert all(slot >= now for slot in new)
        slots += new

    assert all(later - earlier >= interval for earlier, later in pairwise(slots))


def test_an_idle_sender_may_send_at_once():
    slots, clock = reserve(
        NOON - timedelta(hours=1), now=NOON, interval=timedelta(seconds=1), count=2
    )

    assert slots == [NOON, NOON + timedelta(seconds=1)]
    assert clock == NOON + timedelta(seconds=2)


def test_a_clock_from_before_the_time_jumped_back_is_not_believed():
    """Otherwise a machine set back a day would be silent for a day."""
    assert bounded(NOON + timedelta(days=1), now=NOON) == NOON
    assert bounded(NOON + BELIEVED, now=NOON) == NOON + BELIEVED


def test_the_shipped_rates_stay_under_the_published_limits():
    telegram = DEFAULT_RATES[Channel.TELEGRAM]
    whatsapp = DEFAULT_RATES[Channel.WHATSAPP]

    assert telegram.per_second <= 30
    assert telegram.spacing(Kind.READER) > timedelta(seconds=1)
    assert telegram.spacing(Kind.GROUP) * 20 > timedelta(minutes=1)
    assert whatsapp.per_second < 80
    assert whatsapp.spacing(Kind.READER) > timedelta(seconds=6)


@pytest.mark.parametrize(
    ("per_second", "calls", "seconds"), [(30, 30, 1), (2.5, 2, 0.8), (0.1, 1, 10)]
)
def test_a_rate_is_a_window(per_second, calls, seconds):
    rate = Rate(per_second=per_second, private=timedelta(0), group=timedelta(0))

    window = rate.window()

    assert window.limit == calls
    assert window.period == pytest.approx(seconds * SECOND)
    assert window.limit / window.period <= per_second


def test_a_claim_is_half_a_second_and_never_nothing():
    assert claim_size(DEFAULT_RATES[Channel.TELEGRAM]) == 15
    slow = Rate(per_second=0.1, private=timedelta(0), group=timedelta(0))
    assert claim_size(slow) == 1
    fast = Rate(per_second=100_000, private=timedelta(0), group=timedelta(0))
    assert claim_size(fast) == 1000
