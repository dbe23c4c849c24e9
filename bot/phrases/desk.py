"""What editors are answered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import State
from bot.phrases.catalogue import TRANSLATED, channel_name, name, primary, typed, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.broadcasts import Broadcast, ChannelPlan, Coverage
    from bot.domain.digests import Note

#: Most remarks that are shown under a plan, and how much of each.
_NOTES = 6
_LONGEST_NOTE = 150  # UTF-16 units
#: Most audiences that are named one by one.
_AUDIENCES = 3


def help_editor(language: str) -> str:
    """What an editor can do."""
    return (
        words(language)
        .gettext(
            "At the desk you can also write:\n"
            "{broadcast} – plan the newest story for everybody, look at it, confirm\n"
            "{broadcast} 12 sport – plan article 12 for the audience sport\n"
            "{preview} 12 – only look at article 12\n"
            "{status} – how far the newest broadcast has come\n"
            "{stop} – stop the newest broadcast\n"
            "{status} 7, {stop} 7 – the same for broadcast 7"
        )
        .format(
            broadcast=typed("/broadcast", language),
            preview=typed("/preview", language),
            status=typed("/status", language),
            stop=typed("/stop_broadcast", language),
        )
        + "\n"
        + words(language)
        .gettext(
            "{correct} 7 – put the newest version in the place of what broadcast 7 "
            "sent\n"
            "{recall} 7 – take back what broadcast 7 sent"
        )
        .format(correct=typed("/correct", language), recall=typed("/recall", language))
    )


def preview_heading(language: str, *, channel: str) -> str:
    """Over a preview of what another channel's readers will see."""
    return (
        words(language)
        .gettext("This is how it looks on {channel}:")
        .format(channel=channel_name(channel, language))
    )


def template_heading(language: str) -> str:
    """Over what fills the template, in a preview of WhatsApp."""
    return words(language).gettext(
        "Readers who have not written for a day get the template:"
    )


def plan_summary(
    language: str,
    *,
    broadcast: int,
    audiences: Sequence[str],
    channels: Sequence[ChannelPlan],
    notes: Sequence[Note],
) -> str:
    """What confirming will do: how many are written to, and what to know before."""
    say = words(language)
    shown = [name(each, language) for each in audiences[:_AUDIENCES]]
    if len(audiences) > _AUDIENCES:
        shown.append("…")
    lines = [
        say.gettext(
            "Broadcast {broadcast} for {audiences}: {recipients}, {messages}."
        ).format(
            broadcast=broadcast,
            audiences=", ".join(shown),
            recipients=_recipients(language, sum(each.recipients for each in channels)),
            messages=_messages(language, sum(each.messages for each in channels)),
        )
    ]
    for channel in dict.fromkeys(each.channel for each in channels):
        there = [each for each in channels if each.channel is channel]
        lines.append(
            say.gettext("{channel}: {recipients}, {messages}").format(
                channel=channel_name(channel.value, language),
                recipients=_recipients(language, sum(e.recipients for e in there)),
                messages=_messages(language, sum(each.messages for each in there)),
            )
        )
    if notes:
        lines.append("")
        lines += [f"• {lint(language, note=each)}" for each in notes[:_NOTES]]
        if len(notes) > _NOTES:
            lines.append("• …")
    lines += ["", say.gettext("Nothing is sent before you confirm.")]
    return "\n".join(lines)


def _recipients(language: str, count: int) -> str:
    return (
        words(language)
        .ngettext("{count} recipient", "{count} recipients", count)
        .format(count=count)
    )


def _messages(language: str, count: int) -> str:
    return (
        words(language)
        .ngettext("{count} message", "{count} messages", count)
        .format(count=count)
    )


def lint(language: str, *, note: Note) -> str:
    """Say a remark in the editor's language; in English it says more."""
    told = _remark(language, note.code) if primary(language) in TRANSLATED else ""
    return told or name(note.text, language, longest=_LONGEST_NOTE)


def _remark(language: str, code: str) -> str:
    say = words(language)
    remarks = {
        "no-link": say.gettext("The story has no link to read on."),
        "sent-before": say.gettext("This story went to this audience before."),
        "no-template": say.gettext(
            "No WhatsApp template is configured: readers who have not written within "
            "24 hours will not get it."
        ),
        "headline-found": say.gettext(
            "No headline was given; the first line was taken for it."
        ),
        "headline-made": say.gettext(
            "No headline was given; one was made of the first sentence."
        ),
        "headline-shortened": say.gettext("The headline was shortened."),
        "sentence-shortened": say.gettext("A long sentence was shortened."),
        "long-text": say.gettext(
            "The article is very long; only its beginning was read."
        ),
        "no-text": say.gettext("Nothing stands below the headline."),
        "furniture-removed": say.gettext(
            "Lines that belong to the web page and not to the story were left out."
        ),
        "only-furniture": say.gettext(
            "The whole text reads like parts of a web page; nothing was left out."
        ),
        "link-long": say.gettext("The link is too long and is left out on WhatsApp."),
        "link-dropped": say.gettext("The link is far too long and was left out."),
        "link-not-a-link": say.gettext(
            "The link does not begin with https:// and is shown as text."
        ),
    }
    return remarks.get(code, "")


