"""Telegram through one bot account."""

from __future__ import annotations

from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import orjson
from telegram import (
    ChatAdministratorRights,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    KeyboardButtonRequestChat,
    LinkPreviewOptions,
    ReplyKeyboardMarkup,
)
from telegram.constants import ChatMemberStatus
from telegram.error import BadRequest, Forbidden, TelegramError
from telegram.request import RequestData
from telegram.request._requestparameter import (
    RequestParameter,  # the only part of a RequestData; the version is capped
)

from bot.domain.errors import (
    Doubtful,
    FailureKind,
    Malformed,
    TryLater,
    Undeliverable,
)
from bot.domain.messages import Template
from bot.domain.recipients import Channel
from bot.transports.http import Lost, NeverLeft
from bot.transports.telegram_copies import about_a_copy, answering
from bot.transports.telegram_errors import meaning, refusal
from bot.transports.telegram_request import AiohttpRequest, Told

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from telegram import Bot

    from bot.domain.deliveries import Reference
    from bot.domain.errors import SendError
    from bot.domain.messages import ChatPicker, OutboundMessage, Text
    from bot.domain.recipients import Address
    from bot.ports import LookUp
    from bot.transports.posting import Answer

__all__ = ["AiohttpRequest", "TelegramChats", "TelegramMessenger", "meaning"]

#: The reader's and our preview settings are left alone; said outright, because an
#: edit that leaves them out resets them.
_PREVIEW = LinkPreviewOptions(is_disabled=False)
_SPEAKERS = frozenset({ChatMemberStatus.OWNER, ChatMemberStatus.ADMINISTRATOR})
_NOT_THERE = frozenset(
    {FailureKind.REMOVED, FailureKind.DELETED, FailureKind.NOT_FOUND}
)


#: Messages that are kept encoded: some parts, in some languages.
KEPT = 64


class TelegramMessenger:
    """Sends to Telegram chats through one bot account.

    Messages go straight to the bot's connections, without the objects that
    `Bot.send_message` would build and nobody would read, and past any rate limiter
    of the bot's: pacing is the broadcaster's.

    Args:
        bot: Its request must be an `AiohttpRequest`, and initialised.
    """

    channel = Channel.TELEGRAM
    can_look_up = False

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        # What a broadcast's messages have in common is encoded once.
        self._encoded = lru_cache(maxsize=KEPT)(_encoded)

    async def send(
        self,
        to: Address,
        message: OutboundMessage,
        reference: Reference | None,  # noqa: ARG002 - Telegram has no place for it
        *,
        reply_to: str = "",
        paid: bool = False,
    ) -> str:
        """Send *message* and return its message id.

        Raises:
            SendError: Named for what to do next.
        """
        request = self._bot.request
        if not isinstance(request, AiohttpRequest):
            raise TypeError("the bot must have been opened with an AiohttpRequest")
        body = b"".join(
            (
                b'{"chat_id":',
                orjson.dumps(to.value),
                b"" if to.thread is None else b',"message_thread_id":%d' % to.thread,
                _answering(reply_to) if reply_to else b"",
                b',"allow_paid_broadcast":true' if paid else b"",
                self._encoded(message),
            )
        )
        try:
            answer = await request.post_json(f"{self._bot.base_url}/sendMessage", body)
        except NeverLeft as error:
            raise TryLater(str(error)) from None
        except Lost as error:
            raise Doubtful(str(error)) from None
        if not HTTPStatus.OK <= answer.status < HTTPStatus.MULTIPLE_CHOICES:
            raise await _judged(answer)
        try:
            number = orjson.loads(answer.body)["result"]["message_id"]
        except (ValueError, LookupError, TypeError):
            number = None
        if type(number) is not int:
            raise Doubtful("no message id in the answer")
        return str(number)

    async def edit(
        self, to: Address, provider_id: str, message: OutboundMessage
    ) -> None:
        """Replace a message of ours; replacing it by its like is a success.

        Raises:
            SendError: Named for what to do next; see `about_a_copy`.
        """
        content = _content(message)
        if "keyboard" in content.get("reply_markup", {}):
            raise Malformed("no chat picker in an edit")
        parameters = {"chat_id": to.value, "message_id": provider_id, **content}
        try:
            await self._call("editMessageText", parameters)
        except Undeliverable as error:
            if (judged := about_a_copy(error)) is not None:
                raise judged from None

    async def delete(self, to: Address, provider_id: str) -> None:
        """Delete a message of ours; that it is gone already is a success.

        Raises:
            SendError: Named for what to do next; see `about_a_copy`.
        """
        parameters = {"chat_id": to.value, "message_id": provider_id}
        try:
            await self._call("deleteMessage", parameters)
        except Undeliverable as error:
            if (judged := about_a_copy(error)) is not None:
                raise judged from None

    async def pin(self, to: Address, provider_id: str, *, pinned: bool) -> None:
        """Pin a message of ours without a sound, or unpin it.

        Raises:
            SendError: Named for what to do next; see `about_a_copy`.
        """
        parameters: dict[str, Any] = {"chat_id": to.value, "message_id": provider_id}
        if pinned:
            parameters["disable_notification"] = True
        method = "pinChatMessage" if pinned else "unpinChatMessage"
        try:
            await self._call(method, parameters)
        except Undeliverable as error:
            if (judged := about_a_copy(error)) is not None:
                raise judged from None

    async def answer_callback(self, callback_id: str, text: str) -> None:
        """Answer a pressed button; *text* is shown for a moment.

        Raises:
            SendError: Named for what to do next; a button pressed long ago cannot
                be answered, which is no fault of the person's.
        """
        await self._call(
            "answerCallbackQuery", {"callback_query_id": callback_id, "text": text}
        )

    async def look_up(
        self,
        to: Address,
        message: OutboundMessage,
        started_at: datetime,
        *,
        others: Collection[str] = (),
    ) -> LookUp | None:
        """Return None: Telegram cannot be asked."""
        del to, message, started_at, others
        return None

    def explain(self, code: str) -> SendError:
        """Say what a refusal in these words asks of us."""
        return refusal(code)

    async def _call(self, method: str, parameters: dict[str, Any]) -> object:
        data = RequestData(
            [
                RequestParameter.from_input(name, value)
                for name, value in parameters.items()
            ]
        )
        try:
            return await self._bot.request.post(f"{self._bot.base_url}/{method}", data)
        except TelegramError as error:
            # Telegram's words may quote the message; `meaning` keeps what is ours.
            raise meaning(error) from None
        except Exception as error:  # noqa: BLE001 - an answer of no known shape
            raise Doubtful(f"odd answer: {type(error).__name__}") from None


