"""``harkara demo``: a whole newsroom on this machine, no account needed."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import tempfile
import time
from contextlib import AsyncExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli import drawing
from bot.cli.common import REFUSED, fail
from bot.cli.formatting import read_text
from bot.domain.articles import Draft
from bot.domain.errors import HarkaraError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from bot.app import Desk
    from bot.cli.application import Application
    from bot.cli.cast import Result
    from bot.config import Settings
    from bot.sandbox import Sandbox

#: Exit statuses of a program that was told to stop before its end.
INTERRUPTED = 130
TERMINATED = 143
#: Few calls at once: with a dozen recipients, a kill should find some not yet called.
CONCURRENCY = 3
#: What a visitor is told who would spoil the story.
CLOSED = "The story is still being played: in a few seconds it is your turn."
#: What a visitor is told who comes after its end.
ENDING = "The demo is ending. Start it again with `harkara demo`."


def demo(
    once: Annotated[  # noqa: FBT002 - an option is a boolean with a default
        bool,
        typer.Option(
            "--once",
            help="End by itself; status 0 if every delivery ended as it should.",
        ),
    ] = False,
    json_: Annotated[  # noqa: FBT002 - as above
        bool, typer.Option("--json", help="Print the counts as JSON.")
    ] = False,
    article: Annotated[
        str | None,
        typer.Option(help="Send this text file of yours instead of the sample."),
    ] = None,
    log: Annotated[
        str, typer.Option(help="The application's own log: error, warning, info.")
    ] = "error",
) -> None:
    """Send real articles to pretend Telegram and WhatsApp readers.

    Starts both providers on this machine's loopback and the real application against
    them: people join, ask, and one of each kind of trouble is arranged. Then prints
    what every recipient got. Stays up with a page of their phones until Ctrl-C.
    """
    text = None if article is None else read_text(article)
    console = drawing.console(stderr=json_)
    try:
        status = asyncio.run(
            _play(console, once=once, as_json=json_, text=text, log=log)
        )
    except (HarkaraError, TimeoutError, ValueError) as error:
        fail(error)
    except KeyboardInterrupt:
        status = INTERRUPTED
    except asyncio.CancelledError:
        status = TERMINATED
    raise typer.Exit(status)


async def _play(
    console: Console, *, once: bool, as_json: bool, text: str | None, log: str
) -> int:
    # slow: the page's server; what is slower still is loaded below, beside the child
    from bot import logs
    from bot.cli.application import Application
    from bot.cli.cast import TEMPLATE, TEMPLATE_BODY
    from bot.sandbox import Hooks, Sandbox

    logs.set_up(log)
    _cancel_when_terminated()
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory("-harkara")))
        hooks = Hooks(closed=CLOSED)
        sandbox = await stack.enter_async_context(Sandbox(hooks=hooks))
        sandbox.add_template(sid=TEMPLATE, body=TEMPLATE_BODY, name="digest")
        settings = _settings(sandbox, folder, template=TEMPLATE, log=log)
        application = Application(
            settings,
            folder=folder,
            hear=lambda line: drawing.log_line(console, line),
            tell=lambda words: drawing.warning(console, words),
        )
        stack.push_async_callback(application.stop)
        show = _Show(console, sandbox, application)
        hooks.application = application.view
        await application.prepare()
        drawing.introduce(console, sandbox.page_url)
        desk = await show.open(settings, stack)
        with console.status("[dim]opening the newsroom …[/]") as status:

            def tell(line: str) -> None:
                drawing.step(console, time.monotonic() - started, line)
                status.update("[dim]the story goes on …[/]")

            draft = Draft(text=text) if text is not None else None
            result = await show.play(desk, draft, tell)
        seconds = time.monotonic() - started
        drawing.report(console, result, seconds)
        if as_json:
            typer.echo(json.dumps(drawing.counts(result, seconds)))
        if not once:
            show.let_in(desk)
            console.print(
                f"Look at everybody's phone: [bold]{sandbox.page_url}[/]\n"
                "Write as anybody there, join, broadcast, kill the application: it "
                "comes back.\n[dim]It stays up until Ctrl-C.[/]"
            )
            with _listening() as stop:
                await stop.wait()
    return 0 if result.as_expected else REFUSED


class _Show:
    """What runs beside the application: the desk, the story, the page's hooks."""

    def __init__(
        self, console: Console, sandbox: Sandbox, application: Application
    ) -> None:
        self._console = console
        self._sandbox = sandbox
        self._application = application

    async def open(self, settings: Settings, stack: AsyncExitStack) -> Desk:
        """Make the database, start the application, and sit down beside it."""
        await asyncio.to_thread(import_module, "bot.app")  # as long as the child does
        from bot.app import open_desk  # slow, as above
        from bot.cli.strip import Strip
        from storage import upgrade

        sandbox, application = self._sandbox, self._application
        await upgrade(settings.database)
        inbound = f"{settings.public_url}/twilio/inbound"
        sandbox.twilio.configure(inbound_url=inbound)
        desk = await stack.enter_async_context(open_desk(settings, online=False))
        strip = Strip(desk, named=self._named)
        sandbox.hooks.deliveries = strip.look
        application.watch(changed=self._changed, count=strip.under_way)
        stack.callback(self.shut)  # before the desk is left, and the application drains
        await application.start()
        return desk

    async def play(
        self, desk: Desk, draft: Draft | None, tell: Callable[[str], None]
    ) -> Result:
        """Play the story that the demo always tells."""
        from bot.cli.newsroom import Story  # slow, as above

        def show(title: str, body: str) -> None:
            drawing.previews(self._console, drawing.previewed(story))
            drawing.message(self._console, title, body)

        story = Story(self._sandbox, desk, article=draft, tell=tell, show=show)
        result = await story.play()
        self._sandbox.hooks.links = story.links
        return result

    def let_in(self, desk: Desk) -> None:
        """Let whoever looks at the page act from now on."""
        from bot.cli.newswire import Newswire  # slow, as above

        hooks = self._sandbox.hooks
        hooks.publish = Newswire(desk.editorial).publish
        hooks.kill = self._application.kill
        hooks.closed = ""
        self._refresh()

    def shut(self) -> None:
        """Ask nothing more of a desk that is being left."""
        hooks = self._sandbox.hooks
        hooks.deliveries = hooks.publish = hooks.kill = None
        hooks.closed = ENDING
        self._refresh()

    def _changed(self) -> None:
        """Let the page know; say in the terminal when it has recovered."""
        now = self._refresh()
        if now["state"] == "up" and now["recovered_in"] is not None:
            drawing.recovered(self._console, now)

    def _refresh(self) -> dict[str, Any]:
        """Let the page look anew; return how the application is."""
        now = self._application.view()
        self._sandbox.log.add("application", None, **now)
        return now

    def _named(self, address: str) -> str | None:
        """Return what the page calls who is at *address*."""
        world = self._sandbox.world
        if address.startswith("+"):
            person = world.by_phone.get(f"whatsapp:{address}")
            return person.name if person else None
        if not address.removeprefix("-").isdecimal():
            return None  # what is left of somebody who was forgotten
        chat = world.chats.get(int(address))
        return chat.title if chat else None


