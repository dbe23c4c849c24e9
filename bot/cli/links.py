"""``harkara link``: countable, revocable ways into an audience."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from bot.cli.common import (
    DEFAULT_CONFIG,
    LARGEST_NUMBER,
    NO_BOT,
    ConfigFile,
    at_desk,
    table,
)
from bot.domain.errors import ConfigError
from bot.domain.joinlinks import JoinLinkId
from bot.domain.recipients import Kind

if TYPE_CHECKING:
    from bot.app import Desk
    from bot.domain.joinlinks import JoinLink

app = typer.Typer(help="Ways into an audience.", no_args_is_help=True)


#: Hours that a link may work: ten years.
LONGEST = 87_600


class Whom(StrEnum):
    """Who may join by a link."""

    READER = "reader"
    GROUP = "group"
    CHANNEL = "channel"

    @property
    def kind(self) -> Kind:
        """The recipient's kind."""
        return Kind.TELEGRAM_CHANNEL if self is Whom.CHANNEL else Kind(self.value)


def addresses(desk: Desk, link: JoinLink) -> list[str]:
    """Return what a newsroom puts under an article."""
    found = []
    if desk.newsroom.bot_username:
        found.append(link.telegram_url(desk.newsroom.bot_username))
    if desk.newsroom.whatsapp_number and link.kind is Kind.READER:
        found.append(link.whatsapp_url(desk.newsroom.whatsapp_number))
    return found


@app.command()
def create(
    audience: Annotated[str, typer.Argument(help="The audience's name.")],
    whom: Annotated[
        Whom,
        typer.Option(
            "--for",
            help="Who joins by it. For groups and Telegram channels it works once, "
            "unless --max-uses says otherwise.",
        ),
    ] = Whom.READER,
    label: Annotated[str, typer.Option(help="Where you put it.")] = "",
    max_uses: Annotated[
        int | None,
        typer.Option(min=1, max=LARGEST_NUMBER, help="How often it works."),
    ] = None,
    hours: Annotated[
        float | None,
        typer.Option(min=0.01, max=LONGEST, help="How long it works, in hours."),
    ] = None,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Make a join link and print its addresses."""

    async def work(desk: Desk) -> None:
        if desk.bot is None and whom is not Whom.READER:
            raise ConfigError(NO_BOT.format("groups and channels are Telegram's"))
        link = await desk.enrolment.create_link(
            audience,
            whom.kind,
            label=label,
            max_uses=max_uses,
            expires_at=None
            if hours is None
            else desk.clock.now() + timedelta(hours=hours),
        )
        typer.echo(f"link {link.id}")
        for address in addresses(desk, link):
            typer.echo(address)

    at_desk(config, work, channels=True)


@app.command("list")
def list_(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """List the join links, how often they were used, and whether they still work."""

    async def work(desk: Desk) -> None:
        now = desk.clock.now()
        table(
            ("ID", "AUDIENCE", "FOR", "USES", "OPEN", "LABEL"),
            [
                (
                    link.id,
                    audience.name,
                    link.kind.value,
                    link.uses
                    if link.max_uses is None
                    else f"{link.uses}/{link.max_uses}",
                    "yes" if link.is_open(now=now) else "no",
                    link.label,
                )
                for link, audience in await desk.enrolment.links()
            ],
        )

    at_desk(config, work)


@app.command()
def revoke(
    link: Annotated[
        int,
        typer.Argument(max=LARGEST_NUMBER, help="As `harkara link list` shows it."),
    ],
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Withdraw a join link. Those who joined by it stay."""

    async def work(desk: Desk) -> None:
        await desk.enrolment.revoke_link(JoinLinkId(link))
        typer.echo(f"link {link} works no more")

    at_desk(config, work)
