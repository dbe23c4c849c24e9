"""Calls that were made and never answered: what the provider knows of them.

Twilio can be asked; Telegram cannot, so there an editor decides, or the newsroom has
decided beforehand to repeat.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.deliveries import DeliveryId, Progress, State
from bot.domain.outcomes import Report
from bot.ledger import requeued

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bot.domain.deliveries import Attempt, Delivery
    from bot.domain.recipients import Channel, SenderId
    from bot.ledger import Ledger
    from bot.ports import Clock, Database, InDoubt, Messenger, Runner

#: About how many calls a provider is asked at a time.
LOOK_UPS = 50
#: Calls made for one delivery, after which not even a newsroom that repeats does so.
REPEATS = 4


class Doubts:
    """Resolves doubt, where anything but a person can."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        runner: Runner,
        ledger: Ledger,
        senders: Mapping[Channel, SenderId],
        messengers: Mapping[Channel, Messenger],
        repeat: bool = False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._runner = runner
        self._ledger = ledger
        self._senders = senders
        self._messengers = messengers
        self._repeat = repeat
        self._asked: dict[SenderId, DeliveryId] = {}  #: where to go on

    async def run(self, _key: str) -> None:
        """Look at some of every sender's doubt, and at the next ones next time."""
        for channel, sender in self._senders.items():
            messenger = self._messengers[channel]
            if not (messenger.can_look_up or self._repeat):
                continue
            async with self._database.snapshot() as tx:
                doubtful = await tx.deliveries.doubtful(
                    sender,
                    now=self._clock.now(),
                    after=self._asked.get(sender, DeliveryId(0)),
                    limit=LOOK_UPS,
                )
            full = len(doubtful) == LOOK_UPS
            self._asked[sender] = doubtful[-1].delivery.id if full else DeliveryId(0)
            for found in doubtful:
                if messenger.can_look_up:
                    await self._look_up(messenger, found)
                elif found.delivery.attempts < REPEATS:
                    await self._again(found.delivery)
            if doubtful:
                await self._runner.kick("pump", str(sender))

    async def _look_up(self, messenger: Messenger, unsure: InDoubt) -> None:
        delivery, attempt = unsure.delivery, unsure.attempt
        async with self._database.snapshot() as tx:
            messages = await tx.broadcasts.messages(delivery.broadcast)
            others = await tx.deliveries.provider_ids(
                delivery.recipient, besides=attempt.reference
            )
        key = (delivery.audience, messenger.channel, attempt.form, delivery.part)
        if key not in messages:
            return
        found = await messenger.look_up(
            unsure.address, messages[key], attempt.started_at, others=others
        )
        if found is None:
            return
        if not found.found:
            absent = attempt.absorb(Progress.REFUSED, code="absent")
            await self._again(delivery, absent)
            return
        progress = found.progress or Progress.ACCEPTED
        failed = progress is Progress.FAILED
        await self._ledger.report(
            Report(
                reference=attempt.reference,
                progress=progress,
                provider_id=found.provider_id,
                error=messenger.explain(found.code) if failed else None,
            ),
            called=False,
        )

    async def _again(self, delivery: Delivery, attempt: Attempt | None = None) -> None:
        """Send it after all: it surely was not, or the newsroom takes the risk."""
        async with self._database.transaction() as tx:
            loaded = await tx.deliveries.load([delivery.id])
            found, _ = loaded[delivery.id]
            if found.state is State.DOUBTFUL and found.attempts == delivery.attempts:
                again = replace(found, state=State.QUEUED, due_at=self._clock.now())
                await tx.deliveries.save([again], [attempt] if attempt else [])
                await requeued(tx, again)
