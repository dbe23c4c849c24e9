"""What each Bot API method does to the world."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from .messages import Messages
from .parameters import Refusal, bad
from .people import Member
from .rights import visible_chat, writable_chat
from .shapes import ANONYMOUS, full_chat_json, member_json, user_json
from .updates import Conflict

if TYPE_CHECKING:
    from collections.abc import Callable

    from .limits import TelegramRates
    from .log import Log
    from .world import World

SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
COMMAND = re.compile(r"[a-z0-9_]{1,32}")
QUERY_LIFETIME = 900.0  #: seconds


class Methods:
    """The methods, each taking typed parameters and returning JSON."""

    def __init__(
        self, world: World, log: Log, rates: TelegramRates, *, paid_broadcast: bool
    ) -> None:
        self._world = world
        self._log = log
        self.messages = Messages(world, log, rates, paid_broadcast=paid_broadcast)
        self.commands: dict[str, list[dict[str, Any]]] = {}
        self._table: dict[str, Callable[[dict[str, Any]], Any]] = {
            "getMe": self._get_me,
            "setWebhook": self._set_webhook,
            "deleteWebhook": self._delete_webhook,
            "getWebhookInfo": self._webhook_info,
            "sendMessage": self.messages.send_message,
            "sendPhoto": self.messages.send_photo,
            "editMessageText": self.messages.edit_text,
            "editMessageReplyMarkup": self.messages.edit_markup,
            "deleteMessage": self.messages.delete,
            "deleteMessages": self.messages.delete_many,
            "pinChatMessage": self.messages.pin,
            "unpinChatMessage": self.messages.unpin,
            "answerCallbackQuery": self._answer_query,
            "sendChatAction": self._chat_action,
            "getChat": self._get_chat,
            "getChatMember": self._get_member,
            "getChatAdministrators": self._get_admins,
            "getChatMemberCount": self._count,
            "leaveChat": self._leave,
            "setMyCommands": self._set_commands,
            "getMyCommands": self._get_commands,
            "deleteMyCommands": self._delete_commands,
        }

    async def call(self, method: str, given: dict[str, Any]) -> Any:
        """Carry *method* out.

        Raises:
            Refusal: Telegram would refuse.
        """
        if method == "getUpdates":
            return await self._get_updates(given)
        return self._table[method](given)

    # --- updates ---------------------------------------------------------

    async def _get_updates(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        updates = self._world.updates
        updates.allow(given.get("allowed_updates"))
        limit = min(max(given.get("limit", 100), 1), 100)
        timeout = min(max(given.get("timeout", 0), 0), 50)
        try:
            return await updates.poll(given.get("offset", 0), limit, timeout)
        except Conflict as conflict:
            raise Refusal(409, f"Conflict: {conflict}") from None

    def _set_webhook(self, given: dict[str, Any]) -> bool:
        updates = self._world.updates
        secret = given.get("secret_token")
        if secret is not None and not SECRET.fullmatch(secret):
            raise bad("secret token contains unallowed characters")
        connections = given.get("max_connections", 40)
        if not 1 <= connections <= 100:
            raise bad("max_connections must be between 1 and 100")
        url = given["url"]
        if url and not re.match(r"https?://", url):
            raise bad("bad webhook: An HTTPS URL must be provided for webhook")
        updates.allow(given.get("allowed_updates"))
        if given.get("drop_pending_updates"):
            updates.drop()
        updates.set_webhook(url, secret, connections)
        return True

    def _delete_webhook(self, given: dict[str, Any]) -> bool:
        if given.get("drop_pending_updates"):
            self._world.updates.drop()
        self._world.updates.set_webhook("", None, 40)
        return True

    def _webhook_info(self, _given: dict[str, Any]) -> dict[str, Any]:
        updates = self._world.updates
        info: dict[str, Any] = {
            "url": updates.url,
            "has_custom_certificate": False,
            "pending_update_count": updates.pending,
        }
        if updates.url:
            info |= {"max_connections": updates.connections, "ip_address": "127.0.0.1"}
        if updates.last_error is not None:
            when, what = updates.last_error
            info |= {"last_error_date": when, "last_error_message": what}
        if updates.allowed_listed:
            info["allowed_updates"] = updates.allowed_listed
        return info

    # --- the rest ----------------------------------------------------------

    def _answer_query(self, given: dict[str, Any]) -> bool:
        world = self._world
        pressed = world.queries.pop(given["callback_query_id"], None)
        if pressed is None or world.clock() - pressed.since > QUERY_LIFETIME:
            raise bad(
                "query is too old and response timeout expired or query ID is invalid"
            )
        text = given.get("text", "")
        if len(text) > 200:
            raise bad("MESSAGE_TOO_LONG")
        self._log.add(
            "answered",
            pressed.chat.current.id,
            query=given["callback_query_id"],
            person=pressed.person.id,
            text=text,
        )
        return True

    def _chat_action(self, given: dict[str, Any]) -> bool:
        writable_chat(self._world, given["chat_id"], "text messages")
        return True

    def _get_me(self, _given: dict[str, Any]) -> dict[str, Any]:
        return {
            **self._world.bot_user(),
            "can_join_groups": self._world.joins_groups,
            "can_read_all_group_messages": not self._world.privacy,
            "supports_inline_queries": False,
            "can_connect_to_business": False,
            "has_main_web_app": False,
            "has_topics_enabled": False,
            "allows_users_to_create_topics": False,
            "can_manage_bots": False,
        }

    def _get_chat(self, given: dict[str, Any]) -> dict[str, Any]:
        return full_chat_json(visible_chat(self._world, given["chat_id"]))

    def _get_member(self, given: dict[str, Any]) -> dict[str, Any]:
        world = self._world
        chat = visible_chat(world, given["chat_id"])
        user = given["user_id"]
        if user == world.bot_id:
            return member_json(world.bot_user(), world.bot_in(chat), chat)
        if user == ANONYMOUS["id"]:  # stands for any administrator, proves nothing
            return member_json(ANONYMOUS, Member("left"), chat)
        person = world.people.get(user)
        if person is None:
            raise bad("PARTICIPANT_ID_INVALID")
        member = chat.members.get(user)
        if member is None and chat.kind == "group":
            raise bad("user not found")
        if member is None:
            member = Member("member" if chat.person is person else "left")
        return member_json(user_json(person), member, chat)

    def _get_admins(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        chat = visible_chat(self._world, given["chat_id"])
        if chat.kind == "private":
            raise bad("there are no administrators in the private chat")
        people = self._world.people
        return [
            member_json(user_json(people[key]), member, chat)
            for key, member in chat.members.items()
            if member.admin and key in people
        ]

    def _count(self, given: dict[str, Any]) -> int:
        chat = visible_chat(self._world, given["chat_id"])
        return (
            2
            if chat.kind == "private"
            else sum(member.inside for member in chat.members.values())
        )

    def _leave(self, given: dict[str, Any]) -> bool:
        chat = visible_chat(self._world, given["chat_id"])
        if chat.kind == "private":
            raise bad("chat is a private chat")
        self._world.leave(chat)
        return True

    def _set_commands(self, given: dict[str, Any]) -> bool:
        commands = given["commands"]
        if len(commands) > 100:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not COMMAND.fullmatch(str(command.get("command", "")).lstrip("/")):
                raise bad("BOT_COMMAND_INVALID")
            if not 1 <= len(str(command.get("description", ""))) <= 256:
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        self.commands[_scope(given)] = commands
        return True

    def _get_commands(self, given: dict[str, Any]) -> list[dict[str, Any]]:
        return self.commands.get(_scope(given), [])

    def _delete_commands(self, given: dict[str, Any]) -> bool:
        self.commands.pop(_scope(given), None)
        return True


def _scope(given: dict[str, Any]) -> str:
    scope = given.get("scope", {"type": "default"})
    where = ":".join(str(scope[key]) for key in sorted(scope))
    return f"{where}/{given.get('language_code', '')}"
