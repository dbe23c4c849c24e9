"""``harkara run`` and ``harkara database``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import DEFAULT_CONFIG, ConfigFile, fail
from bot.cli.ending import Ending
from bot.domain.errors import HarkaraError

if TYPE_CHECKING:
    from pathlib import Path

    from bot.config import Settings
    from bot.domain.servers import Server
    from storage import KeySource

database = typer.Typer(help="The database.", no_args_is_help=True)


def run(
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    upgrade_first: Annotated[
        bool,
        typer.Option("--upgrade", help="Do `harkara database upgrade` first."),
    ] = False,
) -> None:
    """Run the application: take updates in, answer, send what is confirmed.

    Ends at Ctrl-C or SIGTERM once the calls under way have been answered, and within
    ten seconds; at once when asked a second time.
    """
    with Ending() as ending:
        from bot import logs  # slow: the application's whole set of libraries
        from bot.config import load

        try:
            settings = load(config)
            if upgrade_first:
                upgrade(config)
            logs.set_up(settings.log)
            asyncio.run(_until_asked(settings, ending))
        except HarkaraError as error:
            fail(error)


async def _until_asked(settings: Settings, ending: Ending) -> None:
    from bot.app import run as run_application  # slow, as above

    stop = asyncio.Event()
    ending.attach(asyncio.get_running_loop(), stop)
    await run_application(settings, stop=stop)


@database.command()
def upgrade(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Bring the database to this version's shape; make it where there is none."""
    from bot.config import load  # slow, as above

    try:
        settings = load(config, channels=False)
        source = settings.key_source
        key = source.place(settings.database)
        known = key is None or key.exists()
        before, after = asyncio.run(_upgrade(settings.database, source))
    except HarkaraError as error:
        fail(error)
    if before == after:
        typer.echo(f"{settings.database} is up to date ({after})")
    else:
        typer.echo(f"{settings.database}: {before or 'new'} → {after}")
    if not known:
        typer.echo(
            f"{key}: a new key. Keep a copy of it, apart from the database's: without "
            "it nobody can read the phone numbers, nor can you"
        )


async def _upgrade(place: Path | Server, source: KeySource) -> tuple[str, str]:
    from storage import open_database  # slow, as above
    from storage import upgrade as upgrade_tables

    steps = await upgrade_tables(place)
    # Opening it for the first time gives it its key.
    async with await open_database(place, exclusive=False, key=source):
        return steps