def _settings(sandbox: Sandbox, folder: Path, *, template: str, log: str) -> Settings:
    from bot.config import Settings  # slow, as above

    port = _free_port()
    return Settings.model_validate(
        {
            "bot_token": sandbox.bot_token,
            "twilio_account_sid": sandbox.account_sid,
            "twilio_auth_token": sandbox.auth_token,
            "whatsapp_number": sandbox.whatsapp_number,
            "content_sid": template,
            "public_url": f"http://127.0.0.1:{port}",
            "listen": f"127.0.0.1:{port}",
            "database": folder / "harkara.db",
            "telegram_api": sandbox.telegram_url,
            "twilio_api": sandbox.twilio_url,
            "own": ("kashmirwatch.example",),
            "concurrency": CONCURRENCY,
            # Who watches shall see it go.
            "undo_seconds": 0,
            "canary": False,
            "log": log,
        }
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _cancel_when_terminated() -> None:
    """Unwind on SIGTERM as on Ctrl-C: the temporary folder goes, too."""
    main = asyncio.current_task()
    if main is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main.cancel)


@contextmanager
def _listening() -> Iterator[asyncio.Event]:
    """Let the first signal set the event; a second one then cuts the end short."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    try:
        yield stop
    finally:
        loop.remove_signal_handler(signal.SIGINT)  # Python's own: KeyboardInterrupt
        _cancel_when_terminated()
