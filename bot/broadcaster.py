"""Plans a broadcast, lets it go, stops it, and says how far it has come.

`plan` writes the broadcast and every delivery in one transaction before anything is
sent; `confirm` lets the pumps have them, after a while in which `undo` calls them
back. What providers report later comes in through `receive`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot.domain.broadcasts import Broadcast, BroadcastId, BroadcastState, Lane
from bot.domain.deliveries import Progress, State
from bot.domain.errors import NothingToSend, SentBefore, TooLate
from bot.domain.holding import MENDABLE
from bot.domain.manners import Manner
from bot.domain.outcomes import Report
from bot.ledger import reopen, requeued
from bot.planning import Newsroom, Planner

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection, Mapping, Sequence
    from datetime import timedelta

    from bot.domain.articles import Article
    from bot.domain.broadcasts import Coverage, Plan
    from bot.domain.deliveries import DeliveryId, Receipt
    from bot.domain.digests import Digest
    from bot.domain.recipients import Channel, RecipientId, SenderId
    from bot.ledger import Ledger
    from bot.notices import Notices
    from bot.ports import (
        Clock,
        Database,
        DeliveryLine,
        Messenger,
        Runner,
        Transaction,
    )

__all__ = ["BY_HAND", "Broadcaster", "Newsroom"]

#: Why a broadcast is paused that an editor has paused.
BY_HAND = "paused by an editor"
#: Lines of a report that are read at a time.
PAGE = 1000


class Broadcaster:
    """Hands digests to the ledger."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        runner: Runner,
        ledger: Ledger,
        notices: Notices,
        planner: Planner,
        senders: Mapping[Channel, SenderId],
        messengers: Mapping[Channel, Messenger],
        newsroom: Newsroom,
    ) -> None:
        self._database = database
        self._clock = clock
        self._runner = runner
        self._ledger = ledger
        self._notices = notices
        self._planner = planner
        self._senders = senders
        self._messengers = messengers
        self._newsroom = newsroom

    async def compose(self, article: Article) -> Digest:
        """Make the digest of one story; off the loop, for a long text takes time."""
        return await self._planner.compose(article)

    async def plan(
        self,
        article: Article,
        audiences: Sequence[str],
        *,
        lane: Lane = Lane.REGULAR,
        by: str,
        key: str = "",
        again: bool = False,
        ask: bool = False,
        keep_for: timedelta | None = None,
        stars: int = 0,
    ) -> Plan:
        """Write down a broadcast of *article* and every delivery of it.

        Nothing is sent before `confirm`.

        Args:
            article: What to send, at this version.
            audiences: Their names. A recipient in several counts for the first.
            lane: How urgent it is.
            by: Who plans, as an opaque id.
            key: Names the request, where one may be worked off twice; the second time
                returns what the first one planned.
            again: The same version may go to the same audience once more.
            ask: Plan it though it went before, and let `confirm` want it said again;
                the plan says before which broadcasts it follows.
            keep_for: For how long it is news; as its lane has it, if nothing is said.
            stars: Most Telegram Stars that a paid burst may cost; 0 pays nothing.

        Raises:
            Unknown: There is no such audience.
            NothingToSend: Nobody is enrolled, or the article has no words.
            SentBefore: It went there before, and neither *again* nor *ask* was said.
        """
        return await self._planner.plan(
            article,
            audiences,
            lane=lane,
            by=by,
            key=key,
            again=again,
            ask=ask,
            keep_for=keep_for,
            stars=stars,
        )

    async def again(
        self,
        broadcast: BroadcastId,
        *,
        by: str,
        key: str = "",
        lane: Lane | None = None,
    ) -> Plan:
        """Write down the same for those who surely did not get it.

        Raises:
            Unknown: There is no such broadcast.
            TooLate: It is not over yet.
            NothingToSend: Everybody has it, or may have it, or has left.
        """
        return await self._planner.again(broadcast, by=by, key=key, lane=lane)

    async def confirm(self, broadcast: BroadcastId, *, again: bool = False) -> bool:
        """Let a planned broadcast go, once its time to be undone is over.

        Args:
            broadcast: Which.
            again: It may go though the same went to the same audience before.

        Returns:
            True if this call did it; False if it had been confirmed before.

        Raises:
            Unknown: There is no such broadcast.
            TooLate: It was cancelled, its time is over, or its story was changed.
            SentBefore: It went there before, and *again* was said neither now nor
                when it was planned.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.locked(broadcast)
            if found.confirmed_at is not None:
                return False
            if found.state is not BroadcastState.PLANNED:
                raise TooLate(f"broadcast {broadcast} was {found.state.value}")
            if now >= found.expires_at:
                raise TooLate(f"broadcast {broadcast} has expired; plan it again")
            await _require_unchanged(tx, found)
            again = again or found.again
            if not again and (same := await tx.broadcasts.repeated(broadcast)):
                raise SentBefore([each.id for each in same])
            manner = self._newsroom.manner(found.lane)
            if found.corrects is not None:
                manner = Manner()  # what is wrong is out there: hold nothing up
                await tx.corrections.begin(found, now=now)
            held_until = now + manner.undo_for if manner.undo_for else None
            await tx.broadcasts.save(
                replace(
                    found,
                    state=BroadcastState.WAITING
                    if held_until
                    else BroadcastState.RUNNING,
                    confirmed_at=now,
                    held_until=held_until,
                    again=again,
                )
            )
            if held_until is None and manner.canary:
                await tx.canaries.place(broadcast, now=now)
        if held_until is not None:
            await self._runner.kick("course", "all", run_at=held_until)
        else:
            await self.kick()
        return True

    async def undo(self, broadcast: BroadcastId) -> int:
        """Take a confirmation back, while that is possible: nothing was sent.

        Returns:
            How many messages that spares.

        Raises:
            TooLate: It waits no longer; it can be stopped, but some may have it.
        """
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.locked(broadcast)
            if found.state is not BroadcastState.WAITING:
                raise TooLate(
                    f"broadcast {broadcast} is {found.state.value} and cannot be undone"
                )
            spared = await tx.deliveries.stop(broadcast, reason="undone")
            await tx.broadcasts.save(
                replace(
                    found,
                    state=BroadcastState.CANCELLED,
                    reason="undone by an editor",
                    # As though nobody had: the same may be planned anew.
                    confirmed_at=None,
                    held_until=None,
                    finished_at=self._clock.now(),
                )
            )
        return spared

    async def stop(self, broadcast: BroadcastId) -> int:
        """Cancel a broadcast: what is not yet being sent will not be.

        Returns:
            How many deliveries that spares.

        Raises:
            TooLate: It is over already.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.locked(broadcast)
            if found.state in {BroadcastState.FINISHED, BroadcastState.CANCELLED}:
                raise TooLate(f"broadcast {broadcast} is {found.state.value}")
            held = found.state is BroadcastState.WAITING
            spared = await tx.deliveries.stop(broadcast, reason="stopped")
            await tx.canaries.release(broadcast)
            stopped = replace(
                found,
                state=BroadcastState.CANCELLED,
                reason="stopped by an editor",
                confirmed_at=None if held else found.confirmed_at,
                finished_at=now,
            )
            await tx.broadcasts.save(stopped)
            if stopped.confirmed_at is not None:
                coverage = await tx.deliveries.coverage(broadcast)
                await self._notices.over(tx, stopped, coverage, now=now)
        return spared

    async def pause(self, broadcast: BroadcastId) -> None:
        """Hold a broadcast on its way; `resume` lets it go on.

        Raises:
            TooLate: It is not under way.
        """
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.locked(broadcast)
            if found.state is not BroadcastState.RUNNING:
                raise TooLate(f"broadcast {broadcast} is {found.state.value}")
            await tx.broadcasts.save(
                replace(found, state=BroadcastState.PAUSED, reason=BY_HAND)
            )
            await tx.deliveries.let_go(broadcast)

    async def resume(self, broadcast: BroadcastId) -> None:
        """Let a paused broadcast go on.

        One that has paused itself goes on to everybody, and does not pause itself for
        the same reason again: a person has looked at it.

        Raises:
            TooLate: It is not paused.
        """
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.locked(broadcast)
            if found.state is not BroadcastState.PAUSED:
                raise TooLate(f"broadcast {broadcast} is {found.state.value}")
            itself = found.reason != BY_HAND
            await tx.broadcasts.save(
                replace(
                    found,
                    state=BroadcastState.RUNNING,
                    reason="",
                    watched=found.watched and not itself,
                )
            )
            if itself:
                await tx.canaries.release(broadcast)
        await self.kick()

    async def retry(self, broadcast: BroadcastId) -> int:
        """Try again what failed for a reason that may be gone.

        Not what failed because the recipient has left or the message is bad, and
        nothing of which it is in doubt whether it arrived.

        Returns:
            How many deliveries are queued again.

        Raises:
            TooLate: It has expired, was cancelled, or has not begun.
            NothingToSend: Nothing failed that could be mended.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.locked(broadcast)
            if found.state not in {
                BroadcastState.RUNNING,
                BroadcastState.PAUSED,
                BroadcastState.FINISHED,
            }:
                raise TooLate(f"broadcast {broadcast} is {found.state.value}")
            if now >= found.expires_at:
                raise TooLate(f"broadcast {broadcast} has expired: it is news no more")
            if found.superseded_by is not None:
                raise TooLate(
                    f"broadcast {found.superseded_by} has changed what broadcast "
                    f"{broadcast} says: retry that"
                )
            queued = await tx.unreached.retry(broadcast, MENDABLE, now=now)
            if not queued:
                raise NothingToSend(
                    f"nothing of broadcast {broadcast} failed that could be mended"
                )
            await reopen(tx, broadcast)
        await self.kick()
        return queued

    async def status(self, broadcast: BroadcastId) -> tuple[Broadcast, Coverage]:
        """Say how far a broadcast has come."""
        async with self._database.snapshot() as tx:
            found = await tx.broadcasts.get(broadcast)
            return found, await tx.deliveries.coverage(broadcast)

    async def latest(self, limit: int = 10) -> list[tuple[Broadcast, Coverage]]:
        """Return the newest broadcasts with their coverage."""
        async with self._database.snapshot() as tx:
            return [
                (each, await tx.deliveries.coverage(each.id))
                for each in await tx.broadcasts.latest(limit)
            ]

    async def report(
        self, broadcast: BroadcastId, *, states: Collection[State] | None = None
    ) -> list[DeliveryLine]:
        """List a broadcast's deliveries."""
        async with self._database.snapshot() as tx:
            await tx.broadcasts.get(broadcast)
            return await tx.deliveries.report(broadcast, states=states)

    async def lines(
        self, broadcast: BroadcastId, *, states: Collection[State] | None = None
    ) -> AsyncIterator[DeliveryLine]:
        """Give a broadcast's deliveries one by one, however many there are.

        Each page is of a moment of its own: what changes meanwhile is shown as it
        was when its page was read.
        """
        after: tuple[RecipientId, int] | None = None
        while True:
            async with self._database.snapshot() as tx:
                page = await tx.unreached.page(
                    broadcast, states=states, after=after, limit=PAGE
                )
            for line in page:
                yield line
            if len(page) < PAGE:
                return
            after = (page[-1].delivery.recipient, page[-1].delivery.part)

    async def receive(self, channel: Channel, receipt: Receipt) -> None:
        """Fold what a provider reports into the ledger."""
        error = None
        if receipt.progress is Progress.FAILED:
            error = self._messengers[channel].explain(receipt.code)
        delivery = await self._ledger.report(
            Report(
                reference=receipt.reference,
                progress=receipt.progress,
                provider_id=receipt.provider_id,
                error=error,
            ),
            called=False,
        )
        if delivery is not None and delivery.state is State.QUEUED:
            await self._runner.kick("pump", str(delivery.sender))

    async def decide(
        self,
        broadcast: BroadcastId,
        *,
        repeat: bool,
        deliveries: Collection[DeliveryId] | None = None,
    ) -> int:
        """Settle a broadcast's doubtful deliveries as a person decides.

        Args:
            broadcast: Whose doubt it is.
            repeat: True sends them again, at the risk of a second copy; False takes
                them for sent.
            deliveries: Only these; None for all that the provider cannot be asked
                about.

        Returns:
            How many were settled.

        Raises:
            TooLate: It is to be sent again, and has expired.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.get(broadcast)
            if repeat and now >= found.expires_at:
                raise TooLate(f"broadcast {broadcast} has expired: it is news no more")
            lines = await tx.deliveries.report(broadcast, states={State.DOUBTFUL})
            askable = {
                channel
                for channel, messenger in self._messengers.items()
                if messenger.can_look_up
            }
            settled = [
                replace(
                    line.delivery,
                    state=State.QUEUED if repeat else State.ACCEPTED,
                    due_at=now,
                    reason="repeated by decision" if repeat else "taken for sent",
                )
                for line in lines
                if (
                    line.channel not in askable
                    if deliveries is None
                    else line.delivery.id in deliveries
                )
            ]
            await tx.deliveries.save(settled, [])
            for each in settled if repeat else ():
                await requeued(tx, each)
            if settled:
                await reopen(tx, broadcast)
        await self.kick()
        return len(settled)

    async def kick(self) -> None:
        """Have every sender look for work."""
        for sender in self._senders.values():
            await self._runner.kick("pump", str(sender))


async def _require_unchanged(tx: Transaction, broadcast: Broadcast) -> None:
    """Refuse a repeat whose story was corrected or taken back since it was planned."""
    if broadcast.origin is None:
        return
    origin = await tx.broadcasts.get(broadcast.origin)
    if origin.superseded_by is not None:
        raise TooLate(
            f"broadcast {origin.superseded_by} has changed the story since broadcast "
            f"{broadcast.id} was planned: plan its newest version instead"
        )
