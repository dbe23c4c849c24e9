"""Mistakes that the simulation must find."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: By name: what plants it; the world is put right again afterwards.
MUTANTS: dict[str, Callable[[Patch], None]] = {}


class Patch:
    """Replaces what a mistake replaces, and puts it back."""

    def __init__(self) -> None:
        self._before: list[tuple[object, str, object]] = []

    def replace(self, where: object, name: str, wrong: object) -> None:
        """Put *wrong* in the place of an attribute that must be there."""
        if name not in vars(where):
            raise AttributeError(
                f"{where!r} has no {name} any more: a mutant in "
                "tests/simulation/mutants.py must follow what was rewritten"
            )
        self._before.append((where, name, vars(where)[name]))
        setattr(where, name, wrong)

    def restore(self) -> None:
        """Put everything right again."""
        while self._before:
            where, name, right = self._before.pop()
            setattr(where, name, right)


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Live with the mistake of that name for a while; with none if it is empty."""
    patch = Patch()
    try:
        if name:
            MUTANTS[name](patch)
        yield
    finally:
        patch.restore()
