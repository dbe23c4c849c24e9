"""Writes a broadcast down: what will be sent, and every delivery, before anything is.

Whatever is planned goes through `Planner`: a story, the same to those who did not get
it, several at once that waited too long.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field, replace
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
from bot.domain.deliveries import Form
from bot.domain.digests import Digest, Note
from bot.domain.errors import NothingToSend, SentBefore, TooLate
from bot.domain.holding import Watch
from bot.domain.manners import Manner
from bot.domain.messages import Template, Text
from bot.domain.recipients import Channel, Kind
from bot.formatter import JoinLine, compose, render, template_variables

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence
    from datetime import timedelta

    from bot.domain.articles import Article
    from bot.domain.joinlinks import JoinLink
    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import Audience, AudienceId, RecipientId, SenderId
    from bot.ports import Clock, Database, MessageKey, Transaction

#: How many of the newest broadcasts are looked at for one that a request made before.
RECENT = 50
#: A broadcast that can still be sent to those who did not get it.
OVER = frozenset({BroadcastState.FINISHED, BroadcastState.CANCELLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Newsroom:
    """What every message needs to know of the newsroom itself."""

    bot_username: str = ""  #: without the @; empty where Telegram is not set up
    whatsapp_number: str = ""  #: with the +; empty where WhatsApp is not set up
    template: str = ""  #: ContentSid of the digest template; empty where none
    correction_template: str = ""  #: the same, for corrections; empty where none
    own: frozenset[str] = frozenset()  #: handles and domains that may stay links
    #: how each lane's broadcasts are held; one that is not named is not
    lanes: Mapping[Lane, Manner] = field(default_factory=dict)
    watch: Watch = field(default_factory=Watch)  #: when too many fail

    def manner(self, lane: Lane) -> Manner:
        """Return how a lane's broadcasts are held, and how long they are news."""
        return self.lanes.get(lane, Manner())


