"""Join links and invitations: ``/start TOKEN``, and a Telegram channel chosen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from bot import phrases
from bot.domain.errors import LinkUnknown, SendError, WrongPlace
from bot.domain.messages import ChatPicker
from bot.domain.recipients import Address, Channel, Kind
from bot.editorial import INVITATION
from bot.enrolment import offer_id
from bot.notices import plain

if TYPE_CHECKING:
    from telegram import ChatShared

    from bot.editorial import Editorial
    from bot.enrolment import Enrolment
    from bot.ports import Chats
    from handlers.answers import Answers
    from handlers.telegram.incoming import Command, Incoming


class Joining:
    """Redeems what people bring along.

    A Telegram channel's link carries no token into the channel, so it is opened in
    the private chat and the channel is chosen there with a button. The choice comes
    back under a number made of the token and of the person (`enrolment.offer_id`):
    it needs no memory of ours, survives a restart, and is of no use to anybody else.
    Besides, whoever chooses must administer the channel.
    """

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

    async def start(self, said: Incoming, command: Command) -> None:
        """``/start`` in a private chat, with a token or without."""
        token = command.first
        if not token:
            language = await self._language(said)
            text = phrases.greeting(language, channel=Channel.TELEGRAM)
            await self._say(said, text)
        elif token.startswith(INVITATION):
            await self._invitation(said, token)
        else:
            await self._reader(said, token)

    async def _invitation(self, said: Incoming, token: str) -> None:
        accepted = await self._editorial.accept_invitation(
            token, by=said.chat, language=said.language
        )
        editor = await self._editorial.editor(said.chat)
        language = await self._language(said)
        if accepted is None and editor is None:
            await self._say(said, phrases.invitation_gone(language))
            return
        name = accepted or (editor.name if editor is not None else "")
        await self._say(
            said,
            phrases.welcome_editor(language, editor=name),
            phrases.help_editor(language),
        )

    async def _reader(self, said: Incoming, token: str) -> None:
        try:
            welcome = await self._enrolment.redeem(
                token,
                by=said.chat,
                kind=Kind.READER,
                agreed_by=said.agreed_by,
                language=said.language,
                written_at=said.written_at,
            )
        except WrongPlace as error:
            if str(error) != Kind.TELEGRAM_CHANNEL:
                raise
            await self._offer(said, token)
            return
        language = await self._language(said)
        await self._say(
            said,
            phrases.welcome(
                language,
                channel=Channel.TELEGRAM,
                audience=welcome.audience.title,
                new=welcome.new,
            ),
        )

    async def _offer(self, said: Incoming, token: str) -> None:
        """Let the person choose the channel that the link is for."""
        audience = await self._enrolment.peek(token, kind=Kind.TELEGRAM_CHANNEL)
        language = await self._language(said)
        text = phrases.offer_channel(language, audience=audience.title)
        picker = ChatPicker(
            phrases.pick_channel(language), offer_id(token, said.person)
        )
        await self._answers.say(
            said.chat,
            said.kind,
            replace(plain(text, Channel.TELEGRAM), picker=picker),
            key=said.key,
        )

    async def shared(self, said: Incoming, shared: ChatShared) -> None:
        """Enrol the channel that was chosen, if the person may speak for it."""
        if not said.private:
            return
        language = await self._language(said)
        channel = Address(Channel.TELEGRAM, str(shared.chat_id))
        try:
            allowed = await self._chats.is_administrator(channel, said.person)
        except SendError:
            await self._say(said, phrases.could_not_check(language))
            return
        if not allowed:
            await self._say(said, phrases.only_channel_administrators(language))
            return
        try:
            welcome = await self._enrolment.redeem_offer(
                shared.request_id,
                person=said.person,
                by=channel,
                agreed_by=said.agreed_by,
                title=shared.title or "",
            )
        except LinkUnknown:
            await self._say(said, phrases.no_offer(language))
            return
        await self._say(
            said,
            phrases.welcome_channel(
                language,
                title=welcome.recipient.title,
                audience=welcome.audience.title,
                new=welcome.new,
            ),
        )

    async def start_in_group(self, said: Incoming, command: Command) -> None:
        """``/start@bot TOKEN`` in a group: its administrators may enrol it."""
        token = command.first
        if not token:
            await self._without_token(said)
            return
        try:
            allowed = await self._chats.is_administrator(said.whole_chat, said.person)
        except SendError:
            await self._say(said, phrases.could_not_check(await self._language(said)))
            return
        if not allowed:
            language = await self._language(said)
            await self._say(said, phrases.only_administrators(language))
            return
        welcome = await self._enrolment.redeem(
            token,
            by=said.chat,
            kind=Kind.GROUP,
            agreed_by=said.agreed_by,
            title=said.title,
        )
        language = await self._language(said)
        await self._say(
            said,
            phrases.welcome_group(
                language,
                audience=welcome.audience.title,
                new=welcome.new,
                username=self._username,
            ),
        )

    async def _without_token(self, said: Incoming) -> None:
        language = await self._language(said)
        found = await self._enrolment.find(said.chat)
        if found is not None and found[1]:
            text = phrases.help_group(language, username=self._username)
        else:
            text = phrases.group_without_token(language)
        await self._say(said, text)

    async def _language(self, said: Incoming) -> str:
        return await self._answers.language(said.chat, said.kind, spoken=said.language)

    async def _say(self, said: Incoming, *texts: str) -> None:
        await self._answers.say(said.chat, said.kind, *texts, key=said.key)
