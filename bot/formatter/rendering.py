"""A digest → the messages of one channel."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.messages import Text
from bot.domain.recipients import Channel

from .dialect import Dialect, fit, joined
from .document import JoinLine, blocks_of, own_hosts
from .packing import GAP, pack
from .plain import Plain
from .telegram import Telegram
from .whatsapp import WhatsApp

if TYPE_CHECKING:
    from bot.domain.digests import Digest

SMALLEST_LIMIT = 64  #: UTF-16 units; less cannot hold a headline


def render(
    digest: Digest,
    channel: Channel | None,
    *,
    join: JoinLine | None = None,
    own: frozenset[str] = frozenset(),
    limit: int | None = None,
) -> tuple[Text, ...]:
    """Return the messages *digest* becomes, each within the channel's limits.

    Args:
        digest: One story, given sentence by sentence, or several, of which headline,
            lead and link are given.
        channel: Whose markup and limits to use; None is plain text.
        join: The invitation that ends the last message. Its link is shown or, where
            the channel has named links, stands behind its words.
        own: The newsroom's hosts, ``@handles`` and ``#tags``, which stay active in a
            Telegram text. The hosts of the stories' links are always among them.
        limit: A lower limit than the channel's, in UTF-16 units: 1,024 for a caption.

    Raises:
        NothingToSay: The digest has no words.
        ValueError: *limit* is too small to say anything.
    """
    dialect = _dialect(channel, own | own_hosts(digest))
    most = dialect.limit
    if limit is not None:
        if limit < SMALLEST_LIMIT:
            raise ValueError(
                f"a limit of {limit} is too small: {SMALLEST_LIMIT} at least"
            )
        most = replace(most, length=min(most.length, limit))
    pieces = [fit(block, dialect, most.length) for block in blocks_of(digest, join)]
    packed = pack(
        [piece for piece in pieces if piece is not None],
        measure=lambda piece: piece.size,
        limit=most,
    )
    messages = [joined(group, GAP) for group in packed]
    return tuple(
        Text(
            text=message.markup,
            markup=dialect.markup,
            length=message.size.length,
            limit=most.length,
        )
        for message in messages
    )


def _dialect(channel: Channel | None, own: frozenset[str]) -> Dialect:
    if channel is Channel.TELEGRAM:
        return Telegram(own)
    return WhatsApp() if channel is Channel.WHATSAPP else Plain()
