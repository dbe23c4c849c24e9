"""The JSON of Bot API 10.0, written down independently of any client library."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .people import Chat, Member, Person

ADMIN_RIGHTS = (
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)
CHANNEL_RIGHTS = ("can_post_messages", "can_edit_messages")
GROUP_RIGHTS = ("can_pin_messages", "can_manage_topics")
PERMISSIONS = (
    "can_send_messages",
    "can_send_audios",
    "can_send_documents",
    "can_send_photos",
    "can_send_videos",
    "can_send_video_notes",
    "can_send_voice_notes",
    "can_send_polls",
    "can_send_other_messages",
    "can_add_web_page_previews",
    "can_react_to_messages",
    "can_edit_tag",
    "can_change_info",
    "can_invite_users",
    "can_pin_messages",
    "can_manage_topics",
)
#: The account behind anonymous administrators.
ANONYMOUS = {
    "id": 1087968824,
    "is_bot": True,
    "first_name": "Group",
    "username": "GroupAnonymousBot",
}


def user_json(person: Person) -> dict[str, Any]:
    """Return the User of *person*."""
    user: dict[str, Any] = {
        "id": person.id,
        "is_bot": False,
        "first_name": person.name,
    }
    if person.username:
        user["username"] = person.username
    if person.language:
        user["language_code"] = person.language
    return user


def chat_json(chat: Chat) -> dict[str, Any]:
    """Return the Chat of *chat*."""
    if chat.person is not None:
        user = user_json(chat.person)
        user.pop("is_bot")
        user.pop("language_code", None)
        return {**user, "type": "private"}
    found: dict[str, Any] = {"id": chat.id, "title": chat.title, "type": chat.kind}
    if chat.username:
        found["username"] = chat.username
    if chat.topics:
        found["is_forum"] = True
    if chat.kind == "group":
        found["all_members_are_administrators"] = False
    return found


def full_chat_json(chat: Chat) -> dict[str, Any]:
    """Return the ChatFullInfo of *chat*."""
    found: dict[str, Any] = {
        **chat_json(chat),
        "accent_color_id": abs(int(chat.id)) % 7,
        "max_reaction_count": 11,
        "accepted_gift_types": {
            "unlimited_gifts": True,
            "limited_gifts": True,
            "unique_gifts": True,
            "premium_subscription": True,
            "gifts_from_channels": True,
        },
    }
    if chat.kind in {"group", "supergroup"}:
        found["permissions"] = {
            name: not (chat.muted and name.startswith("can_send"))
            for name in PERMISSIONS
        }
    return found


def member_json(user: dict[str, Any], member: Member, chat: Chat) -> dict[str, Any]:
    """Return the ChatMember that *user* is."""
    found: dict[str, Any] = {"user": user, "status": member.status}
    match member.status:
        case "creator":
            found["is_anonymous"] = member.anonymous
        case "administrator":
            kind = CHANNEL_RIGHTS if chat.kind == "channel" else GROUP_RIGHTS
            found["can_be_edited"] = False
            found["is_anonymous"] = member.anonymous
            for name in (*ADMIN_RIGHTS, *kind):
                found[name] = member.rights.get(name, False)
        case "restricted":
            found["is_member"] = member.rights.get("is_member", True)
            found["until_date"] = 0
            for name in PERMISSIONS:
                found[name] = member.rights.get(name, False)
        case "kicked":
            found["until_date"] = 0
    return found
