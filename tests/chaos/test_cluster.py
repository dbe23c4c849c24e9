"""Workers that are killed and frozen on one PostgreSQL: nothing lost, nothing twice."""

from __future__ import annotations

from pathlib import Path

from bot.domain.deliveries import State
from tests.chaos.cluster import CONCURRENCY, SMALL, TAKEOVER, play


async def test_a_killed_and_a_frozen_worker_lose_nothing_and_double_nothing(
    tmp_path: Path,
):
    """``make chaos`` plays the whole: more of it, and a server that fails too."""
    outcome = await play(SMALL, tmp_path)
    print(f"\n{outcome.table()}")  # noqa: T201 - the figures, where somebody asks

    assert outcome.deliveries == 2 * SMALL.each
    assert outcome.lost == 0
    assert outcome.unexplained == 0
    assert outcome.states[State.DOUBTFUL] <= 3 * CONCURRENCY, "the calls under way"
    assert outcome.states[State.FAILED] == 0
    assert max(outcome.waits.values()) <= TAKEOVER
    assert max(outcome.widest.values()) <= outcome.limit
    assert outcome.started_anew >= 1, "the frozen one found itself given up"
