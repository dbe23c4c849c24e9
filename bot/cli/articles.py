"""``harkara article``: what the newsroom publishes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import (
    DEFAULT_CONFIG,
    ConfigFile,
    Language,
    at_desk,
    shown_at,
    table,
)
from bot.cli.formatting import read_text
from bot.domain.articles import Draft

if TYPE_CHECKING:
    from bot.app import Desk

app = typer.Typer(help="What the newsroom publishes.", no_args_is_help=True)


@app.command()
def add(
    file: Annotated[str, typer.Argument(help="A text file, or - for standard input.")],
    title: Annotated[str, typer.Option(help="The headline.")] = "",
    link: Annotated[str, typer.Option(help="Where to read it.")] = "",
    language: Language = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Take an article in. Nothing is sent."""
    text = read_text(file)

    async def work(desk: Desk) -> None:
        article = await desk.editorial.take_in(
            Draft(text=text, headline=title, link=link, language=language)
        )
        typer.echo(f"article {article.id}, version {article.version}")

    at_desk(config, work)


@app.command("list")
def list_(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many of them.")] = 20,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List the newest articles."""

    async def work(desk: Desk) -> None:
        table(
            ("ID", "VERSION", f"TAKEN IN ({desk.zone})", "BEGINS"),
            [
                (
                    each.id,
                    each.version,
                    shown_at(each.taken_in_at, desk.zone),
                    (each.draft.headline or each.draft.text)[:60].split("\n")[0],
                )
                for each in await desk.editorial.latest(limit)
            ],
        )

    at_desk(config, work)
