"""What is said where something that was sent is changed or taken back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.corrections import Outcome
from bot.phrases.catalogue import name, typed, words

if TYPE_CHECKING:
    from collections.abc import Mapping

#: UTF-16 units of what an editor says was wrong.
LONGEST_EXPLANATION = 1000


def correction(language: str) -> str:
    """Over a corrected story where the wrong one cannot be changed."""
    return words(language).gettext("Correction")


def correction_note(language: str, *, explanation: str) -> str:
    """In answer to a corrected message: what was wrong, in the newsroom's words."""
    shown = name(explanation, language, longest=LONGEST_EXPLANATION)
    return (
        words(language).gettext("Correction: {explanation}").format(explanation=shown)
    )


def withdrawal(language: str) -> str:
    """Over the notice that a story was withdrawn."""
    return words(language).gettext("Withdrawn")


def withdrawn(language: str) -> str:
    """In place of a message that was taken back."""
    return words(language).gettext(
        "The newsroom has withdrawn this message. Please do not pass it on."
    )


def withdrawn_earlier(language: str) -> str:
    """To readers who still have what was taken back."""
    return words(language).gettext(
        "The newsroom has withdrawn a story that it sent you earlier. Please do not "
        "pass it on."
    )


def part_withdrawn(language: str) -> str:
    """In place of a message that the corrected story no longer has."""
    return words(language).gettext(
        "This message no longer belongs to the story. The corrected story stands above."
    )


def correction_summary(
    language: str, *, broadcast: int, changed: int, counts: Mapping[Outcome, int]
) -> str:
    """What confirming will change, and for how many."""
    say = words(language)
    return "\n".join(
        [
            say.gettext(
                "Broadcast {broadcast} changes what broadcast {changed} sent:"
            ).format(broadcast=broadcast, changed=changed),
            *_tally(language, counts),
            "",
            say.gettext("Nothing is sent before you confirm."),
        ]
    )


def correction_over(
    language: str, *, broadcast: int, changed: int, counts: Mapping[Outcome, int]
) -> str:
    """What a change has come to."""
    say = words(language)
    lines = [
        say.gettext(
            "Broadcast {broadcast} has changed what broadcast {changed} sent:"
        ).format(broadcast=broadcast, changed=changed),
        *_tally(language, counts),
    ]
    if counts.get(Outcome.BEYOND_REACH):
        command = typed(f"harkara broadcast coverage {broadcast}", language)
        lines += [
            "",
            say.gettext("Who was not reached, and why: {command}").format(
                command=command
            ),
        ]
    return "\n".join(lines)


def correct_label(language: str, *, broadcast: int) -> str:
    """On the button that corrects an earlier broadcast instead of sending anew."""
    return (
        words(language)
        .gettext("Correct broadcast {broadcast} instead")
        .format(broadcast=broadcast)
    )


def _tally(language: str, counts: Mapping[Outcome, int]) -> list[str]:
    say = words(language)
    sentences = {
        Outcome.EDITED: say.gettext("• edited in place: {count}"),
        Outcome.DELETED: say.gettext("• deleted: {count}"),
        Outcome.NOTICED: say.gettext("• told by a message: {count}"),
        Outcome.PINNED: say.gettext("• pinned or unpinned: {count}"),
        Outcome.SENT: say.gettext("• sent the new text: {count}"),
        Outcome.WAITING: say.gettext("• still on the way: {count}"),
        Outcome.BEYOND_REACH: say.gettext("• beyond reach: {count}"),
    }
    return [
        sentence.format(count=counts[each])
        for each, sentence in sentences.items()
        if counts.get(each)
    ] or [say.gettext("• nothing")]
