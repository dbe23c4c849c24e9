"""Rows for people: the terminal's table and the page's. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.judging import Figure, Verdict, judged, middle, ratio, spread

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.judging import Judged, Run
    from benchmarks.series import Series

PLAIN = (
    "contender",
    "messages/s",
    "(least–most)",
    "CPU ms/message",
    "CPU against ours",
    "peak MB",
    "server",
)
TIMED = (
    "contender",
    "used",
    "429",
    "share of a core",
    "CPU ms/message",
    "peak MB",
    "server",
)


def rows(series: Series, runs: Sequence[Run]) -> list[tuple[str, ...]]:
    """Return the head and a row for each contender that has run."""
    found: list[tuple[str, ...]] = [TIMED if series.seconds else PLAIN]
    us = series.contenders[0].name
    for contender in series.contenders:
        name = contender.name
        cpu = middle(runs, name, Figure.CPU)
        rate, limits = middle(runs, name, Figure.RATE), spread(runs, name, Figure.RATE)
        if cpu is None or rate is None or limits is None:
            continue
        mine = [run for run in runs if run.contender == name]
        label = contender.label + ("" if all(r.verified for r in mine) else " (!)")
        rss = f"{middle(runs, name, Figure.RSS):.0f}"
        busiest = f"{max(run.server_share for run in mine):.0%}"
        if series.seconds:
            found.append(
                (
                    label,
                    f"{middle(runs, name, Figure.USED):.1%}",
                    f"{middle(runs, name, Figure.REFUSED):.0f}",
                    f"{middle(runs, name, Figure.CORE):.1%}",
                    f"{cpu:.3f}",
                    rss,
                    busiest,
                )
            )
        else:
            against = ratio(runs, name, us, Figure.CPU)
            found.append(
                (
                    label,
                    f"{rate:,.0f}",
                    f"{limits[0]:,.0f}–{limits[1]:,.0f}",
                    f"{cpu:.3f}",
                    "" if against is None else f"{against:.2f} ×",
                    rss,
                    busiest,
                )
            )
    return found


def progress(run: Run) -> str:
    """Return a line that says what *run* came to."""
    return (
        f"  {run.round} {run.contender:20} {run.figure(Figure.RATE):9,.0f}/s "
        f"{run.figure(Figure.CPU):7.3f} ms ({run.figure(Figure.LOOP):.3f} in the loop)"
        f"  server {run.server_share:4.0%}  "
        f"steal {run.steal:4.0%}{'' if run.verified else '  NOT VERIFIED'}"
    )


def verdicts(series: Series, runs: Sequence[Run]) -> list[tuple[str, ...]]:
    """Return the head and a row for each target."""
    return [
        ("target", "found", "met?"),
        *(
            (each.target.text, found_in_words(each), _answer(each))
            for each in (judged(runs, target) for target in series.targets)
        ),
    ]


def found_in_words(judgement: Judged) -> str:
    """Say what was found in the target's own terms."""
    found, target = judgement.found, judgement.target
    if found is None:
        return "not run"
    share = target.verdict in {Verdict.SHARE_AT_LEAST, Verdict.SHARE_AT_MOST}
    if share and target.bound < 1 / 2:
        return f"1/{1 / found:.1f}" if found else "0"
    if share and target.bound > 1:
        return f"{found:.2f} ×"
    if share or target.figure in {Figure.USED, Figure.CORE}:
        return f"{found:.1%}"
    units = {Figure.RSS: " MB", Figure.PLANNING: " s"}
    return f"{found:.1f}".removesuffix(".0") + units.get(target.figure, "")


def _answer(judgement: Judged) -> str:
    return {None: "–", True: "yes", False: "no"}[judgement.met]


def text(table: Sequence[Sequence[str]]) -> str:
    """Lay *table* out for a terminal: the first column left, the others right."""
    widths = [max(len(row[i]) for row in table) for i in range(len(table[0]))]
    lines = [
        "  ".join(
            cell.ljust(width) if not i else cell.rjust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in table
    ]
    return "\n".join([lines[0], "-" * len(lines[0]), *lines[1:]])


def markdown(table: Sequence[Sequence[str]]) -> str:
    """Lay *table* out for a page."""
    head, *body = table
    rule = ["---"] + ["--:"] * (len(head) - 1)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *body])
