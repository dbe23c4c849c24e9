"""``harkara demo``: a whole newsroom on this machine, no account needed."""

from __future__ import annotations

import asyncio
import json
import re
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
from bot.domain.deliveries import State
from bot.domain.errors import HarkaraError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from bot.cli.cast import Ending, Result
    from bot.cli.newsroom import Story
    from bot.config import Settings
    from bot.ports import DeliveryLine
    from bot.sandbox import Sandbox

#: Wider lines are hard to read, whatever the terminal could hold.
WIDTH = 88
#: Where the words of a step begin, after its mark and its time.
INDENT = 10
#: Exit statuses of a program that was told to stop before its end.
INTERRUPTED = 130
TERMINATED = 143


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
    console = _console(stderr=json_)
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
    # slow: the providers' libraries, after the arguments have been read
    from bot import logs
    from bot.app import running
    from bot.cli.cast import TEMPLATE, TEMPLATE_BODY
    from bot.cli.newsroom import Story
    from bot.sandbox import Sandbox
    from storage import upgrade

    logs.set_up(log)
    _cancel_when_terminated()
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
        _introduce(console, sandbox.page_url)
        with console.status("[dim]opening the newsroom …[/]") as status:

            def tell(line: str) -> None:
                _step(console, time.monotonic() - started, line)
                status.update("[dim]the story goes on …[/]")

            def show(title: str, body: str) -> None:
                _previews(console, _previewed(stories[0]))
                _message(console, title, body)

            draft = Draft(text=text) if text is not None else None
            story = Story(sandbox, desk, article=draft, tell=tell, show=show)
            stories.append(story)
            result = await story.play()
        seconds = time.monotonic() - started
        _report(console, result, seconds)
        if as_json:
            typer.echo(json.dumps(_counts(result, seconds)))
        if not once:
            console.print(
                f"Look at everybody's phone: [bold]{sandbox.page_url}[/]\n"
                "[dim]It stays up until Ctrl-C.[/]"
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


def _cancel_when_terminated() -> None:
    """Unwind on SIGTERM as on Ctrl-C: the temporary folder goes, too."""
    main = asyncio.current_task()
    if main is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, main.cancel)


async def _interrupted() -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    await stop.wait()


# --- drawing --------------------------------------------------------------------


def _console(*, stderr: bool) -> Console:
    from rich.console import Console  # slow: only the demo draws

    console = Console(stderr=stderr, highlight=False, emoji=False)
    console.width = min(console.width, WIDTH)
    return console


def _introduce(console: Console, page: str) -> None:
    """What Harkara is, what happens here, and where to watch it."""
    console.print(
        "[bold]Harkara[/] brings a newsroom's articles to the Telegram and WhatsApp "
        "readers who asked for them: once each, and with an account of every delivery."
    )
    console.print(
        "This is the real application against two pretend providers. It needs no "
        "account, and nothing leaves this computer."
    )
    console.print(f"Watch everybody's phone: [bold]{page}[/]\n")


def _step(console: Console, seconds: float, line: str) -> None:
    """One step of the story; a link stands alone, whole, for copying."""
    from rich.table import Table  # slow, as above
    from rich.text import Text

    link = re.search(r"\s(https?://\S+)$", line)
    words = line[: link.start()] if link else line
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True)
    grid.add_column()
    grid.add_row(
        Text.assemble(("✓", "green"), (f"{seconds:5.1f} s", "dim")), Text(words)
    )
    console.print(grid)
    if link:
        indent = max(0, min(INDENT, console.width - len(link[1])))
        address = Text.assemble(" " * indent, (link[1], "cyan"))
        console.print(address, no_wrap=True, overflow="ignore", crop=False)


def _message(console: Console, title: str, body: str) -> None:
    """A message behind a bar: right-to-left text would push a frame out of shape."""
    from rich.text import Text  # slow, as above

    console.print()
    console.print(Text(title, style="bold"))
    for line in body.strip().splitlines():
        for piece in Text(line).wrap(console, console.width - 2) or [Text()]:
            piece.rstrip()
            console.print(Text.assemble(("│ ", "green"), piece), crop=False)
    console.print()


def _previewed(story: Story) -> list[str]:
    """Return what the editor received between her command and the question."""
    shown: list[str] = []
    for message in story.world.messages(story.people.editor):
        if not message.outgoing:
            shown.clear()
        elif not message.buttons:
            shown.append(message.text)
    return shown


