"""A burst never costs more than its cap."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain import bursts
from bot.domain.pacing import DEFAULT_RATES, Rate
from bot.domain.recipients import Channel

FREE = DEFAULT_RATES[Channel.TELEGRAM]


@pytest.mark.parametrize(
    ("stars", "paid", "left"),
    [(0, 0, 0), (1, 0, 10), (1, 9, 1), (1, 10, 0), (1, 25, 0), (500, 4_999, 1)],
)
def test_a_star_buys_ten_messages(stars, paid, left):
    assert bursts.left(stars, paid) == left


@given(stars=st.integers(0, 1000), messages=st.integers(0, 20_000))
def test_all_that_is_paid_stays_under_the_cap(stars, messages):
    paid = 0
    for _ in range(messages):
        if not bursts.left(stars, paid):
            break
        paid += 1

    assert paid == min(messages, stars * 10)
    assert paid / 10 <= stars


def test_while_there_is_money_it_goes_as_fast_as_telegram_sells():
    fast = bursts.rate(FREE, stars=3, paid=29)

    assert fast.per_second == 1000
    assert (fast.private, fast.group) == (FREE.private, FREE.group)
    assert bursts.rate(FREE, stars=3, paid=30) == FREE
    assert bursts.rate(FREE, stars=0, paid=0) == FREE


def test_nobody_is_slowed_down_by_paying():
    own = Rate(per_second=5_000, private=timedelta(0), group=timedelta(0))

    assert bursts.rate(own, stars=1, paid=0).per_second == 5_000
