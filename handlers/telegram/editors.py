"""What editors can do from their private chat with the bot."""

from __future__ import annotations

import asyncio
import html
from typing import TYPE_CHECKING

from bot import phrases
from bot.domain.articles import ArticleId
from bot.domain.broadcasts import BroadcastId, BroadcastState
from bot.domain.errors import NothingToSend
from bot.domain.messages import Button, Text, utf16_length
from bot.domain.recipients import Channel, Kind
from bot.formatter import FormatterError, render, template_variables
from bot.notices import LIMITS, controls, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bot.broadcaster import Broadcaster
    from bot.domain.articles import Article
    from bot.domain.broadcasts import Plan
    from bot.editorial import Editorial
    from bot.enrolment import Enrolment
    from bot.ports import Editor
    from handlers.answers import Answers
    from handlers.telegram.correcting import CorrectionDesk
    from handlers.telegram.incoming import Command, Incoming

#: Digits of a number that can be one of ours.
_DIGITS = 15
#: How many of the newest broadcasts are looked at for the one that is meant.
_RECENT = 20
_OPEN = frozenset(
    {
        BroadcastState.PLANNED,
        BroadcastState.WAITING,
        BroadcastState.RUNNING,
        BroadcastState.PAUSED,
    }
)
_GAP = "\n\n"


class DeskCommands:
    """Plans, shows and stops broadcasts; only a pressed button lets one go."""

    def __init__(
        self,
        *,
        enrolment: Enrolment,
        editorial: Editorial,
        broadcaster: Broadcaster,
        changes: CorrectionDesk,
        answers: Answers,
        default_audiences: Sequence[str],
        channels: Sequence[Channel],
        own: frozenset[str],
    ) -> None:
        self._enrolment = enrolment
        self._editorial = editorial
        self._broadcaster = broadcaster
        self._changes = changes
        self._answers = answers
        self._default_audiences = tuple(default_audiences)
        self._channels = tuple(channels)
        self._own = own

    async def run(self, said: Incoming, command: Command) -> bool:
        """Do what an editor asks; False where it is no command, or they no editor."""
        work = {
            "broadcast": self._broadcast,
            "preview": self._preview,
            "status": self._status,
            "stop_broadcast": self._stop,
            "correct": self._correct,
            "recall": self._recall,
        }.get(command.name)
        if work is None:
            return False
        editor = await self._editorial.editor(said.chat)
        if editor is None:
            return False
        language = await self._answers.language(
            said.chat, said.kind, spoken=said.language
        )
        try:
            await work(said, command, editor, language)
        except FormatterError:
            raise NothingToSend("the article has no words") from None
        return True

    async def _broadcast(
        self, said: Incoming, command: Command, editor: Editor, language: str
    ) -> None:
        number, names = _number_first(command.arguments)
        article = await self._article(number)
        audiences = [each.lower() for each in names] or await self._everybody()
        if not audiences:
            await self._say(said, phrases.no_audience(language))
            return
        plan = await self._broadcaster.plan(
            article,
            list(dict.fromkeys(audiences)),
            by=f"editor:{editor.recipient}",
            key=said.key,
            ask=True,
        )
        variables = await asyncio.to_thread(_template, plan)
        offer = await self._changes.offer(article.id, language)
        shown = [
            *_previews(plan.previews, language, template=variables),
            summary(plan, audiences, language, offer=offer),
        ]
        await self._answers.say(said.chat, said.kind, *shown, key=said.key)

    async def _everybody(self) -> list[str]:
        if self._default_audiences:
            return list(self._default_audiences)
        return [audience.name for audience, _ in await self._enrolment.audiences()]

    async def _preview(
        self, said: Incoming, command: Command, editor: Editor, language: str
    ) -> None:
        del editor
        number, _ = _number_first(command.arguments)
        digest = await self._broadcaster.compose(await self._article(number))
        previews = [
            (channel, await asyncio.to_thread(render, digest, channel, own=self._own))
            for channel in self._channels
        ]
        shown = _previews(previews, language)
        await self._answers.say(said.chat, said.kind, *shown, key=said.key)

    async def _article(self, number: int | None) -> Article:
        wanted = None if number is None else ArticleId(number)
        return await self._editorial.article(wanted)

    async def _status(
        self, said: Incoming, command: Command, editor: Editor, language: str
    ) -> None:
        del editor
        number, _ = _number_first(command.arguments)
        if number is None:
            newest = await self._broadcaster.latest(1)
            if not newest:
                await self._say(said, phrases.no_broadcast(language))
                return
            broadcast, coverage = newest[0]
        else:
            broadcast, coverage = await self._broadcaster.status(BroadcastId(number))
        text = phrases.status(language, broadcast=broadcast, coverage=coverage)
        buttons = controls(language, broadcast, coverage, now=said.received_at)
        await self._answers.say(
            said.chat,
            Kind.READER,
            plain(text, Channel.TELEGRAM, buttons=buttons),
            key=said.key,
        )

    async def _stop(
        self, said: Incoming, command: Command, editor: Editor, language: str
    ) -> None:
        del editor
        number, _ = _number_first(command.arguments)
        if number is None:
            # Worked off again after a crash, this must not stop the next one too:
            # what was cancelled since the question came in is what it asked for.
            for broadcast, _coverage in await self._broadcaster.latest(_RECENT):
                ended = broadcast.finished_at
                cancelled = broadcast.state is BroadcastState.CANCELLED
                if cancelled and ended is not None and ended >= said.received_at:
                    text = phrases.stopped_before(language, broadcast=broadcast.id)
                    await self._say(said, text)
                    return
                if broadcast.state in _OPEN:
                    number = broadcast.id
                    break
        if number is None:
            await self._say(said, phrases.no_broadcast(language))
            return
        spared = await self._broadcaster.stop(BroadcastId(number))
        await self._say(
            said, phrases.stopped(language, broadcast=number, spared=spared)
        )

    async def _correct(
        self, said: Incoming, command: Command, editor: Editor, language: str
    ) -> None:
        number, explanation = _number_first(command.arguments)
        if number is None:
            await self._say(said, phrases.no_broadcast(language))
            return
        shown = await self._changes.correct(
            number, editor, language, key=said.key, explanation=" ".join(explanation)
        )
        await self._answers.say(said.chat, said.kind, *shown, key=said.key)

    async def _recall(
        self, said: Incoming, command: Command, editor: Editor, language: str
    ) -> None:
        number, _ = _number_first(command.arguments)
        if number is None:
            await self._say(said, phrases.no_broadcast(language))
            return
        shown = await self._changes.recall(number, editor, language, key=said.key)
        await self._answers.say(said.chat, said.kind, *shown, key=said.key)

    async def _say(self, said: Incoming, *texts: str) -> None:
        await self._answers.say(said.chat, Kind.READER, *texts, key=said.key)


