"""``harkara group``: Telegram groups and channels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import DEFAULT_CONFIG, ConfigFile, at_desk, fail, table
from bot.domain.errors import Refusal
from bot.domain.recipients import Address, Channel, Kind
from bot.phrases.catalogue import one_line

if TYPE_CHECKING:
    from bot.app import Desk

app = typer.Typer(help="Telegram groups and channels.", no_args_is_help=True)

ChatId = Annotated[int, typer.Argument(help="Telegram's id of the chat, as -1001234.")]


@app.command(context_settings={"ignore_unknown_options": True})
def enrol(
    audience: Annotated[str, typer.Argument(help="The audience's name.")],
    chat: ChatId,
    evidence: Annotated[str, typer.Option(help="Who agreed, when and how.")],
    title: Annotated[str, typer.Option(help="The group's name.")] = "",
    channel: Annotated[  # noqa: FBT002 - an option is a boolean with a default
        bool, typer.Option("--channel", help="It is a Telegram channel.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Enrol a group by hand. A join link is better: it proves the wish."""
    if chat >= 0:
        fail(Refusal("a group's id is negative; a reader joins by a link of their own"))

    async def work(desk: Desk) -> None:
        welcome = await desk.enrolment.enrol_by_hand(
            audience,
            Address(Channel.TELEGRAM, str(chat)),
            Kind.TELEGRAM_CHANNEL if channel else Kind.GROUP,
            by="command line",
            evidence=evidence,
            title=title,
        )
        state = "enrolled in" if welcome.new else "already in"
        typer.echo(f"group {welcome.recipient.id} {state} {welcome.audience.name}")

    at_desk(config, work)


@app.command(context_settings={"ignore_unknown_options": True})
def remove(chat: ChatId, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Take a group out of every audience."""

    async def work(desk: Desk) -> None:
        left = await desk.enrolment.leave(
            Address(Channel.TELEGRAM, str(chat)), reason="removed by hand"
        )
        names = ", ".join(each.name for each in left) or "none: it was in no audience"
        typer.echo(f"taken out of: {names}")

    at_desk(config, work)


@app.command("list")
def list_(
    audience: Annotated[str, typer.Argument(help="The audience's name.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List an audience's groups and Telegram channels."""

    async def work(desk: Desk) -> None:
        async with desk.database.snapshot() as tx:
            found = await tx.audiences.by_name(audience)
            members = await tx.audiences.members(found.id)
        table(
            ("ID", "KIND", "STANDING", "TITLE"),
            [
                (each.id, each.kind.value, each.standing.value, one_line(each.title))
                for each in members
                if each.kind is not Kind.READER
            ],
        )

    at_desk(config, work)
