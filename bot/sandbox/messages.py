"""Sending, editing and deleting, as the Bot API does it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import keyboards
from .markup import MarkupError, Parsed, checked_link, parse, utf16
from .parameters import Refusal, bad
from .population import BOT
from .rights import edit_target, may_delete, may_pin, visible_chat, writable_chat
from .words import words

if TYPE_CHECKING:
    from .limits import TelegramRates
    from .log import Log
    from .people import Chat, Message
    from .world import World

TEXT = 4096  #: code points
CAPTION = 1024  #: code points
PREVIEW = words(
    "is_disabled url prefer_small_media prefer_large_media show_above_text",
)
REPLY = words(
    "message_id chat_id allow_sending_without_reply quote quote_parse_mode",
    "quote_entities quote_position checklist_task_id",
)
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are "
    "exactly the same as a current content and reply markup of the message"
)


class Messages:
    """The methods about messages, each taking typed parameters."""

    def __init__(
        self, world: World, log: Log, rates: TelegramRates, *, paid_broadcast: bool
    ) -> None:
        self._world = world
        self._log = log
        self._rates = rates
        self._paid = paid_broadcast

    def vanish(self, result: dict[str, Any]) -> None:
        """Delete a message that was just sent."""
        chat = self._world.chats[result["chat"]["id"]]
        self._remove(chat.messages[result["message_id"]])

    # --- sending ---------------------------------------------------------

    def send_message(self, given: dict[str, Any]) -> dict[str, Any]:
        """Carry out ``sendMessage``."""
        parsed = _formatted(given, "text", "entities")
        if not parsed.text:
            raise bad("message text is empty")
        extra: dict[str, Any] = {}
        preview = _fields(given, "link_preview_options", PREVIEW)
        if preview:
            extra["link_preview_options"] = preview
        return self._send(given, parsed, TEXT, "text messages", extra)

    def send_photo(self, given: dict[str, Any]) -> dict[str, Any]:
        """Carry out ``sendPhoto``."""
        photo = given.get("photo")
        if not photo:
            raise bad("there is no photo in the request")
        parsed = _formatted(given, "caption", "caption_entities")
        sizes = [
            {
                "file_id": f"sandbox-{photo}"[:80],
                "file_unique_id": f"u{abs(len(photo))}",
                "width": 1280,
                "height": 720,
            }
        ]
        return self._send(given, parsed, CAPTION, "photos", {"photo": sizes})

    def _send(
        self,
        given: dict[str, Any],
        parsed: Parsed,
        limit: int,
        what: str,
        extra: dict[str, Any],
    ) -> dict[str, Any]:
        reply = _fields(given, "reply_parameters", REPLY)
        chat = writable_chat(self._world, given["chat_id"], what)
        private = chat.kind == "private"
        markup = keyboards.check(given.get("reply_markup"), private=private)
        if len(parsed.text) > limit:
            long = (
                "message is too long"
                if limit == TEXT
                else "message caption is too long"
            )
            raise bad(long)
        if thread := self._thread(chat, given.get("message_thread_id")):
            extra |= {"message_thread_id": thread, "is_topic_message": True}
        if replied := self._replied(chat, reply):
            extra["reply_to_message"] = replied
        paid = self._paid and given.get("allow_paid_broadcast", False)
        self._pace(chat, "sendMessage", paid=paid)
        if given.get("protect_content"):
            extra["has_protected_content"] = True
        if markup and "inline_keyboard" in markup:
            extra["reply_markup"] = markup
        if "photo" in extra and parsed.text:
            extra["caption"] = parsed.text
            extra["caption_entities"] = list(parsed.entities)
            message = self._world.post(chat, sender=None, **extra)
            message.text, message.entities = parsed.text, parsed.entities
        else:
            message = self._world.post(
                chat, sender=None, text=parsed.text, entities=parsed.entities, **extra
            )
        message.dropped_links = parsed.dropped_links
        if markup and "inline_keyboard" not in markup:
            message.keyboard = markup
            chat.keyboard = markup if "keyboard" in markup else None
        return message.raw

    def _pace(self, chat: Chat, method: str, *, paid: bool = False) -> None:
        world = self._world
        refused = self._rates.refuse(
            str(chat.id),
            private=chat.kind == "private",
            paid=paid,
            now=world.clock(),
        )
        if refused is None:
            return
        window, seconds = refused
        self._log.add(
            "rate", chat.id, method=method, window=window, retry_after=seconds
        )
        raise Refusal(
            429,
            f"Too Many Requests: retry after {seconds}",
            {"retry_after": seconds},
        )

    def _thread(self, chat: Chat, thread: int | None) -> int | None:
        if thread is None:
            return None
        topic = chat.topics.get(thread)
        if topic is None:
            raise bad("message thread not found")
        if topic.deleted:
            raise bad("TOPIC_DELETED")
        if topic.closed and not chat.members[BOT].rights.get("can_manage_topics"):
            raise bad("TOPIC_CLOSED")
        return thread

    def _replied(self, chat: Chat, reply: dict[str, Any]) -> dict[str, Any] | None:
        if not reply:
            return None
        replied = chat.messages.get(reply.get("message_id", 0))
        if replied is not None and not replied.deleted:
            return {k: v for k, v in replied.raw.items() if k != "reply_to_message"}
        if reply.get("allow_sending_without_reply"):
            return None
        raise bad("message to be replied not found")

    # --- editing and deleting ----------------------------------------------

    def edit_text(self, given: dict[str, Any]) -> dict[str, Any]:
        """Carry out ``editMessageText``."""
        parsed = _formatted(given, "text", "entities")
        if not parsed.text:
            raise bad("message text is empty")
        preview = _fields(given, "link_preview_options", PREVIEW)
        message = edit_target(self._world, given)
        if "photo" in message.raw:
            raise bad("there is no text in the message to edit")
        markup = keyboards.check(given.get("reply_markup"), private=False)
        if len(parsed.text) > TEXT:
            raise bad("message is too long")
        if (
            message.text == parsed.text
            and message.entities == parsed.entities
            and message.raw.get("reply_markup") == markup
            and message.raw.get("link_preview_options", {}) == preview
        ):
            raise bad(NOT_MODIFIED)
        self._pace(message.chat, "editMessageText")
        message.text, message.entities = parsed.text, parsed.entities
        message.dropped_links = parsed.dropped_links
        raw = {**message.raw, "text": parsed.text, "entities": list(parsed.entities)}
        raw.pop("link_preview_options", None)
        message.raw = raw | ({"link_preview_options": preview} if preview else {})
        return self._edited(message, markup)

    def edit_markup(self, given: dict[str, Any]) -> dict[str, Any]:
        """Carry out ``editMessageReplyMarkup``."""
        message = edit_target(self._world, given)
        markup = keyboards.check(given.get("reply_markup"), private=False)
        if message.raw.get("reply_markup") == markup:
            raise bad(NOT_MODIFIED)
        self._pace(message.chat, "editMessageReplyMarkup")
        return self._edited(message, markup)

    def _edited(
        self, message: Message, markup: dict[str, Any] | None
    ) -> dict[str, Any]:
        message.edited = self._world.clock()
        # a new object: what was queued or logged before shows what was before
        raw = {**message.raw, "edit_date": int(message.edited)}
        raw.pop("reply_markup", None)
        message.raw = raw if markup is None else {**raw, "reply_markup": markup}
        message.keyboard = markup
        self._log.add(
            "edited", message.chat.id, message_id=message.id, text=message.text
        )
        return message.raw

    def delete(self, given: dict[str, Any]) -> bool:
        """Carry out ``deleteMessage``."""
        chat = visible_chat(self._world, given["chat_id"])
        message = chat.messages.get(given["message_id"])
        if message is None or message.deleted:
            raise bad("message to delete not found")
        may_delete(self._world, message)
        self._remove(message)
        return True

    def delete_many(self, given: dict[str, Any]) -> bool:
        """Carry out ``deleteMessages``; what is gone already is no error."""
        chat = visible_chat(self._world, given["chat_id"])
        if not 1 <= len(given["message_ids"]) <= 100:
            raise bad("message identifiers are not specified")
        for number in given["message_ids"]:
            message = chat.messages.get(number)
            if message is not None and not message.deleted:
                may_delete(self._world, message)
                self._remove(message)
        return True

    def pin(self, given: dict[str, Any]) -> bool:
        """Carry out ``pinChatMessage``."""
        chat = visible_chat(self._world, given["chat_id"])
        message = chat.messages.get(given["message_id"])
        if message is None or message.deleted:
            raise bad("message to pin not found")
        may_pin(chat)
        if message.id not in chat.pinned:
            chat.pinned.append(given["message_id"])
        self._log.add("pinned", chat.id, message_id=message.id)
        return True

    def unpin(self, given: dict[str, Any]) -> bool:
        """Carry out ``unpinChatMessage``: one message, or the newest that is pinned."""
        chat = visible_chat(self._world, given["chat_id"])
        may_pin(chat)
        number = given.get("message_id", chat.pinned[-1] if chat.pinned else 0)
        if number not in chat.pinned:
            raise bad("message to unpin not found")
        chat.pinned.remove(number)
        self._log.add("unpinned", chat.id, message_id=number)
        return True

    def _remove(self, message: Message) -> None:
        message.deleted = True
        self._log.add("deleted", message.chat.id, message_id=message.id)


def _formatted(given: dict[str, Any], name: str, entities: str) -> Parsed:
    """Return the text to store, parsed as the caller wished."""
    source = given.get(name, "")
    mode = given.get("parse_mode", "").lower()
    if mode not in {"", "html", "markdown", "markdownv2"}:
        raise bad("unsupported parse_mode")
    if mode.startswith("markdown"):
        raise bad("can't parse entities: this sandbox reads HTML only")
    try:
        if entities in given and not mode:
            return _explicit(source, given[entities])
        return parse(source, mode)
    except MarkupError as error:
        raise bad(str(error)) from None


def _explicit(source: str, entities: list[Any]) -> Parsed:
    """Return a text whose entities came beside it."""
    plain = parse(source)
    if len(entities) > 100:
        raise bad("ENTITIES_TOO_LONG")
    length = utf16(plain.text)
    kept: list[dict[str, Any]] = []
    for entity in entities:
        if not isinstance(entity, dict) or not {"type", "offset", "length"} <= set(
            entity
        ):
            raise bad("can't parse MessageEntity: wrong fields")
        if not 0 <= entity["offset"] < entity["offset"] + entity["length"] <= length:
            raise MarkupError("can't parse entities: entity is out of the text")
        url = entity.get("url", "")
        if entity["type"] != "text_link" or checked_link(url):
            kept.append(entity)
    return Parsed(plain.text, (*kept, *plain.entities))


def _fields(given: dict[str, Any], name: str, known: frozenset[str]) -> dict[str, Any]:
    """Return a nested object, refusing fields that nobody reads."""
    found: dict[str, Any] = given.get(name, {})
    for field in found:
        if field not in known:
            raise bad(f'unknown field "{field}" of {name}')
    return found
