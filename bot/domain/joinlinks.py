"""Countable, revocable, expiring ways into an audience."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, NewType
from urllib.parse import quote

from bot.domain.errors import (
    LinkExpired,
    LinkRevoked,
    LinkSpent,
    Refusal,
    WrongPlace,
)
from bot.domain.recipients import Kind

if TYPE_CHECKING:
    from datetime import datetime

    from bot.domain.recipients import AudienceId

JoinLinkId = NewType("JoinLinkId", int)

#: Letters and digits that cannot be taken for one another when read aloud or copied.
CODE_ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
CODE_LENGTH = 8
#: Random bytes in a token: 43 characters, under Telegram's 64 for a start payload.
TOKEN_BYTES = 32

_CODE = re.compile(f"[{CODE_ALPHABET}]{{{CODE_LENGTH}}}")


@dataclass(frozen=True, slots=True, kw_only=True)
class JoinLink:
    """A way into one audience, for one kind of recipient."""

    id: JoinLinkId
    audience: AudienceId
    kind: Kind  #: who may join by it
    token: str  #: Telegram's start payload; opaque
    code: str  #: what a WhatsApp reader writes after JOIN
    label: str = ""  #: where the newsroom put it
    max_uses: int | None = None
    uses: int = 0
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    created_at: datetime

    def check(self, *, kind: Kind, now: datetime) -> None:
        """Let *kind* of recipient through, or say why not.

        Raises:
            WrongPlace: The link is for another kind of recipient.
            LinkRevoked: An editor has withdrawn it.
            LinkExpired: Its time is over.
            LinkSpent: It has been used as often as it may be.
        """
        if kind is not self.kind:
            raise WrongPlace(self.kind.value)
        if self.revoked_at is not None:
            raise LinkRevoked
        if self.expires_at is not None and now >= self.expires_at:
            raise LinkExpired
        if self.max_uses is not None and self.uses >= self.max_uses:
            raise LinkSpent

    def is_open(self, *, now: datetime) -> bool:
        """Whether it still lets its kind of recipient through."""
        try:
            self.check(kind=self.kind, now=now)
        except Refusal:
            return False
        return True

    def telegram_url(self, bot_username: str) -> str:
        """Address that opens the bot with this link's token.

        A Telegram channel's token is redeemed in the private chat, because
        ``startchannel`` carries no payload (core.telegram.org/api/links).
        """
        how = "startgroup" if self.kind is Kind.GROUP else "start"
        return f"https://t.me/{bot_username}?{how}={self.token}"

    def whatsapp_url(self, number: str) -> str:
        """Address that opens a WhatsApp chat with the joining words filled in."""
        digits = number.removeprefix("+")
        return f"https://wa.me/{digits}?text={quote(f'JOIN {self.code}')}"


def codes_in(text: str) -> tuple[str, ...]:
    """Find what could be join codes in a message that a person may have edited.

    Case, punctuation, stray words and full-width or other scripts' digits do not
    matter. At most eight candidates are returned, in order, each once.
    """
    plain = "".join(
        str(unicodedata.decimal(character, "")) or character
        for character in unicodedata.normalize("NFKC", text[:2000])
    )
    words = re.findall(r"\w+", plain.upper())
    found = [word for word in words if _CODE.fullmatch(word)]
    return tuple(dict.fromkeys(found))[:8]
