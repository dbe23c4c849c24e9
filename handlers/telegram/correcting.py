"""How editors change what they have sent, from their private chat with the bot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import phrases
from bot.domain.broadcasts import BroadcastId
from bot.domain.messages import Button, Text
from bot.domain.recipients import Channel
from bot.notices import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.corrections import Corrections
    from bot.domain.corrections import CorrectionPlan
    from bot.editorial import Editorial
    from bot.ports import Editor


class CorrectionDesk:
    """Plans corrections and recalls; only a pressed button lets one go."""

    def __init__(self, *, editorial: Editorial, corrections: Corrections) -> None:
        self._editorial = editorial
        self._corrections = corrections

    async def correct(
        self,
        number: int,
        editor: Editor,
        language: str,
        *,
        key: str,
        explanation: str = "",
    ) -> list[Text]:
        """Plan to put the newest version in the place of what a broadcast sent.

        Returns:
            How it will look on Telegram, and what it will do, over the buttons.

        Raises:
            Refusal: There is nothing to correct it with, or it is too late.
        """
        broadcast = BroadcastId(number)
        article = await self._editorial.article(
            await self._corrections.article(broadcast)
        )
        plan = await self._corrections.correct(
            broadcast,
            article,
            by=f"editor:{editor.recipient}",
            key=key,
            explanation=explanation,
        )
        return _shown(plan, language)

    async def recall(
        self, number: int, editor: Editor, language: str, *, key: str
    ) -> list[Text]:
        """Plan to take back what a broadcast sent; what is returned is as above.

        Raises:
            Refusal: It reached nobody, or it is too late.
        """
        plan = await self._corrections.recall(
            BroadcastId(number), by=f"editor:{editor.recipient}", key=key
        )
        return _shown(plan, language)

    async def offer(self, article: int, language: str) -> Sequence[Button]:
        """Return the button that corrects an older version instead, if one was sent."""
        found = await self._corrections.older(article)
        if found is None:
            return ()
        label = phrases.correct_label(language, broadcast=found)
        return (Button(label, data=f"correct:{found}"),)


def _shown(plan: CorrectionPlan, language: str) -> list[Text]:
    number = plan.broadcast.id
    counts = {each: plan.count(each) for _, each in plan.counts}
    buttons = (
        Button(phrases.confirm_label(language), data=f"confirm:{number}"),
        Button(phrases.cancel_label(language), data=f"cancel:{number}"),
    )
    told = plain(
        phrases.correction_summary(
            language,
            broadcast=number,
            changed=plan.broadcast.corrects or number,
            counts=counts,
        ),
        Channel.TELEGRAM,
        buttons=(buttons,),
    )
    looks = dict(plan.previews).get(Channel.TELEGRAM, ())
    return [*looks, told]
