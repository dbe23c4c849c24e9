from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.judging import (
    Figure,
    Run,
    Target,
    Verdict,
    bottleneck,
    judged,
    middle,
    ratio,
    spread,
)

RUN = Run(
    contender="ours",
    round=1,
    messages=1000,
    seconds=2.0,
    cpu_seconds=0.5,
    rss_mb=60.0,
    server_share=0.1,
    verified=True,
    used=0.97,
    refused=3,
    planning_seconds=4.0,
    loop_seconds=0.4,
)


def runs(**cpu_seconds: list[float]) -> list[Run]:
    """Runs of a thousand messages, round by round."""
    return [
        replace(RUN, contender=name, round=number, cpu_seconds=seconds)
        for name, every in cpu_seconds.items()
        for number, seconds in enumerate(every, start=1)
    ]


@pytest.mark.parametrize(
    ("figure", "value"),
    [
        (Figure.RATE, 500.0),
        (Figure.CPU, 0.5),
        (Figure.RSS, 60.0),
        (Figure.USED, 0.97),
        (Figure.REFUSED, 3.0),
        (Figure.CORE, 0.25),
        (Figure.LOOP, 0.4),
        (Figure.PLANNING, 4.0),
    ],
)
def test_a_run_is_read_in_the_units_that_are_shown(figure, value):
    assert RUN.figure(figure) == value


def test_the_middle_run_counts_whatever_the_others_were():
    found = runs(ours=[0.2, 9.0, 0.3, 0.1, 0.25], raw=[1.0])

    assert middle(found, "ours", Figure.CPU) == 0.25
    assert spread(found, "ours", Figure.CPU) == (0.1, 9.0)
    assert middle(found, "nobody", Figure.CPU) is None


def test_a_ratio_is_taken_round_by_round_so_that_a_slow_round_slows_both():
    found = runs(ours=[0.2, 2.0, 0.2], raw=[0.1, 1.0, 0.1])

    assert ratio(found, "ours", "raw", Figure.CPU) == 2.0
    assert ratio(found, "ours", "nobody", Figure.CPU) is None


@pytest.mark.parametrize(
    ("verdict", "bound", "met"),
    [
        (Verdict.SHARE_AT_MOST, 0.5, True),
        (Verdict.SHARE_AT_MOST, 0.4, False),
        (Verdict.SHARE_AT_LEAST, 0.5, True),
        (Verdict.SHARE_AT_LEAST, 0.6, False),
        (Verdict.AT_MOST, 0.2, True),
        (Verdict.AT_LEAST, 0.3, False),
        (Verdict.MORE_BY_AT_MOST, -0.2, True),
        (Verdict.MORE_BY_AT_MOST, -0.3, False),
    ],
)
def test_a_target_is_met_at_its_bound_and_missed_beyond(verdict, bound, met):
    target = Target(
        text="", figure=Figure.CPU, verdict=verdict, bound=bound, against="raw"
    )

    assert judged(runs(ours=[0.2], raw=[0.4]), target).met is met


def test_a_run_that_is_not_as_promised_meets_no_target():
    target = Target(text="", figure=Figure.USED, verdict=Verdict.AT_LEAST, bound=0.9)

    assert judged([RUN], target).met
    assert judged([RUN, replace(RUN, verified=False)], target).met is False


def test_what_has_not_run_is_neither_met_nor_missed():
    target = Target(
        text="",
        figure=Figure.CPU,
        verdict=Verdict.SHARE_AT_MOST,
        bound=1,
        against="ptb",
    )

    assert judged([RUN], target).met is None


def test_a_busy_server_is_told():
    busy = replace(RUN, server_share=0.51)

    assert bottleneck([RUN, busy]) == [busy]
