"""Plans a broadcast, lets it go, stops it, and says how far it has come.

`plan` writes the broadcast and every delivery in one transaction before anything is
sent; `confirm` lets the pumps have them. What providers report later comes in
through `receive`.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot import phrases
from bot.domain.broadcasts import (
    Broadcast,
    BroadcastId,
    BroadcastState,
    ChannelPlan,
    Lane,
    Plan,
)
from bot.domain.deliveries import Form, Progress, State
from bot.domain.digests import Digest, DigestId, Note
from bot.domain.errors import NothingToSend, TooLate
from bot.domain.messages import Template, Text
from bot.domain.outcomes import Report
from bot.domain.recipients import Channel, Kind
from bot.formatter import JoinLine, compose, render, template_variables
from bot.ledger import reopen, requeued

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from bot.domain.articles import Article
    from bot.domain.broadcasts import Coverage
    from bot.domain.deliveries import DeliveryId, Receipt
    from bot.domain.joinlinks import JoinLink
    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import Audience, AudienceId, RecipientId, SenderId
    from bot.ledger import Ledger
    from bot.ports import (
        Clock,
        Database,
        DeliveryLine,
        MessageKey,
        Messenger,
        Runner,
        Transaction,
    )

log = logging.getLogger("harkara.broadcaster")

#: How many of the newest broadcasts are looked at for one that a request made before.
RECENT = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsroom:
    """What every message needs to know of the newsroom itself."""

    bot_username: str = ""  #: without the @; empty where Telegram is not set up
    whatsapp_number: str = ""  #: with the +; empty where WhatsApp is not set up
    template: str = ""  #: ContentSid of the digest template; empty where none
    correction_template: str = ""  #: the same, for corrections; empty where none
    own: frozenset[str] = frozenset()  #: handles and domains that may stay links
    keep_for: timedelta = timedelta(hours=24)  #: after that a story is no news


class Broadcaster:
    """Hands digests to the ledger."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        runner: Runner,
        ledger: Ledger,
        senders: Mapping[Channel, SenderId],
        messengers: Mapping[Channel, Messenger],
        newsroom: Newsroom,
    ) -> None:
        self._database = database
        self._clock = clock
        self._runner = runner
        self._ledger = ledger
        self._senders = senders
        self._messengers = messengers
        self._newsroom = newsroom

    async def compose(self, article: Article) -> Digest:
        """Make the digest of one story; off the loop, for a long text takes time."""
        return await asyncio.to_thread(compose, article.draft)

    async def plan(
        self,
        article: Article,
        audiences: Sequence[str],
        *,
        lane: Lane = Lane.REGULAR,
        by: str,
        key: str = "",
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

        Raises:
            Unknown: There is no such audience.
            NothingToSend: Nobody is enrolled, or the article has no words.
        """
        digest = await self.compose(article)
        async with self._database.snapshot() as tx:
            chosen = [await tx.audiences.by_name(name) for name in audiences]
            links = [each for each in await tx.links.all() if each.kind is Kind.READER]
            before = await tx.broadcasts.sent_before(
                [article.id], [each.id for each in chosen]
            )
            planned_by = f"{by} {key}".rstrip()
            known = await self._planned(tx, planned_by) if key else None
        if known is not None:
            lint = [*known.lint, *self._lint(known.digest, before)]
            return replace(known, lint=tuple(lint))
        messages = await asyncio.to_thread(self.render, digest, chosen, links)
        lint = [*digest.notes, *self._lint(digest, before)]

        now = self._clock.now()
        async with self._database.transaction() as tx:
            fixed = await tx.broadcasts.add_digest(digest, [article], now=now)
            broadcast = await tx.broadcasts.add(
                Broadcast(
                    id=BroadcastId(0),
                    digest=DigestId(fixed),
                    lane=lane,
                    state=BroadcastState.PLANNED,
                    planned_by=planned_by,
                    planned_at=now,
                    expires_at=now + self._newsroom.keep_for,
                ),
                [each.id for each in chosen],
            )
            await tx.broadcasts.add_messages(broadcast.id, messages)
            parts: dict[tuple[AudienceId, Channel], int] = {}
            for audience, channel, form, part in messages:
                if form is Form.TEXT:
                    where = (audience, channel)
                    parts[where] = max(parts.get(where, 0), part)
            channels = await tx.deliveries.plan(
                broadcast.id, parts=parts, senders=self._senders, now=now
            )
            if not sum(each.messages for each in channels):
                raise NothingToSend("nobody is enrolled in " + ", ".join(audiences))
        return Plan(
            broadcast=broadcast,
            digest=digest,
            channels=tuple(each for each in channels if each.messages),
            previews=_previews(messages, chosen[0].id),
            lint=tuple(lint),
        )

    async def _planned(self, tx: Transaction, planned_by: str) -> Plan | None:
        """Put together again what was planned under exactly this name, if it was."""
        for found in await tx.broadcasts.latest(RECENT):
            if found.planned_by == planned_by:
                break
        else:
            return None
        digest = await tx.broadcasts.digest(found.digest)
        messages = await tx.broadcasts.messages(found.id)
        rows: Counter[tuple[Channel, AudienceId]] = Counter()
        people: dict[tuple[Channel, AudienceId], set[RecipientId]] = {}
        for line in await tx.deliveries.report(found.id):
            place = (line.channel, line.delivery.audience)
            rows[place] += 1
            people.setdefault(place, set()).add(line.delivery.recipient)
        return Plan(
            broadcast=found,
            digest=digest,
            channels=tuple(
                ChannelPlan(
                    channel=channel,
                    audience=audience,
                    recipients=len(people[channel, audience]),
                    messages=count,
                )
                for (channel, audience), count in rows.items()
            ),
            previews=_previews(messages, next(iter(messages))[0]),
            lint=digest.notes,
        )

    def render(
        self, digest: Digest, audiences: Sequence[Audience], links: Sequence[JoinLink]
    ) -> dict[MessageKey, OutboundMessage]:
        """Every message of the broadcast, once for each audience, channel and form."""
        now = self._clock.now()
        messages: dict[MessageKey, OutboundMessage] = {}
        for audience in audiences:
            link = next(
                (
                    each
                    for each in links
                    if each.audience == audience.id and each.is_open(now=now)
                ),
                None,
            )
            for channel in self._senders:
                join = self._join_line(digest, audience, link, channel)
                texts = render(digest, channel, join=join, own=self._newsroom.own)
                for part, text in enumerate(texts, start=1):
                    messages[audience.id, channel, Form.TEXT, part] = text
            if self._newsroom.template and Channel.WHATSAPP in self._senders:
                messages[audience.id, Channel.WHATSAPP, Form.TEMPLATE, 1] = Template(
                    content_sid=self._newsroom.template,
                    variables=template_variables(digest),
                )
        return messages

    def _join_line(
        self,
        digest: Digest,
        audience: Audience,
        link: JoinLink | None,
        channel: Channel,
    ) -> JoinLine | None:
        if link is None:
            return None
        if channel is Channel.TELEGRAM:
            address = link.telegram_url(self._newsroom.bot_username)
        else:
            address = link.whatsapp_url(self._newsroom.whatsapp_number)
        spoken = [story.language for story in digest.stories] + [audience.language]
        language = next(filter(phrases.speaks, spoken), "en")
        return JoinLine(words=phrases.join_words(language, channel.value), link=address)

    def _lint(self, digest: Digest, before: Sequence[Broadcast]) -> list[Note]:
        notes = []
        if not any(story.link for story in digest.stories):
            notes.append(Note("no-link", "The story has no link to read on."))
        if before:
            notes.append(
                Note(
                    "sent-before",
                    "This story went to this audience before: broadcast "
                    + ", ".join(str(each.id) for each in before[:3])
                    + ".",
                )
            )
        if Channel.WHATSAPP in self._senders and not self._newsroom.template:
            notes.append(
                Note(
                    "no-template",
                    "No WhatsApp template is configured: readers who have not written "
                    "within 24 hours will not get it.",
                )
            )
        return notes

    async def confirm(self, broadcast: BroadcastId) -> bool:
        """Let a planned broadcast go.

        Returns:
            True if this call did it; False if it had been confirmed before.

        Raises:
            Unknown: There is no such broadcast.
            TooLate: It was cancelled, or its time is over.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.get(broadcast)
            if found.confirmed_at is not None:
                return False
            if found.state is not BroadcastState.PLANNED:
                raise TooLate(f"broadcast {broadcast} was {found.state.value}")
            if now >= found.expires_at:
                raise TooLate(f"broadcast {broadcast} has expired; plan it again")
            if found.corrects is not None:
                await tx.corrections.begin(found, now=now)
            await tx.broadcasts.save(
                replace(found, state=BroadcastState.RUNNING, confirmed_at=now)
            )
        await self.kick()
        return True

    async def stop(self, broadcast: BroadcastId) -> int:
        """Cancel a broadcast: what is not yet being sent will not be.

        Returns:
            How many deliveries that spares.

        Raises:
            TooLate: It is over already.
        """
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.get(broadcast)
            if found.state in {BroadcastState.FINISHED, BroadcastState.CANCELLED}:
                raise TooLate(f"broadcast {broadcast} is {found.state.value}")
            spared = await tx.deliveries.stop(broadcast, reason="stopped")
            await tx.broadcasts.save(
                replace(
                    found,
                    state=BroadcastState.CANCELLED,
                    reason="stopped by an editor",
                    finished_at=self._clock.now(),
                )
            )
        return spared

    async def resume(self, broadcast: BroadcastId) -> None:
        """Let a paused broadcast go on.

        Raises:
            TooLate: It is not paused.
        """
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.get(broadcast)
            if found.state is not BroadcastState.PAUSED:
                raise TooLate(f"broadcast {broadcast} is {found.state.value}")
            await tx.broadcasts.save(
                replace(found, state=BroadcastState.RUNNING, reason="")
            )
        await self.kick()

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
            )
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


def _previews(
    messages: Mapping[MessageKey, OutboundMessage], audience: AudienceId
) -> tuple[tuple[Channel, tuple[Text, ...]], ...]:
    shown: dict[Channel, list[Text]] = {}
    for (whose, channel, form, _), message in sorted(
        messages.items(), key=lambda item: item[0][3]
    ):
        if whose == audience and form is Form.TEXT and isinstance(message, Text):
            shown.setdefault(channel, []).append(message)
    return tuple((channel, tuple(texts)) for channel, texts in shown.items())
