"""Run many worlds, or one of them again: ``make simulate`` calls this.

``make simulate SEEDS=100000`` runs so many, on all cores; ``make simulate SEED=123``
runs one and prints what happened in it. It ends with 1 if anything that is promised
did not hold, or if a fault never struck in a run that is long enough to say so.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TextIO

from tests.simulation.many import ENOUGH, Tally, run_many, run_one


def main() -> int:
    """Parse the arguments and run."""
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    parser.add_argument("--seed", type=int, help="run this one and print its trace")
    parser.add_argument("--seeds", type=int, default=1000, help="how many to run")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--mutant", default="", help="plant this mistake first")
    parser.add_argument("--minutes", type=float, help="stop after so long")
    chosen = parser.parse_args()
    if chosen.seed is not None:
        return _one(chosen.seed, chosen.mutant)
    began = time.monotonic()
    tally = Tally()
    seeds = range(chosen.first, chosen.first + chosen.seeds)
    for part in run_many(seeds, jobs=chosen.jobs, mutant=chosen.mutant):
        tally.add(part)
        spent = time.monotonic() - began
        left = spent / tally.seeds * (chosen.seeds - tally.seeds)
        _say(
            f"\r{tally.seeds} of {chosen.seeds} worlds, {len(tally.failed)} failed, "
            f"{tally.seeds / spent:.1f} a second, {left / 60:.0f} min left ",
            to=sys.stderr,
        )
        if chosen.minutes is not None and spent > 60 * chosen.minutes:
            break
    _say("\n", to=sys.stderr)
    _say(tally.summary(time.monotonic() - began))
    missing = tally.missing() if tally.seeds >= ENOUGH else []
    if missing:
        _say("these faults never struck: " + ", ".join(missing) + "\n")
    return 1 if tally.failed or missing else 0


def _one(seed: int, mutant: str) -> int:
    outcome = run_one(seed, mutant=mutant)
    for moment, *words in outcome.trace:
        _say(f"{moment:10.4f}  {' '.join(words)}\n")
    _say(
        f"seed {seed}: {outcome.deliveries} deliveries, {outcome.calls} calls, "
        f"{outcome.seconds:.0f} virtual seconds, fingerprint "
        f"{outcome.fingerprint[:16]}\n"
    )
    for violation in outcome.violations:
        _say(f"does not hold: {violation}\n")
    return 1 if outcome.violations else 0


def _say(words: str, *, to: TextIO | None = None) -> None:
    stream = to or sys.stdout
    stream.write(words)
    stream.flush()


if __name__ == "__main__":
    sys.exit(main())
