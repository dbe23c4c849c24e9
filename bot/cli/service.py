"""``harkara run``, ``worker``, ``web`` and ``database``."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import DEFAULT_CONFIG, ConfigFile, fail
from bot.cli.ending import Ending
from bot.cli.loops import run_long
from bot.domain.errors import ConfigError, HarkaraError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bot.domain.servers import Server
    from storage import KeySource

log = logging.getLogger("harkara.app")

#: Exit status of a worker that the others gave up: start it anew.
GIVEN_UP = 75
#: Seconds between a life and the next; doubled for each that was no `LONG_LIFE`.
FIRST_PAUSE, LONGEST_PAUSE, LONG_LIFE = 0.5, 30.0, 300.0

database = typer.Typer(help="The database.", no_args_is_help=True)


UpgradeFirst = Annotated[
    bool,
    typer.Option("--upgrade", help="Do `harkara database upgrade` first."),
]
Once = Annotated[
    bool,
    typer.Option(
        "--once",
        help=f"Given up by the other workers, end with status {GIVEN_UP} instead of "
        "starting anew: somebody else sees to that.",
    ),
]


def run(
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    upgrade_first: UpgradeFirst = False,
) -> None:
    """Run the application: take updates in, answer, send what is confirmed.

    Ends at Ctrl-C or SIGTERM once the calls under way have been answered, and within
    ten seconds; at once when asked a second time.
    """
    _serve("run", config, upgrade_first=upgrade_first)


def worker(
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    upgrade_first: UpgradeFirst = False,
    health: Annotated[
        str,
        typer.Option(help="Answer GET /health at this address and port."),
    ] = "",
    once: Once = False,
) -> None:
    """Run one of many workers on PostgreSQL: send, answer, read what came in.

    Start as many as wanted, on as many machines: when one dies the others have its
    work within 15 seconds. Ends as `harkara run` does.
    """
    _serve("worker", config, upgrade_first=upgrade_first, listen=health, once=once)


def web(
    config: ConfigFile = DEFAULT_CONFIG,
    *,
    upgrade_first: UpgradeFirst = False,
    listen: Annotated[
        str,
        typer.Option(help="Address and port, in place of HARKARA_LISTEN's."),
    ] = "",
) -> None:
    """Run one of many that the providers call: store what comes in for the workers.

    Start as many as wanted behind a load balancer. Ends as `harkara run` does.
    """
    _serve("web", config, upgrade_first=upgrade_first, listen=listen or None)


def _serve(
    command: str,
    config: Path,
    *,
    upgrade_first: bool,
    listen: str | None = None,
    once: bool = False,
) -> None:
    """Be what *command* is until asked to end, in one life or several.

    Args:
        command: The role's.
        config: The settings file.
        upgrade_first: Whether to bring the database to shape before.
        listen: In place of the settings' address, unless None.
        once: Whether to end when the other workers have given us up.
    """
    with Ending() as ending:
        # slow: the application's whole set of libraries, before the loop begins
        from bot import app, logs
        from bot.config import load, with_listen
        from bot.roles import ROLES, require

        try:
            role = ROLES[command]
            settings = with_listen(load(config), listen)
            require(settings, role)
            if upgrade_first:
                upgrade(config)
            logs.set_up(settings.log)
            _live(partial(app.run, settings, role=role), ending, once=once)
        except HarkaraError as error:
            fail(error)


def _live(work: Callable[..., Awaitable[None]], ending: Ending, *, once: bool) -> None:
    """Live, and live anew when the other workers took us for dead.

    Nothing is left of a life: what they have done meanwhile cannot be told from here.
    """
    from bot.domain.errors import StorageFailing  # slow, as above
    from bot.runners.cluster import GivenUp

    lives = Lives()
    while True:
        lives.begin()
        try:
            run_long(_until_asked(work, ending))
        except GivenUp as error:
            if once:
                typer.echo(f"harkara: {error}", err=True)
                raise typer.Exit(GIVEN_UP) from None
        except StorageFailing:
            # The server may be away for longer than its first start would wait.
            if lives.first:
                raise
        else:
            return
        pause = lives.pause()
        log.warning("starting anew", extra={"life": lives.count + 1, "after": pause})
        deadline = time.monotonic() + pause
        while time.monotonic() < deadline:
            if ending.asked:
                return
            time.sleep(0.05)


class Lives:
    """How long to wait between two: longer each time, unless the last was long.

    Args:
        seconds: A clock that never jumps, in seconds.
    """

    def __init__(self, seconds: Callable[[], float] = time.monotonic) -> None:
        self.count = 0
        self._seconds = seconds
        self._begun = 0.0
        self._short = 0

    @property
    def first(self) -> bool:
        """Whether it is the first one."""
        return self.count == 1

    def begin(self) -> None:
        """Begin another."""
        self.count += 1
        self._begun = self._seconds()

    def pause(self) -> float:
        """Return how many seconds to wait before the next."""
        long = self._seconds() - self._begun > LONG_LIFE
        self._short = 0 if long else self._short + 1
        return min(FIRST_PAUSE * 2.0 ** max(self._short - 1, 0), LONGEST_PAUSE)


async def _until_asked(work: Callable[..., Awaitable[None]], ending: Ending) -> None:
    stop = asyncio.Event()
    ending.attach(asyncio.get_running_loop(), stop)
    await work(stop=stop)


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
