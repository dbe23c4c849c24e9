"""What editors are told of a broadcast on its way, and what they can press."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.deliveries import State
from bot.phrases.catalogue import typed, words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.broadcasts import Coverage

#: Most broadcasts that are named one by one.
_NAMED = 10


def held(language: str, *, broadcast: int, count: int) -> str:
    """A broadcast is confirmed, and can still be undone for *count* seconds."""
    return (
        words(language)
        .gettext(
            "Broadcast {broadcast} is confirmed. Seconds until it goes out: {count}. "
            "Until then it can be undone."
        )
        .format(broadcast=broadcast, count=count)
    )


def undone(language: str, *, broadcast: int) -> str:
    """A confirmation was taken back in time."""
    return (
        words(language)
        .gettext("Broadcast {broadcast} is undone. Nothing was sent.")
        .format(broadcast=broadcast)
    )


def went_before(language: str, *, before: Sequence[int]) -> str:
    """The same went to the same; it must be said twice."""
    return (
        words(language)
        .gettext(
            "This very story went to this audience before. Broadcasts: {broadcasts}. "
            "Nothing is sent unless you say so a second time."
        )
        .format(broadcasts=_numbers(before))
    )


def on_hold(language: str, *, broadcast: int) -> str:
    """An editor has paused a broadcast."""
    return (
        words(language)
        .gettext(
            "Broadcast {broadcast} is paused. Nothing more of it is sent until it goes "
            "on."
        )
        .format(broadcast=broadcast)
    )


def goes_on(language: str, *, broadcast: int) -> str:
    """An editor lets a paused broadcast go on."""
    return (
        words(language)
        .gettext("Broadcast {broadcast} goes on.")
        .format(broadcast=broadcast)
    )


def retried(language: str, *, broadcast: int, count: int) -> str:
    """What failed is tried again."""
    return (
        words(language)
        .gettext("Broadcast {broadcast}: messages that are tried again: {count}")
        .format(broadcast=broadcast, count=count)
    )


def failing(language: str, *, broadcast: int, coverage: Coverage) -> str:
    """A broadcast has stopped itself: too many of its messages fail."""
    return (
        words(language)
        .gettext(
            "Broadcast {broadcast} has paused itself: too many of its messages fail "
            "({count} so far). Nothing more of it is sent before you decide. {status} "
            "shows how far it came."
        )
        .format(
            broadcast=broadcast,
            count=coverage.states[State.FAILED],
            status=typed(f"/status {broadcast}", language),
        )
    )


def merged(language: str, *, broadcast: int, before: Sequence[int]) -> str:
    """Broadcasts waited too long, and go out as one."""
    return (
        words(language)
        .gettext(
            "Some broadcasts waited too long to be sent one by one: {broadcasts}. "
            "Whoever would have got several of them gets one round-up instead: "
            "broadcast {broadcast}."
        )
        .format(broadcasts=_numbers(before), broadcast=broadcast)
    )


def round_up_heading(language: str) -> str:
    """Over several stories that readers get at once."""
    return words(language).gettext("Round-up")


def undo_label(language: str) -> str:
    """On the button that takes a confirmation back."""
    return words(language).gettext("Undo")


def pause_label(language: str) -> str:
    """On the button that pauses a broadcast."""
    return words(language).gettext("Pause")


def resume_label(language: str) -> str:
    """On the button that lets a paused broadcast go on."""
    return words(language).gettext("Go on")


def stop_label(language: str) -> str:
    """On the button that stops a broadcast."""
    return words(language).gettext("Stop")


def retry_label(language: str) -> str:
    """On the button that tries again what failed."""
    return words(language).gettext("Try the failed again")


def missed_label(language: str) -> str:
    """On the button that plans the same for those who did not get it."""
    return words(language).gettext("Send to those without it")


def _numbers(broadcasts: Sequence[int]) -> str:
    shown = [str(each) for each in broadcasts[:_NAMED]]
    return ", ".join([*shown, "…"] if len(broadcasts) > _NAMED else shown)