class Planner:
    """Makes messages of digests, and deliveries of audiences."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        senders: Mapping[Channel, SenderId],
        newsroom: Newsroom,
    ) -> None:
        self._database = database
        self._clock = clock
        self._senders = senders
        self._newsroom = newsroom

    async def compose(self, article: Article) -> Digest:
        """Make the digest of one story; off the loop, for a long text takes time."""
        return await asyncio.to_thread(compose, article.draft)

    async def plan(
        self,
        article: Article,
        audiences: Sequence[str],
        *,
        lane: Lane,
        by: str,
        key: str = "",
        again: bool = False,
        ask: bool = False,
        keep_for: timedelta | None = None,
        stars: int = 0,
    ) -> Plan:
        """Write down a broadcast of *article*; see `Broadcaster.plan`."""
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
            broadcast = await tx.broadcasts.add(
                Broadcast(
                    id=BroadcastId(0),
                    digest=await tx.broadcasts.add_digest(digest, [article], now=now),
                    lane=lane,
                    state=BroadcastState.PLANNED,
                    planned_by=planned_by,
                    planned_at=now,
                    expires_at=now + (keep_for or self._newsroom.manner(lane).keep_for),
                    again=again,
                    stars=stars,
                ),
                [each.id for each in chosen],
            )
            same = [] if again else await tx.broadcasts.repeated(broadcast.id)
            if same and not ask:
                raise SentBefore([each.id for each in same])
            await tx.broadcasts.add_messages(broadcast.id, messages)
            channels = await tx.deliveries.plan(
                broadcast.id,
                parts=parts_of(messages),
                senders=self._senders,
                now=now,
            )
            if not sum(each.messages for each in channels):
                raise NothingToSend("nobody is enrolled in " + ", ".join(audiences))
        return Plan(
            broadcast=broadcast,
            digest=digest,
            channels=tuple(each for each in channels if each.messages),
            previews=previews_of(messages, chosen[0].id),
            lint=tuple(lint),
            before=tuple(each.id for each in same),
            audiences=tuple(each.name for each in chosen),
        )

    async def again(
        self,
        origin: BroadcastId,
        *,
        by: str,
        key: str = "",
        lane: Lane | None = None,
    ) -> Plan:
        """Write down the same for those who surely did not get it.

        Args:
            origin: The broadcast that is over.
            by: Who plans, as an opaque id.
            key: Names the request, as for a plan.
            lane: How urgent it is; as it was, if nothing is said.

        Raises:
            Unknown: There is no such broadcast.
            TooLate: It is not over yet.
            NothingToSend: Everybody has it, or may have it, or has left.
        """
        planned_by = f"{by} {key}".rstrip()
        async with self._database.snapshot() as tx:
            known = await self._planned(tx, planned_by) if key else None
            if known is not None:
                return known
            found = await tx.broadcasts.get(origin)
            if found.state not in OVER:
                raise TooLate(
                    f"broadcast {origin} is {found.state.value}: wait for its end, or "
                    "stop it"
                )
            changed_by = found.id if found.corrects else found.superseded_by
            if changed_by is not None:
                raise TooLate(
                    f"broadcast {changed_by} has changed the story: plan its newest "
                    "version instead"
                )
            digest = await tx.broadcasts.digest(found.digest)
            root = found.origin or found.id
            whom = await tx.broadcasts.audiences(root)
            audiences = [await tx.audiences.get(each) for each in whom]
            links = [each for each in await tx.links.all() if each.kind is Kind.READER]
        messages = await asyncio.to_thread(self.render, digest, audiences, links)
        now = self._clock.now()
        chosen_lane = found.lane if lane is None else lane
        async with self._database.transaction() as tx:
            broadcast = await tx.broadcasts.add(
                replace(
                    found,
                    lane=chosen_lane,
                    state=BroadcastState.PLANNED,
                    planned_by=planned_by,
                    planned_at=now,
                    expires_at=now + self._newsroom.manner(chosen_lane).keep_for,
                    confirmed_at=None,
                    finished_at=None,
                    held_until=None,
                    reason="",
                    again=True,
                    watched=True,
                    origin=root,
                    merged_into=None,
                ),
                whom,
            )
            await tx.broadcasts.add_messages(broadcast.id, messages)
            channels = await tx.unreached.plan(
                broadcast.id,
                root,
                parts=parts_of(messages),
                senders=self._senders,
                now=now,
            )
            if not sum(each.messages for each in channels):
                raise NothingToSend(
                    f"nobody is left to send broadcast {origin} to: everybody has it, "
                    "may have it, or has left"
                )
        return Plan(
            broadcast=broadcast,
            digest=digest,
            channels=tuple(each for each in channels if each.messages),
            previews=previews_of(messages, audiences[0].id),
            lint=digest.notes,
            audiences=tuple(each.name for each in audiences),
        )

    async def round_up(
        self,
        audience: AudienceId,
        merged: Sequence[BroadcastId],
        *,
        tell: Callable[[Transaction, BroadcastId], Awaitable[None]],
    ) -> BroadcastId:
        """Let one broadcast of all their stories take the place of *merged*.

        For those of the audience who would get several of them; it goes at once, for
        an editor has confirmed each, and is news for as long as the youngest. *tell*
        is called in the same transaction.

        Raises:
            TooLate: One of them is no longer under way.
            NothingToSend: Nobody would get several.
        """
        async with self._database.snapshot() as tx:
            whom = await tx.audiences.get(audience)
            links = [each for each in await tx.links.all() if each.kind is Kind.READER]
            digests = [
                await tx.broadcasts.digest((await tx.broadcasts.get(each)).digest)
                for each in merged
            ]
        # Of a story that came twice, corrected, the later is told.
        stories = {
            story.link or story.headline: story
            for digest in digests
            for story in digest.stories
        }
        digest = Digest(
            stories=tuple(stories.values()),
            heading=phrases.round_up_heading(whom.language),
        )
        messages = await asyncio.to_thread(self.render, digest, [whom], links)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            found = [await tx.broadcasts.locked(each) for each in merged]
            if any(each.state is not BroadcastState.RUNNING for each in found):
                raise TooLate("a broadcast that was to be merged was stopped")
            broadcast = await tx.broadcasts.add(
                Broadcast(
                    id=BroadcastId(0),
                    digest=await tx.broadcasts.add_digest(digest, [], now=now),
                    lane=Lane.ROUND_UP,
                    state=BroadcastState.RUNNING,
                    planned_by="round-up",
                    planned_at=now,
                    expires_at=max(each.expires_at for each in found),
                    confirmed_at=now,
                    again=True,
                ),
                [audience],
            )
            await tx.broadcasts.add_messages(broadcast.id, messages)
            channels = await tx.round_ups.plan(
                broadcast.id,
                merged,
                parts=parts_of(messages),
                senders=self._senders,
                now=now,
            )
            if not sum(each.messages for each in channels):
                raise NothingToSend("nobody waits for several of them")
            await tell(tx, broadcast.id)
        return broadcast.id

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
        same = [] if found.again else await tx.broadcasts.repeated(found.id)
        whom = [
            await tx.audiences.get(each)
            for each in await tx.broadcasts.audiences(found.id)
        ]
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
            previews=previews_of(messages, next(iter(messages))[0]),
            lint=digest.notes,
            before=tuple(each.id for each in same),
            audiences=tuple(each.name for each in whom),
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


def parts_of(
    messages: Mapping[MessageKey, OutboundMessage],
) -> dict[tuple[AudienceId, Channel], int]:
    """Count the parts that each audience gets on each channel."""
    parts: dict[tuple[AudienceId, Channel], int] = {}
    for audience, channel, form, part in messages:
        if form is Form.TEXT:
            parts[audience, channel] = max(parts.get((audience, channel), 0), part)
    return parts


def previews_of(
    messages: Mapping[MessageKey, OutboundMessage], audience: AudienceId
) -> tuple[tuple[Channel, tuple[Text, ...]], ...]:
    """Return what *audience* is sent, channel by channel."""
    shown: dict[Channel, list[Text]] = {}
    for (whose, channel, form, _), message in sorted(
        messages.items(), key=lambda item: item[0][3]
    ):
        if whose == audience and form is Form.TEXT and isinstance(message, Text):
            shown.setdefault(channel, []).append(message)
    return tuple((channel, tuple(texts)) for channel, texts in shown.items())