def _number_first(arguments: Sequence[str]) -> tuple[int | None, Sequence[str]]:
    """Take the number that *arguments* may begin with from the rest."""
    if arguments and arguments[0].isdecimal():
        # A number too long for ours stays one that is nobody's.
        return int(arguments[0][:_DIGITS]), arguments[1:]
    return None, arguments


def _template(plan: Plan) -> Sequence[tuple[str, str]]:
    """What fills the template; nothing where none is configured."""
    if any(note.code == "no-template" for note in plan.lint):
        return ()
    return template_variables(plan.digest)


def _previews(
    previews: Iterable[tuple[Channel, Sequence[Text]]],
    language: str,
    *,
    template: Sequence[tuple[str, str]] = (),
) -> list[Text]:
    """Telegram's messages as they will be sent; another channel's, quoted.

    Args:
        previews: What each channel's readers will see.
        language: The editor's.
        template: Names and values of what readers get whose window is closed.
    """
    shown: list[Text] = []
    for channel, texts in previews:
        if channel is Channel.TELEGRAM:
            shown += texts
            continue
        heading = phrases.preview_heading(language, channel=channel)
        pieces = [
            (heading if place == 0 else "", text.text)
            for place, text in enumerate(texts)
        ]
        if template:
            lines = "\n".join(f"{name}: {value}" for name, value in template)
            pieces.append((phrases.template_heading(language), lines))
        whole = _quoted(pieces)
        if whole.length <= whole.limit:
            shown.append(whole)
        else:
            shown += [_quoted([piece]) for piece in pieces]
    return shown


def _quoted(pieces: Sequence[tuple[str, str]]) -> Text:
    """Show texts under their headings as they stand, with nothing live in them.

    Telegram would make links and commands of what another channel shows as text.
    """
    bare, marked = [], []
    for heading, text in pieces:
        if heading:
            bare.append(heading)
            marked.append(html.escape(heading, quote=False))
        bare.append(text)
        marked.append(f"<pre>{html.escape(text, quote=False)}</pre>")
    return Text(
        text=_GAP.join(marked),
        markup="HTML",
        length=utf16_length(_GAP.join(bare)),
        limit=LIMITS[Channel.TELEGRAM],
    )


def summary(
    plan: Plan,
    audiences: Sequence[str],
    language: str,
    *,
    offer: Sequence[Button] = (),
) -> Text:
    """Say what confirming will do, over the buttons that let it go.

    What went there before is let go by another button, which says so; *offer* is what
    could be done instead.
    """
    number = plan.broadcast.id
    if plan.before:
        go = Button(phrases.repeat_label(language), data=f"again:{number}")
    else:
        go = Button(phrases.confirm_label(language), data=f"confirm:{number}")
    return plain(
        phrases.plan_summary(
            language,
            broadcast=number,
            audiences=audiences,
            channels=plan.channels,
            notes=plan.lint,
        ),
        Channel.TELEGRAM,
        buttons=(
            (go, Button(phrases.cancel_label(language), data=f"cancel:{number}")),
            *((each,) for each in offer),
        ),
    )
