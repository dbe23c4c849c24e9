"""What Telegram tells of the bot's own place in a chat."""

from __future__ import annotations

from typing import TYPE_CHECKING

from telegram import (
    ChatMemberAdministrator,
    ChatMemberBanned,
    ChatMemberLeft,
    ChatMemberRestricted,
)

from bot.domain.recipients import Address, Channel, Kind
from handlers.telegram.incoming import kind_of

if TYPE_CHECKING:
    from datetime import datetime

    from telegram import ChatMember, ChatMemberUpdated

    from bot.enrolment import Enrolment


class Membership:
    """Follows where the bot is, and where it may write.

    Nothing is said here: a group that adds the bot through a link sends its
    ``/start`` within a second, and one that does not is the editors' matter.
    """

    def __init__(self, enrolment: Enrolment) -> None:
        self._enrolment = enrolment

    async def changed(self, change: ChatMemberUpdated) -> None:
        """Do what a ``my_chat_member`` update asks."""
        chat = Address(Channel.TELEGRAM, str(change.chat.id))
        kind = kind_of(change.chat)
        old, new = change.old_chat_member, change.new_chat_member
        if kind is Kind.READER:
            await self._reader(chat, new, at=change.date)
        elif not _present(new):
            await self._enrolment.gone(chat, reason="removed")
        elif not _present(old):
            await self._enrolment.added_to(chat, kind, title=change.chat.title or "")
            if not _may_write(new, kind):
                await self._enrolment.rights_lost(chat, reason="may not write")
        elif _may_write(new, kind):
            await self._enrolment.rights_back(chat)
        else:
            await self._enrolment.rights_lost(chat, reason="may not write")

    async def _reader(self, chat: Address, new: ChatMember, *, at: datetime) -> None:
        if not _present(new):
            await self._enrolment.gone(chat, reason="blocked")
            return
        if await self._enrolment.heard_from(chat, Kind.READER, at=at):
            await self._enrolment.rights_back(chat)


def _present(member: ChatMember) -> bool:
    match member:
        case ChatMemberLeft() | ChatMemberBanned():
            return False
        case ChatMemberRestricted(is_member=is_member):
            return bool(is_member)
    return True


def _may_write(member: ChatMember, kind: Kind) -> bool:
    if kind is Kind.TELEGRAM_CHANNEL:
        return isinstance(member, ChatMemberAdministrator) and bool(
            member.can_post_messages
        )
    if isinstance(member, ChatMemberRestricted):
        return bool(member.can_send_messages)
    return True