def _previews(console: Console, texts: Sequence[str]) -> None:
    """Name what the editor was shown as each platform will show it."""
    from rich.text import Text  # slow, as above

    console.print()
    console.print(
        Text(
            "What Meera is shown first: the story as each platform will show it",
            style="bold",
        )
    )
    for text in texts:
        size = f"  ({len(text):,} characters)"
        words = Text(" ".join(text.split()))
        words.truncate(console.width - 2 - len(size), overflow="ellipsis")
        console.print(Text.assemble(("│ ", "green"), words, (size, "dim")), crop=False)


def _beside(first: str, second: str) -> str:
    """Return *second*, with a word in place of what it shares with *first*."""
    known = {paragraph.strip() for paragraph in first.split("\n\n")}
    lines: list[str] = []
    same = 0
    for paragraph in [*second.split("\n\n"), None]:
        if paragraph is not None and paragraph.strip() in known:
            same += 1
            continue
        if same:
            what = "paragraph" if same == 1 else "paragraphs"
            lines.append(f"[… {same} {what} as above …]")
            same = 0
        if paragraph is not None:
            lines.append(paragraph)
    return "\n\n".join(lines)


def _report(console: Console, result: Result, seconds: float) -> None:
    """What two of them received, how every delivery ended, and the sum of it."""
    from rich.text import Text  # slow, as above

    above = ""
    for who, text in result.received:
        _message(console, f"What {who} received", _beside(above, text))
        above = text
    console.print(Text("How every delivery ended", style="bold"))
    console.print(_table(result))
    console.print()
    console.print(Text("What else was looked at", style="bold"))
    for words, good in result.checks:
        console.print(Text.assemble(_mark(good=good), " ", words))
    console.print()
    style = "bold green" if result.as_expected else "bold red"
    sign = "✓" if result.as_expected else "✗"
    console.print(Text(f"{sign} {_summary(result, seconds)}", style=style))


def _mark(*, good: bool) -> tuple[str, str]:
    return ("✓", "green") if good else ("✗", "bold red")


def _table(result: Result) -> Any:
    from rich.table import Table  # slow, as above
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for heading in ("recipient", "trouble"):
        table.add_column(heading, no_wrap=True)
    table.add_column("ended as")
    for ending, line, good in result.rows:
        trouble = ending.trouble if ending.trouble != "none" else ""
        table.add_row(
            Text.assemble(_mark(good=good)),
            Text(ending.name),
            Text(trouble),
            _end(ending, line) if good else _surprise(ending, line),
        )
    return table


def _surprise(ending: Ending, line: DeliveryLine | None) -> Any:
    """Return how a delivery ended, and how it should have."""
    should = " or ".join(sorted(state.value for state in ending.states))
    calls = "1 call" if ending.attempts == 1 else f"{ending.attempts} calls"
    wanted = f"{should} after {calls}" if should else "not planned"
    return _end(ending, line).append(f" (not {wanted})", style="red")


def _end(ending: Ending, line: DeliveryLine | None) -> Any:
    """Return a delivery's state, with what is out of the ordinary about it."""
    from rich.text import Text  # slow, as above

    if line is None:
        return Text("not planned", style="dim" if not ending.states else "red")
    delivery = line.delivery
    why = delivery.failure.kind.value if delivery.failure else delivery.reason
    if delivery.form is not None and delivery.form.value != "text":
        why = delivery.form.value
    notes = [why] if why else []
    if delivery.attempts > 1:
        notes.append(f"{delivery.attempts} calls")
    arrived = delivery.state in {State.ACCEPTED, State.DELIVERED, State.READ}
    style = "green" if arrived else "yellow"
    return Text.assemble(
        (delivery.state.value, style), f": {', '.join(notes)}" if notes else ""
    )


def _summary(result: Result, seconds: float) -> str:
    """Return the sentence that a reader in a hurry needs."""
    deliveries = sum(line is not None for _, line, _ in result.rows)
    wrong = sum(not good for *_, good in result.rows)
    failed = sum(not good for _, good in result.checks)
    if wrong:
        how = f"{wrong} did not end as they should"
    elif failed:
        how = f"all ended as they should, but {failed} of the other checks failed"
    else:
        how = "all ended as they should"
    return (
        f"{deliveries} deliveries, {how}, in {seconds:.1f} s;\n"
        f"  first delivery {result.first_delivery:.1f} s after the confirmation."
    )


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
