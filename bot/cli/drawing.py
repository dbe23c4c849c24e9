"""What ``harkara demo`` prints: for a terminal, a pipe, or a program."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from bot.domain.deliveries import State

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from rich.console import Console

    from bot.cli.cast import Ending, Result
    from bot.cli.newsroom import Story
    from bot.ports import DeliveryLine

#: Wider lines are hard to read, whatever the terminal could hold.
WIDTH = 88
#: Where the words of a step begin, after its mark and its time.
INDENT = 10


def console(*, stderr: bool) -> Console:
    """Return where to print: not wider than can be read."""
    from rich.console import Console  # slow: only the demo draws

    console = Console(stderr=stderr, highlight=False, emoji=False)
    console.width = min(console.width, WIDTH)
    return console


def introduce(console: Console, page: str) -> None:
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


def log_line(console: Console, line: str) -> None:
    """Pass on a line of the application's own log, as it is."""
    console.print(line, markup=False, soft_wrap=True)


def warning(console: Console, words: str) -> None:
    """Say what nobody did on purpose."""
    console.print(f"! {words}", markup=False, style="yellow")


def recovered(console: Console, life: Mapping[str, Any]) -> None:
    """Say that the application is back, and what its end left open."""
    calls = life["doubtful"] or 0
    doubt = f", {calls} {'call' if calls == 1 else 'calls'} in doubt" if calls else ""
    console.print(
        f"! The application was gone and is up again after "
        f"{life['recovered_in']:.1f} s{doubt}.",
        markup=False,
    )


def step(console: Console, seconds: float, line: str) -> None:
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


def message(console: Console, title: str, body: str) -> None:
    """A message behind a bar: right-to-left text would push a frame out of shape."""
    from rich.text import Text  # slow, as above

    console.print()
    console.print(Text(title, style="bold"))
    for line in body.strip().splitlines():
        for piece in Text(line).wrap(console, console.width - 2) or [Text()]:
            piece.rstrip()
            console.print(Text.assemble(("│ ", "green"), piece), crop=False)
    console.print()


def previewed(story: Story) -> list[str]:
    """Return what the editor received between her command and the question."""
    shown: list[str] = []
    for message in story.world.messages(story.people.editor):
        if not message.outgoing:
            shown.clear()
        elif not message.buttons:
            shown.append(message.text)
    return shown


def previews(console: Console, texts: Sequence[str]) -> None:
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


def beside(first: str, second: str) -> str:
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


def report(console: Console, result: Result, seconds: float) -> None:
    """What two of them received, how every delivery ended, and the sum of it."""
    from rich.text import Text  # slow, as above

    above = ""
    for who, text in result.received:
        message(console, f"What {who} received", beside(above, text))
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
    console.print(Text(f"{sign} {summary(result, seconds)}", style=style))


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


def summary(result: Result, seconds: float) -> str:
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


def counts(result: Result, seconds: float) -> dict[str, Any]:
    """Return what a program wants to know of it all."""
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
