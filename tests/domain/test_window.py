"""However long calls and answers take, the provider counts no more than it allows."""

from __future__ import annotations

import math
from bisect import bisect_right
from heapq import heappop, heappush
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.window import TOLERANCE, Window

if TYPE_CHECKING:
    from collections.abc import Iterable

#: What rounding may take from a moment; the provider's window is as much shorter.
ROUNDING = 1e-9


class Call(NamedTuple):
    """One call: when it is wanted, and how long its two ways take, all in seconds."""

    after: float  #: since the last one was wanted
    there: float
    back: float


class AtSending(Window):
    """A window over the moments of sending, as limiters commonly keep it."""

    def start(self, now: float) -> None:
        super().start(now)
        super().answered(now)

    def answered(self, now: float) -> None:
        pass


def run(window: Window, calls: Iterable[Call]) -> tuple[list[float], list[float]]:
    """Make *calls* in order; return when each started, and when it was counted."""
    now, starts, arrivals = 0.0, [], []
    wanted = 0.0
    answers: list[float] = []
    for call in calls:
        wanted += call.after
        now = max(now, wanted)
        while True:
            while answers and answers[0] <= now:
                window.answered(heappop(answers))
            earliest = window.earliest(now)
            if earliest <= now:
                break
            now = min(earliest, answers[0]) if answers else earliest
        window.start(now)
        starts.append(now)
        arrivals.append(now + call.there)
        heappush(answers, now + call.there + call.back)
    return starts, arrivals


def fullest(arrivals: list[float], period: float) -> int:
    """Return the most arrivals in any half-open stretch of *period*."""
    ordered = sorted(arrivals)
    return max(
        place + 1 - bisect_right(ordered, moment - period + ROUNDING)
        for place, moment in enumerate(ordered)
    )


leg = st.floats(0, 0.3) | st.just(0.0) | st.floats(0, 20)
CALLS = st.lists(
    st.builds(Call, st.floats(0, 0.2) | st.just(0.0), leg, leg), min_size=1
)


@given(calls=CALLS, limit=st.integers(1, 12), period=st.sampled_from([0.5, 1.0, 3.0]))
def test_no_stretch_of_a_period_counts_more_than_the_limit(calls, limit, period):
    starts, arrivals = run(Window(limit, period), calls)

    assert len(starts) == len(calls)
    assert fullest(arrivals, period) <= limit


def test_anchored_at_the_sending_it_would():
    """Two calls a second apart arrive together where the first was slow."""
    calls = [Call(0, 0.9, 0.0), Call(0, 0.0, 0.0)]

    assert fullest(run(AtSending(1, 1.0), calls)[1], 1.0) == 2
    assert fullest(run(Window(1, 1.0), calls)[1], 1.0) == 1


def test_it_counts_every_call_not_the_one_of_a_place():
    """To ask only for the one *limit* places before would let three in."""
    slow, quick = Call(0, 2.9, 0.0), Call(0, 0.0, 0.0)

    starts, arrivals = run(Window(2, 1.0), [slow, quick, quick, quick, quick])

    assert fullest(arrivals, 1.0) == 2
    assert starts[-1] == pytest.approx(3.5, abs=0.6)  # the others go on meanwhile


@pytest.mark.parametrize("answer_time", [0.0, 0.005, 0.05, 0.4])
@pytest.mark.parametrize("limit", [1, 30, 1000])
def test_steady_work_uses_what_the_answers_leave(limit, answer_time):
    calls = [Call(0, answer_time / 2, answer_time / 2)] * (limit * 20)

    starts, _ = run(Window(limit, 1.0), calls)

    used = (len(starts) - 1) / (starts[-1] - starts[0]) / limit
    assert used >= 0.98 / (1 + answer_time)


@given(late=st.lists(st.floats(0, 0.02), min_size=400, max_size=400))
def test_what_a_late_timer_loses_is_caught_up_with(late):
    """To wait a whole interval after each start would lose every delay for good."""
    window, now = Window(30, 1.0), 0.0
    for delay in late:
        now = max(now, window.earliest(now)) + delay
        window.start(now)
        window.answered(now)

    assert now <= len(late) / 30 * 1.03 + 0.1


def test_after_a_rest_calls_are_spread():
    starts, _ = run(Window(30, 1.0), [Call(5.0, 0, 0), *[Call(0, 0, 0)] * 29])

    gaps = [later - earlier for earlier, later in pairwise(starts)]
    together = 1 + int(TOLERANCE * 30)  # what may be caught up with
    assert sum(gap < 0.03 for gap in gaps) <= together
    assert starts[-1] - starts[0] > 0.85


def test_a_new_owner_supposes_that_the_window_is_full():
    window = Window(30, 1.0)
    window.fill(100.0)

    assert window.earliest(100.0) == 101.0
    assert window.earliest(101.0) == 101.0


def test_a_call_without_an_answer_takes_its_place_until_it_is_given_up():
    window = Window(1, 1.0)
    window.start(0.0)
    assert window.earliest(14.0) == math.inf

    window.answered(15.0)

    assert window.earliest(15.0) == 16.0
    assert window.flying == 0


@given(moments=st.lists(st.floats(0, 1e7), min_size=1), period=st.floats(0.001, 100))
def test_what_is_told_to_be_the_earliest_is_early_enough(moments, period):
    """Otherwise a caller would ask, sleep for no time, and ask again."""
    window = Window(1, period)
    for moment in sorted(moments):
        now = window.earliest(moment)
        assert window.earliest(now) == now
        window.start(now)
        window.answered(now)


@pytest.mark.parametrize(("limit", "period"), [(0, 1.0), (3, 0.0), (1, math.nan)])
def test_a_window_of_nothing_is_refused(limit, period):
    with pytest.raises(ValueError, match="at least one"):
        Window(limit, period)
