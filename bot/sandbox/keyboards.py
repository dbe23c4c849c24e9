"""What may stand below a message."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from .parameters import bad
from .words import words

INLINE = words(
    "url callback_data web_app login_url switch_inline_query",
    "switch_inline_query_current_chat switch_inline_query_chosen_chat copy_text",
    "callback_game pay",
)
INLINE_LOOKS = frozenset({"text", "style", "icon_custom_emoji_id"})
PLAIN = words(
    "text style icon_custom_emoji_id request_users request_chat request_contact",
    "request_location request_poll web_app request_managed_bot",
)
PRIVATE_ONLY = {
    "request_contact": "phone number can be requested in private chats only",
    "request_location": "location can be requested in private chats only",
    "request_chat": "chats can be requested in private chats only",
    "request_users": "users can be requested in private chats only",
}
REQUEST_CHAT = words(
    "request_id chat_is_channel chat_is_forum chat_has_username chat_is_created",
    "user_administrator_rights bot_administrator_rights bot_is_member request_title",
    "request_username request_photo",
)
REPLY = words(
    "keyboard is_persistent resize_keyboard one_time_keyboard",
    "input_field_placeholder selective",
)
OTHERS = (
    frozenset({"remove_keyboard", "selective"}),
    frozenset({"force_reply", "input_field_placeholder", "selective"}),
)


def check(markup: dict[str, Any] | None, *, private: bool) -> dict[str, Any] | None:
    """Return *markup* if Telegram would take it; an empty one is none.

    Raises:
        Refusal: It would not.
    """
    if not markup:
        return None
    if "inline_keyboard" in markup:
        _only(markup, frozenset({"inline_keyboard"}), "InlineKeyboardMarkup")
        rows = _rows(markup["inline_keyboard"])
        for row in rows:
            for button in row:
                _inline(button)
        return markup if any(rows) else None
    if "keyboard" in markup:
        _only(markup, REPLY, "ReplyKeyboardMarkup")
        for row in _rows(markup["keyboard"]):
            for button in row:
                _plain({"text": button} if isinstance(button, str) else button, private)
        return markup
    for kind in OTHERS:
        if set(markup) <= kind:
            return markup
    raise bad("object expected as reply markup")


def _rows(rows: Any) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad('field "keyboard" must be an Array of Arrays')
    if sum(len(row) for row in rows) > 100 or any(len(row) > 8 for row in rows):
        raise bad("REPLY_MARKUP_TOO_LONG")
    return rows


def _only(given: dict[str, Any], known: frozenset[str], what: str) -> None:
    for name in given:
        if name not in known:
            raise bad(f'unknown field "{name}" of {what}')


def _text(button: Any, what: str) -> None:
    if not isinstance(button, dict):
        raise bad(f"can't parse {what}: object expected")
    if not isinstance(button.get("text"), str):
        raise bad(f'can\'t parse {what}: field "text" must be of type String')
    if not button["text"].strip():
        raise bad(f"can't parse {what}: text must be non-empty")


def _inline(button: Any) -> None:
    what = "inline keyboard button"
    _text(button, what)
    _only(button, INLINE | INLINE_LOOKS, "InlineKeyboardButton")
    kinds = [name for name in button if name in INLINE]
    if len(kinds) != 1:
        raise bad(
            f"can't parse {what}: Text buttons are unallowed in the inline keyboard"
        )
    if "callback_data" in button:
        data = button["callback_data"]
        if not isinstance(data, str) or not 1 <= len(data.encode()) <= 64:
            raise bad("BUTTON_DATA_INVALID")
    if "url" in button and not _good_url(button["url"]):
        raise bad("BUTTON_URL_INVALID")
    if "copy_text" in button:
        text = (button["copy_text"] or {}).get("text", "")
        if not 1 <= len(text) <= 256:
            raise bad("BUTTON_COPY_TEXT_INVALID")


def _good_url(url: Any) -> bool:
    if not isinstance(url, str) or not url or " " in url:
        return False
    if url.startswith("tg://"):
        return True
    parts = urlsplit(url if "://" in url else f"http://{url}")
    return parts.scheme in {"http", "https"} and "." in (parts.hostname or "")


def _plain(button: Any, private: bool) -> None:  # noqa: FBT001 - internal
    what = "keyboard button"
    _text(button, what)
    _only(button, PLAIN, "KeyboardButton")
    for name, refusal in PRIVATE_ONLY.items():
        if name in button and not private:
            raise bad(refusal)
    request = button.get("request_chat")
    if request is not None:
        _only(request, REQUEST_CHAT, "KeyboardButtonRequestChat")
        if not isinstance(request.get("request_id"), int):
            raise bad(f'can\'t parse {what}: field "request_id" must be a Number')
        if not isinstance(request.get("chat_is_channel"), bool):
            raise bad(f'can\'t parse {what}: field "chat_is_channel" must be a Boolean')
