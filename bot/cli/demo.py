"""``harkara demo``: a whole newsroom on this machine, no account needed."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.common import REFUSED, fail
from bot.cli.formatting import read_text
from bot.domain.articles import Draft
from bot.domain.errors import HarkaraError

if TYPE_CHECKING:
    from rich.console import Console

    from bot.cli.cast import Result
    from bot.config import Settings
    from bot.sandbox import Sandbox


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
    from rich.console import Console  # slow: only the demo draws

    text = None if article is None else read_text(article)
    console = Console(stderr=json_, highlight=False)
    try:
        status = asyncio.run(
            _play(console, once=once, as_json=json_, text=text, log=log)
        )
    except (HarkaraError, TimeoutError, ValueError) as error:
        fail(error)
    except KeyboardInterrupt:
        status = 0
    raise typer.Exit(status)


async def _play(
    console: Console, *, once: bool, as_json: bool, text: str | None, log: str
) -> int:
    # slow: the providers' libraries, after the arguments have been read
    from bot import logs
    from bot.app import running
    from bot.cli.cast import TEMPLATE, TEMPLATE_BODY
    from bot.cli.newsroom import Story
    from bot.sandbox import Sandbox
    from storage import upgrade

    logs.set_up(log)
    started = time.monotonic()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory("-harkara")))
        stories: list[Story] = []

        async def deliveries() -> list[dict[str, str]]:
            return await stories[0].deliveries() if stories else []

        sandbox = await stack.enter_async_context(Sandbox(deliveries=deliveries))
        sandbox.add_template(sid=TEMPLATE, body=TEMPLATE_BODY, name="digest")
        settings = _settings(sandbox, folder, template=TEMPLATE)
        await upgrade(settings.database)
        sandbox.twilio.configure(inbound_url=f"{settings.public_url}/twilio/inbound")
        desk = await stack.enter_async_context(running(settings))
        console.print(_banner(sandbox))
        with console.status("opening the newsroom …") as status:

            def tell(line: str) -> None:
                seconds = time.monotonic() - started
                console.print(f"[green]✓[/] [dim]{seconds:5.1f} s[/]  {_plain(line)}")
                status.update("…")

            story = Story(
                sandbox,
                desk,
                article=Draft(text=text) if text is not None else None,
                tell=tell,
                show=lambda title, body: _show(console, title, body),
            )
            stories.append(story)
            result = await story.play()
        _report(console, result)
        if as_json:
            typer.echo(json.dumps(_counts(result, time.monotonic() - started)))
        if not once:
            console.print(
                f"\nThe phones are at [bold]{sandbox.page_url}[/] until Ctrl-C."
            )
            await _interrupted()
    return 0 if result.as_expected else REFUSED


def _settings(sandbox: Sandbox, folder: Path, *, template: str) -> Settings:
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
        }
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


def _plain(text: str) -> Any:
    from rich.markup import escape  # slow, as above

    return escape(text)


def _banner(sandbox: Sandbox) -> Any:
    from rich.panel import Panel  # slow, as above

    return Panel.fit(
        "[bold]Harkara[/]  a news desk, two pretend providers, fifteen people\n"
        f"[dim]watch their phones:[/] {sandbox.page_url}",
        border_style="green",
    )


def _show(console: Console, title: str, body: str) -> None:
    from rich.panel import Panel  # slow, as above
    from rich.text import Text

    console.print(Panel(Text(body.strip()), title=title, title_align="left"))


def _report(console: Console, result: Result) -> None:
    """What two of them received, and how every delivery ended."""
    from rich.table import Table  # slow, as above

    for who, text in result.received:
        _show(console, f"What {_plain(who)} received", text)
    table = Table(title="Every delivery", title_justify="left", expand=False)
    for heading in ("recipient", "trouble", "state", "attempts", "why", ""):
        table.add_column(heading)
    for ending, line, good in result.rows:
        mark = "[green]as it should[/]" if good else "[red]unexpected[/]"
        if line is None:
            table.add_row(ending.name, ending.trouble, "not planned", "", "", mark)
            continue
        delivery = line.delivery
        why = delivery.failure.kind.value if delivery.failure else delivery.reason
        if delivery.form is not None:
            why = f"sent as {delivery.form.value}"
        table.add_row(
            ending.name,
            ending.trouble,
            delivery.state.value,
            str(delivery.attempts),
            why,
            mark,
        )
    console.print(table)
    for words, good in result.checks:
        console.print(f"{'[green]✓[/]' if good else '[red]✗[/]'} {_plain(words)}")


def _counts(result: Result, seconds: float) -> dict[str, Any]:
    states: dict[str, int] = {}
    for _, line, _ in result.rows:
        state = line.delivery.state.value if line else "not planned"
        states[state] = states.get(state, 0) + 1
    return {
        "as_expected": result.as_expected,
        "deliveries": dict(sorted(states.items())),
        "checks": dict(result.checks),
        "first_delivery_seconds": round(result.first_delivery, 3),
        "seconds": round(seconds, 1),
    }
