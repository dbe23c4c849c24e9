"""Where the bot may write, edit and delete, and how Telegram says no."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .parameters import Refusal, bad
from .people import Member
from .population import BOT

if TYPE_CHECKING:
    from .people import Chat, Message
    from .world import World

DELETE_WINDOW = 48 * 3600.0  #: seconds
_KINDS = {"group": "group", "supergroup": "supergroup", "channel": "channel"}


def visible_chat(world: World, where: int | str) -> Chat:
    """Return a chat the bot may at least look at.

    Raises:
        Refusal: It does not exist for the bot, or is closed to it.
    """
    chat = _found(world, where)
    if chat is None:
        raise bad("chat not found")
    if chat.person is not None:
        return chat
    if chat.successor is not None:
        raise bad(
            "group chat was upgraded to a supergroup chat",
            migrate_to_chat_id=chat.successor.id,
        )
    kind = _KINDS[chat.kind]
    if chat.deleted:
        raise Refusal(403, f"Forbidden: the {kind} chat was deleted")
    bot = chat.members.get(BOT, Member())
    if bot.status == "kicked":
        raise Refusal(403, f"Forbidden: bot was kicked from the {kind} chat")
    if not bot.inside and (chat.kind == "group" or chat.username is None):
        raise Refusal(403, f"Forbidden: bot is not a member of the {kind} chat")
    return chat


def _found(world: World, where: int | str) -> Chat | None:
    """Return the chat if the bot can know of it."""
    if isinstance(where, str):
        chat = world.by_username.get(where.removeprefix("@").lower())
        return chat if chat is not None and chat.kind != "private" else None
    chat = world.chats.get(where)
    if chat is None or chat.kind == "whatsapp":
        return None
    if chat.person is not None:
        return chat if chat.person.seen or chat.person.started else None
    return chat if chat.known or chat.username is not None else None


def writable_chat(world: World, where: int | str, what: str) -> Chat:
    """Return a chat the bot may write *what* in, ``text messages`` for instance.

    Raises:
        Refusal: It may not.
    """
    chat = visible_chat(world, where)
    if chat.person is not None:
        person = chat.person
        if person.deactivated:
            raise Refusal(403, "Forbidden: user is deactivated")
        if person.blocked:
            raise Refusal(403, "Forbidden: bot was blocked by the user")
        if not person.started:
            raise Refusal(403, "Forbidden: bot can't initiate conversation with a user")
        return chat
    bot = chat.members.get(BOT, Member())
    if chat.kind == "channel":
        if not bot.admin or not bot.rights.get("can_post_messages"):
            raise bad("need administrator rights in the channel chat")
        return chat
    if not bot.inside:
        raise Refusal(403, f"Forbidden: bot is not a member of the {chat.kind} chat")
    if bot.admin:
        return chat
    name = "can_send_photos" if what == "photos" else "can_send_messages"
    forbidden = bot.status == "restricted" and not bot.rights.get(name)
    if forbidden or chat.muted:
        raise bad(f"not enough rights to send {what} to the chat")
    return chat


def edit_target(world: World, given: dict[str, Any]) -> Message:
    """Return the message to edit.

    Raises:
        Refusal: It is not there, or not ours to edit.
    """
    chat = writable_chat(world, given["chat_id"], "text messages")
    message = chat.messages.get(given["message_id"])
    if message is None or message.deleted:
        raise bad("message to edit not found")
    reply_keyboard = bool(message.keyboard) and "inline_keyboard" not in (
        message.keyboard or {}
    )
    if not message.outgoing or message.service or reply_keyboard:
        raise bad("message can't be edited")
    return message


def may_pin(chat: Chat) -> None:
    """Refuse to pin where the bot may not; in a private chat anybody may.

    Raises:
        Refusal: It may not.
    """
    if chat.kind == "private":
        return
    bot = chat.members.get(BOT, Member())
    name = "can_edit_messages" if chat.kind == "channel" else "can_pin_messages"
    if not (bot.admin and bot.rights.get(name)):
        raise bad("not enough rights to manage pinned messages in the chat")


def may_delete(world: World, message: Message) -> None:
    """Refuse to delete what is too old or somebody else's.

    Raises:
        Refusal: It must stay.
    """
    if world.clock() - message.date >= DELETE_WINDOW:
        raise bad("message can't be deleted for everyone")
    bot = message.chat.members.get(BOT, Member())
    if message.outgoing or message.chat.kind == "private":
        return
    if not (bot.admin and bot.rights.get("can_delete_messages")):
        raise bad("message can't be deleted")
