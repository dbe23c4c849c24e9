"""People, chats and messages: plain state, no rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True, eq=False)
class Person:
    """Somebody with Telegram, and with WhatsApp if they have a phone number."""

    id: int
    name: str
    username: str | None = None
    language: str | None = None
    phone: str | None = None  #: ``+923001234567``
    started: bool = False  #: has pressed Start in the bot's private chat
    seen: bool = False  #: the bot has met them in some update
    blocked: bool = False  #: has blocked the bot
    deactivated: bool = False
    receipts: bool = True  #: lets senders know what was read
    auto_read: bool = False  #: reads WhatsApp messages as they come
    opted_out: bool = False  #: wrote STOP to the WhatsApp sender
    refusal: int | None = None  #: WhatsApp messages end in this error, e.g. 63024
    role: str = ""  #: what they play, for the page: reader, editor, keeper

    @property
    def whatsapp(self) -> str:
        """The WhatsApp address."""
        return f"whatsapp:{self.phone}"

    @property
    def on_telegram(self) -> bool:
        """Whether they use Telegram: who has only WhatsApp has not pressed Start."""
        return self.started or self.phone is None

    @property
    def keys(self) -> tuple[str, ...]:
        """The ids of their private chat and of their phone."""
        return (str(self.id), self.whatsapp) if self.phone else (str(self.id),)


@dataclass(slots=True, eq=False)
class Member:
    """What somebody is in a group or channel."""

    status: str = "left"  #: as in Bot API's ChatMember
    rights: dict[str, bool] = field(default_factory=dict)
    anonymous: bool = False

    def copy(self) -> Member:
        """Return the same, to be compared with later."""
        return Member(self.status, dict(self.rights), self.anonymous)

    @property
    def inside(self) -> bool:
        """Whether they are in the chat."""
        if self.status == "restricted":
            return self.rights.get("is_member", True)
        return self.status in {"member", "administrator", "creator"}

    @property
    def admin(self) -> bool:
        """Whether they run the chat."""
        return self.status in {"administrator", "creator"}


@dataclass(slots=True, eq=False)
class Message:
    """A message as the members of its chat see it."""

    id: int | str  #: Telegram's number or Twilio's sid
    chat: Chat
    date: float
    sender: str  #: the name people see
    outgoing: bool  #: sent by the application
    text: str
    entities: tuple[dict[str, Any], ...] = ()
    dropped_links: tuple[str, ...] = ()
    keyboard: dict[str, Any] | None = None  #: its reply_markup, as Telegram returns it
    options: list[str] = field(default_factory=list)  #: WhatsApp's buttons
    raw: dict[str, Any] = field(default_factory=dict)  #: the provider's own JSON
    edited: float | None = None
    deleted: bool = False
    service: bool = False  #: "X joined" and the like
    thread: int | None = None
    status: str | None = None  #: WhatsApp: queued, sent, delivered, read, failed …
    error: int | None = None

    @property
    def buttons(self) -> list[dict[str, Any]]:
        """The inline buttons, row after row."""
        rows = (self.keyboard or {}).get("inline_keyboard", [])
        return [button for row in rows for button in row]


@dataclass(slots=True, eq=False)
class Topic:
    """A thread of a forum."""

    id: int
    name: str
    closed: bool = False
    deleted: bool = False


@dataclass(slots=True, eq=False)
class Chat:
    """A private chat, a group, a channel, or a WhatsApp conversation."""

    id: int | str
    kind: str  #: private, group, supergroup, channel or whatsapp
    title: str
    username: str | None = None
    person: Person | None = None  #: the other side of a conversation of two
    messages: dict[int | str, Message] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    topics: dict[int, Topic] = field(default_factory=dict)
    ghosts: dict[str, Message] = field(default_factory=dict)  #: never arrived
    keyboard: dict[str, Any] | None = None  #: the reply keyboard on the screen
    known: bool = False  #: the bot has ever been in it
    deleted: bool = False
    muted: bool = False  #: ordinary members must not write
    predecessor: Chat | None = None
    successor: Chat | None = None
    last_by_bot: bool = False
    pinned: list[int] = field(default_factory=list)  #: the newest last

    @property
    def keys(self) -> tuple[str, ...]:
        """The ids this chat has and had, oldest first, across migrations."""
        first = self
        while first.predecessor is not None:
            first = first.predecessor
        ids = [str(first.id)]
        while first.successor is not None:
            first = first.successor
            ids.append(str(first.id))
        return tuple(ids)

    @property
    def current(self) -> Chat:
        """The chat this one has become."""
        chat = self
        while chat.successor is not None:
            chat = chat.successor
        return chat

    @property
    def bot(self) -> str:
        """What the bot is here, by its status."""
        return self.members[0].status if 0 in self.members else "left"


@dataclass(frozen=True, slots=True)
class Query:
    """A pressed button that waits for its answer."""

    since: float  #: seconds since the epoch
    person: Person
    chat: Chat
