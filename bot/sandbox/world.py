"""The people's side of Telegram and WhatsApp: what somebody may do with a phone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .detect import detect
from .people import Chat, Member, Message, Person, Query
from .population import ALL_RIGHTS, BOT, Population
from .shapes import ANONYMOUS, PERMISSIONS, chat_json, member_json, user_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from .log import Log
    from .updates import Updates
    from .whatsapp import WhatsApp

TOKEN = re.compile(r"[A-Za-z0-9_-]{0,64}")


class World(Population):
    """What people do; each action returns once the update was queued.

    Actions about WhatsApp return once the application's webhook has answered.
    """

    updates: Updates
    network: WhatsApp
    privacy = True  #: in groups the bot sees only what is meant for it
    joins_groups = True  #: whether the bot may be added to groups

    def __init__(
        self,
        *,
        bot_id: int,
        bot_username: str,
        log: Log,
        clock: Callable[[], float],
        seed: int = 0,
    ) -> None:
        super().__init__(
            bot_id=bot_id, bot_username=bot_username, log=log, clock=clock, seed=seed
        )
        self.queries: dict[str, Query] = {}  #: presses not answered yet, by their ids

    # --- private chat ----------------------------------------------------

    async def open_start(self, person: Person, token: str = "") -> Message:
        """Open ``t.me/<bot>?start=TOKEN`` and press Start."""
        _check_token(token)
        if person.blocked:
            await self.unblock(person)
        self._act("open_start", person, person.id)
        person.started = True
        return await self.say(person, f"/start {token}".strip())

    async def say(
        self,
        person: Person,
        text: str,
        chat: Chat | Person | int | None = None,
        *,
        reply_to: Message | None = None,
        thread: int | None = None,
        anonymous: bool = False,
    ) -> Message:
        """Write *text* to the bot in private, or in *chat*.

        Args:
            person: Who writes.
            text: What.
            chat: A group or channel they are in.
            reply_to: The message it answers.
            thread: The forum topic it stands in.
            anonymous: As the group itself, which its administrators may.

        Raises:
            ValueError: Telegram's apps would not let them.
        """
        where = self.chat(person if chat is None else chat)
        self._may_write(person, where)
        extra: dict[str, Any] = {}
        if reply_to is not None:
            extra["reply_to_message"] = reply_to.raw
        if thread is not None:
            extra |= {"message_thread_id": thread, "is_topic_message": True}
        self._act("say", person, where.id, text=text)
        by_bot = where.last_by_bot
        message = self.post(
            where,
            sender=person,
            text=text,
            entities=_entities(text),
            anonymous=ANONYMOUS if anonymous else None,
            **extra,
        )
        if where.kind == "channel":
            if self.bot_in(where).inside:
                self.updates.put("channel_post", message.raw)
        elif self._bot_hears(where, text, reply_to, by_bot=by_bot):
            person.seen = person.seen or not anonymous
            self.updates.put("message", message.raw)
        return message

    async def press(
        self, person: Person, message: Message | int, label_or_data: str
    ) -> str | None:
        """Press a button below *message*, by its label or its data.

        Returns:
            The id of the callback query, or the address a link button opens.

        Raises:
            LookupError: There is no such button now.
        """
        if not isinstance(message, Message):
            message = self.chats[person.id].messages[message]
        if message.chat.kind == "whatsapp":
            await self.press_whatsapp(person, message, label_or_data)
            return None
        for button in message.buttons:
            if label_or_data in {button["text"], button.get("callback_data")}:
                break
        else:
            raise LookupError(f"no button {label_or_data!r} below this message")
        self._act("press", person, message.chat.id, button=button["text"])
        if "callback_data" not in button:
            return str(button.get("url", ""))
        number = str(self._random.randrange(10**17, 10**18))
        person.seen = True
        self.queries[number] = Query(self.clock(), person, message.chat)
        self.updates.put(
            "callback_query",
            {
                "id": number,
                "from": user_json(person),
                "message": message.raw,
                "chat_instance": f"{abs(int(message.chat.id)):018d}",
                "data": button["callback_data"],
            },
        )
        return number

    async def block(self, person: Person) -> None:
        """Block the bot."""
        await self._private_membership(person, blocked=True)

    async def unblock(self, person: Person) -> None:
        """Unblock the bot."""
        await self._private_membership(person, blocked=False)

    async def deactivate(self, person: Person) -> None:
        """Delete one's Telegram account; nobody is told."""
        self._act("deactivate", person, person.id)
        person.deactivated = True
        self._changed(self.chats[person.id])

    # --- groups and channels ---------------------------------------------

    async def open_startgroup(
        self, person: Person, group: Chat, token: str = ""
    ) -> Message:
        """Open ``t.me/<bot>?startgroup=TOKEN`` and choose *group*."""
        _check_token(token)
        group = group.current
        if not self.bot_in(group).inside:
            await self.add_bot(person, group)
        text = f"/start@{self.bot_username} {token}".strip()
        return await self.say(person, text, group)

    async def add_bot(self, person: Person, group: Chat) -> None:
        """Add the bot to a group, or (as administrator) to a channel."""
        group = group.current
        if group.kind == "channel":
            await self.promote_bot(person, group)
            return
        self._act("add_bot", person, group.id)
        self._become(group, person, Member("member"))
        self._service(group, person, new_chat_members=[self.bot_user()])

    async def remove_bot(self, person: Person, group: Chat) -> None:
        """Remove the bot from a group or channel."""
        group = group.current
        self._act("remove_bot", person, group.id)
        if group.kind != "channel":
            self._service(group, person, left_chat_member=self.bot_user())
        self._become(group, person, Member("kicked"))

    async def promote_bot(self, person: Person, group: Chat, **rights: bool) -> None:
        """Make the bot an administrator, with all rights or those given."""
        group = group.current
        self._act("promote_bot", person, group.id)
        granted = (
            dict(ALL_RIGHTS) if not rights else {"can_manage_chat": True, **rights}
        )
        self._become(group, person, Member("administrator", granted))

    async def demote_bot(self, person: Person, group: Chat) -> None:
        """Make the bot an ordinary member again; in a channel it is out."""
        group = group.current
        self._act("demote_bot", person, group.id)
        status = "left" if group.kind == "channel" else "member"
        self._become(group, person, Member(status))

    async def forbid_sending(
        self, group: Chat, *, by: Person | None = None, quietly: bool = False
    ) -> None:
        """Forbid the bot to write in *group*.

        Args:
            group: Where.
            by: The administrator who does it; the creator if omitted.
            quietly: Forbid it to all ordinary members, of which a bot is not told.
        """
        await self._allow(group, by, quietly=quietly, allowed=False)

    async def allow_sending(
        self, group: Chat, *, by: Person | None = None, quietly: bool = False
    ) -> None:
        """Take `forbid_sending` back."""
        await self._allow(group, by, quietly=quietly, allowed=True)

    async def migrate(self, group: Chat, *, by: Person | None = None) -> int:
        """Turn a group into a supergroup, and return its new id."""
        old = group.current
        if old.kind != "group":
            raise ValueError("only a basic group becomes a supergroup")
        admin = by or self._admin(old)
        self._act("migrate", admin, old.id)
        new = self.group(old.title, supergroup=True)
        new.members = {key: member.copy() for key, member in old.members.items()}
        new.known, new.muted = old.known, old.muted
        new.predecessor, old.successor = old, new
        self._service(old, admin, migrate_to_chat_id=new.id)
        self._service(new, admin, migrate_from_chat_id=old.id)
        self._changed(old)
        return int(new.id)

    async def delete_group(self, group: Chat) -> None:
        """Delete a group for everybody; nobody is told."""
        self._act("delete_group", None, group.current.id)
        group.current.deleted = True
        self._changed(group.current)

    def leave(self, chat: Chat) -> None:
        """Let the bot leave *chat* by its own will."""
        before = self.bot_in(chat)
        chat.members[BOT] = Member("left")
        user = self.bot_user()
        self.updates.put(
            "my_chat_member",
            {
                "chat": chat_json(chat),
                "from": user,
                "date": int(self.clock()),
                "old_chat_member": member_json(user, before, chat),
                "new_chat_member": member_json(user, Member("left"), chat),
            },
        )
        self._changed(chat)

    async def join(self, person: Person, group: Chat) -> None:
        """Become a member of a group."""
        group = group.current
        self._act("join", person, group.id)
        group.members[person.id] = Member("member")
        self._service(group, person, new_chat_members=[user_json(person)])

    async def share_chat(self, person: Person, chat: Chat, request_id: int) -> Message:
        """Share *chat* by the button with *request_id* on the reply keyboard.

        Raises:
            LookupError: There is no such button on the screen now.
            ValueError: The app would not offer this chat to this person.
        """
        chat = chat.current
        private = self.chats[person.id]
        request = self._request(private, request_id)
        if request.get("chat_is_channel", False) is not (chat.kind == "channel"):
            raise ValueError("the button asks for the other kind of chat")
        wanted = request.get("user_administrator_rights")
        mine = chat.members.get(person.id, Member())
        if wanted and not mine.admin:
            raise ValueError(f"{person.name} does not run {chat.title}")
        self._act("share_chat", person, private.id, shared=chat.id)
        rights = request.get("bot_administrator_rights")
        if rights and not self.bot_in(chat).admin:
            granted = {name: bool(value) for name, value in rights.items()}
            self._become(chat, person, Member("administrator", granted))
        elif request.get("bot_is_member") and not self.bot_in(chat).inside:
            await self.add_bot(person, chat)
        shared: dict[str, Any] = {"request_id": request_id, "chat_id": chat.id}
        if request.get("request_title"):
            shared["title"] = chat.title
        if request.get("request_username") and chat.username:
            shared["username"] = chat.username
        return self._service(private, person, chat_shared=shared)

    async def close_topic(
        self, group: Chat, topic: int, *, delete: bool = False
    ) -> None:
        """Close (or delete) a forum topic."""
        found = group.current.topics[topic]
        found.closed, found.deleted = True, delete
        self._act("close_topic", None, group.current.id, topic=topic)

    # --- WhatsApp --------------------------------------------------------

    async def whatsapp(self, person: Person, text: str) -> Message:
        """Write *text* on WhatsApp, as after a ``wa.me/…?text=`` link."""
        self._act("whatsapp", person, person.whatsapp, text=text)
        return await self.network.inbound(person, text)

    async def press_whatsapp(
        self, person: Person, message: Message, label: str
    ) -> Message:
        """Press a template's quick-reply button."""
        if label not in message.options:
            raise LookupError(f"no button {label!r} below this message")
        self._act("press", person, person.whatsapp, button=label)
        return await self.network.inbound(person, label, button_of=message)

    async def read(self, person: Person) -> None:
        """Look at the WhatsApp conversation; senders learn of it if allowed."""
        self._act("read", person, person.whatsapp)
        await self.network.read(person)

    def close_window(self, person: Person) -> None:
        """End the 24 hours at once, though the application believes them open."""
        self._act("close_window", person, person.whatsapp)
        self.network.close_window(person)
        self._changed(self.phone(person))

    async def opt_out(self, person: Person) -> Message:
        """Write STOP, which the provider obeys by itself."""
        person.opted_out = True
        return await self.whatsapp(person, "STOP")

    async def opt_in(self, person: Person) -> Message:
        """Write START, which ends `opt_out`."""
        person.opted_out = False
        return await self.whatsapp(person, "START")

    async def refuse_with(self, person: Person, code: int | None) -> None:
        """Let WhatsApp messages to *person* end in *code*, e.g. 63024; or no more."""
        self._act("refuse_with", person, person.whatsapp, code=code)
        person.refusal = code

    async def set_habits(
        self,
        person: Person,
        *,
        receipts: bool | None = None,
        auto_read: bool | None = None,
    ) -> None:
        """Say whether *person* lets read receipts out, and reads at once."""
        if receipts is not None:
            person.receipts = receipts
        if auto_read is not None:
            person.auto_read = auto_read

    # --- inside ----------------------------------------------------------

    def _act(self, action: str, person: Person | None, chat: Any, **more: Any) -> None:
        name = person.name if person is not None else None
        self.log.add("action", chat, action=action, person=name, **more)

    def _may_write(self, person: Person, where: Chat) -> None:
        if where.person is not None:
            if where.person is not person:
                raise ValueError("a private chat belongs to one person")
            if not person.started:
                raise ValueError(f"{person.name} has not pressed Start")
            if person.blocked:
                raise ValueError(f"{person.name} has blocked the bot")
            return
        member = where.members.get(person.id, Member())
        if not member.inside or (where.kind == "channel" and not member.admin):
            raise ValueError(f"{person.name} may not write in {where.title}")

    def bot_in(self, chat: Chat) -> Member:
        """Return what the bot is in *chat*."""
        return chat.members.setdefault(BOT, Member())

    def _bot_hears(
        self, chat: Chat, text: str, reply_to: Message | None, *, by_bot: bool
    ) -> bool:
        """Privacy mode: commands for it, replies to it, everything as admin."""
        bot = self.bot_in(chat)
        if chat.kind == "private" or not bot.inside:
            return chat.kind == "private"
        to_us = reply_to is not None and reply_to.outgoing
        if bot.admin or not self.privacy or to_us:
            return True
        command = re.match(r"/[A-Za-z0-9_]+(@\w+)?", text)
        if command is not None and command[1]:
            return command[1][1:].lower() == self.bot_username.lower()
        return command is not None and by_bot

    def _service(self, chat: Chat, sender: Person, **fields: Any) -> Message:
        if "new_chat_members" in fields:
            first = fields["new_chat_members"][0]
            fields |= {"new_chat_member": first, "new_chat_participant": first}
        message = self.post(chat, sender=sender, **fields)
        message.service = True
        if chat.kind == "private" or self.bot_in(chat).inside:
            self.updates.put("message", message.raw)
        return message

    def _become(self, chat: Chat, by: Person, member: Member) -> None:
        """Change what the bot is in *chat*, and tell it."""
        before = self.bot_in(chat)
        chat.members[BOT] = member
        chat.known = True
        by.seen = True
        user = self.bot_user()
        self.updates.put(
            "my_chat_member",
            {
                "chat": chat_json(chat),
                "from": user_json(by),
                "date": int(self.clock()),
                "old_chat_member": member_json(user, before, chat),
                "new_chat_member": member_json(user, member, chat),
            },
        )
        self._changed(chat)

    async def _private_membership(self, person: Person, *, blocked: bool) -> None:
        if person.blocked is blocked:
            return
        self._act("block" if blocked else "unblock", person, person.id)
        person.blocked = blocked
        person.seen = True
        statuses = ("member", "kicked") if blocked else ("kicked", "member")
        chat = self.chats[person.id]
        old, new = (member_json(self.bot_user(), Member(s), chat) for s in statuses)
        self.updates.put(
            "my_chat_member",
            {
                "chat": chat_json(chat),
                "from": user_json(person),
                "date": int(self.clock()),
                "old_chat_member": old,
                "new_chat_member": new,
            },
        )
        self._changed(chat)

    async def _allow(
        self, group: Chat, by: Person | None, *, quietly: bool, allowed: bool
    ) -> None:
        group = group.current
        admin = by or self._admin(group)
        action = "allow_sending" if allowed else "forbid_sending"
        self._act(action, admin, group.id, quietly=quietly)
        if quietly:
            group.muted = not allowed
            self._changed(group)
            return
        if allowed:
            self._become(group, admin, Member("member"))
            return
        rights = dict.fromkeys(PERMISSIONS, False) | {"is_member": True}
        self._become(group, admin, Member("restricted", rights))

    def _admin(self, chat: Chat) -> Person:
        for key, member in chat.members.items():
            if member.admin and key in self.people:
                return self.people[key]
        raise ValueError(f"nobody runs {chat.title}: pass by=")

    def _request(self, private: Chat, request_id: int) -> dict[str, Any]:
        for row in (private.keyboard or {}).get("keyboard", []):
            for button in row:
                request = (
                    button.get("request_chat") if isinstance(button, dict) else None
                )
                if request and request["request_id"] == request_id:
                    return dict(request)
        raise LookupError(f"no button with request_id {request_id} on the screen")


def _check_token(token: str) -> None:
    if not TOKEN.fullmatch(token):
        raise ValueError("a start payload is at most 64 of A-Z a-z 0-9 _ -")


def _entities(text: str) -> tuple[dict[str, Any], ...]:
    """Return what Telegram finds in what a person typed."""
    units = [0]
    for letter in text:
        units.append(units[-1] + (2 if letter > "\uffff" else 1))
    return tuple(
        {"type": kind, "offset": units[start], "length": units[end] - units[start]}
        for kind, start, end in sorted(detect(text), key=lambda found: found[1])
    )
