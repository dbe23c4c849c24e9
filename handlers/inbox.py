"""Works off what came in: each entry to its handler, once it is safely stored.

An entry may be worked off twice, when a crash falls between its effect and the note
that it was had. Handlers are written for that: an answer's key is made of the
entry's, and a key that exists is left alone.
"""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from bot.domain.errors import StorageError, StorageFailing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.inbound import Inbound, InboundId
    from bot.domain.recipients import Channel
    from bot.notices import Notices
    from bot.ports import Clock, Database

log = logging.getLogger("harkara.inbox")

#: Entries fetched at a time.
BATCH = 100
#: How long to leave a database alone that could not answer.
AFTER_STORAGE_ERROR = timedelta(seconds=5)
#: How often an entry may be refused by the database before it is held responsible.
STORAGE_ERRORS = 3


class Handler(Protocol):
    """Gives one stored entry its effect."""

    async def handle(self, entry: Inbound, *, key: str) -> None:
        """Do what *entry* asks; *key* names it among all that ever come in."""


class InboxReader:
    """Reads the inbox in order and hands each entry to its channel's handler."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        handlers: Mapping[Channel, Handler],
        notices: Notices,
    ) -> None:
        self._database = database
        self._clock = clock
        self._handlers = handlers
        self._notices = notices
        self._storage_errors: Counter[InboundId] = Counter()

    async def run(self, _key: str) -> datetime | None:
        """Work off everything that waits.

        An entry that cannot be handled is set aside with the error's name, so that it
        holds up nobody else's, and the editors are told. When the database cannot
        answer, nothing is set aside: the rest is left for later.

        Returns:
            When to run again, where something was left.
        """
        while True:
            async with self._database.snapshot() as tx:
                entries = await tx.inbox.waiting(limit=BATCH)
            if not entries:
                return None
            for entry in entries:
                if not await self._work_off(entry):
                    return self._clock.now() + AFTER_STORAGE_ERROR

    async def _work_off(self, entry: Inbound) -> bool:
        """Handle one entry and note it; False when the database could not answer."""
        error = ""
        try:
            handler = self._handlers[entry.channel]
            await handler.handle(entry, key=f"{entry.channel}:{entry.key}")
        except StorageFailing:
            # A full disk or a locked file is no entry's fault, however long it lasts.
            log.warning("the database could not answer", extra=_facts(entry))
            return False
        except StorageError as problem:
            if entry.id is None:
                raise
            self._storage_errors[entry.id] += 1
            if self._storage_errors[entry.id] < STORAGE_ERRORS:
                log.warning("the database could not answer", extra=_facts(entry))
                return False
            error = self._set_aside(entry, problem)
        except Exception as problem:  # noqa: BLE001 - whatever it is, the others go on
            error = self._set_aside(entry, problem)
        if entry.id is not None:
            self._storage_errors.pop(entry.id, None)
            now = self._clock.now()
            async with self._database.transaction() as tx:
                await tx.inbox.done(entry.id, now=now, error=error)
                if error:
                    await self._notices.set_aside(tx, entry, error, now=now)
        return True

    def _set_aside(self, entry: Inbound, problem: Exception) -> str:
        """Log where it went wrong; an error's own words may quote a message."""
        name = type(problem).__name__
        frames = traceback.extract_tb(problem.__traceback__)
        where = [f"{Path(each.filename).name}:{each.lineno}" for each in frames[-3:]]
        log.error(
            "an inbound entry was set aside",
            extra={**_facts(entry), "error": name, "where": " > ".join(where)},
        )
        return name


def _facts(entry: Inbound) -> dict[str, object]:
    return {"inbound": entry.id, "channel": entry.channel.value}
