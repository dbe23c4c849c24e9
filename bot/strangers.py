"""Groups that somebody put us into without a token: greeted, vouched for, or left."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING

from bot import phrases
from bot.domain.errors import SendError
from bot.domain.recipients import Kind
from bot.enrolment import VOUCH_WITHIN

if TYPE_CHECKING:
    from bot.domain.recipients import Recipient
    from bot.enrolment import Enrolment
    from bot.ports import Chats, Clock, Database
    from bot.replies import Replies

log = logging.getLogger("harkara.strangers")

#: A token usually follows within a second of our being added; until then we are quiet.
GRACE = timedelta(seconds=10)


class Strangers:
    """Says one polite line, asks the editors, and leaves when nobody vouches."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        enrolment: Enrolment,
        replies: Replies,
        chats: Chats,
        vouch_within: timedelta = VOUCH_WITHIN,
    ) -> None:
        self._database = database
        self._clock = clock
        self._enrolment = enrolment
        self._replies = replies
        self._chats = chats
        self._vouch_within = vouch_within
        self._greeted: set[str] = set()

    async def run(self, _key: str) -> None:
        """Look at every group that nobody has vouched for."""
        now = self._clock.now()
        async with self._database.snapshot() as tx:
            groups = await tx.recipients.to_leave(now=now + self._vouch_within - GRACE)
        for group in groups:
            if group.leave_at is not None and group.leave_at <= now:
                await self._leave(group)
            else:
                await self._greet(group)

    async def _greet(self, group: Recipient) -> None:
        key = f"stranger:{group.id}:{group.leave_at:%Y%m%dT%H%M%S}"
        if key in self._greeted:
            return
        if group.kind is Kind.GROUP:
            line = phrases.group_without_token(group.language)
            await self._replies.answer(group.address, group.kind, [line], key=key)
        await self._enrolment.ask_for_voucher(group.address)
        self._greeted.add(key)

    async def _leave(self, group: Recipient) -> None:
        found = await self._enrolment.find(group.address)
        if found is None or found[0].leave_at is None:
            return  # somebody has vouched in this very moment
        try:
            await self._chats.leave(group.address)
        except SendError as error:
            log.warning(
                "a group could not be left",
                extra={"recipient": group.id, "code": error.code},
            )
            return
        await self._enrolment.gone(group.address, reason="nobody vouched")
        log.info("left a group", extra={"recipient": group.id})
