"""What editors are told of our own accord."""

from __future__ import annotations

from bot.phrases.catalogue import channel_name, name, typed, words


def suspended(language: str, *, title: str, code: str) -> str:
    """We may not write to a group or Telegram channel at present."""
    say = words(language)
    shown = name(title, language) or say.gettext("(without a name)")
    return say.gettext(
        "{title}: messages cannot be sent there at present ({code}). What is due "
        "waits until the bot may write there again; an administrator of the group "
        "can allow it."
    ).format(title=shown, code=name(code, language) or "–")


def paused(language: str, *, broadcast: int, code: str) -> str:
    """A broadcast has stopped itself."""
    return (
        words(language)
        .gettext(
            "Broadcast {broadcast} has paused itself: the message is refused for "
            "everybody ({code}). Nothing more of it is sent. {status} shows how far "
            "it came."
        )
        .format(
            broadcast=broadcast,
            code=name(code, language) or "–",
            status=typed(f"/status {broadcast}", language),
        )
    )


def sender_down(language: str, *, channel: str, code: str) -> str:
    """Nothing leaves through a sender until somebody acts."""
    return (
        words(language)
        .gettext(
            "{channel}: nothing can be sent at present, because the provider does "
            "not accept our account ({code}). Whoever runs this desk has to look at "
            "it. Everything due waits."
        )
        .format(
            channel=channel_name(channel, language), code=name(code, language) or "–"
        )
    )


def doubtful(language: str, *, channel: str, count: int) -> str:
    """A restart found calls whose answers were never written down."""
    return (
        words(language)
        .ngettext(
            "{channel}: after a restart it is not known whether {count} message was "
            "sent. It is listed as doubtful; {status} shows it.",
            "{channel}: after a restart it is not known whether {count} messages "
            "were sent. They are listed as doubtful; {status} shows them.",
            count,
        )
        .format(
            channel=channel_name(channel, language),
            count=count,
            status=typed("/status", language),
        )
    )


def unsure(language: str, *, broadcast: int, count: int) -> str:
    """A broadcast is over and some of it is in doubt; the buttons settle it."""
    return (
        words(language)
        .ngettext(
            "Broadcast {broadcast} is over. {count} message may or may not have "
            "arrived: the connection was lost before the answer came.",
            "Broadcast {broadcast} is over. {count} messages may or may not have "
            "arrived: the connection was lost before the answer came.",
            count,
        )
        .format(broadcast=broadcast, count=count)
    )


def sent_label(language: str) -> str:
    """On the button that takes doubtful messages for sent."""
    return words(language).gettext("Take as sent")


def repeat_label(language: str) -> str:
    """On the button that has doubtful messages sent once more."""
    return words(language).gettext("Send again")


def set_aside(language: str, *, channel: str, code: str, number: int) -> str:
    """Something that came in could not be handled."""
    return (
        words(language)
        .gettext(
            "{channel}: something that came in could not be handled ({code}). It was "
            "set aside, number {number}; everything else goes on."
        )
        .format(
            channel=channel_name(channel, language),
            code=name(code, language) or "–",
            number=number,
        )
    )


def stranger(language: str, *, title: str) -> str:
    """A group has added the bot without a link; the buttons name audiences."""
    say = words(language)
    return say.gettext(
        "The bot was added to {title} without a link from the newsroom. Accept it "
        "into one of these audiences; otherwise the bot will leave it."
    ).format(title=name(title, language) or say.gettext("(without a name)"))
