"""What Telegram says of a message that is to be changed (platform-facts: edit, delete).

A bot may edit its own messages whatever their age, and delete them for 48 hours.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.domain.errors import FailureKind, Undeliverable

if TYPE_CHECKING:
    from bot.domain.errors import SendError

#: It is so already, or there is nothing left to be changed back.
_DONE = (
    "message is not modified",
    "message to delete not found",
    "message to unpin not found",
    "chat_not_modified",
)
#: Nobody can change it any more, or only somebody else can.
_BEYOND_REACH = (
    "message to edit not found",
    "message to pin not found",
    "message can't be edited",
    "message can't be deleted",
    "message_id_invalid",
    "message_delete_forbidden",
    "message_edit_time_expired",
)


def about_a_copy(error: Undeliverable) -> SendError | None:
    """Say what a refusal to edit or delete asks of us; None: it is done already."""
    lowered = error.code.lower()
    if any(phrase in lowered for phrase in _DONE):
        return None
    for phrase in _BEYOND_REACH:
        if phrase in lowered:
            return Undeliverable(phrase, kind=FailureKind.BEYOND_REACH)
    return error


def answering(provider_id: str) -> dict[str, Any]:
    """Have a message answer another, and go all the same where that is gone."""
    return {"message_id": int(provider_id), "allow_sending_without_reply": True}
