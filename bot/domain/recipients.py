"""Who can be written to, and where."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from datetime import datetime

RecipientId = NewType("RecipientId", int)
AudienceId = NewType("AudienceId", int)
SenderId = NewType("SenderId", int)

#: Twilio's two forms of a WhatsApp address, without the ``whatsapp:`` scheme: a
#: phone number, or a business-scoped id (which is no number and keeps its letters).
WHATSAPP_ADDRESS = re.compile(
    r"\+[1-9][0-9]{6,14}|[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}"
)


def plain_digits(text: str) -> str:
    """Return *text* with the digits of any script as 0 to 9, as providers know them."""
    return "".join(
        str(unicodedata.decimal(each)) if each.isdecimal() else each for each in text
    )


class Channel(StrEnum):
    """The medium a message travels by."""

    TELEGRAM = "telegram"
    WHATSAPP = "whatsapp"


class Kind(StrEnum):
    """What stands behind an address."""

    READER = "reader"  #: one person
    GROUP = "group"  #: a Telegram group or supergroup, or one topic of it
    TELEGRAM_CHANNEL = "telegram_channel"  #: what only its administrators write in


@dataclass(frozen=True, slots=True)
class Address:
    """A channel and the provider's own id there.

    ``value`` is a Telegram chat id in decimal, or a WhatsApp address without its
    scheme (``+92…`` or a business-scoped id). ``thread`` is a forum topic's id.
    """

    channel: Channel
    value: str
    thread: int | None = None

    def __str__(self) -> str:
        """Return a form for logs: never the address itself."""
        return f"{self.channel} address"


class Standing(StrEnum):
    """Whether a recipient can be written to at present."""

    ACTIVE = "active"  #: is written to
    SUSPENDED = "suspended"  #: waits for its rights to come back
    GONE = "gone"  #: blocked us, left, or was deleted; only they can undo it


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A group, a Telegram channel or a reader."""

    id: RecipientId
    address: Address
    kind: Kind
    title: str = ""  #: a group's name; empty for a reader
    language: str = ""  #: BCP 47; empty where the audience's serves
    standing: Standing = Standing.ACTIVE
    last_inbound_at: datetime | None = None  #: opens WhatsApp's 24-hour window
    stopped_at: datetime | None = None  #: when they last said STOP
    strikes: int = 0  #: consecutive answers that call the address in doubt
    leave_at: datetime | None = None  #: when we leave, unless somebody vouches


@dataclass(frozen=True, slots=True, kw_only=True)
class Audience:
    """A named set of enrolments."""

    id: AudienceId
    name: str  #: what editors type: lower case, no blanks
    title: str  #: what readers see
    language: str  #: BCP 47


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """How a recipient came to be written to: the evidence."""

    source: str  #: "join link", "by hand", "import"
    agreed_by: str  #: who acted, as an opaque id: "telegram:12", "editor:3"
    evidence: str = ""  #: the words shown, or where the proof lies
