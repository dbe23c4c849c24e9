"""What is said to those who join, or may not."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from bot.domain.errors import (
    LinkExpired,
    LinkRevoked,
    LinkSpent,
    LinkUnknown,
    NotAllowed,
    NothingToSend,
    SentBefore,
    TooLate,
    Unknown,
    WrongPlace,
)
from bot.domain.recipients import Kind
from bot.phrases.catalogue import command, name, typed, words
from bot.phrases.course import went_before

if TYPE_CHECKING:
    from bot.domain.errors import Refusal

_LONGEST_DETAIL = 300  # UTF-16 units
#: The core's own words for what is not there. What follows the semicolon is a hint
#: for whoever sits at a shell.
_MISSING = re.compile(
    r"there is no (broadcast|article|audience)(?: named)? (['\"]?)(.+?)\2(?:;.*)?",
    re.DOTALL,
)
_SHELL_HINT = re.compile(r"; harkara\b.*", re.DOTALL)


def join_words(language: str, channel: str) -> str:
    """Words of the invitation that ends a story on *channel*."""
    if channel == "whatsapp":
        return words(language).gettext("Join our WhatsApp group")
    return words(language).gettext("Join us on Telegram")


def welcome(language: str, *, channel: str, audience: str, new: bool) -> str:
    """To a reader who has joined, or joins again."""
    say = words(language)
    stop = command("stop", channel, language)
    if new:
        return say.gettext(
            "Welcome! You have joined {audience}. New stories will come to this "
            "chat.\n\nWrite {latest} for the newest stories, {help} for what else "
            "you can ask, and {stop} whenever you have had enough."
        ).format(
            audience=name(audience, language),
            latest=command("latest", channel, language),
            help=command("help", channel, language),
            stop=stop,
        )
    return say.gettext(
        "You are in {audience} already. New stories come to this chat until you "
        "write {stop}."
    ).format(audience=name(audience, language), stop=stop)


def welcome_group(language: str, *, audience: str, new: bool, username: str) -> str:
    """To a group that has been enrolled, or is so again."""
    say = words(language)
    if new:
        return say.gettext(
            "This group is now enrolled in {audience}. New stories will appear "
            "here.\n\nAn administrator can take the group out with {leave}."
        ).format(
            audience=name(audience, language),
            leave=typed(f"/leave@{username}", language),
        )
    return say.gettext("This group is enrolled in {audience} already.").format(
        audience=name(audience, language)
    )


def welcome_channel(language: str, *, title: str, audience: str, new: bool) -> str:
    """To the administrator who has enrolled a Telegram channel."""
    say = words(language)
    shown = name(title, language) or say.gettext("(without a name)")
    if new:
        return say.gettext(
            "The channel {title} is now enrolled in {audience}. Stories will appear "
            "there as long as this bot is one of its administrators and may post."
        ).format(title=shown, audience=name(audience, language))
    return say.gettext("The channel {title} is enrolled in {audience} already.").format(
        title=shown, audience=name(audience, language)
    )


def offer_channel(language: str, *, audience: str) -> str:
    """To whoever opens a Telegram channel's link: choose the channel."""
    return (
        words(language)
        .gettext(
            "This link enrols a Telegram channel in {audience}. Choose the channel "
            "with the button below. You must be allowed to post there."
        )
        .format(audience=name(audience, language))
    )


def pick_channel(language: str) -> str:
    """On the button that opens the choice of channels."""
    return words(language).gettext("Choose the channel")


def no_offer(language: str) -> str:
    """To who shares a channel that nobody has asked them for."""
    return words(language).gettext(
        "Please open the newsroom's link for channels first, and then choose the "
        "channel."
    )


def only_administrators(language: str) -> str:
    """In a group, to a member who may not enrol it."""
    return words(language).gettext("Only an administrator of this group can enrol it.")


def only_channel_administrators(language: str) -> str:
    """To who shares a channel that is not theirs to speak for."""
    return words(language).gettext(
        "Only an administrator of that channel can enrol it. If you are one, make "
        "this bot an administrator too and choose the channel again."
    )


def could_not_check(language: str) -> str:
    """When Telegram would not say who is an administrator."""
    return words(language).gettext(
        "It could not be checked just now who is an administrator. Please try again "
        "in a few minutes."
    )


def group_without_token(language: str) -> str:
    """In a group that nobody has enrolled."""
    return words(language).gettext(
        "This group is not enrolled. An administrator can enrol it with a link from "
        "the newsroom."
    )


def welcome_editor(language: str, *, editor: str) -> str:
    """To a new editor."""
    return (
        words(language)
        .gettext("Welcome to the desk, {editor}. {help} shows what you can do here.")
        .format(editor=name(editor, language), help=typed("/help", language))
    )


def invitation_gone(language: str) -> str:
    """To who opens an editor's invitation that is none any more."""
    return words(language).gettext(
        "This invitation has been used or has run out. Please ask for a new one."
    )


def refusal(language: str, *, error: Refusal) -> str:
    """Say why something was not done."""
    match error:
        case LinkUnknown():
            return words(language).gettext(
                "This join link is not known here. Please look for a newer one."
            )
        case LinkExpired():
            return words(language).gettext(
                "The time of this join link is over. Please look for a newer one."
            )
        case LinkSpent():
            return words(language).gettext(
                "This join link has been used as often as it may be. Please ask the "
                "newsroom for a new one."
            )
        case LinkRevoked():
            return words(language).gettext(
                "The newsroom has withdrawn this join link. Please look for a newer "
                "one."
            )
        case WrongPlace():
            return _wrong_place(language, str(error))
    return _refused(language, error)


def _wrong_place(language: str, wanted: str) -> str:
    say = words(language)
    if wanted == Kind.GROUP:
        return say.gettext(
            "This link is for a group. Open it again, choose the group, and the bot "
            "is added to it."
        )
    if wanted == Kind.TELEGRAM_CHANNEL:
        return say.gettext(
            "This link is for a Telegram channel. Open it in a private chat with "
            "this bot."
        )
    return say.gettext(
        "This link is for readers. Open it in a private chat with this bot."
    )


def _refused(language: str, error: Refusal) -> str:
    """A general sentence, and what the error itself has to say, which is English."""
    say = words(language)
    text = str(error)
    if isinstance(error, SentBefore):
        return went_before(language, before=error.broadcasts)
    if isinstance(error, Unknown) and (found := _MISSING.fullmatch(text)):
        return _missing(language, found[1], found[3])
    match error:
        case NotAllowed():
            general = say.gettext("You may not do this.")
        case Unknown():
            general = say.gettext("I could not find that.")
        case NothingToSend():
            general = say.gettext("There is nothing to send.")
        case TooLate():
            general = say.gettext("It is too late for that.")
        case _:
            general = say.gettext("That was not possible.")
    detail = name(_SHELL_HINT.sub("", text), language, longest=_LONGEST_DETAIL)
    return f"{general}\n{detail}" if detail else general


def _missing(language: str, noun: str, which: str) -> str:
    """There is no such thing, in words that hold in a chat."""
    say = words(language)
    sentences = {
        "broadcast": say.gettext("There is no such broadcast: {which}"),
        "article": say.gettext("There is no such article: {which}"),
        "audience": say.gettext("There is no such audience: {which}"),
    }
    return sentences[noun].format(which=name(which, language))
