"""``harkara run`` and ``harkara database``."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import DEFAULT_CONFIG, ConfigFile, fail
from bot.cli.ending import Ending
from bot.cli.loops import run_long
from bot.domain.errors import ConfigError, HarkaraError

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
            run_long(_until_asked(settings, ending))
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


@database.command()
def move(
    to: Annotated[
        str,
        typer.Option(
            envvar="HARKARA_MOVE_TO",
            metavar="ADDRESS",
            help="postgresql://user:password@host/name; the variable keeps the "
            "password out of the list of processes.",
        ),
    ],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Copy the SQLite file to a PostgreSQL database, and compare every row.

    All of it or nothing; the file stays as it is, and so does the key.
    """
    from bot.config import load  # slow, as above
    from bot.domain.servers import EXAMPLE, Server
    from storage.keyfile import MOVED
    from storage.moving import move as move_rows

    try:
        settings = load(config, channels=False)
        try:
            target = Server(to)
        except ValueError:
            raise ConfigError(f"--to must be an address like {EXAMPLE}") from None
        if isinstance(settings.database, Server):
            raise ConfigError(
                "HARKARA_DATABASE names a server; name the file that is to be moved"
            )
        moved = asyncio.run(move_rows(settings.database, target, settings.key_source))
    except HarkaraError as error:
        fail(error)
    width = max(len(each.name) for each in moved.tables)
    for each in moved.tables:
        typer.echo(f"{each.name:<{width}}  {each.rows:>9}  {each.digest[:16]}")
    done = "was there already" if moved.again else "is there now, row for row"
    typer.echo(f"Everything in {settings.database} {done}: {target}.")
    typer.echo("Set HARKARA_DATABASE to its address before you start Harkara again.")
    key = settings.key_source.place(settings.database)
    if (
        key is not None
        and settings.key_path is None
        and key.resolve() != MOVED.resolve()
    ):
        typer.echo(f"Set HARKARA_KEY_FILE to {key}: the key stays where it is.")
