"""From runs to rows: medians, ratios round by round, targets. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence


class Figure(StrEnum):
    """What is read off one run."""

    RATE = "rate"  #: messages a second
    CPU = "cpu"  #: milliseconds of processor time a message
    RSS = "rss"  #: the most memory held, in MB
    USED = "used"  #: share of what the rate limit allows
    REFUSED = "refused"  #: answers 429
    CORE = "core"  #: share of a core
    LOOP = "loop"  #: milliseconds of it in the event loop's thread
    PLANNING = "planning"  #: seconds to write the deliveries down


class Verdict(StrEnum):
    """How two contenders, or one and a number, are compared."""

    SHARE_AT_LEAST = "share at least"  #: of the other's figure, round by round
    SHARE_AT_MOST = "share at most"
    AT_LEAST = "at least"
    AT_MOST = "at most"
    MORE_BY_AT_MOST = "more by at most"  #: than the other's figure


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One contender's turn in one round."""

    contender: str
    round: int
    messages: int
    seconds: float
    cpu_seconds: float
    rss_mb: float
    server_share: float  #: of its core, while the contender sent
    verified: bool
    refused: int = 0
    used: float = 0.0
    worst_second: int = 0
    planning_seconds: float = 0.0
    loop_seconds: float = 0.0  #: of the processor time, the event loop's thread's
    steal: float = 0.0  #: share of the machine that others took
    load: float = 0.0  #: of the machine, a minute's average before the run

    def figure(self, figure: Figure) -> float:
        """Read *figure* off."""
        read: dict[Figure, Callable[[], float]] = {
            Figure.RATE: lambda: self.messages / self.seconds,
            Figure.CPU: lambda: self.cpu_seconds * 1000 / self.messages,
            Figure.RSS: lambda: self.rss_mb,
            Figure.USED: lambda: self.used,
            Figure.REFUSED: lambda: float(self.refused),
            Figure.CORE: lambda: self.cpu_seconds / self.seconds,
            Figure.LOOP: lambda: self.loop_seconds * 1000 / self.messages,
            Figure.PLANNING: lambda: self.planning_seconds,
        }
        return read[figure]()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What must hold of one contender."""

    text: str  #: in words, for the table
    figure: Figure
    verdict: Verdict
    bound: float
    against: str = ""  #: the other contender's name, where there is one
    of: str = "ours"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A target, what was found, and whether it is met; neither without its runs."""

    target: Target
    found: float | None
    met: bool | None


def middle(runs: Iterable[Run], contender: str, figure: Figure) -> float | None:
    """Return the median of a contender's runs; None if it had none."""
    found = [run.figure(figure) for run in runs if run.contender == contender]
    return median(found) if found else None


def spread(
    runs: Iterable[Run], contender: str, figure: Figure
) -> tuple[float, float] | None:
    """Return the least and the most of a contender's runs; None if it had none."""
    found = [run.figure(figure) for run in runs if run.contender == contender]
    return (min(found), max(found)) if found else None


def ratio(
    runs: Sequence[Run], contender: str, other: str, figure: Figure
) -> float | None:
    """Return the median, over the rounds, of one's figure by the other's.

    Round by round, because a noisy neighbour slows both of a round.
    """
    theirs = {run.round: run.figure(figure) for run in runs if run.contender == other}
    found = [
        run.figure(figure) / theirs[run.round]
        for run in runs
        if run.contender == contender and theirs.get(run.round)
    ]
    return median(found) if found else None


def judged(runs: Sequence[Run], target: Target) -> Judged:
    """Say whether *target* is met; a run that could not be verified meets none."""
    found = _found(runs, target)
    if found is None:
        return Judged(target=target, found=None, met=None)
    least = target.verdict in {Verdict.SHARE_AT_LEAST, Verdict.AT_LEAST}
    met = found >= target.bound if least else found <= target.bound
    sound = all(run.verified for run in runs if run.contender == target.of)
    return Judged(target=target, found=found, met=met and sound)


def _found(runs: Sequence[Run], target: Target) -> float | None:
    match target.verdict:
        case Verdict.SHARE_AT_LEAST | Verdict.SHARE_AT_MOST:
            return ratio(runs, target.of, target.against, target.figure)
        case Verdict.AT_LEAST | Verdict.AT_MOST:
            return middle(runs, target.of, target.figure)
    mine = middle(runs, target.of, target.figure)
    theirs = middle(runs, target.against, target.figure)
    return None if mine is None or theirs is None else mine - theirs


def bottleneck(runs: Iterable[Run], *, most: float = 0.5) -> list[Run]:
    """Return the runs in which the server was busier than it may be."""
    return [run for run in runs if run.server_share > most]
