from __future__ import annotations

import pytest

from bot.domain.deliveries import Progress
from bot.domain.receipts import progress_of_status

#: platform-facts §3.4, in rising rank.
RANKED = [
    "scheduled",
    "accepted",
    "queued",
    "sending",
    "sent",
    "undelivered",
    "failed",
    "canceled",
    "delivered",
    "read",
]


def test_progress_never_falls_as_the_rank_rises() -> None:
    told = [progress_of_status(status) for status in RANKED]
    known = [progress for progress in told if progress is not None]
    assert len(known) == len(RANKED)
    assert known == sorted(known)


@pytest.mark.parametrize("status", ["failed", "undelivered", "canceled"])
def test_the_bad_ends_are_failures(status: str) -> None:
    assert progress_of_status(status) is Progress.FAILED


@pytest.mark.parametrize("status", ["received", "receiving", "", "new", "None"])
def test_other_words_say_nothing(status: str) -> None:
    assert progress_of_status(status) is None


def test_case_and_blanks_do_not_matter() -> None:
    assert progress_of_status(" Read ") is Progress.READ
