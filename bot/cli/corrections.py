"""``harkara broadcast correct``, ``recall``, ``live``, ``coverage``."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import broadcasts
from bot.cli.common import (
    DEFAULT_CONFIG,
    LARGEST_NUMBER,
    AsJson,
    ConfigFile,
    Language,
    at_desk,
    counted,
    table,
)
from bot.cli.course import Number  # noqa: TC001 - typer reads annotations at run time
from bot.cli.formatting import read_text
from bot.domain.articles import ArticleId, Draft
from bot.domain.broadcasts import BroadcastId
from bot.domain.corrections import Outcome
from bot.phrases.catalogue import one_line

if TYPE_CHECKING:
    from bot.app import Desk
    from bot.domain.articles import Article
    from bot.domain.corrections import CorrectionPlan, CorrectionReport

#: What broadcasts have and these.
app = broadcasts.app

BY = "command line"

#: What is said of each outcome, before and after.
WORDS = {
    Outcome.EDITED: "edited in place",
    Outcome.DELETED: "deleted",
    Outcome.NOTICED: "told by a message",
    Outcome.PINNED: "pinned or unpinned",
    Outcome.SENT: "sent the new text",
    Outcome.WAITING: "still on the way",
    Outcome.NEEDLESS: "said by the template",
    Outcome.BEYOND_REACH: "beyond reach",
}

File = Annotated[
    str, typer.Option(help="The right text: a file, or - for standard input.")
]
Title = Annotated[str, typer.Option(help="The headline, with --file.")]
Link = Annotated[
    str, typer.Option(help="Where to read it, with --file; as before unless given.")
]


@app.command()
def correct(
    broadcast: Number,
    article: Annotated[
        int | None,
        typer.Option(
            max=LARGEST_NUMBER,
            help="What is right; the newest version of the same article unless given.",
        ),
    ] = None,
    file: File = "",
    title: Title = "",
    link: Link = "",
    language: Language = "",
    note: Annotated[
        str, typer.Option(help="What was wrong: sent in answer to every copy.")
    ] = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Plan to put the right text in the place of what was sent. Sends nothing.

    Copies on Telegram are edited, readers on WhatsApp get a message, and what still
    waits goes in its new version.
    """
    text = read_text(file) if file else ""

    async def work(desk: Desk) -> None:
        number = BroadcastId(broadcast)
        right = await _right(
            desk,
            number,
            None if article is None else ArticleId(article),
            Draft(text=text, headline=title, link=link, language=language),
        )
        _print_plan(
            await desk.corrections.correct(number, right, by=BY, explanation=note)
        )

    at_desk(config, work, channels=True)


@app.command()
def live(
    broadcast: Number,
    file: File = "",
    title: Title = "",
    link: Link = "",
    language: Language = "",
    end: Annotated[  # noqa: FBT002 - an option is a boolean with a default
        bool, typer.Option("--end", help="The story is over: unpin the card.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Plan a live card's next version: edited in place, nobody is told. Sends nothing.

    Without a file it is the newest version of the card's article.
    """
    text = read_text(file) if file else ""

    async def work(desk: Desk) -> None:
        number = BroadcastId(broadcast)
        if end:
            _print_plan(await desk.corrections.close(number, by=BY))
            return
        draft = Draft(text=text, headline=title, link=link, language=language)
        right = await _right(desk, number, None, draft)
        _print_plan(await desk.corrections.refresh(number, right, by=BY))

    at_desk(config, work, channels=True)


@app.command()
def recall(
    broadcast: Number,
    notice: Annotated[
        str,
        typer.Option(
            help="What stands where it cannot be deleted, and is told on WhatsApp."
        ),
    ] = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Plan to take back what was sent, its corrections too. Takes nothing back yet.

    Telegram lets messages be deleted for 48 hours; older ones are edited to a notice.
    Readers on WhatsApp are told. What still waits is not sent.
    """

    async def work(desk: Desk) -> None:
        _print_plan(
            await desk.corrections.recall(BroadcastId(broadcast), by=BY, notice=notice)
        )

    at_desk(config, work, channels=True)


@app.command()
def coverage(
    broadcast: Number,
    json_: AsJson = False,  # noqa: FBT002 - an option is a boolean with a default
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show what a correction or recall has come to, and whom it did not reach."""

    async def work(desk: Desk) -> None:
        report = await desk.corrections.report(BroadcastId(broadcast))
        if json_:
            typer.echo(json.dumps(_as_json(report), ensure_ascii=False))
        else:
            _print_report(report)

    at_desk(config, work)


async def _right(
    desk: Desk, of: BroadcastId, chosen: ArticleId | None, given: Draft
) -> Article:
    """Return what is to stand there: the text given, or an article that is there."""
    if chosen is not None:
        return await desk.editorial.article(chosen)
    known = await desk.editorial.article(await desk.corrections.article(of))
    if not given.text:
        return known
    before = known.draft
    return await desk.editorial.take_in(
        replace(
            given,
            link=given.link or before.link,
            language=given.language or before.language,
        )
    )


def _print_plan(plan: CorrectionPlan) -> None:
    for channel, texts in plan.previews:
        for place, text in enumerate(texts, start=1):
            typer.secho(
                f"{channel.value} {place}/{len(texts)}, {text.length} of {text.limit}",
                bold=True,
            )
            typer.echo(text.text + "\n")
    for note in plan.lint:
        typer.echo(f"note: {note.text}")
    for (channel, outcome), count in sorted(plan.counts.items()):
        typer.echo(
            f"{channel.value}: {counted(count, 'message')} {_to_be(outcome, count)}"
        )
    found = plan.broadcast
    typer.echo(
        f"broadcast {found.id} changes broadcast {found.corrects}. "
        f"Do it with: harkara broadcast confirm {found.id}"
    )


def _to_be(outcome: Outcome, count: int) -> str:
    if outcome is Outcome.BEYOND_REACH:
        return "is beyond reach" if count == 1 else "are beyond reach"
    if outcome in {Outcome.NOTICED, Outcome.SENT}:
        return "to be sent"
    return f"to be {WORDS[outcome]}"


def _print_report(report: CorrectionReport) -> None:
    found = report.broadcast
    typer.echo(
        f"broadcast {found.id}, {found.purpose.value} of broadcast {found.corrects}: "
        f"{found.state.value} {found.reason}".rstrip()
    )
    table(
        ("OUTCOME", "MESSAGES"),
        [(WORDS[each], report.counts[each]) for each in WORDS if report.counts[each]],
    )
    if report.folded:
        typer.echo(f"{report.folded} more are no longer kept one by one")
    if report.missed:
        typer.echo("")
        table(
            ("RECIPIENT", "CHANNEL", "PART", "WHY", "TITLE"),
            [
                (
                    each.recipient,
                    each.channel.value,
                    each.part,
                    one_line(each.why),
                    one_line(each.title),
                )
                for each in report.missed
            ],
        )


def _as_json(report: CorrectionReport) -> dict[str, Any]:
    found = report.broadcast
    return {
        "id": found.id,
        "purpose": found.purpose.value,
        "changes": found.corrects,
        "state": found.state.value,
        "counts": {each.value: report.counts[each] for each in Outcome},
        "folded": report.folded,
        "missed": [
            {
                "recipient": each.recipient,
                "channel": each.channel.value,
                "part": each.part,
                "why": each.why,
            }
            for each in report.missed
        ],
    }
