"""Worlds by the thousand, on all cores, and what they came to together."""

from __future__ import annotations

import multiprocessing
import shutil
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.simulation import faults, mutants
from tests.simulation.scene import Outcome, Scene

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator, Sequence

#: In so many worlds every fault must have struck.
ENOUGH = 300
#: Worlds that one process runs before it reports.
BATCH = 10
#: Worlds that a process runs before another takes its place: what was killed in them
#: is not always given back.
LIFE = 50  # batches
#: A folder in memory, where there is one: a simulated disk needs no real one.
MEMORY = Path("/dev/shm")  # noqa: S108 - a fresh folder is made in it


@dataclass(slots=True)
class Tally:
    """What worlds came to together."""

    seeds: int = 0
    deliveries: int = 0
    calls: int = 0
    seconds: float = 0.0  #: virtual
    fewest: int | None = None  #: deliveries in one world
    struck: Counter[str] = field(default_factory=Counter)
    failed: list[tuple[int, list[str]]] = field(default_factory=list)

    def count(self, outcome: Outcome) -> None:
        """Take one more world in."""
        self.seeds += 1
        self.deliveries += outcome.deliveries
        self.calls += outcome.calls
        self.seconds += outcome.seconds
        known = outcome.deliveries if self.fewest is None else self.fewest
        self.fewest = min(known, outcome.deliveries)
        self.struck += outcome.struck
        if outcome.violations:
            self.failed.append((outcome.seed, outcome.violations))

    def add(self, other: Tally) -> None:
        """Take others in."""
        self.seeds += other.seeds
        self.deliveries += other.deliveries
        self.calls += other.calls
        self.seconds += other.seconds
        both = [each for each in (self.fewest, other.fewest) if each is not None]
        self.fewest = min(both, default=None)
        self.struck += other.struck
        self.failed += other.failed

    def missing(self) -> list[str]:
        """Return the faults that never struck."""
        return [each for each in faults.ALL if not self.struck[each]]

    def summary(self, spent: float) -> str:
        """Say it all, for people; *spent* is in real seconds."""
        size = (
            f"{self.seeds} worlds with {self.deliveries} deliveries (at least "
            f"{self.fewest} in each) and {self.calls} calls, "
            f"{self.seconds / 3600:.1f} virtual hours in {spent:.0f} s"
        )
        lines = [
            size,
            "how often each fault struck:",
            *(f"  {name:24}{self.struck[name]:10}" for name in faults.ALL),
        ]
        for seed, violations in sorted(self.failed):
            lines += [
                f"seed {seed} fails; replay it with: make simulate SEED={seed}",
                *(f"  {each}" for each in violations[:5]),
            ]
        lines.append(f"{len(self.failed)} of {self.seeds} worlds failed")
        return "\n".join(lines) + "\n"


def run_one(seed: int, *, mutant: str = "") -> Outcome:
    """Run one world."""
    [outcome] = run_some([seed], mutant=mutant)
    return outcome


def run_some(
    seeds: Iterable[int], *, mutant: str = ""
) -> Generator[Outcome, None, None]:
    """Run worlds one after the other in this process."""
    near = MEMORY if MEMORY.is_dir() else None
    folder = Path(tempfile.mkdtemp(prefix="harkara-simulation-", dir=near))
    try:
        with mutants.planted(mutant):
            for seed in seeds:
                yield Scene(seed, folder).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_many(seeds: Sequence[int], *, jobs: int, mutant: str = "") -> Iterator[Tally]:
    """Run worlds in *jobs* processes; a tally comes for each batch."""
    batches = [
        (list(seeds[place : place + BATCH]), mutant)
        for place in range(0, len(seeds), BATCH)
    ]
    context = multiprocessing.get_context("spawn")
    with context.Pool(min(jobs, len(batches)), maxtasksperchild=LIFE) as pool:
        yield from pool.imap_unordered(_batch, batches)


def _batch(order: tuple[list[int], str]) -> Tally:
    seeds, mutant = order
    tally = Tally()
    for outcome in run_some(seeds, mutant=mutant):
        tally.count(outcome)
    return tally
