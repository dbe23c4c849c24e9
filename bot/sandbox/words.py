"""Sets of names, written as they are read."""

from __future__ import annotations


def words(*lines: str) -> frozenset[str]:
    """Return the words of *lines*."""
    return frozenset(" ".join(lines).split())
