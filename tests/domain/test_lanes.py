"""Replies go first, and leave broadcasts their share."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.lanes import SHARE, carried, kept

limits = st.integers(min_value=1, max_value=40)


def shared(limit: int, replies: int, deliveries: int, owed: float):
    """One claim, where so many rows are due: who gets how many places."""
    places, credit = kept(limit, owed)
    theirs = min(deliveries, limit - min(replies, limit - places))
    ours = min(replies, limit - theirs)
    owed = carried(limit, credit, replies=ours, deliveries=theirs)
    return ours, theirs, owed


@given(limits, st.integers(min_value=50, max_value=200))
def test_under_a_flood_of_replies_broadcasts_keep_their_share(limit, claims):
    owed, got = 0.0, 0
    for _ in range(claims):
        replies, deliveries, owed = shared(limit, 1000, 1000, owed)
        assert replies + deliveries == limit
        got += deliveries
    assert abs(got - claims * limit * SHARE) <= 1


@given(
    limits,
    st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=60),
)
def test_no_place_is_left_empty_and_no_credit_is_hoarded(limit, dues):
    owed = 0.0
    for replies, deliveries in dues:
        ours, theirs, owed = shared(limit, replies, deliveries, owed)
        assert ours + theirs == min(limit, replies + deliveries)
        assert 0 <= owed < max(1, limit)
        if replies + deliveries <= limit:
            assert (ours, theirs) == (replies, deliveries)
        # What is owed is less than a place, unless broadcasts had nothing to put in it.
        assert ours >= min(replies, limit - int(limit * SHARE + 1) - int(owed) - 1)


@given(limits, st.integers(1, 60))
def test_whoever_asks_is_not_kept_waiting_by_any_number_of_deliveries(limit, asking):
    """At least three quarters of the places go to replies while any are due."""
    owed, waiting, claims = 0.0, asking, 0
    while waiting:
        replies, _, owed = shared(limit, waiting, 10_000, owed)
        waiting -= replies
        claims += 1
    assert claims <= asking / (limit * (1 - SHARE)) + 2
