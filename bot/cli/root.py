"""All commands under one name."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from pydantic import ValidationError
from typer.core import TyperArgument, TyperGroup

from bot.cli import (
    articles,
    audiences,
    check,
    corrections,
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
from bot.wanted import wanted


class Commands(TyperGroup):
    """All commands; a value of the wrong kind is told in words for people."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and put the library's words into ours."""
        try:
            return super().invoke(ctx)
        except typer.BadParameter as error:
            if isinstance(error.__cause__, ValidationError):
                error.message = wanted(error.__cause__.errors()[0])
                # An option's name says what it is; an argument's help does.
                if isinstance(error.param, TyperArgument) and error.param.help:
                    error.message += f": {error.param.help}"
            raise


app = typer.Typer(
    name="harkara",
    cls=Commands,
    help="A news distribution desk for Telegram and WhatsApp.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command("demo")(demo.demo)
app.command("run")(service.run)
app.command("worker")(service.worker)
app.command("web")(service.web)
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
app.add_typer(corrections.app, name="broadcast")  # its own and those of broadcasts


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
