"""What is said to readers and groups who ask for something, or leave."""

from __future__ import annotations

from bot.phrases.catalogue import command, typed, words


def greeting(language: str, *, channel: str) -> str:
    """To who opens the chat without a join link."""
    return (
        words(language).gettext(
            "Hello! Here you get our newsroom's stories as messages. To join, open "
            "one of the join links on our pages."
        )
        + "\n\n"
        + help_reader(language, channel=channel)
    )


def help_reader(language: str, *, channel: str) -> str:
    """What a reader can ask."""
    return (
        words(language)
        .gettext(
            "What you can write:\n"
            "{latest} – the newest story; {latest} 3 – the newest three\n"
            "{stop} – no more stories\n"
            "{privacy} – what is kept about you\n"
            "{help} – this list"
        )
        .format(
            latest=command("latest", channel, language),
            stop=command("stop", channel, language),
            privacy=command("privacy", channel, language),
            help=command("help", channel, language),
        )
    )


def help_group(language: str, *, username: str) -> str:
    """What can be asked in a group."""
    return (
        words(language)
        .gettext(
            "What can be written here:\n"
            "{latest} – the newest story\n"
            "{privacy} – what is kept\n"
            "{leave} – take this group out (administrators)\n"
            "{help} – this list"
        )
        .format(
            latest=typed(f"/latest@{username}", language),
            privacy=typed(f"/privacy@{username}", language),
            leave=typed(f"/leave@{username}", language),
            help=typed(f"/help@{username}", language),
        )
    )


def hint(language: str, *, channel: str) -> str:
    """To who writes something we do not understand."""
    return (
        words(language)
        .gettext("I did not understand that. Write {help} to see what you can ask.")
        .format(help=command("help", channel, language))
    )


def nothing_yet(language: str) -> str:
    """To who asks for the newest stories when there is none."""
    return words(language).gettext("Nothing has been published here yet.")


def goodbye(language: str, *, channel: str) -> str:
    """To a reader who has left."""
    return (
        words(language)
        .gettext(
            "You have left, and no more stories will come. To come back, open a join "
            "link again. {latest} still shows the newest story whenever you ask."
        )
        .format(latest=command("latest", channel, language))
    )


def not_enrolled(language: str) -> str:
    """To who leaves without being in."""
    return words(language).gettext(
        "You are not enrolled anywhere, and no stories are sent to you."
    )


def how_to_rejoin(language: str) -> str:
    """To a WhatsApp reader who writes START and nothing more."""
    return words(language).gettext(
        "To get our stories, open one of the join links on our pages, or write JOIN "
        "and the code that stands beside it."
    )


def how_to_leave(language: str, *, username: str) -> str:
    """To an administrator who writes /stop in a group."""
    return (
        words(language)
        .gettext("To take this group out, write {leave}.")
        .format(leave=typed(f"/leave@{username}", language))
    )


def leave_refused(language: str) -> str:
    """To a member who may not take the group out."""
    return words(language).gettext(
        "Only an administrator of this group or an editor of the newsroom can take "
        "it out. Each member can mute it for themselves."
    )


def group_left(language: str) -> str:
    """In a group that has been taken out."""
    return words(language).gettext(
        "This group is no longer enrolled, and no more stories will come. The bot "
        "can be removed now."
    )


def group_not_enrolled(language: str) -> str:
    """In a group that is to be taken out and is not in."""
    return words(language).gettext("This group is not enrolled; nothing is sent here.")
