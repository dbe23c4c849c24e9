"""How long things are kept."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.keeping import REPEATS, SET_ASIDE, Keeping, Leap, bounds, leap

NOW = datetime(2026, 11, 22, 6, 30, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SEEN = Leap(now=NOW, running=HOUR)
spans = st.timedeltas(min_value=timedelta(0), max_value=3650 * DAY)


@pytest.mark.parametrize(
    ("updates", "words", "traces", "set_aside"),
    [(0, 0, 8, 30), (2, 2, 8, 30), (7, 7, 8, 30), (60, 60, 60, 60)],
    ids=lambda days: f"{days}d",
)
def test_words_go_first_and_what_failed_waits_for_somebody(
    updates, words, traces, set_aside
):
    until = bounds(Keeping(updates=updates * DAY), now=NOW)

    assert until.words == NOW - words * DAY
    assert until.traces == NOW - traces * DAY
    assert until.set_aside == NOW - set_aside * DAY


@given(updates=spans, deliveries=spans, consents=spans)
def test_a_repeat_is_known_for_one_whatever_was_decided(updates, deliveries, consents):
    keeping = Keeping(updates=updates, deliveries=deliveries, consents=consents)
    until = bounds(keeping, now=NOW)

    assert until.traces <= NOW - REPEATS
    assert until.set_aside <= NOW - SET_ASIDE
    assert until.set_aside <= until.traces <= until.words <= NOW
    assert (until.deliveries, until.consents) == (NOW - deliveries, NOW - consents)


@pytest.mark.parametrize(
    ("last", "now", "running", "seen", "expected"),
    [
        # As ever, and a clock that was set back: it erases less.
        (NOW - 2 * DAY, NOW, HOUR, None, None),
        (NOW + DAY, NOW, HOUR, None, None),
        # A first look, and one after a leap.
        (None, NOW, HOUR, None, SEEN),
        (NOW - 3 * DAY, NOW, HOUR, None, SEEN),
        # The same leap, later; and once it has stood for a day.
        (NOW - 3 * DAY, NOW + 23 * HOUR, 24 * HOUR, SEEN, SEEN),
        (None, NOW + 24 * HOUR, 25 * HOUR, SEEN, None),
        (NOW - 3 * DAY, NOW + 24 * HOUR, 25 * HOUR, SEEN, None),
        # Put right, and set anew, ahead or only half back.
        (NOW - 3 * DAY, NOW - 2 * DAY, 2 * HOUR, SEEN, None),
        (NOW - 9 * DAY, NOW + 9 * DAY, 25 * HOUR, SEEN, Leap(NOW + 9 * DAY, 25 * HOUR)),
        (NOW - 9 * DAY, NOW - 4 * DAY, 25 * HOUR, SEEN, Leap(NOW - 4 * DAY, 25 * HOUR)),
    ],
)
def test_a_clock_that_leapt_is_believed_a_day_later(last, now, running, seen, expected):
    assert leap(now, running, last=last, seen=seen) == expected
