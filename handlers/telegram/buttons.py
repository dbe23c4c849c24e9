"""What editors decide by pressing a button."""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

from bot import phrases
from bot.domain.broadcasts import BroadcastId, BroadcastState
from bot.domain.errors import Refusal, SentBefore
from bot.domain.messages import Button, Text
from bot.domain.recipients import Address, AudienceId, Channel, Kind, RecipientId
from bot.notices import plain
from handlers.telegram.editors import summary

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from telegram import CallbackQuery

    from bot.broadcaster import Broadcaster
    from bot.editorial import Editorial
    from bot.enrolment import Enrolment
    from bot.ports import Editor
    from handlers.answers import Answers
    from handlers.telegram.correcting import CorrectionDesk

log = logging.getLogger("harkara.telegram")

_DATA = re.compile(
    r"(confirm|again|cancel|correct|undo|pause|resume|retry|missed|accept|decide:sent"
    r"|decide:repeat):(\d{1,15})(?::(\d{1,15}))?",
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
        changes: CorrectionDesk,
        answers: Answers,
        answer_callback: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._enrolment = enrolment
        self._editorial = editorial
        self._broadcaster = broadcaster
        self._changes = changes
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
        told: Text | str
        before: list[Text] = []
        try:
            if action == "accept":
                shown, told = await self._accept(
                    number, int(found[3] or 0), editor, language
                )
            elif action == "correct":
                *before, told = await self._changes.correct(
                    number, editor, language, key=key
                )
                shown = phrases.correct_label(language, broadcast=number)
            elif action == "missed":
                shown, told = await self._missed(
                    BroadcastId(number), editor, language, key=key
                )
            else:
                shown, told = await self._do(action, BroadcastId(number), language)
        except SentBefore as error:
            shown = phrases.refusal(language, error=error)
            told = _with_button(shown, "again", number, phrases.repeat_label(language))
        except Refusal as error:
            shown = told = phrases.refusal(language, error=error)
        await self._show(query, shown)
        if told:
            await self._answers.say(editor.address, Kind.READER, *before, told, key=key)

    async def _do(  # noqa: PLR0911 - a table: one case a button
        self, action: str, number: BroadcastId, language: str
    ) -> tuple[str, Text | str]:
        """Do to a broadcast what the button says; what is shown, and what is told."""
        desk = self._broadcaster
        match action:
            case "confirm" | "again":
                return await self._confirm(number, language, again=action == "again")
            case "undo":
                await desk.undo(number)
                told = phrases.undone(language, broadcast=number)
                return phrases.cancelled(language), told
            case "pause":
                await desk.pause(number)
                told = phrases.on_hold(language, broadcast=number)
                label = phrases.resume_label(language)
                return phrases.pause_label(language), _with_button(
                    told, "resume", number, label
                )
            case "resume":
                await desk.resume(number)
                told = phrases.goes_on(language, broadcast=number)
                return phrases.on_its_way(language), told
            case "retry":
                count = await desk.retry(number)
                told = phrases.retried(language, broadcast=number, count=count)
                return phrases.on_its_way(language), told
            case "decide:sent" | "decide:repeat":
                return await self._decide(
                    number, language, repeat=action == "decide:repeat"
                )
        spared = await desk.stop(number)
        told = phrases.stopped(language, broadcast=number, spared=spared)
        return phrases.cancelled(language), told

    async def _confirm(
        self, number: BroadcastId, language: str, *, again: bool
    ) -> tuple[str, Text | str]:
        if not await self._broadcaster.confirm(number, again=again):
            return phrases.already_confirmed(language), ""
        broadcast, coverage = await self._broadcaster.status(number)
        if broadcast.state is BroadcastState.WAITING and broadcast.held_until:
            since = broadcast.confirmed_at or broadcast.planned_at
            seconds = round((broadcast.held_until - since).total_seconds())
            told = phrases.held(language, broadcast=number, count=seconds)
            label = phrases.undo_label(language)
            return phrases.on_its_way(language), _with_button(
                told, "undo", number, label
            )
        status = phrases.status(language, broadcast=broadcast, coverage=coverage)
        return phrases.on_its_way(language), status

    async def _missed(
        self, number: BroadcastId, editor: Editor, language: str, *, key: str
    ) -> tuple[str, Text]:
        """Plan the same for those who did not get it; it is to be confirmed."""
        plan = await self._broadcaster.again(
            number, by=f"editor:{editor.recipient}", key=key
        )
        return "", summary(plan, plan.audiences, language)

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


def _with_button(text: str, verb: str, number: int, label: str) -> Text:
    """Put one button under *text*, which does *verb* to broadcast *number*."""
    button = Button(label, data=f"{verb}:{number}")
    return plain(text, Channel.TELEGRAM, buttons=((button,),))
