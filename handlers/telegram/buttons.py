"""What editors decide by pressing a button."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from bot import phrases
from bot.domain.broadcasts import BroadcastId
from bot.domain.errors import Refusal
from bot.domain.recipients import Address, AudienceId, Channel, Kind, RecipientId

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import CallbackQuery

    from bot.broadcaster import Broadcaster
    from bot.editorial import Editorial
    from bot.enrolment import Enrolment
    from bot.ports import Editor
    from handlers.answers import Answers

log = logging.getLogger("harkara.telegram")

_DATA = re.compile(
    r"(confirm|cancel|accept|decide:sent|decide:repeat):(\d{1,15})(?::(\d{1,15}))?",
    re.ASCII,
)
#: Longest text that Telegram shows when a button is answered.
LONGEST = 200  # characters


class Buttons:
    """Does what a button says, for editors only, whoever presses it."""

    def __init__(
        self,
        *,
        enrolment: Enrolment,
        editorial: Editorial,
        broadcaster: Broadcaster,
        answers: Answers,
        answer_callback: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._enrolment = enrolment
        self._editorial = editorial
        self._broadcaster = broadcaster
        self._answers = answers
        self._answer_callback = answer_callback

    async def press(self, query: CallbackQuery, *, key: str) -> None:
        """Do what a ``callback_query`` update asks, and say what came of it."""
        person = Address(Channel.TELEGRAM, str(query.from_user.id))
        language = await self._answers.language(
            person, Kind.READER, spoken=query.from_user.language_code or ""
        )
        editor = await self._editorial.editor(person)
        if editor is None:
            await self._show(query, phrases.not_for_you(language))
            return
        found = _DATA.fullmatch(query.data or "")
        if found is None:
            await self._show(query, "")
            return
        action, number = found[1], int(found[2])
        try:
            if action == "accept":
                shown, told = await self._accept(
                    number, int(found[3] or 0), editor, language
                )
            elif action == "confirm":
                shown, told = await self._confirm(BroadcastId(number), language)
            elif action.startswith("decide:"):
                shown, told = await self._decide(
                    BroadcastId(number), language, repeat=action == "decide:repeat"
                )
            else:
                shown, told = await self._cancel(BroadcastId(number), language)
        except Refusal as error:
            shown = told = phrases.refusal(language, error=error)
        await self._show(query, shown)
        if told:
            await self._answers.say(editor.address, Kind.READER, told, key=key)

    async def _confirm(self, number: BroadcastId, language: str) -> tuple[str, str]:
        if not await self._broadcaster.confirm(number):
            return phrases.already_confirmed(language), ""
        broadcast, coverage = await self._broadcaster.status(number)
        status = phrases.status(language, broadcast=broadcast, coverage=coverage)
        return phrases.on_its_way(language), status

    async def _cancel(self, number: BroadcastId, language: str) -> tuple[str, str]:
        spared = await self._broadcaster.stop(number)
        told = phrases.stopped(language, broadcast=number, spared=spared)
        return phrases.cancelled(language), told

    async def _decide(
        self, number: BroadcastId, language: str, *, repeat: bool
    ) -> tuple[str, str]:
        """Settle the messages of which nobody knows whether they arrived."""
        count = await self._broadcaster.decide(number, repeat=repeat)
        if not count:
            return phrases.already_settled(language), ""
        told = phrases.settled(language, broadcast=number, count=count, repeat=repeat)
        shown = phrases.repeat_label if repeat else phrases.sent_label
        return shown(language), told

    async def _accept(
        self, recipient: int, audience: int, editor: Editor, language: str
    ) -> tuple[str, str]:
        welcome = await self._enrolment.vouch(
            RecipientId(recipient),
            AudienceId(audience),
            by=f"editor:{editor.recipient}",
        )
        told = phrases.vouched(
            language,
            title=welcome.recipient.title,
            audience=welcome.audience.title,
            new=welcome.new,
        )
        return phrases.accepted(language), told

    async def _show(self, query: CallbackQuery, text: str) -> None:
        """Answer the press; one too old to be answered is nobody's trouble."""
        try:
            await self._answer_callback(query.id, text[:LONGEST])
        except Exception as error:  # noqa: BLE001 - the effect is had, the rest is manners
            log.warning(
                "a pressed button could not be answered",
                extra={"error": type(error).__name__},
            )