def confirm_label(language: str) -> str:
    """On the button that lets a broadcast go."""
    return words(language).gettext("Confirm")


def cancel_label(language: str) -> str:
    """On the button that cancels a plan."""
    return words(language).gettext("Cancel")


def on_its_way(language: str) -> str:
    """Shown for a moment when a broadcast is confirmed."""
    return words(language).gettext("On its way")


def already_confirmed(language: str) -> str:
    """When the button is pressed a second time."""
    return words(language).gettext("It was confirmed before")


def stopped(language: str, *, broadcast: int, spared: int) -> str:
    """After stopping a broadcast."""
    return (
        words(language)
        .ngettext(
            "Broadcast {broadcast} is stopped. {count} message will not be sent.",
            "Broadcast {broadcast} is stopped. {count} messages will not be sent.",
            spared,
        )
        .format(broadcast=broadcast, count=spared)
    )


def stopped_before(language: str, *, broadcast: int) -> str:
    """When what is to be stopped has just been."""
    return (
        words(language)
        .gettext("Broadcast {broadcast} has been stopped already.")
        .format(broadcast=broadcast)
    )


def cancelled(language: str) -> str:
    """Shown for a moment when a plan is cancelled."""
    return words(language).gettext("Cancelled")


def status(language: str, *, broadcast: Broadcast, coverage: Coverage) -> str:
    """How far a broadcast has come."""
    say = words(language)
    lines = [
        say.gettext("Broadcast {broadcast}: {state}").format(
            broadcast=broadcast.id, state=_broadcast_state(language, broadcast.state)
        ),
        say.gettext("{arrived} of {planned} accepted by the provider").format(
            arrived=coverage.arrived, planned=coverage.planned
        ),
    ]
    lines += [
        say.gettext("{state}: {count}").format(
            state=_state(language, state), count=count
        )
        for state in State
        if (count := coverage.states[state])
    ]
    if broadcast.merged_into is not None:
        lines.append(
            say.gettext("Most of it went out with round-up {broadcast}").format(
                broadcast=broadcast.merged_into
            )
        )
    return "\n".join(lines)


def _broadcast_state(language: str, state: BroadcastState) -> str:
    say = words(language)
    return {
        BroadcastState.PLANNED: say.gettext("waits for confirmation"),
        BroadcastState.WAITING: say.gettext("confirmed; can still be undone"),
        BroadcastState.RUNNING: say.gettext("under way"),
        BroadcastState.PAUSED: say.gettext("paused"),
        BroadcastState.FINISHED: say.gettext("finished"),
        BroadcastState.CANCELLED: say.gettext("stopped"),
    }[state]


def _state(language: str, state: State) -> str:
    say = words(language)
    return {
        State.QUEUED: say.gettext("waiting"),
        State.LEASED: say.gettext("about to be sent"),
        State.SENDING: say.gettext("being sent"),
        State.ACCEPTED: say.gettext("accepted"),
        State.DELIVERED: say.gettext("delivered"),
        State.READ: say.gettext("read"),
        State.FAILED: say.gettext("failed"),
        State.SKIPPED: say.gettext("left out"),
        State.EXPIRED: say.gettext("too old to be sent"),
        State.RECALLED: say.gettext("recalled"),
        State.SUSPENDED: say.gettext("held until the bot may write there"),
        State.DOUBTFUL: say.gettext("doubtful: perhaps sent"),
    }[state]


def no_broadcast(language: str) -> str:
    """When there is none to stop or to show."""
    return words(language).gettext("There is no such broadcast.")


def no_audience(language: str) -> str:
    """When there is nobody to broadcast to at all."""
    return words(language).gettext(
        "There is no audience yet; make one before you broadcast."
    )


def not_for_you(language: str) -> str:
    """Shown for a moment to who presses a button that is an editor's."""
    return words(language).gettext("This button is for editors only")


def settled(language: str, *, broadcast: int, count: int, repeat: bool) -> str:
    """After an editor has decided what becomes of doubtful messages."""
    say = words(language)
    if repeat:
        text = say.ngettext(
            "Broadcast {broadcast}: {count} message is sent again.",
            "Broadcast {broadcast}: {count} messages are sent again.",
            count,
        )
    else:
        text = say.ngettext(
            "Broadcast {broadcast}: {count} message is taken as sent.",
            "Broadcast {broadcast}: {count} messages are taken as sent.",
            count,
        )
    return text.format(broadcast=broadcast, count=count)


def already_settled(language: str) -> str:
    """Shown for a moment when nothing is in doubt any more."""
    return words(language).gettext("This has been settled already")


def vouched(language: str, *, title: str, audience: str, new: bool) -> str:
    """After an editor has accepted a group."""
    say = words(language)
    shown = name(title, language) or say.gettext("(without a name)")
    if new:
        return say.gettext("{title} is now enrolled in {audience}.").format(
            title=shown, audience=name(audience, language)
        )
    return say.gettext("{title} is enrolled in {audience} already.").format(
        title=shown, audience=name(audience, language)
    )


def accepted(language: str) -> str:
    """Shown for a moment when a group is accepted."""
    return words(language).gettext("Accepted")
