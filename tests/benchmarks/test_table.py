from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks import page, table
from benchmarks.judging import Figure, Judged, Target, Verdict
from benchmarks.machine import Ticks
from benchmarks.series import ALL, TELEGRAM
from benchmarks.server import Stats
from tests.benchmarks.test_judging import RUN


def test_every_target_speaks_of_contenders_that_run():
    for series in ALL.values():
        names = {each.name for each in series.contenders}
        for target in series.targets:
            assert target.of in names
            assert not target.against or target.against in names


def test_a_table_has_a_row_for_each_contender_that_ran_and_says_what_is_unsound():
    raw = replace(RUN, contender="raw", cpu_seconds=0.25, verified=False)

    _, ours, theirs = table.rows(TELEGRAM, [RUN, raw])

    assert ours[1:6] == ("500", "500–500", "0.500", "1.00 ×", "60")
    assert theirs[0].endswith("(!)")
    assert theirs[4] == "0.50 ×"


def test_a_row_in_a_window_says_how_much_of_it_was_used():
    _, row = table.rows(ALL["window-5"], [RUN])

    assert row[1:4] == ("97.0%", "3", "25.0%")


@pytest.mark.parametrize(
    ("verdict", "figure", "bound", "found", "words"),
    [
        (Verdict.SHARE_AT_MOST, Figure.CPU, 1 / 7, 0.125, "1/8.0"),
        (Verdict.SHARE_AT_LEAST, Figure.RATE, 0.85, 0.9, "90.0%"),
        (Verdict.SHARE_AT_LEAST, Figure.RATE, 6, 9.5, "9.50 ×"),
        (Verdict.AT_LEAST, Figure.USED, 0.98, 0.9951, "99.5%"),
        (Verdict.AT_MOST, Figure.REFUSED, 0, 0.0, "0"),
        (Verdict.MORE_BY_AT_MOST, Figure.RSS, 10, 3.5, "3.5 MB"),
        (Verdict.AT_MOST, Figure.PLANNING, 60, 8.24, "8.2 s"),
        (Verdict.AT_MOST, Figure.PLANNING, 60, None, "not run"),
    ],
)
def test_what_was_found_is_said_in_the_targets_own_terms(
    verdict, figure, bound, found, words
):
    target = Target(text="", figure=figure, verdict=verdict, bound=bound)

    assert table.found_in_words(Judged(target=target, found=found, met=None)) == words


def test_a_terminals_table_is_aligned():
    assert table.text([("a", "bb"), ("ccc", "d")]).splitlines() == [
        "a    bb",
        "-------",
        "ccc   d",
    ]


def test_the_servers_counts_are_read():
    answer = (
        b'{"accepted":2,"refused":1,"odd":0,"within":2,"worst_second":2,'
        b'"since_first":0.5,"first_to_last":0.1,"cpu_seconds":0.01}'
    )

    assert Stats.parse(answer).refused == 1


def test_guests_time_is_not_counted_twice():
    before = Ticks.parse("cpu  10 0 10 70 0 0 0 10 99 99")
    after = Ticks.parse("cpu  20 0 20 130 0 0 0 30 999 999")

    assert after.stolen_since(before) == 0.2


def test_the_page_shows_what_was_published():
    assert page.PAGE.read_text(encoding="utf-8") == page.render(page.kept())
