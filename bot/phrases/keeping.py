"""What is kept about somebody, for how long, and how to have it erased."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.keeping import SET_ASIDE

from .catalogue import command, one_line, typed, words

if TYPE_CHECKING:
    from datetime import timedelta

    from bot.domain.keeping import Keeping

_YEAR = 365  # days


def privacy(language: str, *, channel: str, keeping: Keeping, contact: str) -> str:
    """What is kept about a reader, and what they can do about it.

    Args:
        language: BCP 47.
        channel: Where they ask.
        keeping: What the newsroom has decided.
        contact: Where it is reached; empty where it has not said.
    """
    say = words(language)
    if channel == "whatsapp":
        address = say.gettext("your WhatsApp number or WhatsApp's own id for you")
        carriers = say.gettext("WhatsApp and Twilio carry the messages and see them.")
    else:
        address = say.gettext("your Telegram chat's number")
        carriers = say.gettext("Telegram carries the messages and sees them.")
    text = say.gettext(
        "What the newsroom keeps so that it can write to you: {address}, your "
        "language if it is known, what you joined, when and by which link.\n\n"
        "How long the rest is kept:\n"
        "– what you write here: {updates}; what could not be handled: {aside}\n"
        "– which messages you were sent, and what became of them: {deliveries}\n"
        "– that you had agreed, after you leave: {consents}\n\n"
        "{carriers} Nobody else is given any of this by this program, and it does "
        "not watch which links you open.\n\n"
        "{stop} ends the messages. To see your data, or to be forgotten at once, "
        "write to the newsroom."
    ).format(
        address=address,
        carriers=carriers,
        stop=command("stop", channel, language),
        updates=_span(keeping.updates, language),
        aside=_span(max(keeping.updates, SET_ASIDE), language),
        deliveries=_span(keeping.deliveries, language),
        consents=_span(keeping.consents, language),
    )
    if contact:
        where = typed(one_line(contact), language)
        text += "\n" + say.gettext("The newsroom: {contact}").format(contact=where)
    return text


def _span(time: timedelta, language: str) -> str:
    """Write whole days; whole years as such."""
    say, days = words(language), time.days
    if not days:
        return say.gettext("not kept")
    if days % _YEAR == 0:
        years = days // _YEAR
        return say.ngettext("{count} year", "{count} years", years).format(count=years)
    return say.ngettext("{count} day", "{count} days", days).format(count=days)
