"""A Telegram message as the handlers see it, and the command that it may hold."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from telegram.constants import ChatType

from bot.domain.recipients import Address, Channel, Kind
from handlers.answers import visible

if TYPE_CHECKING:
    from datetime import datetime

    from telegram import Chat, Message

_COMMAND = re.compile(r"/([A-Za-z0-9_]{1,32})(?:@([A-Za-z0-9_]{1,64}))?(?!\S)")
_KINDS = {
    ChatType.PRIVATE: Kind.READER,
    ChatType.GROUP: Kind.GROUP,
    ChatType.SUPERGROUP: Kind.GROUP,
    ChatType.CHANNEL: Kind.TELEGRAM_CHANNEL,
}


@dataclass(frozen=True, slots=True)
class Command:
    """``/name@target argument …``."""

    name: str
    target: str  #: the bot addressed; empty where none is named
    arguments: tuple[str, ...]

    @property
    def first(self) -> str:
        """The first argument, or nothing."""
        return self.arguments[0] if self.arguments else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """One message: where it was written, by whom, and what it says."""

    key: str  #: names the update
    received_at: datetime
    written_at: datetime  #: by Telegram's clock, in whole seconds
    chat: Address
    kind: Kind
    title: str  #: a group's name
    person: str  #: Telegram's id of who wrote; the chat's own for one who is anonymous
    language: str  #: of their app; empty where not told
    text: str

    @property
    def agreed_by(self) -> str:
        """Who acts, as an opaque id."""
        return f"{Channel.TELEGRAM}:{self.person}"

    @property
    def private(self) -> bool:
        """Whether it was written to the bot alone."""
        return self.kind is Kind.READER

    @property
    def whole_chat(self) -> Address:
        """The chat itself, where one of its topics was written in."""
        return Address(Channel.TELEGRAM, self.chat.value)

    @property
    def own_chat(self) -> Address:
        """The private chat of who wrote."""
        return Address(Channel.TELEGRAM, self.person)


def kind_of(chat: Chat) -> Kind:
    """Say what stands behind a chat. Raises KeyError for a type unknown to us."""
    return _KINDS[ChatType(chat.type)]


def incoming(message: Message, *, key: str, received_at: datetime) -> Incoming | None:
    """Read a message that a person wrote; None where a bot did, or nobody."""
    chat, author, behalf = message.chat, message.from_user, message.sender_chat
    # An anonymous administrator writes as the chat itself (platform-facts §1.9).
    if behalf is None and (author is None or author.is_bot):
        return None
    who = behalf.id if behalf is not None else author.id if author is not None else 0
    topic = message.message_thread_id if message.is_topic_message else None
    return Incoming(
        key=key,
        received_at=received_at,
        written_at=message.date,
        chat=Address(Channel.TELEGRAM, str(chat.id), topic),
        kind=kind_of(chat),
        title=chat.title or "",
        person=str(who),
        language=(author.language_code or "") if author is not None else "",
        text=message.text or "",
    )


def command_in(text: str) -> Command | None:
    """Read the command that *text* begins with, if it does."""
    text = visible(text).lstrip()
    found = _COMMAND.match(text)
    if found is None:
        return None
    arguments = text[found.end() :].split()
    return Command(found[1].lower(), found[2] or "", tuple(arguments))
