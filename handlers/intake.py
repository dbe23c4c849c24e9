"""What every hook does: read a body that is not too large, and keep what it brought."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from aiohttp import web

from bot.domain.errors import StorageError

if TYPE_CHECKING:
    from bot.domain.inbound import Inbound
    from bot.ports import Database, Runner

log = logging.getLogger("harkara.hooks")

#: Seconds within which a body must have come in.
BODY_WITHIN = 10


async def read_body(request: web.Request, *, largest: int) -> bytes:
    """Read a body that is not too large, and not one byte more of one that is.

    Args:
        request: Nothing of its body may have been read.
        largest: In bytes.

    Raises:
        web.HTTPError: It is packed, too large, or too slow.
    """
    if "Content-Encoding" in request.headers:
        # No provider packs what it sends, and a few bytes may unpack to a thousand.
        raise web.HTTPUnsupportedMediaType(headers={"Accept-Encoding": "identity"})
    stated = request.content_length or 0
    if stated > largest:
        raise web.HTTPRequestEntityTooLarge(largest, stated)
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_WITHIN):
            async for chunk in request.content.iter_chunked(8192):
                body += chunk
                if len(body) > largest:
                    raise web.HTTPRequestEntityTooLarge(largest, len(body))
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return bytes(body)


async def keep(entry: Inbound, *, database: Database, runner: Runner) -> None:
    """Store *entry*, unless it is stored, and have the inbox worked off.

    Raises:
        web.HTTPServiceUnavailable: It could not be stored; it has to come again.
    """
    try:
        async with database.transaction() as tx:
            await tx.inbox.store([entry])
    except StorageError as error:
        log.error(  # noqa: TRY400 - the sentence says what to do; the place does not
            "a request could not be stored", extra={"reason": str(error)}
        )
        raise web.HTTPServiceUnavailable from None
    await runner.kick("inbox", "all")
