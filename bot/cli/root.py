"""All commands under one name."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.cli import (
    articles,
    audiences,
    broadcasts,
    check,
    demo,
    editors,
    formatting,
    groups,
    health,
    links,
    readers,
    sandbox,
    service,
)
from bot.cli.common import utf8_output

app = typer.Typer(
    name="harkara",
    help="A news distribution desk for Telegram and WhatsApp.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("run")(service.run)
app.command("check")(check.check)
app.command("health")(health.health)
app.command("format")(formatting.format_)
app.add_typer(sandbox.app, name="sandbox")
app.add_typer(service.database, name="database")
app.add_typer(audiences.app, name="audience")
app.add_typer(editors.app, name="editor")
app.add_typer(groups.app, name="group")
app.add_typer(readers.app, name="reader")
app.add_typer(links.app, name="link")
app.add_typer(articles.app, name="article")
app.add_typer(broadcasts.app, name="broadcast")


def _version(wanted: bool) -> None:  # noqa: FBT001 - the library calls it so
    if wanted:
        from importlib.metadata import version  # slow, and rarely asked

        typer.echo(f"harkara {version('harkara')}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[  # noqa: FBT002 - an option is a boolean with a default
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Say which."),
    ] = False,
) -> None:
    """A news distribution desk for Telegram and WhatsApp."""


def run() -> None:
    """Run the command that was asked for."""
    utf8_output()
    app()
