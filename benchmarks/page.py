"""The page of what was measured, made from the figures that are kept beside this."""

from __future__ import annotations

import json
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from benchmarks import table
from benchmarks.judging import Run
from benchmarks.series import ALL

if TYPE_CHECKING:
    from collections.abc import Sequence

RESULTS = Path(__file__).with_name("results")
PAGE = Path(__file__).parent.parent / "docs/explanation/performance.md"

HEAD = """\
# How fast it is

*Explanation.* What a message costs, beside others in the same run; made by
`make bench ARGS="--publish"`, from the figures in `benchmarks/results/`.

## How it is measured

- **The server** is a small C program of ours (`benchmarks/server.c`): one thread, an
  answer of Telegram's or Twilio's shape and size, made beforehand.
  It has a core to itself, and its share of that core is every row's last column.
  That it is never the bottleneck is shown by a client written by hand for this one
  request, which gets several times as many answers from it as any of the others.
- **The contender** has another core to itself, and sends the same text of 790 bytes.
  *CPU* is the processor time of its whole process, user and system, by the messages.
- **Ours** is the application as `harkara run` starts it, with its log at `info`, from
  the editor's *send* until the last outcome is in the tables; only its rate limit is
  out of the way.
  Afterwards every delivery must stand as accepted, each under a number of its own.
  Harkara commits three times for each message, in groups: the claim, the mark before
  the call, and the outcome.
  SQLite runs with `synchronous=FULL`.
- **Rounds.** All contenders run in every round, in an order drawn anew.
  Figures are medians; a ratio is taken round by round, and the median of those is
  shown, because a noisy neighbour slows both of a round.
- python-telegram-bot is faster when `sniffio` happens to be installed, which a fresh
  install does not bring; both are shown.
- In a **window**, the server counts a message at a random moment between its request
  and its answer, and answers 429 where more than the limit would fall into any second.
  The two seconds at the start do not count.

`make bench` runs all of it, in about an hour; `make bench ARGS="telegram --rounds 3
--messages 5000 --only ours,raw"` what you name.
It wants a C compiler, and OpenSSL's headers for TLS.
"""


def render(kept: dict[str, dict[str, Any]]) -> str:
    """Return the page for the figures of each series."""
    parts = [HEAD]
    for key, series in ALL.items():
        if key not in kept:
            continue
        runs = [Run(**run) for run in kept[key]["runs"]]
        parts += [
            f"## {series.title}\n",
            table.markdown(table.rows(series, runs)) + "\n",
            table.markdown(table.verdicts(series, runs)) + "\n",
            _where(runs, kept[key]["machine"]),
        ]
    return "\n".join(parts)


def _where(runs: Sequence[Run], at: dict[str, str]) -> str:
    stolen = [run.steal for run in runs]
    return (
        f"{max(run.round for run in runs)} rounds on {at['cores']} cores of "
        f"{at['processor']}, {at['system']}, Python {at['python']}, "
        f"SQLite {at['sqlite']};\nits neighbours took {median(stolen):.0%} of the "
        f"machine, at most {max(stolen):.0%}.\n"
    )


def kept() -> dict[str, dict[str, Any]]:
    """Return what was published, by series."""
    return {
        path.stem: json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(RESULTS.glob("*.json"))
    }


def write() -> None:
    """Make the page anew."""
    PAGE.write_text(render(kept()), encoding="utf-8")
