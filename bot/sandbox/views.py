"""Chats and messages as the page of phones and the control API show them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .log import Record
    from .people import Chat, Message
    from .world import World

CHATS = 60  #: at most this many phones in one view
MESSAGES = 40  #: at most this many messages in each
NAMES = 6  #: at most this many members by name
WRITERS = 30  #: at most this many who may write in a group


def chat_view(chat: Chat, world: World) -> dict[str, Any]:
    """Return what the head of a phone says about *chat*."""
    channel = "whatsapp" if chat.kind == "whatsapp" else "telegram"
    inside = [key for key, member in chat.members.items() if member.inside]
    view: dict[str, Any] = {
        "id": str(chat.id),
        "title": chat.title,
        "kind": chat.kind,
        "channel": channel,
        "members": len(inside),
        "bot": world.bot_name,
        "members_names": _names(chat, world),
        "can_write": _writers(chat, world),
        "note": _note(chat, world),
        "keyboard": _reply_keyboard(chat),
        "keys": _keys(chat, world),
    }
    if chat.person is not None:
        view["person"] = chat.person.id
        view["started"] = chat.person.started
        view["blocked"] = chat.person.blocked
        view["language"] = chat.person.language
        view["phone"] = chat.person.phone if channel == "whatsapp" else None
    return view


def _note(chat: Chat, world: World) -> str:
    """Return what is out of the ordinary here, for people to read."""
    person = chat.person
    note = ""
    if chat.kind == "whatsapp":
        number = str(chat.id)
        note = "" if world.network.window_open(number) else "window closed"
    elif person is not None:
        if person.deactivated:
            note = "account deleted"
        elif person.blocked:
            note = "has blocked the bot"
        elif not person.started:
            note = "has not pressed Start"
    elif chat.successor is not None:
        note = "became a supergroup"
    elif chat.deleted:
        note = "deleted"
    else:
        status = chat.bot
        notes = {
            "left": "bot not here",
            "kicked": "bot removed",
            "restricted": "bot may not write",
            "administrator": "bot is administrator",
        }
        note = "members may not write" if chat.muted else notes.get(status, "")
    return note


def _names(chat: Chat, world: World) -> list[str]:
    people = [world.people[key] for key in chat.members if key in world.people]
    return [p.name for p in people if chat.members[p.id].inside][:NAMES]


def _writers(chat: Chat, world: World) -> list[int]:
    """Return who may type here now, by their ids."""
    person = chat.person
    if chat.kind == "whatsapp" and person is not None:
        return [person.id]
    if person is not None:
        gone = person.blocked or person.deactivated or not person.started
        return [] if gone else [person.id]
    if chat.deleted or chat.successor is not None:
        return []
    for_admins = chat.kind == "channel" or chat.muted
    return [
        key
        for key, member in chat.members.items()
        if key in world.people and member.inside and (member.admin or not for_admins)
    ][:WRITERS]


def _keys(chat: Chat, world: World) -> list[list[dict[str, Any]]]:
    """Return the reply keyboard with what its keys ask for.

    A key with a ``request`` is answered by sharing one of its ``chats``; any other by
    writing its text.
    """
    rows = (chat.keyboard or {}).get("keyboard", [])
    return [[_key(b, chat, world) for b in row] for row in rows]


def _key(button: Any, chat: Chat, world: World) -> dict[str, Any]:
    if isinstance(button, str):
        return {"text": button, "request": None}
    asked = button.get("request_chat")
    if asked is None or chat.person is None:
        return {"text": button["text"], "request": None}
    channel = asked.get("chat_is_channel", False)
    person = chat.person.id
    return {
        "text": button["text"],
        "request": asked["request_id"],
        "chats": [
            {"id": str(each.id), "title": each.title}
            for each in world.chats.values()
            if each.person is None
            and (each.kind == "channel") is channel
            and each.successor is None
            and not each.deleted
            and person in each.members
            and each.members[person].admin
        ],
    }


def _reply_keyboard(chat: Chat) -> list[list[str]]:
    rows = (chat.keyboard or {}).get("keyboard", [])
    return [[b if isinstance(b, str) else b["text"] for b in row] for row in rows]


def message_view(message: Message) -> dict[str, Any]:
    """Return what a bubble says."""
    rows = (message.keyboard or {}).get("inline_keyboard", [])
    return {
        "id": str(message.id),
        "chat": str(message.chat.id),
        "sender": message.sender,
        "outgoing": message.outgoing,
        "text": message.text,
        "entities": list(message.entities),
        "buttons": [
            [
                {
                    "text": b["text"],
                    "url": b.get("url"),
                    "data": b.get("callback_data"),
                }
                for b in row
            ]
            for row in rows
        ],
        "options": message.options,
        "photo": "photo" in message.raw,
        "time": message.date,
        "edited": message.edited,
        "deleted": message.deleted,
        "service": _service(message) if message.service else None,
        "thread": _thread(message),
        "reply": _reply(message),
        "status": message.status,
        "error": message.error,
    }


def answer_view(record: Record) -> dict[str, Any]:
    """Return what who pressed a button is shown for a moment, and nobody else."""
    return {"chat": record.chat, "person": record["person"], "text": record["text"]}


def _thread(message: Message) -> str | None:
    topic = message.chat.topics.get(message.thread or 0)
    return topic.name if topic is not None else None


def _reply(message: Message) -> str | None:
    replied = message.raw.get("reply_to_message")
    return str(replied.get("text", ""))[:120] if replied else None


def _service(message: Message) -> str:
    raw = message.raw
    if "new_chat_members" in raw:
        names = ", ".join(user["first_name"] for user in raw["new_chat_members"])
        return f"{message.sender} added {names}"
    if "left_chat_member" in raw:
        return f"{message.sender} removed {raw['left_chat_member']['first_name']}"
    if "migrate_to_chat_id" in raw:
        return "This group became a supergroup"
    if "migrate_from_chat_id" in raw:
        return "Continued from a basic group"
    if "chat_shared" in raw:
        return f"{message.sender} shared {raw['chat_shared'].get('title', 'a chat')}"
    return "Something changed"


def worth_showing(chat: Chat) -> bool:
    """Say whether a phone with *chat* would show anything."""
    groups = {"group", "supergroup", "channel"}
    if chat.messages or chat.ghosts or chat.kind in groups:
        return True
    person = chat.person  # who plays a part may begin, on the app they use
    if person is None or not person.role:
        return False
    return chat.kind == "whatsapp" or person.on_telegram


def state_view(world: World) -> dict[str, Any]:
    """Return every chat with its newest messages, the liveliest if they are many."""
    chats = [chat for chat in world.chats.values() if worth_showing(chat)]
    liveliest = {id(chat) for chat in sorted(chats, key=_latest)[-CHATS:]}
    return {
        "total": len(chats),
        "chats": [
            {**chat_view(chat, world), "messages": _newest(chat)}
            for chat in chats
            if id(chat) in liveliest
        ],
    }


def _latest(chat: Chat) -> float:
    last = next(reversed(chat.messages.values()), None)
    return last.date if last is not None else 0.0


def _newest(chat: Chat) -> list[dict[str, Any]]:
    messages = [m for m in chat.messages.values() if not m.deleted]
    messages = sorted([*messages[-MESSAGES:], *chat.ghosts.values()], key=_date)
    return [message_view(message) for message in messages[-MESSAGES:]]


def _date(message: Message) -> float:
    return message.date
