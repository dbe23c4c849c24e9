"""Blocks → few messages, in order, never cutting a block."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from .errors import BlockTooLong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

GAP = "\n\n"  #: between the blocks of one message

BlockT = TypeVar("BlockT")


@dataclass(frozen=True, slots=True)
class Size:
    """How much of each of a message's limits something takes."""

    length: int  #: UTF-16 units after parsing
    raw: int = 0  #: bytes before parsing
    entities: int = 0  #: bold runs and links

    def __add__(self, other: Size) -> Size:
        """Return the size of two things together."""
        return Size(
            self.length + other.length,
            self.raw + other.raw,
            self.entities + other.entities,
        )

    def within(self, limit: Size) -> bool:
        """Whether no limit is passed."""
        return (
            self.length <= limit.length
            and self.raw <= limit.raw
            and self.entities <= limit.entities
        )


_GAP = Size(len(GAP), len(GAP))


def pack(
    blocks: Iterable[BlockT],
    *,
    measure: Callable[[BlockT], Size],
    limit: Size,
    gap: Size = _GAP,
) -> list[list[BlockT]]:
    """Divide *blocks* among few messages, in order, never cutting a block.

    Args:
        blocks: What must stay whole.
        measure: Size of a block as the provider counts it.
        limit: Largest message allowed.
        gap: Size of what stands between two blocks of one message.

    Raises:
        BlockTooLong: One block alone exceeds *limit*. Shorten the article and
            render it again; cutting rendered markup would break it.
    """
    messages: list[list[BlockT]] = []
    taken = Size(0)
    for block in blocks:
        size = measure(block)
        if not size.within(limit):
            raise BlockTooLong(
                f"a block of {size} exceeds {limit}; shorten the article"
            )
        joined = taken + gap + size
        if messages and joined.within(limit):
            messages[-1].append(block)
            taken = joined
        else:
            messages.append([block])
            taken = size
    return messages
