"""Who exists: people, groups, channels, and what stands in their chats."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from .people import Chat, Member, Message, Person, Topic
from .shapes import ADMIN_RIGHTS, CHANNEL_RIGHTS, GROUP_RIGHTS, chat_json, user_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .log import Log

BOT = 0  #: the bot's key among a chat's members
ALL_RIGHTS = dict.fromkeys((*ADMIN_RIGHTS, *CHANNEL_RIGHTS, *GROUP_RIGHTS), True)


class Population:
    """People and chats, and the messages in them."""

    def __init__(
        self,
        *,
        bot_id: int,
        bot_username: str,
        log: Log,
        clock: Callable[[], float],
        seed: int = 0,
    ) -> None:
        self.bot_id = bot_id
        self.bot_username = bot_username
        self.bot_name = bot_username.replace("_", " ").title()
        self.log = log
        self.clock = clock
        self.people: dict[int, Person] = {}
        self.chats: dict[int | str, Chat] = {}
        self.by_phone: dict[str, Person] = {}
        self.by_username: dict[str, Chat] = {}
        self.auto_read = False
        self._random = random.Random(f"world {seed}")  # noqa: S311 - repeatable
        self._next_message = 100  # private chats and basic groups count together
        self._next_in: dict[int | str, int] = {}

    # --- creation --------------------------------------------------------

    def person(
        self,
        name: str,
        *,
        phone: str | None = None,
        language: str | None = None,
        username: str | None = None,
        id: int | None = None,  # noqa: A002 - Telegram's word
        started: bool = False,
        role: str = "",
    ) -> Person:
        """Let somebody exist.

        Args:
            name: As people see it.
            phone: ``+`` and digits; gives them WhatsApp as well.
            language: Two letters, as their Telegram app reports it.
            username: Without ``@``.
            id: Telegram's number; drawn by the seed if omitted.
            started: They have pressed Start before this story begins.
            role: What they play, for the page: reader, editor or keeper.
        """
        number = id if id is not None else self._fresh(10**8, 10**9)
        person = Person(number, name, username, language, phone, role=role)
        person.auto_read = self.auto_read
        person.started = person.seen = started
        self.people[number] = person
        self.chats[number] = chat = Chat(number, "private", name, person=person)
        if username:
            self.by_username[username.lower()] = chat
        if phone:
            self.by_phone[person.whatsapp] = person
            self.chats[person.whatsapp] = Chat(
                person.whatsapp, "whatsapp", name, person=person
            )
        self._changed(chat)
        if phone:
            self._changed(self.chats[person.whatsapp])
        return person

    def group(
        self,
        title: str,
        members: Iterable[Person] = (),
        admins: Iterable[Person] = (),
        *,
        supergroup: bool = False,
        topics: Iterable[str] = (),
        with_bot: bool = False,
        id: int | None = None,  # noqa: A002 - Telegram's word
    ) -> Chat:
        """Let a group exist; its first admin is its creator.

        Args:
            title: As people see it.
            members: Ordinary members.
            admins: Those who run it.
            supergroup: Begin as a supergroup (topics imply it).
            topics: Names of threads, numbered from 2.
            with_bot: The bot has been added before this story begins.
            id: Telegram's number, negative; drawn by the seed if omitted.
        """
        names = list(topics)
        kind = "supergroup" if supergroup or names else "group"
        chat = Chat(id if id is not None else self._chat_id(kind), kind, title)
        for number, name in enumerate(names, start=2):
            chat.topics[number] = Topic(number, name)
        self._staff(chat, admins)
        for person in members:
            chat.members.setdefault(person.id, Member("member"))
        if with_bot:
            chat.members[BOT] = Member("member")
            chat.known = True
        self.chats[chat.id] = chat
        self._changed(chat)
        return chat

    def channel(
        self,
        title: str,
        admins: Iterable[Person] = (),
        *,
        username: str | None = None,
        with_bot: bool = False,
        id: int | None = None,  # noqa: A002 - Telegram's word
    ) -> Chat:
        """Let a channel exist; its first admin is its creator."""
        number = id if id is not None else self._chat_id("channel")
        chat = Chat(number, "channel", title, username)
        self._staff(chat, admins)
        if with_bot:
            chat.members[BOT] = Member("administrator", dict(ALL_RIGHTS))
            chat.known = True
        self.chats[number] = chat
        if username:
            self.by_username[username.lower()] = chat
        self._changed(chat)
        return chat

    def _staff(self, chat: Chat, admins: Iterable[Person]) -> None:
        for place, person in enumerate(admins):
            status = "administrator" if place else "creator"
            chat.members[person.id] = Member(status, dict(ALL_RIGHTS))

    def _fresh(self, low: int, high: int) -> int:
        while (number := self._random.randrange(low, high)) in self.people:
            pass
        return number

    def _chat_id(self, kind: str) -> int:
        while True:
            number = -self._random.randrange(10**9, 4 * 10**9)
            if kind != "group":
                number -= 10**12
            if number not in self.chats:
                return number

    # --- looking ---------------------------------------------------------

    def chat(self, where: Chat | Person | int | str) -> Chat:
        """Return the chat that *where* means, as it is now.

        Raises:
            LookupError: There is none.
        """
        if isinstance(where, Person):
            return self.chats[where.id]
        if isinstance(where, Chat):
            return where.current
        if where in self.chats:
            return self.chats[where].current
        raise LookupError(f"no chat {where}")

    def phone(self, person: Person) -> Chat:
        """Return the WhatsApp conversation with *person*."""
        return self.chats[person.whatsapp]

    def messages(
        self, where: Chat | Person | int | str, *, whatsapp: bool = False
    ) -> list[Message]:
        """Return what members of a chat see now, oldest first.

        Args:
            where: A chat, or a person for their private chat with the bot. A
                migrated group shows what was said before, too.
            whatsapp: For a person: their WhatsApp conversation instead.
        """
        if isinstance(where, Person) and whatsapp:
            chat = self.phone(where)
        else:
            chat = self.chat(where)
        seen: list[Message] = []
        for key in chat.keys:
            held = self.chats[key if chat.kind == "whatsapp" else int(key)]
            seen += [m for m in held.messages.values() if not m.deleted]
        return seen

    def last(
        self, where: Chat | Person | int | str, *, whatsapp: bool = False
    ) -> Message:
        """Return the newest message of a chat that the application sent."""
        for message in reversed(self.messages(where, whatsapp=whatsapp)):
            if message.outgoing:
                return message
        raise LookupError("the application has sent nothing there")

    # --- writing ---------------------------------------------------------

    def bot_user(self) -> dict[str, Any]:
        """Return the User that the bot is."""
        return {
            "id": self.bot_id,
            "is_bot": True,
            "first_name": self.bot_name,
            "username": self.bot_username,
        }

    def next_id(self, chat: Chat) -> int:
        """Return the next message's number in *chat*."""
        if chat.kind in {"supergroup", "channel"}:
            number = self._next_in.get(chat.id, 1)
            self._next_in[chat.id] = number + 1
            return number
        self._next_message += 1
        return self._next_message

    def post(
        self,
        chat: Chat,
        *,
        sender: Person | None,
        text: str = "",
        entities: tuple[dict[str, Any], ...] = (),
        anonymous: dict[str, Any] | None = None,
        **raw: Any,
    ) -> Message:
        """Put a person's message (or the bot's, without *sender*) into *chat*.

        Args:
            chat: Where.
            sender: Who; ``None`` for the bot.
            text: What people read.
            entities: How they see it.
            anonymous: The User to show instead of the sender.
            raw: Further fields of the Message.
        """
        now = self.clock()
        number = self.next_id(chat)
        author = user_json(sender) if sender is not None else self.bot_user()
        json: dict[str, Any] = {"message_id": number}
        if chat.kind == "channel":
            json["sender_chat"] = chat_json(chat)
        else:
            json["from"] = anonymous or author
            if anonymous:
                json["sender_chat"] = chat_json(chat)
        json |= {"chat": chat_json(chat), "date": int(now)}
        if text:
            json["text"] = text
        if entities:
            json["entities"] = list(entities)
        json |= raw
        message = Message(
            number,
            chat,
            now,
            chat.title if anonymous or chat.kind == "channel" else author["first_name"],
            sender is None,
            text,
            tuple(entities),
            keyboard=raw.get("reply_markup"),
            raw=json,
            thread=raw.get("message_thread_id"),
        )
        chat.messages[number] = message
        chat.last_by_bot = sender is None
        self.log.add(
            "visible",
            chat.id,
            message_id=number,
            text=text,
            outgoing=message.outgoing,
            sender=message.sender,
        )
        return message

    def _changed(self, chat: Chat) -> None:
        """Tell whoever watches that a chat is new or different."""
        self.log.add("state", chat.id, title=chat.title, chat_kind=chat.kind)
