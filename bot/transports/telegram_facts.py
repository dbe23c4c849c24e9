"""What Telegram says of our bot, its webhook, and its rights in chats."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bot.checks.findings import Reach
from bot.checks.telegram import BotFacts, ChatFacts, Right, WebhookFacts

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import timedelta

    from bot.domain.recipients import Recipient
    from bot.transports.asking import Answer, Asker

#: Chats looked at, calls under way at once, and seconds between two that begin.
MOST_CHATS = 200
AT_ONCE = 8
APART = 0.05

_RIGHTS = {
    "creator": Right.MAY_SEND,
    "administrator": Right.MAY_SEND,
    "restricted": Right.OUTSIDE,
    "left": Right.OUTSIDE,
    "kicked": Right.OUTSIDE,
}


class TelegramFacts:
    """Asks Telegram about one bot.

    Args:
        api: The Bot API server.
        token: The bot's; it is in every address, and in nothing that is returned.
    """

    def __init__(self, asker: Asker, *, api: str, token: str) -> None:
        self._asker = asker
        self._base = f"{api.rstrip('/')}/bot{token}"
        self._id = token.partition(":")[0]

    async def bot(self) -> tuple[BotFacts, timedelta | None]:
        """Ask for the bot and its webhook; with how far our clock is behind."""
        me, info = await asyncio.gather(
            self._call("getMe"), self._call("getWebhookInfo")
        )
        reach = me.reach
        if me.status == HTTPStatus.NOT_FOUND:
            reach = Reach.REFUSED  # a token of no known shape
        result = _result(me)
        if reach is not Reach.ANSWERED or "username" not in result:
            if reach is Reach.ANSWERED:
                reach = Reach.ODD
            return BotFacts(reach=reach, why=me.why), me.behind
        return (
            BotFacts(
                reach=reach,
                username=str(result["username"]),
                can_join_groups=result.get("can_join_groups") is not False,
                reads_everything=result.get("can_read_all_group_messages") is True,
                webhook=_webhook(info),
            ),
            me.behind,
        )

    async def chats(self, chats: Sequence[Recipient]) -> list[ChatFacts]:
        """Ask what the bot may do in each of *chats*."""
        places = asyncio.Semaphore(AT_ONCE)

        async def ask(place: int, chat: Recipient) -> ChatFacts:
            await asyncio.sleep(place * APART)
            async with places:
                return ChatFacts(
                    chat=chat.address.value,
                    title=chat.title,
                    right=await self._right(chat.address.value),
                    suspended=chat.standing.value == "suspended",
                )

        return list(
            await asyncio.gather(
                *(ask(place, each) for place, each in enumerate(chats))
            )
        )

    async def _right(self, chat: str) -> Right:
        answer = await self._call("getChatMember", chat_id=chat, user_id=self._id)
        if answer.status in {HTTPStatus.BAD_REQUEST, HTTPStatus.FORBIDDEN}:
            moved = "migrate_to_chat_id" in (answer.body.get("parameters") or {})
            # One that has moved is followed by the next message.
            return Right.UNKNOWN if moved else Right.OUTSIDE
        member = _result(answer)
        status = member.get("status")
        if status == "member":
            return await self._ordinary(chat)
        if status == "restricted" and member.get("is_member") is not False:
            allowed = member.get("can_send_messages") is True
            return Right.MAY_SEND if allowed else Right.MUTED
        # Only in a channel do administrators have that right, or lack it.
        if status == "administrator" and member.get("can_post_messages") is False:
            return Right.NOT_POSTING
        return _RIGHTS.get(str(status), Right.UNKNOWN)

    async def _ordinary(self, chat: str) -> Right:
        """What an ordinary member may do."""
        found = _result(await self._call("getChat", chat_id=chat))
        if found.get("type") == "channel":
            return Right.NOT_POSTING
        permissions = found.get("permissions")
        if not isinstance(permissions, dict):
            return Right.MAY_SEND if found else Right.UNKNOWN
        muted = permissions.get("can_send_messages") is False
        return Right.MUTED if muted else Right.MAY_SEND

    async def _call(self, method: str, **query: str) -> Answer:
        return await self._asker.get(f"{self._base}/{method}", query=query)


def _result(answer: Answer) -> dict[str, Any]:
    result = answer.body.get("result")
    return result if answer.reach is Reach.ANSWERED and isinstance(result, dict) else {}


def _webhook(answer: Answer) -> WebhookFacts | None:
    info = _result(answer)
    if not isinstance(info.get("url"), str):
        return None
    at, allowed = info.get("last_error_date"), info.get("allowed_updates")
    pending = info.get("pending_update_count")
    return WebhookFacts(
        url=info["url"],
        pending=pending if type(pending) is int else 0,
        error=str(info.get("last_error_message", "")),
        error_at=datetime.fromtimestamp(at, UTC) if type(at) is int else None,
        allowed=tuple(map(str, allowed)) if isinstance(allowed, list) else None,
    )
