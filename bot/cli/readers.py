"""``harkara reader``: people who are written to one by one."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import DEFAULT_CONFIG, ConfigFile, Language, at_desk, fail, table
from bot.domain.errors import ConfigError
from bot.domain.recipients import (
    WHATSAPP_ADDRESS,
    Address,
    Channel,
    Kind,
    plain_digits,
)

if TYPE_CHECKING:
    from bot.app import Desk

app = typer.Typer(help="People who are written to one by one.", no_args_is_help=True)


@app.command("import")
def import_(
    audience: Annotated[str, typer.Argument(help="The audience's name.")],
    number: Annotated[
        str, typer.Argument(help="WhatsApp number with country code: +923001234567.")
    ],
    evidence: Annotated[
        str, typer.Option(help="Proof of consent: who asked, when, in which words.")
    ],
    language: Language = "",
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Enrol a WhatsApp reader who agreed elsewhere. Consent must be provable."""

    async def work(desk: Desk) -> None:
        welcome = await desk.enrolment.enrol_by_hand(
            audience,
            Address(Channel.WHATSAPP, plain_digits(number.strip())),
            Kind.READER,
            by="command line",
            evidence=evidence,
            language=language,
            source="import",
        )
        state = "enrolled in" if welcome.new else "already in"
        typer.echo(f"reader {welcome.recipient.id} {state} {welcome.audience.name}")

    at_desk(config, work)


@app.command()
def remove(
    number: Annotated[str, typer.Argument(help="WhatsApp number with country code.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Take a WhatsApp reader out of every audience."""

    async def work(desk: Desk) -> None:
        left = await desk.enrolment.leave(
            Address(Channel.WHATSAPP, plain_digits(number.strip())),
            reason="removed by hand",
        )
        names = ", ".join(each.name for each in left) or "none: in no audience"
        typer.echo(f"taken out of: {names}")

    at_desk(config, work)


@app.command()
def forget(
    address: Annotated[
        str,
        typer.Argument(help="WhatsApp number, +923001234567, or Telegram chat id."),
    ],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Erase a reader who asks for it, with the evidence that they had agreed.

    They can join again; nobody can enrol them again, also where they were not known.
    """
    said = plain_digits(address.strip())
    channel = Channel.TELEGRAM if said.isdecimal() else Channel.WHATSAPP
    if channel is Channel.WHATSAPP and not WHATSAPP_ADDRESS.fullmatch(said):
        fail(
            ConfigError(
                "that is no reader's address: write a WhatsApp number with its country "
                "code, as +923001234567, or a Telegram chat's id"
            )
        )

    async def work(desk: Desk) -> None:
        known = await desk.enrolment.forget(Address(channel, said))
        typer.echo(
            "forgotten"
            if known
            else "nobody is known there; it is noted as a hash all the same: nobody "
            "else can enrol them from now on, only they themselves can join"
        )

    at_desk(config, work)


@app.command("count")
def count(
    audience: Annotated[str, typer.Argument(help="The audience's name.")],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Count an audience's readers, by channel and standing. It names nobody."""

    async def work(desk: Desk) -> None:
        async with desk.database.snapshot() as tx:
            found = await tx.audiences.by_name(audience)
            members = await tx.audiences.members(found.id)
        counts = Counter(
            (each.address.channel.value, each.standing.value)
            for each in members
            if each.kind is Kind.READER
        )
        table(
            ("CHANNEL", "STANDING", "READERS"),
            [(*key, readers) for key, readers in sorted(counts.items())],
        )

    at_desk(config, work)
