"""Changes what was sent: corrects it, takes it back, keeps a live card fresh.

Each change is a broadcast of its own, planned here and confirmed like any other:
copies on Telegram are edited or deleted in place, readers on WhatsApp are told by a
message, and what still waited of the story goes in its new version. Deliveries are
written when it is confirmed, because until then the story is on its way.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from bot import phrases
from bot.domain.articles import ArticleId
from bot.domain.broadcasts import Broadcast, BroadcastId, BroadcastState, Lane, Purpose
from bot.domain.corrections import (
    MEND_FOR,
    CorrectionPlan,
    CorrectionReport,
    Outcome,
)
from bot.domain.deliveries import NOTES, Form
from bot.domain.digests import Digest, DigestId, Note, Story
from bot.domain.errors import NothingToSend, Refusal, TooLate
from bot.domain.messages import Template, Text
from bot.domain.recipients import Channel, Kind
from bot.formatter import compose, template_variables
from bot.notices import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bot.domain.articles import Article
    from bot.domain.joinlinks import JoinLink
    from bot.domain.messages import OutboundMessage
    from bot.domain.recipients import Audience, AudienceId, SenderId
    from bot.ports import Clock, Database, MessageKey, Transaction

    Messages = dict[MessageKey, OutboundMessage]
    Render = Callable[[Digest, Sequence[Audience], Sequence[JoinLink]], Messages]

#: How many of the newest broadcasts are looked at for one that a request made before.
RECENT = 50
#: Most messages that a report names one by one.
NAMED = 100_000


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ground:
    """What a change stands on."""

    first: Broadcast  #: of the story
    newest: Broadcast  #: the version that people have, or are to get
    count: int  #: versions so far
    audiences: tuple[Audience, ...]
    links: tuple[JoinLink, ...]
    said: dict[MessageKey, OutboundMessage]  #: by every version, the newest winning
    shown: dict[MessageKey, OutboundMessage]  #: by the newest


class Corrections:
    """Plans what changes a story that was sent, and says what has come of it.

    Args:
        render: Makes a digest's messages, as for a broadcast of it.
        template: The ContentSid for readers whose window is closed; the digest's
            own where there is none for corrections; empty where neither.
        own_template: Whether that template says by itself that it corrects.
    """

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        senders: Mapping[Channel, SenderId],
        render: Render,
        template: str = "",
        own_template: bool = False,
    ) -> None:
        self._database = database
        self._clock = clock
        self._senders = senders
        self._render = render
        self._template = template
        self._own_template = own_template

    async def article(self, of: BroadcastId) -> ArticleId:
        """Return the article that a broadcast was made of.

        Raises:
            Unknown: There is no such broadcast.
            Refusal: It was made of several, or of none.
        """
        async with self._database.snapshot() as tx:
            found = await tx.broadcasts.articles((await tx.broadcasts.get(of)).digest)
        if len(found) != 1:
            raise Refusal(f"broadcast {of} is not of one story: it cannot be corrected")
        return found[0]

    async def older(self, article: int) -> BroadcastId | None:
        """Return the newest broadcast that sent an older version of *article*.

        None where its newest version was sent, by whatever, or none at all.
        """
        async with self._database.snapshot() as tx:
            found = await tx.broadcasts.of_article(ArticleId(article))
        if not found or found[0][1]:
            return None
        newest = found[0][0]
        if newest.purpose in {Purpose.RECALL, Purpose.LIVE}:
            return None
        return newest.corrects or newest.origin or newest.id

    async def correct(
        self,
        of: BroadcastId,
        article: Article,
        *,
        by: str,
        key: str = "",
        explanation: str = "",
    ) -> CorrectionPlan:
        """Plan to put *article* in the place of what broadcast *of* sent.

        Args:
            of: The story's broadcast, or any correction of it.
            article: What is right.
            by: Who plans, as an opaque id.
            key: Names the request; asked a second time, the same plan is returned.
            explanation: What was wrong; it is sent in answer to each copy. Without
                it the copies on Telegram are edited without a word.

        Raises:
            Unknown: There is no such broadcast.
            NothingToSend: The story says this already, or has no words.
            TooLate: It was never confirmed, was recalled, or is no longer kept.
        """
        return await self._rewrite(
            of,
            article,
            purpose=Purpose.CORRECTION,
            by=f"{by} {key}".rstrip(),
            again=bool(key),
            explanation=explanation,
        )

    async def refresh(
        self, of: BroadcastId, article: Article, *, by: str, key: str = ""
    ) -> CorrectionPlan:
        """Plan a live card's next version: edited in place, and nobody is told.

        Raises:
            Refusal: As `correct`, or it is no live card.
        """
        async with self._database.snapshot() as tx:
            found = await tx.broadcasts.get(of)
        if found.purpose is not Purpose.LIVE:
            raise Refusal(
                f"broadcast {of} is no live card: plan one with --live, or correct it"
            )
        return await self._rewrite(
            of,
            article,
            purpose=Purpose.LIVE,
            by=f"{by} {key}".rstrip(),
            again=bool(key),
        )

    async def close(self, of: BroadcastId, *, by: str) -> CorrectionPlan:
        """Plan the end of a live card: wherever it is pinned, it is unpinned.

        Raises:
            Refusal: It is no live card, or pinned nowhere.
        """
        ground = await self._ground(of)
        if ground.first.purpose is not Purpose.LIVE:
            raise Refusal(f"broadcast {of} is no live card")
        async with self._database.snapshot() as tx:
            digest = await tx.broadcasts.digest(ground.newest.digest)
        return await self._add(ground, digest, [], {}, purpose=Purpose.CLOSING, by=by)

    async def recall(
        self, of: BroadcastId, *, by: str, key: str = "", notice: str = ""
    ) -> CorrectionPlan:
        """Plan to take a story back, its corrections and their notes too.

        Args:
            of: The story's broadcast, or any correction of it.
            by: Who plans, as an opaque id.
            key: As for `correct`.
            notice: What stands in its place where it cannot be deleted, and is told
                to readers on WhatsApp; a sentence in their language unless given.

        Raises:
            Refusal: As `correct`.
        """
        planned_by = f"{by} {key}".rstrip()
        if key and (known := await self._known(planned_by)) is not None:
            return known
        ground = await self._ground(of)
        messages: Messages = {}
        for audience in ground.audiences:
            messages |= self._withdrawal(ground, audience, notice=notice)
        language = next((each.language for each in ground.audiences), "en")
        digest = _told(
            phrases.withdrawal(language),
            notice or phrases.withdrawn_earlier(language),
            language,
        )
        return await self._add(
            ground, digest, [], messages, purpose=Purpose.RECALL, by=planned_by
        )

    async def link(
        self,
        broadcast: BroadcastId,
        *,
        answers: BroadcastId | None = None,
        live: bool = False,
    ) -> int:
        """Say of a planned broadcast that it answers another, or is a live card.

        Args:
            broadcast: Planned, and not confirmed yet.
            answers: It goes, in each chat on Telegram, in answer to the first message
                of this one; where there is none, it goes all the same.
            live: It is a card that is edited in place while the story goes on.

        Returns:
            In how many chats there is something to answer.

        Raises:
            Unknown: There is no such broadcast.
            TooLate: It is confirmed already.
        """
        async with self._database.transaction() as tx:
            found = await tx.broadcasts.locked(broadcast)
            if found.state is not BroadcastState.PLANNED:
                raise TooLate(f"broadcast {broadcast} is {found.state.value}")
            purpose = found.purpose
            answered = 0
            if answers is not None:
                other = await tx.broadcasts.get(answers)
                family = await tx.broadcasts.family(
                    other.corrects or other.origin or other.id
                )
                answered = await tx.corrections.thread(
                    broadcast, [each.id for each in family]
                )
                purpose = Purpose.UPDATE
            if live:
                purpose = Purpose.LIVE
            await tx.broadcasts.save(replace(found, purpose=purpose))
        return answered

    async def report(self, broadcast: BroadcastId) -> CorrectionReport:
        """Say what a change has come to, and whom it did not reach.

        Raises:
            Unknown: There is no such broadcast.
            Refusal: It changes nothing.
        """
        async with self._database.snapshot() as tx:
            found = await tx.broadcasts.get(broadcast)
            if found.corrects is None:
                raise Refusal(
                    f"broadcast {broadcast} changes nothing; harkara broadcast show "
                    f"{broadcast} says how far it has come"
                )
            return CorrectionReport(
                broadcast=found,
                counts=await tx.corrections.counts(broadcast),
                missed=tuple(await tx.corrections.missed(broadcast, limit=NAMED)),
                folded=await tx.corrections.folded([broadcast]),
            )

    async def _rewrite(
        self,
        of: BroadcastId,
        article: Article,
        *,
        purpose: Purpose,
        by: str,
        again: bool,
        explanation: str = "",
    ) -> CorrectionPlan:
        if again and (known := await self._known(by)) is not None:
            return known
        ground = await self._ground(of)
        digest = await asyncio.to_thread(compose, article.draft)
        messages = await asyncio.to_thread(
            self._render, digest, ground.audiences, ground.links
        )
        if all(ground.shown.get(each) == messages[each] for each in _texts(messages)):
            raise NothingToSend(
                f"broadcast {of} says this already: take the changed story in first"
            )
        taken_back: Messages = {}
        for audience in ground.audiences:
            taken_back |= _taken_back(ground, messages, audience)
            if explanation and Channel.TELEGRAM in self._senders:
                note = phrases.correction_note(
                    audience.language, explanation=explanation
                )
                where = NOTES + ground.count
                messages[audience.id, Channel.TELEGRAM, Form.TEXT, where] = plain(
                    note, Channel.TELEGRAM
                )
        if purpose is Purpose.CORRECTION and Channel.WHATSAPP in self._senders:
            messages |= await asyncio.to_thread(self._for_phones, digest, ground)
        return await self._add(
            ground,
            digest,
            [article],
            messages | taken_back,
            purpose=purpose,
            by=by,
        )

    def _for_phones(self, digest: Digest, ground: _Ground) -> Messages:
        """What readers get who have the wrong story and cannot see it change."""
        told: Messages = {}
        for audience in ground.audiences:
            heading = phrases.correction(audience.language)
            corrected = self._render(
                replace(digest, heading=heading), [audience], ground.links
            )
            for (_, channel, form, part), text in corrected.items():
                if channel is Channel.WHATSAPP and form is Form.TEXT:
                    told[audience.id, channel, form, NOTES + part] = text
            if self._template:
                story = digest.stories[0]
                headline = story.headline or story.sentences[0]
                if not self._own_template:
                    headline = f"{heading}: {headline}"
                named = replace(story, headline=headline)
                told |= self._by_template(
                    audience, replace(digest, stories=(named, *digest.stories[1:]))
                )
        return told

    def _withdrawal(
        self, ground: _Ground, audience: Audience, *, notice: str
    ) -> Messages:
        """What stands in the place of every message, and what phones are told."""
        language = audience.language
        instead = plain(notice or phrases.withdrawn(language), Channel.TELEGRAM)
        messages: Messages = {
            (whose, channel, Form.NOTICE, part): instead
            for whose, channel, form, part in ground.said
            if whose == audience.id
            and channel is Channel.TELEGRAM
            and form is not Form.NOTICE
        }
        if Channel.WHATSAPP in self._senders:
            sentence = notice or phrases.withdrawn_earlier(language)
            where = (audience.id, Channel.WHATSAPP, Form.TEXT, NOTES + 1)
            messages[where] = plain(sentence, Channel.WHATSAPP)
            if self._template:
                word = phrases.withdrawal(language)
                messages |= self._by_template(audience, _told(word, sentence, language))
        return messages

    def _by_template(self, audience: Audience, digest: Digest) -> Messages:
        template = Template(
            content_sid=self._template, variables=template_variables(digest)
        )
        return {(audience.id, Channel.WHATSAPP, Form.TEMPLATE, NOTES + 1): template}

    async def _ground(self, of: BroadcastId) -> _Ground:
        async with self._database.snapshot() as tx:
            found = await tx.broadcasts.get(of)
            family = await tx.broadcasts.family(
                found.corrects or found.origin or found.id
            )
            if not family or found.confirmed_at is None:
                raise TooLate(
                    f"broadcast {of} was never confirmed: stop it and plan it anew"
                )
            newest = family[-1]
            if newest.purpose is Purpose.RECALL:
                raise TooLate(f"broadcast {newest.id} has taken the story back")
            if folded := await tx.corrections.folded([each.id for each in family]):
                raise TooLate(
                    f"of broadcast {of} only counts are kept by now: {folded} "
                    "deliveries were erased, and nobody knows where the copies are"
                )
            said: Messages = {}
            shown: Messages = {}
            for each in family:
                shown = await tx.broadcasts.messages(each.id)
                said |= shown
            whom = await tx.broadcasts.audiences(family[0].id)
            links = [each for each in await tx.links.all() if each.kind is Kind.READER]
            return _Ground(
                first=family[0],
                newest=newest,
                count=len(family),
                audiences=tuple([await tx.audiences.get(each) for each in whom]),
                links=tuple(links),
                said=said,
                shown=shown,
            )

    async def _add(
        self,
        ground: _Ground,
        digest: Digest,
        articles: Sequence[Article],
        messages: Messages,
        *,
        purpose: Purpose,
        by: str,
    ) -> CorrectionPlan:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            fixed = await tx.broadcasts.add_digest(digest, articles, now=now)
            broadcast = await tx.broadcasts.add(
                Broadcast(
                    id=BroadcastId(0),
                    digest=DigestId(fixed),
                    # What is wrong is out there: nothing else is more urgent.
                    lane=Lane.BREAKING,
                    state=BroadcastState.PLANNED,
                    planned_by=by,
                    planned_at=now,
                    expires_at=now + MEND_FOR,
                    again=True,
                    purpose=purpose,
                    corrects=ground.first.id,
                ),
                [each.id for each in ground.audiences],
            )
            await tx.broadcasts.add_messages(broadcast.id, messages)
            plan = await self._as_planned(tx, broadcast, messages)
            if not plan.counts:
                where = "reached nobody"
                if purpose is Purpose.CLOSING:
                    where = "no pin"
                raise NothingToSend(
                    f"broadcast {ground.first.id} has {where}: there is nothing to "
                    "change"
                )
        return plan

    async def _as_planned(
        self, tx: Transaction, broadcast: Broadcast, messages: Messages
    ) -> CorrectionPlan:
        counts = await tx.corrections.extent(
            broadcast, list(messages), now=self._clock.now()
        )
        return CorrectionPlan(
            broadcast=broadcast,
            counts=Counter({each: n for each, n in counts.items() if n}),
            previews=_previews(messages),
            lint=self._lint(counts),
        )

    def _lint(self, counts: Counter[tuple[Channel, Outcome]]) -> tuple[Note, ...]:
        phones = counts[Channel.WHATSAPP, Outcome.NOTICED]
        if phones and not self._template:
            return (
                Note(
                    "no-template",
                    "No WhatsApp template is configured: readers who have not written "
                    "within 24 hours will not get it.",
                ),
            )
        return ()

    async def _known(self, planned_by: str) -> CorrectionPlan | None:
        """Put together again what was planned under exactly this name, if it was."""
        async with self._database.snapshot() as tx:
            for found in await tx.broadcasts.latest(RECENT):
                if found.planned_by == planned_by:
                    messages = await tx.broadcasts.messages(found.id)
                    return await self._as_planned(tx, found, messages)
        return None


def _texts(messages: Mapping[MessageKey, OutboundMessage]) -> list[MessageKey]:
    return [each for each in messages if each[2] is Form.TEXT]


def _parts(
    messages: Mapping[MessageKey, OutboundMessage], audience: AudienceId
) -> set[int]:
    """The parts of the story on Telegram."""
    return {
        part
        for whose, channel, form, part in messages
        if (whose, channel, form) == (audience, Channel.TELEGRAM, Form.TEXT)
        and part <= NOTES
    }


def _taken_back(ground: _Ground, messages: Messages, audience: Audience) -> Messages:
    """What stands in the place of parts that the new version does not have."""
    gone = _parts(ground.said, audience.id) - _parts(messages, audience.id)
    text = plain(phrases.part_withdrawn(audience.language), Channel.TELEGRAM)
    return {
        (audience.id, Channel.TELEGRAM, Form.NOTICE, part): text
        for part in sorted(gone)
    }


def _told(headline: str, sentence: str, language: str) -> Digest:
    story = Story(headline=headline, sentences=(sentence,), language=language)
    return Digest(stories=(story,))


def _previews(
    messages: Mapping[MessageKey, OutboundMessage],
) -> tuple[tuple[Channel, tuple[Text, ...]], ...]:
    """What the first audience is shown: the story, or else what stands in its place."""
    first = next(iter(messages), (None,))[0]
    shown: dict[Channel, dict[int, Text]] = {}
    for (whose, channel, form, part), message in sorted(
        messages.items(), key=lambda item: (item[0][2] is Form.NOTICE, item[0][3])
    ):
        if whose != first or not isinstance(message, Text):
            continue
        parts = shown.setdefault(channel, {})
        if form is Form.NOTICE and parts:
            continue  # one says what all say
        parts[part] = message
    return tuple(
        (channel, tuple(parts[part] for part in sorted(parts)))
        for channel, parts in shown.items()
    )
