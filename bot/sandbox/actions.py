"""What people do, by name, for whoever drives the sandbox from outside."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

from .people import Message

if TYPE_CHECKING:
    from .world import World

#: Their arguments name people by id or phone number, chats and messages by id.
ACTIONS = (
    "open_start",
    "open_startgroup",
    "say",
    "press",
    "block",
    "unblock",
    "deactivate",
    "add_bot",
    "remove_bot",
    "promote_bot",
    "demote_bot",
    "forbid_sending",
    "allow_sending",
    "migrate",
    "delete_group",
    "join",
    "share_chat",
    "close_topic",
    "whatsapp",
    "read",
    "close_window",
    "opt_out",
    "opt_in",
    "refuse_with",
    "set_habits",
)
PEOPLE = frozenset({"person", "by"})
CHATS = frozenset({"chat", "group"})
MESSAGES = frozenset({"message", "reply_to"})


async def perform(world: World, name: str, given: dict[str, Any]) -> dict[str, Any]:
    """Let somebody do *name*, and say what came of it.

    Raises:
        LookupError: A person, chat or message does not exist.
        ValueError: An argument is unknown.
        TypeError: An argument is missing.
    """
    action = getattr(world, name)
    known = inspect.signature(action).parameters
    anything = any(p.kind is p.VAR_KEYWORD for p in known.values())
    arguments: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known and not anything:
            raise ValueError(f"{name} takes no {key}")
        arguments[key] = _meant(world, key, value, given)
    result = action(**arguments)
    if inspect.isawaitable(result):
        result = await result
    if isinstance(result, Message):
        return {"message": result.id, "chat": result.chat.id}
    return {"result": result}


def _meant(world: World, key: str, value: Any, given: dict[str, Any]) -> Any:
    """Return the person, chat or message that an argument names."""
    found = value
    if value is not None and key in PEOPLE:
        found = world.people.get(value) or world.by_phone[f"whatsapp:{value}"]
    elif value is not None and key in CHATS:
        found = world.chats[value]
    elif isinstance(value, str) and key in MESSAGES:  # Twilio's sid
        person = _meant(world, "person", given["person"], given)
        found = world.phone(person).messages[value]
    elif value is not None and key in MESSAGES:
        where = given.get("chat") or given.get("group") or given["person"]
        found = world.chats[where].messages[value]
    return found