class TelegramChats:
    """What only Telegram knows about a chat and its members."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def is_administrator(self, chat: Address, person: str) -> bool:
        """Whether *person*, by Telegram's id, owns or administers *chat*.

        A chat that writes under its own name is an administrator who stays
        anonymous.

        Raises:
            SendError: Telegram could not say.
        """
        if person == chat.value:
            return True
        if not person.isdecimal():
            return False
        try:
            member = await self._bot.get_chat_member(chat.value, int(person))
        except (BadRequest, Forbidden):
            return False
        except TelegramError as error:
            raise meaning(error) from None
        return member.status in _SPEAKERS

    async def leave(self, chat: Address) -> None:
        """Leave a group; leaving one that we are not in is no error.

        Raises:
            SendError: Telegram could not be told, or would not hear.
        """
        try:
            await self._bot.leave_chat(chat.value)
        except TelegramError as error:
            judged = meaning(error)
            if isinstance(judged, Undeliverable) and judged.kind in _NOT_THERE:
                return
            raise judged from None


def _encoded(message: OutboundMessage) -> bytes:
    """Encode all of a message but whom it is for: what follows in a JSON object."""
    try:
        return b"," + orjson.dumps(_content(message))[1:]
    except TypeError:
        raise Malformed("no text that could be encoded") from None


def _answering(message_id: str) -> bytes:
    return b',"reply_parameters":' + orjson.dumps(answering(message_id))


async def _judged(answer: Answer) -> SendError:
    """Say what an answer that is no success asks of us, as the library reads it."""
    try:
        await Told(answer).post("")
    except TelegramError as error:
        return meaning(error)
    return Doubtful("no success and no error")


def _content(message: OutboundMessage) -> dict[str, Any]:
    if isinstance(message, Template):
        raise Malformed("no templates on Telegram")
    content: dict[str, Any] = {
        "text": message.text,
        "link_preview_options": _PREVIEW.to_dict(),
    }
    if message.markup:
        content["parse_mode"] = message.markup
    if keyboard := _keyboard(message):
        content["reply_markup"] = keyboard
    return content


def _keyboard(message: Text) -> dict[str, Any] | None:
    if message.picker and message.buttons:
        raise Malformed("buttons and a chat picker in one message")
    if message.picker:
        return _picker(message.picker).to_dict()
    if not message.buttons:
        return None
    rows = []
    for row in message.buttons:
        for button in row:
            if bool(button.data) is bool(button.url):
                raise Malformed("a button must either call back or open a link")
        rows.append(
            [
                InlineKeyboardButton(
                    button.label,
                    callback_data=button.data or None,
                    url=button.url or None,
                )
                for button in row
            ]
        )
    return InlineKeyboardMarkup(rows).to_dict()


def _picker(picker: ChatPicker) -> ReplyKeyboardMarkup:
    """Ask for a channel in which both the person and the bot may post."""
    rights = ChatAdministratorRights(
        is_anonymous=False,
        can_manage_chat=False,
        can_delete_messages=False,
        can_manage_video_chats=False,
        can_restrict_members=False,
        can_promote_members=False,
        can_change_info=False,
        can_invite_users=False,
        can_post_stories=False,
        can_edit_stories=False,
        can_delete_stories=False,
        can_post_messages=True,
    )
    choose = KeyboardButtonRequestChat(
        picker.request_id,
        chat_is_channel=True,
        user_administrator_rights=rights,
        bot_administrator_rights=rights,
        request_title=True,
    )
    return ReplyKeyboardMarkup(
        [[KeyboardButton(picker.label, request_chat=choose)]],
        one_time_keyboard=True,
        resize_keyboard=True,
    )
