"""When a canary lets everybody follow, and when a broadcast stops itself."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import FailureKind
from bot.domain.holding import (
    CANARY_FOR,
    CANARY_MOST,
    MENDABLE,
    OF_ONE,
    Canary,
    Verdict,
    Watch,
    canary_size,
    verdict,
)

NOW = timedelta(0)
LATE = CANARY_FOR
REFUSED, BLOCKED = FailureKind.REFUSED, FailureKind.BLOCKED
MALFORMED = FailureKind.MALFORMED


@pytest.mark.parametrize(
    ("recipients", "first"),
    [
        (0, 0),
        (1, 0),
        (20, 0),
        (21, 1),
        (100, 1),
        (101, 2),
        (3_000, 30),
        (10_000, 100),
        (1_000_000, CANARY_MOST),
    ],
)
def test_how_many_go_first(recipients, first):
    assert canary_size(recipients) == first


@pytest.mark.parametrize(
    ("under_way", "arrived", "tried", "failures", "waited", "said"),
    [
        # It has not ended.
        (1, 0, 0, {}, NOW, Verdict.WAIT),
        (1, 9, 9, {}, NOW, Verdict.WAIT),
        # Nothing was tried: the sender is at rest, not the canary.
        (1, 0, 0, {}, LATE, Verdict.WAIT),
        # One of them has to wait, and holds nobody up for ever.
        (1, 9, 10, {}, LATE, Verdict.GO),
        (1, 0, 1, {}, LATE, Verdict.GO),
        (1, 0, 2, {REFUSED: 1}, LATE, Verdict.STOP),
        # It has ended.
        (0, 1, 1, {}, NOW, Verdict.GO),
        (0, 9, 10, {REFUSED: 1}, NOW, Verdict.GO),
        (0, 1, 10, {BLOCKED: 9}, NOW, Verdict.GO),
        # None got it, and it may be the message's fault, or surely is not.
        (0, 0, 1, {REFUSED: 1}, NOW, Verdict.STOP),
        (0, 0, 1, {BLOCKED: 1}, NOW, Verdict.OTHERS),
        (0, 0, 1, {}, NOW, Verdict.OTHERS),
        # The first error that blames the message is enough; so are too many.
        (5, 4, 5, {MALFORMED: 1}, NOW, Verdict.STOP),
        (5, 7, 10, {REFUSED: 3}, NOW, Verdict.STOP),
        (5, 8, 10, {REFUSED: 2}, NOW, Verdict.WAIT),
        (5, 6, 9, {REFUSED: 3}, NOW, Verdict.WAIT),
    ],
)
def test_what_a_canary_says(under_way, arrived, tried, failures, waited, said):
    canary = Canary(
        under_way=under_way, arrived=arrived, tried=tried, failures=Counter(failures)
    )

    assert verdict(canary, waited=waited, watch=Watch()) is said


@given(
    failed=st.integers(0, 10_000),
    arrived=st.integers(0, 100_000),
    share=st.floats(0.01, 1),
    least=st.integers(1, 50),
)
def test_counting_only_as_far_as_matters_changes_no_verdict(
    failed, arrived, share, least
):
    watch = Watch(share=share, least=least)
    counted = min(arrived, watch.enough(failed))

    assert watch.too_many(failed=failed, arrived=counted) is watch.too_many(
        failed=failed, arrived=arrived
    )


def test_what_is_mended_by_trying_again_blames_neither_message_nor_who_left():
    gone = {BLOCKED, FailureKind.REMOVED, FailureKind.DELETED, FailureKind.OPTED_OUT}

    assert not MENDABLE & (gone | {MALFORMED, FailureKind.NOT_FOUND})
    assert gone <= OF_ONE
