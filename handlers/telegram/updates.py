"""Telegram's updates, each to the one handler that it concerns."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from telegram import Update

from bot import phrases
from bot.domain.errors import Refusal
from bot.domain.keeping import USUAL
from bot.domain.recipients import Address, Channel, Kind
from handlers.answers import Answers
from handlers.telegram.buttons import Buttons
from handlers.telegram.commands import Commands
from handlers.telegram.correcting import CorrectionDesk
from handlers.telegram.editors import DeskCommands
from handlers.telegram.incoming import command_in, incoming
from handlers.telegram.joining import Joining
from handlers.telegram.membership import Membership

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from telegram import Message

    from bot.broadcaster import Broadcaster
    from bot.corrections import Corrections
    from bot.domain.inbound import Inbound
    from bot.domain.keeping import Keeping
    from bot.editorial import Editorial
    from bot.enrolment import Enrolment
    from bot.ports import Chats
    from bot.replies import Replies
    from handlers.telegram.incoming import Command, Incoming

log = logging.getLogger("harkara.telegram")


class TelegramUpdates:
    """Gives each update its effect.

    Args:
        username: The bot's own, without the @: a command for another bot is none of
            ours.
        chats: Knows who administers a chat.
        answer_callback: Answers a pressed button, given its id and a short text.
        default_audiences: Where a broadcast goes unless told otherwise; empty for
            every audience.
        channels: Which previews to show.
        own: Hosts, handles and tags of the newsroom, which stay links in a story.
        keeping: How long what concerns people is kept.
        contact: Where the newsroom is reached.
    """

    def __init__(
        self,
        *,
        username: str,
        enrolment: Enrolment,
        editorial: Editorial,
        broadcaster: Broadcaster,
        corrections: Corrections,
        replies: Replies,
        chats: Chats,
        answer_callback: Callable[[str, str], Awaitable[None]],
        default_audiences: Sequence[str] = (),
        channels: Sequence[Channel] = (Channel.TELEGRAM, Channel.WHATSAPP),
        own: frozenset[str] = frozenset(),
        keeping: Keeping = USUAL,
        contact: str = "",
    ) -> None:
        self._username = username
        self._enrolment = enrolment
        self._answers = Answers(
            replies=replies,
            enrolment=enrolment,
            editorial=editorial,
            own=own,
            keeping=keeping,
            contact=contact,
        )
        self._membership = Membership(enrolment)
        self._joining = Joining(
            username=username,
            enrolment=enrolment,
            editorial=editorial,
            chats=chats,
            answers=self._answers,
        )
        self._commands = Commands(
            username=username,
            enrolment=enrolment,
            editorial=editorial,
            chats=chats,
            answers=self._answers,
        )
        changes = CorrectionDesk(editorial=editorial, corrections=corrections)
        self._desk = DeskCommands(
            enrolment=enrolment,
            editorial=editorial,
            broadcaster=broadcaster,
            changes=changes,
            answers=self._answers,
            default_audiences=default_audiences,
            channels=channels,
            own=own,
        )
        self._buttons = Buttons(
            enrolment=enrolment,
            editorial=editorial,
            broadcaster=broadcaster,
            changes=changes,
            answers=self._answers,
            answer_callback=answer_callback,
        )

    async def handle(self, entry: Inbound, *, key: str) -> None:
        """Do what a stored update asks."""
        update = Update.de_json(entry.payload, None)
        if update.callback_query is not None:
            await self._buttons.press(update.callback_query, key=key)
        elif update.my_chat_member is not None:
            await self._membership.changed(update.my_chat_member)
        elif update.message is not None:
            await self._message(update.message, entry, key=key)

    async def _message(self, message: Message, entry: Inbound, *, key: str) -> None:
        chat = Address(Channel.TELEGRAM, str(message.chat.id))
        if message.migrate_to_chat_id is not None:
            new = Address(Channel.TELEGRAM, str(message.migrate_to_chat_id))
            await self._enrolment.moved(chat, new)
            return
        if message.migrate_from_chat_id is not None:
            old = Address(Channel.TELEGRAM, str(message.migrate_from_chat_id))
            await self._enrolment.moved(old, chat)
            return
        said = incoming(message, key=key, received_at=entry.received_at)
        if said is None or said.kind is Kind.TELEGRAM_CHANNEL:
            return
        if said.private and not await self._enrolment.heard_from(
            said.chat, said.kind, at=said.written_at
        ):
            log.info("written before being forgotten", extra={"inbound": entry.id})
            return
        try:
            if message.chat_shared is not None:
                await self._joining.shared(said, message.chat_shared)
            elif said.private and said.text:
                await self._private(said)
            elif said.text:
                await self._group(said)
        except Refusal as error:
            language = await self._language(said)
            await self._answers.say(
                said.chat, said.kind, phrases.refusal(language, error=error), key=key
            )

    async def _private(self, said: Incoming) -> None:
        command = command_in(said.text)
        if command is None:
            await self._commands.unknown(said)
        elif command.name == "start":
            await self._joining.start(said, command)
        elif not await self._commands.private(said, command) and not (
            await self._desk.run(said, command)
        ):
            await self._commands.unknown(said)

    async def _group(self, said: Incoming) -> None:
        """Only what is for us: in a group, silence is the polite answer."""
        command = command_in(said.text)
        if command is None or not self._for_us(command):
            return
        if command.name == "start":
            await self._joining.start_in_group(said, command)
        else:
            await self._commands.group(said, command)

    def _for_us(self, command: Command) -> bool:
        return command.target.lower() in {"", self._username.lower()}

    async def _language(self, said: Incoming) -> str:
        return await self._answers.language(said.chat, said.kind, spoken=said.language)
