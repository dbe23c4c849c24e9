"""Who is written to: joining, leaving, moving house, and being put out."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.consequences import RETRY_AFTER
from bot.domain.errors import LinkUnknown, Refusal, Unknown, WrongPlace
from bot.domain.joinlinks import (
    CODE_ALPHABET,
    CODE_LENGTH,
    TOKEN_BYTES,
    JoinLink,
    JoinLinkId,
    codes_in,
)
from bot.domain.recipients import (
    WHATSAPP_ADDRESS,
    Address,
    Channel,
    Consent,
    Kind,
    Recipient,
    RecipientId,
    Standing,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from bot.domain.recipients import Audience, AudienceId, SenderId
    from bot.notices import Notices
    from bot.ports import Clock, Database, Runner, Transaction

#: How long a group that was joined without a token is given to find a voucher.
VOUCH_WITHIN = timedelta(hours=24)


def offer_id(token: str, person: str) -> int:
    """Number under which *person* is offered to enrol a Telegram channel.

    It can only be made from a token, so whoever shares a channel under it was given
    that token, and it is worth nothing in another person's hands. Nothing needs to be
    stored for it, and it fits Telegram's 32 bits.
    """
    digest = hashlib.sha256(f"{token} {person}".encode()).digest()
    return int.from_bytes(digest[:4], "big") & 0x7FFFFFFF


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """What joining came to."""

    audience: Audience
    recipient: Recipient
    new: bool  #: False where they were in it already


class Enrolment:
    """Keeps the audiences."""

    def __init__(
        self,
        *,
        database: Database,
        clock: Clock,
        runner: Runner,
        notices: Notices,
        senders: Mapping[Channel, SenderId],
        vouch_within: timedelta = VOUCH_WITHIN,
    ) -> None:
        self._database = database
        self._clock = clock
        self._runner = runner
        self._notices = notices
        self._senders = senders
        self._vouch_within = vouch_within

    # --- audiences and links --------------------------------------------------

    async def create_audience(
        self, name: str, *, title: str = "", language: str = "en"
    ) -> Audience:
        """Make an audience.

        Raises:
            Refusal: The name is taken, or not lower-case letters, digits, ``-``, ``_``.
        """
        if not name or not all(each.isalnum() or each in "-_" for each in name):
            raise Refusal(
                f"{name!r} is no audience name: use letters, digits, - and _ only"
            )
        async with self._database.transaction() as tx:
            return await tx.audiences.create(
                name.lower(), title=title or name, language=language
            )

    async def audiences(self) -> list[tuple[Audience, int]]:
        """Return every audience with the number enrolled."""
        async with self._database.snapshot() as tx:
            return [
                (each, len(await tx.audiences.members(each.id)))
                for each in await tx.audiences.all()
            ]

    async def create_link(
        self,
        audience: str,
        kind: Kind,
        *,
        label: str = "",
        max_uses: int | None = None,
        expires_at: datetime | None = None,
    ) -> JoinLink:
        """Make a way into an audience.

        A link for groups or Telegram channels works once, unless *max_uses* says
        otherwise: who holds it can enrol a chat.

        Raises:
            Unknown: There is no such audience.
        """
        if max_uses is None and kind is not Kind.READER:
            max_uses = 1
        async with self._database.transaction() as tx:
            found = await tx.audiences.by_name(audience)
            return await tx.links.add(
                JoinLink(
                    id=JoinLinkId(0),
                    audience=found.id,
                    kind=kind,
                    token=secrets.token_urlsafe(TOKEN_BYTES),
                    code="".join(
                        secrets.choice(CODE_ALPHABET) for _ in range(CODE_LENGTH)
                    ),
                    label=label,
                    max_uses=max_uses,
                    expires_at=expires_at,
                    created_at=self._clock.now(),
                )
            )

    async def links(self) -> list[tuple[JoinLink, Audience]]:
        """Return every join link with its audience, newest first."""
        async with self._database.snapshot() as tx:
            return [
                (each, await tx.audiences.get(each.audience))
                for each in await tx.links.all()
            ]

    async def revoke_link(self, link: JoinLinkId) -> None:
        """Withdraw a join link.

        Raises:
            Unknown: There is no such link.
        """
        async with self._database.transaction() as tx:
            await tx.links.get(link)
            await tx.links.revoke(link, now=self._clock.now())

    # --- joining --------------------------------------------------------------

    async def redeem(
        self,
        token: str,
        *,
        by: Address,
        kind: Kind,
        agreed_by: str,
        title: str = "",
        language: str = "",
        written_at: datetime | None = None,
    ) -> Welcome:
        """Enrol who is at *by* through the join link with *token*.

        Args:
            token: As it came in.
            by: The address that joins.
            kind: What stands there.
            agreed_by: Who acted, as an opaque id.
            title: A group's name.
            language: BCP 47, where known.
            written_at: When they asked for it, where that may be some time ago.

        Raises:
            Refusal: The link is unknown, expired, spent, revoked, or for another kind;
                or they have asked to be forgotten since.
        """
        async with self._database.transaction() as tx:
            link = await tx.links.by_token(token)
            if link is None:
                raise LinkUnknown
            return await self._enrol(
                tx,
                link,
                Recipient(
                    id=RecipientId(0),
                    address=by,
                    kind=kind,
                    title=title,
                    language=language,
                ),
                agreed_by=agreed_by,
                evidence="join token",
                written_at=written_at,
            )

    async def peek(self, token: str, *, kind: Kind) -> Audience:
        """Return where a token leads, without using it.

        Raises:
            Refusal: As `redeem`.
        """
        async with self._database.snapshot() as tx:
            link = await tx.links.by_token(token)
            if link is None:
                raise LinkUnknown
            link.check(kind=kind, now=self._clock.now())
            return await tx.audiences.get(link.audience)

    async def redeem_offer(
        self,
        offer: int,
        *,
        person: str,
        by: Address,
        agreed_by: str,
        title: str = "",
    ) -> Welcome:
        """Enrol the Telegram channel at *by*, which *person* chose under *offer*.

        Args:
            offer: As `offer_id` made it when they opened the link.
            person: The provider's id of who chose; that they may speak for the
                channel is for the caller to find out.
            by: The channel.
            agreed_by: Who acted, as an opaque id.
            title: The channel's name, where known.

        Raises:
            Refusal: Nothing was offered to them, or the link is no longer good.
        """
        async with self._database.transaction() as tx:
            for link in await tx.links.all():
                if link.kind is not Kind.TELEGRAM_CHANNEL:
                    continue
                if offer_id(link.token, person) == offer:
                    who = Recipient(
                        id=RecipientId(0), address=by, kind=link.kind, title=title
                    )
                    return await self._enrol(
                        tx,
                        link,
                        who,
                        agreed_by=agreed_by,
                        evidence="join token, then chose the channel",
                    )
        raise LinkUnknown

    async def redeem_words(
        self,
        text: str,
        *,
        by: Address,
        agreed_by: str,
        written_at: datetime | None = None,
    ) -> Welcome | None:
        """Enrol a reader who wrote a join code somewhere in *text*, at *written_at*.

        Returns:
            None where the text holds nothing that looks like a code.

        Raises:
            Refusal: It does, and no such code lets them in; or they have asked to be
                forgotten since.
        """
        codes = codes_in(text)
        if not codes:
            return None
        async with self._database.transaction() as tx:
            for code in codes:
                link = await tx.links.by_code(code)
                if link is not None:
                    return await self._enrol(
                        tx,
                        link,
                        Recipient(
                            id=RecipientId(0),
                            address=by,
                            kind=Kind.READER,
                        ),
                        agreed_by=agreed_by,
                        evidence=f"wrote the join code {code}",
                        written_at=written_at,
                    )
        raise LinkUnknown

    async def _enrol(
        self,
        tx: Transaction,
        link: JoinLink,
        who: Recipient,
        *,
        agreed_by: str,
        evidence: str,
        written_at: datetime | None = None,
    ) -> Welcome:
        now = self._clock.now()
        if await _forgotten_since(tx, who.address, written_at):
            raise LinkUnknown
        agreed_at = written_at or now
        recipient = await tx.recipients.ensure(
            who.address, who.kind, title=who.title, language=who.language, now=now
        )
        audience = await tx.audiences.get(link.audience)
        if who.kind is not link.kind:
            raise WrongPlace(link.kind.value)
        inside = {each.id for each in await tx.audiences.of(recipient.id)}
        if audience.id not in inside:
            # Not of who is in: a spent single-use link may be pressed again.
            link.check(kind=who.kind, now=agreed_at)
            await tx.erasure.welcome_back(who.address)
        # Who is in agrees anew: a STOP from before that, fetched late, is none now.
        new = await tx.audiences.enrol(
            audience.id,
            recipient.id,
            link=link.id,
            consent=Consent(source="join link", agreed_by=agreed_by, evidence=evidence),
            now=agreed_at,
        )
        if new:
            await tx.links.count_use(link.id)
        await self._active(tx, recipient, now=now)
        return Welcome(audience=audience, recipient=recipient, new=new)

    async def _active(
        self, tx: Transaction, recipient: Recipient, *, now: datetime
    ) -> None:
        await tx.recipients.leave_at(recipient.id, None)
        if recipient.address.thread is not None:
            # One topic vouches for the whole group: it must not be left.
            whole = replace(recipient.address, thread=None)
            group = await tx.recipients.find(whole)
            if group is not None:
                await tx.recipients.leave_at(group.id, None)
        await tx.recipients.set_standing(recipient.id, Standing.ACTIVE)
        await tx.deliveries.recipient_back(recipient.id, now=now)

    async def enrol_by_hand(
        self,
        audience: str,
        address: Address,
        kind: Kind,
        *,
        by: str,
        evidence: str,
        title: str = "",
        language: str = "",
        source: str = "by hand",
    ) -> Welcome:
        """Enrol on an editor's word, with the evidence that it is wished for.

        Raises:
            Unknown: There is no such audience.
            Refusal: The address or the evidence will not do.
        """
        if not evidence.strip():
            raise Refusal("say how they agreed: consent without evidence is none")
        if address.channel is Channel.WHATSAPP and not WHATSAPP_ADDRESS.fullmatch(
            address.value
        ):
            raise Refusal(
                "that is no WhatsApp address: write the number with its country code, "
                "as +923001234567"
            )
        now = self._clock.now()
        async with self._database.transaction() as tx:
            found = await tx.audiences.by_name(audience)
            if await tx.erasure.suppressed(address):
                raise Refusal(
                    "they asked to be forgotten: only they themselves can join again, "
                    "by a join link or its code"
                )
            recipient = await tx.recipients.ensure(
                address, kind, title=title, language=language, now=now
            )
            new = await tx.audiences.enrol(
                found.id,
                recipient.id,
                link=None,
                consent=Consent(source=source, agreed_by=by, evidence=evidence),
                now=now,
            )
            await self._active(tx, recipient, now=now)
            return Welcome(audience=found, recipient=recipient, new=new)

    async def vouch(
        self, recipient: RecipientId, audience: AudienceId, *, by: str
    ) -> Welcome:
        """Enrol a group that came without a token, because an editor accepts it.

        Raises:
            Unknown: There is no such group or audience.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            found = await tx.audiences.get(audience)
            group = await tx.recipients.get(recipient)
            if group.kind is Kind.READER or group.standing is Standing.GONE:
                raise Unknown("that group is no longer there")
            if group.leave_at is None:
                # An old button must not bring back a group that its own
                # administrator has taken out since.
                raise Unknown("nobody asks for that group any more")
            new = await tx.audiences.enrol(
                found.id,
                group.id,
                link=None,
                consent=Consent(
                    source="by hand", agreed_by=by, evidence="accepted by an editor"
                ),
                now=now,
            )
            await self._active(tx, group, now=now)
            return Welcome(audience=found, recipient=group, new=new)

    # --- leaving, moving, and what the provider says ----------------------------

    async def leave(
        self,
        address: Address,
        *,
        reason: str = "asked to",
        before: datetime | None = None,
    ) -> list[Audience]:
        """End every enrolment of who is at *address*; return what they left.

        With *before*, what they have agreed to since stays: they have joined anew.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            recipient = await tx.recipients.find(address)
            if recipient is None:
                return []
            await tx.recipients.stopped(recipient.id, before or now)
            if before is None:
                return await tx.audiences.unenrol(recipient.id, reason=reason, now=now)
            left = []
            for audience in await tx.audiences.of(recipient.id, before=before):
                left += await tx.audiences.unenrol(
                    recipient.id, audience=audience.id, reason=reason, now=now
                )
            return left

    async def forget(self, address: Address) -> bool:
        """Forget who is at *address*, evidence included; False where nobody is.

        That they asked is kept, as a hash, so that nobody enrols them again but
        they themselves.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await tx.erasure.suppress(address, now=now)
            who = await tx.recipients.find(address)
            if who is None:
                return False
            await tx.erasure.suppress(who.address, now=now)
            await tx.audiences.unenrol(who.id, reason="forgotten", now=now)
            await tx.erasure.forget(who.id)
        await self._database.checkpoint()
        return True

    async def find(self, address: Address) -> tuple[Recipient, list[Audience]] | None:
        """Return who is at *address* and where they are enrolled."""
        async with self._database.snapshot() as tx:
            recipient = await tx.recipients.find(address)
            if recipient is None:
                return None
            return recipient, await tx.audiences.of(recipient.id)

    async def heard_from(
        self, address: Address, kind: Kind, *, at: datetime | None = None
    ) -> bool:
        """Note that somebody wrote, now or *at*: it opens WhatsApp's 24-hour window.

        Returns:
            False where they have asked to be forgotten since: then nothing is noted,
            and nothing that they wrote is to have any effect.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            if await _forgotten_since(tx, address, at):
                return False
            recipient = await tx.recipients.ensure(address, kind, now=now)
            await tx.recipients.heard_from(recipient.id, at or now)
            if recipient.standing is not Standing.ACTIVE and kind is Kind.READER:
                await tx.recipients.set_standing(recipient.id, Standing.ACTIVE)
                await tx.deliveries.recipient_back(recipient.id, now=now)
            return True

    async def moved(self, old: Address, new: Address) -> None:
        """Follow a group that became a supergroup; *old* goes on finding it."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            recipient = await tx.recipients.move(old, new)
            if recipient is not None and recipient.standing is not Standing.GONE:
                # A new chat has rights of its own; what waited is worth a try there.
                await tx.recipients.set_standing(recipient.id, Standing.ACTIVE)
                await tx.deliveries.recipient_back(recipient.id, now=now)

    async def gone(self, address: Address, *, reason: str) -> None:
        """The recipient has blocked us or put us out: write no more."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            recipient = await tx.recipients.find(address)
            if recipient is None:
                return
            await tx.recipients.leave_at(recipient.id, None)
            await tx.recipients.set_standing(recipient.id, Standing.GONE, reason=reason)
            await tx.audiences.unenrol(recipient.id, reason=reason, now=now)

    async def rights_lost(self, address: Address, *, reason: str) -> None:
        """We may not write there at present: wait, and tell the editors once."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            recipient = await tx.recipients.find(address)
            if recipient is None or recipient.standing is not Standing.ACTIVE:
                return
            await tx.recipients.set_standing(
                recipient.id,
                Standing.SUSPENDED,
                reason=reason,
                retry_at=now + RETRY_AFTER,
            )
            await self._notices.suspended(tx, recipient, reason, now=now)
        await self._kick()

    async def rights_back(self, address: Address) -> None:
        """We may write there (again): what was waiting goes on."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            recipient = await tx.recipients.find(address)
            if recipient is None:
                return
            await tx.recipients.set_standing(recipient.id, Standing.ACTIVE)
            await tx.deliveries.recipient_back(recipient.id, now=now)
        await self._kick()

    async def added_to(self, address: Address, kind: Kind, *, title: str) -> bool:
        """We were put into a group or Telegram channel.

        Returns:
            True if nobody has vouched for it: it is left after a set time unless a
            token or an editor does.
        """
        now = self._clock.now()
        async with self._database.transaction() as tx:
            recipient = await tx.recipients.ensure(address, kind, title=title, now=now)
            await tx.recipients.set_standing(recipient.id, Standing.ACTIVE)
            if await tx.audiences.of(recipient.id):
                await tx.deliveries.recipient_back(recipient.id, now=now)
                return False
            await tx.recipients.leave_at(recipient.id, now + self._vouch_within)
            return True

    async def ask_for_voucher(self, address: Address) -> None:
        """Tell the editors of a group that nobody has vouched for."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            group = await tx.recipients.find(address)
            if group is None or await tx.audiences.of(group.id):
                return
            await self._notices.stranger(tx, group, await tx.audiences.all(), now=now)
        await self._kick()

    async def _kick(self) -> None:
        for sender in self._senders.values():
            await self._runner.kick("pump", str(sender))


async def _forgotten_since(
    tx: Transaction, address: Address, written_at: datetime | None
) -> bool:
    """Whether who wrote at *written_at* has asked to be forgotten since.

    What came late, or waited for us, must not bring back who asked in the meantime.
    """
    if written_at is None:
        return False
    return await tx.erasure.suppressed(address, written_at=written_at)
