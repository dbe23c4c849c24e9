"""What can be done to a broadcast that is planned: the commands behind the first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import (
    DEFAULT_CONFIG,
    LARGEST_NUMBER,
    ConfigFile,
    at_desk,
    counted,
    fail,
)
from bot.cli.reports import FORMATS, write_report
from bot.domain.broadcasts import BroadcastId
from bot.domain.deliveries import DeliveryId
from bot.domain.errors import Refusal

if TYPE_CHECKING:
    from bot.app import Desk
    from bot.domain.broadcasts import Plan

Number = Annotated[
    int,
    typer.Argument(max=LARGEST_NUMBER, help="As `harkara broadcast list` shows it."),
]
NotReached = Annotated[
    bool, typer.Option("--not-reached", help="Only who did not get it, and why.")
]


def print_plan(plan: Plan) -> None:
    """Show every message as it will be sent, and how many get it."""
    for channel, texts in plan.previews:
        for place, text in enumerate(texts, start=1):
            typer.secho(
                f"{channel.value} {place}/{len(texts)}, {text.length} of {text.limit}",
                bold=True,
            )
            typer.echo(text.text + "\n")
    for note in plan.lint:
        typer.echo(f"note: {note.text}")
    for each in plan.channels:
        typer.echo(
            f"{each.channel.value}: {counted(each.recipients, 'recipient')}, "
            f"{counted(each.messages, 'message')}"
        )
    typer.echo(
        f"broadcast {plan.broadcast.id}: {counted(plan.recipients, 'recipient')}, "
        f"{counted(plan.messages, 'message')}. "
        f"Send it with: harkara broadcast confirm {plan.broadcast.id}"
    )


def stop(broadcast: Number, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Cancel a broadcast: what has not left will not leave."""

    async def work(desk: Desk) -> None:
        spared = await desk.broadcaster.stop(BroadcastId(broadcast))
        messages, were = counted(spared, "message"), "was" if spared == 1 else "were"
        typer.echo(f"broadcast {broadcast} stopped; {messages} {were} not sent")

    at_desk(config, work)


def resume(broadcast: Number, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let a paused broadcast go on."""

    async def work(desk: Desk) -> None:
        await desk.broadcaster.resume(BroadcastId(broadcast))
        typer.echo(f"broadcast {broadcast} goes on")

    at_desk(config, work)


def undo(broadcast: Number, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Take a confirmation back before anything has left."""

    async def work(desk: Desk) -> None:
        await desk.broadcaster.undo(BroadcastId(broadcast))
        typer.echo(f"broadcast {broadcast} undone; nothing was sent")

    at_desk(config, work)


def pause(broadcast: Number, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Hold a broadcast on its way; resume lets it go on."""

    async def work(desk: Desk) -> None:
        await desk.broadcaster.pause(BroadcastId(broadcast))
        typer.echo(f"broadcast {broadcast} paused")

    at_desk(config, work)


def retry(broadcast: Number, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Try again what failed for a reason that may be gone."""

    async def work(desk: Desk) -> None:
        queued = await desk.broadcaster.retry(BroadcastId(broadcast))
        typer.echo(f"{counted(queued, 'delivery', 'deliveries')} tried again")

    at_desk(config, work)


def again_(
    broadcast: Number,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Plan the same for those who surely did not get it. Sends nothing."""

    async def work(desk: Desk) -> None:
        print_plan(
            await desk.broadcaster.again(BroadcastId(broadcast), by="command line")
        )

    at_desk(config, work, channels=True)


def report(
    broadcast: Number,
    form: Annotated[str, typer.Option("--format", help="csv or json.")] = "csv",
    not_reached: NotReached = False,  # noqa: FBT002 - an option is a boolean with a default
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List a broadcast's deliveries, however many, for another program."""
    if form not in FORMATS:
        fail(Refusal(f"{form!r} is no format: write csv or json"))

    async def work(desk: Desk) -> None:
        await write_report(
            desk, BroadcastId(broadcast), form=form, not_reached=not_reached
        )

    at_desk(config, work)


def decide(
    broadcast: Number,
    repeat: Annotated[
        bool,
        typer.Option(
            "--repeat/--sent",
            help="Send the doubtful again, at the risk of a second copy, or take "
            "them for sent.",
        ),
    ],
    delivery: Annotated[
        list[int] | None,
        typer.Option(
            help="Only this one; may be given again. Without it, all that the "
            "provider cannot be asked about."
        ),
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Settle the deliveries that a crash left in doubt."""

    async def work(desk: Desk) -> None:
        settled = await desk.broadcaster.decide(
            BroadcastId(broadcast),
            repeat=repeat,
            deliveries=None
            if delivery is None
            else {DeliveryId(each) for each in delivery},
        )
        typer.echo(f"{counted(settled, 'delivery', 'deliveries')} settled")

    at_desk(config, work)
