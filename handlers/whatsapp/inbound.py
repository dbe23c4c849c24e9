"""What readers write on WhatsApp."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot import phrases
from bot.domain.errors import LinkUnknown, Refusal
from bot.domain.keeping import USUAL
from bot.domain.recipients import WHATSAPP_ADDRESS, Address, Channel, Kind
from handlers.answers import Answers, how_many
from handlers.whatsapp.keywords import Wish, asks_to_join, looks_like_code, wish_in

if TYPE_CHECKING:
    from bot.domain.inbound import Inbound
    from bot.domain.keeping import Keeping
    from bot.editorial import Editorial
    from bot.enrolment import Enrolment, Welcome
    from bot.replies import Replies
    from handlers.whatsapp.keywords import Said
    from handlers.whatsapp.receipts import WhatsAppReceipts

log = logging.getLogger("harkara.whatsapp")

SCHEME = "whatsapp:"
#: Twilio's list tells whole seconds, and its clock is not ours.
SAME_TIME = timedelta(seconds=2)


class WhatsAppInbound:
    """Gives each stored message its effect, and hands reports to *receipts*.

    Args:
        own: Hosts, handles and tags of the newsroom, which stay links in a story.
        keeping: How long what concerns people is kept.
        contact: Where the newsroom is reached.
    """

    def __init__(
        self,
        *,
        enrolment: Enrolment,
        editorial: Editorial,
        replies: Replies,
        receipts: WhatsAppReceipts,
        own: frozenset[str] = frozenset(),
        keeping: Keeping = USUAL,
        contact: str = "",
    ) -> None:
        self._enrolment = enrolment
        self._receipts = receipts
        self._answers = Answers(
            replies=replies,
            enrolment=enrolment,
            editorial=editorial,
            own=own,
            keeping=keeping,
            contact=contact,
        )

    async def handle(self, entry: Inbound, *, key: str) -> None:
        """Do what a stored message or report asks."""
        if entry.key.startswith("status:"):
            await self._receipts.handle(entry, key=key)
            return
        reader = _address(entry.payload)
        text = str(entry.payload.get("Body", ""))
        said = wish_in(text)
        stop = entry.payload.get("OptOutType") == "STOP" or (
            said is not None and said.wish is Wish.STOP
        )
        if await self._overtaken(reader, entry):
            # What they have asked for since stands; but who has said STOP and has
            # not joined anew is out, and who has joined and not said STOP is in.
            if stop:
                await self._enrolment.leave(reader, before=entry.received_at)
            elif said is None:
                await self._join_late(reader, text, entry, key=key)
            return
        # Before anything else: it opens the window in which answers may be sent.
        if not await self._enrolment.heard_from(
            reader, Kind.READER, at=entry.received_at
        ):
            log.info("written before being forgotten", extra={"inbound": entry.id})
            return
        if stop:
            await self._stop(reader, key=key)
        else:
            await self._answer(reader, text, said, entry, key=key)

    async def _answer(
        self, reader: Address, text: str, said: Said | None, entry: Inbound, *, key: str
    ) -> None:
        """Say what a reader has asked for, and let in who wrote a join code."""
        language = await self._answers.language(reader, Kind.READER)
        match said.wish if said else None:
            case Wish.LATEST if said:
                messages = await self._answers.newest(
                    Channel.WHATSAPP, language, how_many(said.argument)
                )
            case Wish.HELP:
                messages = [phrases.help_reader(language, channel=Channel.WHATSAPP)]
            case Wish.PRIVACY:
                messages = [self._answers.privacy(language, Channel.WHATSAPP)]
            case Wish.START:
                messages = [phrases.how_to_rejoin(language)]
            case _:
                messages = [await self._join(reader, text, language, entry)]
        await self._answers.say(reader, Kind.READER, *messages, key=key)

    async def _overtaken(self, reader: Address, entry: Inbound) -> bool:
        """Whether it was fetched late, and its reader has been heard since."""
        if "Fetched" not in entry.payload:
            return False
        found = await self._enrolment.find(reader)
        last = found[0].last_inbound_at if found else None
        return last is not None and last > entry.received_at + SAME_TIME

    async def _stop(self, reader: Address, *, key: str) -> None:
        language = await self._answers.language(reader, Kind.READER)
        left = await self._enrolment.leave(reader)
        text = (
            phrases.goodbye(language, channel=Channel.WHATSAPP)
            if left
            else phrases.not_enrolled(language)
        )
        await self._answers.say(reader, Kind.READER, text, key=key)

    async def _join_late(
        self, reader: Address, text: str, entry: Inbound, *, key: str
    ) -> None:
        """Enrol whoever wrote a join code, unless they have said STOP since."""
        found = await self._enrolment.find(reader)
        stopped = found[0].stopped_at if found else None
        if stopped is not None and stopped > entry.received_at - SAME_TIME:
            return
        try:
            welcome = await self._redeem(reader, text, entry)
        except LinkUnknown:
            return  # any word of eight letters: no answer is better than a late hint
        except Refusal as error:
            language = await self._answers.language(reader, Kind.READER)
            message = phrases.refusal(language, error=error)
        else:
            if welcome is None or not welcome.new:
                return
            message = await self._welcome(reader, welcome)
        await self._answers.say(reader, Kind.READER, message, key=key)

    async def _join(
        self, reader: Address, text: str, language: str, entry: Inbound
    ) -> str:
        """Enrol whoever wrote a join code; say what came of it."""
        hint = phrases.hint(language, channel=Channel.WHATSAPP)
        try:
            welcome = await self._redeem(reader, text, entry)
        except LinkUnknown as error:
            if asks_to_join(text) or looks_like_code(text):
                return phrases.refusal(language, error=error)
            return hint
        except Refusal as error:
            return phrases.refusal(language, error=error)
        if welcome is None:
            return phrases.how_to_rejoin(language) if asks_to_join(text) else hint
        return await self._welcome(reader, welcome)

    async def _redeem(
        self, reader: Address, text: str, entry: Inbound
    ) -> Welcome | None:
        """Enrol whoever wrote a join code, as of when they wrote it."""
        return await self._enrolment.redeem_words(
            text,
            by=reader,
            agreed_by=f"{Channel.WHATSAPP}:reader",
            written_at=entry.received_at,
        )

    async def _welcome(self, reader: Address, welcome: Welcome) -> str:
        language = await self._answers.language(reader, Kind.READER)
        return phrases.welcome(
            language,
            channel=Channel.WHATSAPP,
            audience=welcome.audience.title,
            new=welcome.new,
        )


def _address(payload: dict[str, Any]) -> Address:
    """Return who wrote; a business-scoped id keeps its letters as they are."""
    value = str(payload.get("From", "")).removeprefix(SCHEME)
    if not WHATSAPP_ADDRESS.fullmatch(value):
        raise ValueError("the sender is no WhatsApp address")
    return Address(Channel.WHATSAPP, value)
