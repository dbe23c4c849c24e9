"""The broadcaster holds its promises in worlds where nearly everything goes wrong."""

from __future__ import annotations

import os
from contextlib import closing

import pytest

from tests.simulation import mutants
from tests.simulation.many import Tally, run_one, run_some

#: Worlds in the default run; `make simulate SEEDS=100000` runs more.
SEEDS = int(os.environ.get("HARKARA_SEEDS", "12"))


def test_every_promise_holds_in_every_world():
    """Nothing lost, nothing silently twice, no window overrun, every end reached."""
    tally = Tally()
    for outcome in run_some(range(1, SEEDS + 1)):
        tally.count(outcome)
    assert not tally.failed, tally.summary(0)
    assert (tally.fewest or 0) >= 40


def test_a_seed_replays_exactly():
    """The same seed twice is the same world, step for step."""
    first, again, other = run_one(7), run_one(7), run_one(8)
    assert first.fingerprint == again.fingerprint
    assert first.fingerprint != other.fingerprint


@pytest.mark.parametrize("mutant", mutants.MUTANTS)
def test_every_planted_mistake_is_found(mutant):
    """A simulation that finds nothing wrong proves nothing unless it could."""
    with closing(run_some(range(1, 1001), mutant=mutant)) as worlds:
        assert any(outcome.violations for outcome in worlds)


def test_a_mistake_whose_place_is_gone_is_not_passed_over():
    with pytest.raises(AttributeError, match="has no no_such_place"):
        mutants.Patch().replace(mutants, "no_such_place", None)
