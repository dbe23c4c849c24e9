"""What anybody may ask, in a private chat and in a group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import phrases
from bot.domain.errors import SendError
from bot.domain.recipients import Channel
from handlers.answers import how_many

if TYPE_CHECKING:
    from bot.editorial import Editorial
    from bot.enrolment import Enrolment
    from bot.ports import Chats
    from handlers.answers import Answers
    from handlers.telegram.incoming import Command, Incoming


class Commands:
    """Answers readers and groups."""

    def __init__(
        self,
        *,
        username: str,
        enrolment: Enrolment,
        editorial: Editorial,
        chats: Chats,
        answers: Answers,
    ) -> None:
        self._username = username
        self._enrolment = enrolment
        self._editorial = editorial
        self._chats = chats
        self._answers = answers

    async def private(self, said: Incoming, command: Command) -> bool:
        """Answer a reader's command; False where it is none."""
        language = await self._language(said)
        match command.name:
            case "latest":
                await self._latest(said, command, language)
            case "help":
                await self._help(said, language)
            case "privacy":
                text = self._answers.privacy(language, Channel.TELEGRAM)
                await self._say(said, text)
            case "stop":
                left = await self._enrolment.leave(said.chat)
                text = (
                    phrases.goodbye(language, channel=Channel.TELEGRAM)
                    if left
                    else phrases.not_enrolled(language)
                )
                await self._say(said, text)
            case _:
                return False
        return True

    async def group(self, said: Incoming, command: Command) -> None:
        """Answer a command in a group; one that is none of ours gets silence."""
        language = await self._language(said)
        match command.name:
            case "latest":
                await self._latest(said, command, language)
            case "help":
                text = phrases.help_group(language, username=self._username)
                await self._say(said, text)
            case "privacy":
                text = self._answers.privacy(language, Channel.TELEGRAM)
                await self._say(said, text)
            case "stop" | "leave":
                await self._leave(said, command, language)

    async def _leave(self, said: Incoming, command: Command, language: str) -> None:
        """``/stop`` only says how; ``/leave`` takes the group out."""
        try:
            allowed = await self._may_take_out(said)
        except SendError:
            await self._say(said, phrases.could_not_check(language))
            return
        if not allowed:
            await self._say(said, phrases.leave_refused(language))
        elif command.name == "stop":
            text = phrases.how_to_leave(language, username=self._username)
            await self._say(said, text)
        elif await self._take_out(said):
            await self._say(said, phrases.group_left(language))
        else:
            await self._say(said, phrases.group_not_enrolled(language))

    async def _take_out(self, said: Incoming) -> bool:
        """End the enrolments of the chat, and of the topic it was asked in."""
        left = await self._enrolment.leave(said.chat)
        if said.chat != said.whole_chat:
            left += await self._enrolment.leave(said.whole_chat)
        return bool(left)

    async def _may_take_out(self, said: Incoming) -> bool:
        if await self._editorial.editor(said.own_chat) is not None:
            return True
        return await self._chats.is_administrator(said.whole_chat, said.person)

    async def unknown(self, said: Incoming) -> None:
        """Point to /help, whatever it was."""
        language = await self._language(said)
        await self._say(said, phrases.hint(language, channel=Channel.TELEGRAM))

    async def _help(self, said: Incoming, language: str) -> None:
        texts = [phrases.help_reader(language, channel=Channel.TELEGRAM)]
        if await self._editorial.editor(said.chat) is not None:
            texts.append(phrases.help_editor(language))
        await self._say(said, *texts)

    async def _latest(self, said: Incoming, command: Command, language: str) -> None:
        # One in a group: its members share the chat, and any of them can ask.
        wished = how_many(command.first) if said.private else 1
        stories = await self._answers.newest(Channel.TELEGRAM, language, wished)
        await self._answers.say(said.chat, said.kind, *stories, key=said.key)

    async def _language(self, said: Incoming) -> str:
        return await self._answers.language(said.chat, said.kind, spoken=said.language)

    async def _say(self, said: Incoming, *texts: str) -> None:
        await self._answers.say(said.chat, said.kind, *texts, key=said.key)
