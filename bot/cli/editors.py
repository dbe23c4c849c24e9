"""``harkara editor``: who may send."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import DEFAULT_CONFIG, NO_BOT, ConfigFile, at_desk, table
from bot.domain.errors import ConfigError

if TYPE_CHECKING:
    from bot.app import Desk

app = typer.Typer(help="The people who may send.", no_args_is_help=True)


@app.command()
def invite(
    name: Annotated[str, typer.Argument(help="How the desk calls them.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Make a one-time invitation. It is shown once and kept nowhere."""

    async def work(desk: Desk) -> None:
        if desk.bot is None:
            raise ConfigError(NO_BOT.format("editors work from Telegram"))
        token = await desk.editorial.invite_editor(name)
        typer.echo(f"Send {name} this address; it works once, for three days:")
        typer.echo(f"https://t.me/{desk.newsroom.bot_username}?start={token}")

    at_desk(config, work, channels=True)


@app.command("list")
def list_(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List the editors."""

    async def work(desk: Desk) -> None:
        async with desk.database.snapshot() as tx:
            editors = await tx.editors.all()
        table(
            ("NAME", "CHANNEL", "SINCE"),
            [
                (each.name, each.address.channel.value, f"{each.since:%Y-%m-%d %H:%M}")
                for each in editors
            ],
        )

    at_desk(config, work)
