"""``harkara audience``: named sets of groups and readers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import DEFAULT_CONFIG, ConfigFile, Language, at_desk, table
from bot.phrases import speaks
from bot.phrases.catalogue import TRANSLATED

if TYPE_CHECKING:
    from bot.app import Desk

app = typer.Typer(help="Named sets of groups and readers.", no_args_is_help=True)


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="Letters, digits, - and _.")],
    title: Annotated[str, typer.Option(help="What readers see.")] = "",
    language: Language = "en",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Make an audience."""

    async def work(desk: Desk) -> None:
        made = await desk.enrolment.create_audience(
            name, title=title, language=language
        )
        typer.echo(f"audience {made.name}: {made.title}")
        if not speaks(made.language):
            typer.echo(
                "note: what Harkara itself says is English there: it has no "
                f"{language}, only {', '.join(('en', *TRANSLATED))}",
                err=True,
            )

    at_desk(config, work)


@app.command("list")
def list_(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List the audiences and how many are enrolled."""

    async def work(desk: Desk) -> None:
        table(
            ("NAME", "TITLE", "LANGUAGE", "ENROLLED"),
            [
                (each.name, each.title, each.language, enrolled)
                for each, enrolled in await desk.enrolment.audiences()
            ],
        )

    at_desk(config, work)
