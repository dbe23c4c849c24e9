"""``harkara broadcast``: plan, confirm, watch, hold, stop, send again."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bot.cli.common import (
    DEFAULT_CONFIG,
    LARGEST_NUMBER,
    AsJson,
    ConfigFile,
    at_desk,
    counted,
    fail,
    shown_at,
    table,
)
from bot.cli.course import (
    Number,
    again_,
    decide,
    pause,
    print_plan,
    report,
    resume,
    retry,
    stop,
    undo,
)
from bot.cli.reports import line_json, why
from bot.domain.articles import ArticleId
from bot.domain.broadcasts import BroadcastId, BroadcastState, Lane
from bot.domain.deliveries import State
from bot.domain.errors import Refusal, SentBefore
from bot.domain.recipients import Channel
from bot.phrases.catalogue import one_line

if TYPE_CHECKING:
    from bot.app import Desk
    from bot.domain.broadcasts import Broadcast, Coverage
    from bot.ports import DeliveryLine

app = typer.Typer(
    help="Plan, confirm, watch, hold, stop, send again.", no_args_is_help=True
)

Again = Annotated[
    bool, typer.Option("--again", help="Though the same went to the same audience.")
]

#: States that a report does not name delivery by delivery.
PLAIN = frozenset({State.ACCEPTED, State.DELIVERED, State.READ, State.QUEUED})

#: Why nothing leaves through a channel's sender, and what mends it.
DOWN = {
    Channel.TELEGRAM: "telegram waits: Telegram does not accept the bot ({code}); send "
    "/token to @BotFather, set HARKARA_BOT_TOKEN and start harkara run again",
    Channel.WHATSAPP: "whatsapp waits: Twilio does not accept the account or the "
    "sender ({code}); harkara check says what is wrong",
}

LANES = {
    "breaking": Lane.BREAKING,
    "regular": Lane.REGULAR,
    "round-up": Lane.ROUND_UP,
}


@app.command()
def plan(
    article: Annotated[
        int | None,
        typer.Argument(
            max=LARGEST_NUMBER, help="The article's number; the newest if left out."
        ),
    ] = None,
    audience: Annotated[
        list[str] | None, typer.Option(help="Whom to; may be given more than once.")
    ] = None,
    lane: Annotated[str, typer.Option(help="breaking, regular or round-up.")] = (
        "regular"
    ),
    again: Again = False,  # noqa: FBT002 - an option is a boolean with a default
    expires: Annotated[
        float | None,
        typer.Option(
            min=0.01,
            max=240,
            help="Hours after which it is news no more; not keep_hours.",
        ),
    ] = None,
    stars: Annotated[
        int,
        typer.Option(
            min=0, max=1_000_000, help="Most Telegram Stars that a paid burst may cost."
        ),
    ] = 0,
    reply_to: Annotated[
        int | None,
        typer.Option(
            max=LARGEST_NUMBER,
            help="The broadcast of the story that this one goes on with: in each chat "
            "on Telegram it answers its first message.",
        ),
    ] = None,
    live: Annotated[  # noqa: FBT002 - an option is a boolean with a default
        bool,
        typer.Option("--live", help="A card that `harkara broadcast live` edits."),
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Write a broadcast down and show what would be sent. Sends nothing."""
    if lane not in LANES:
        fail(Refusal(f"{lane!r} is no lane: write breaking, regular or round-up"))

    async def work(desk: Desk) -> None:
        chosen = await desk.editorial.article(
            None if article is None else ArticleId(article)
        )
        audiences = audience or await default_audiences(desk)
        try:
            planned = await desk.broadcaster.plan(
                chosen,
                audiences,
                lane=LANES[lane],
                by="command line",
                again=again,
                keep_for=None if expires is None else timedelta(hours=expires),
                stars=stars,
            )
        except SentBefore as error:
            raise Refusal(f"{error}; to send it once more, add --again") from error
        answered = await desk.corrections.link(
            planned.broadcast.id,
            answers=None if reply_to is None else BroadcastId(reply_to),
            live=live,
        )
        print_plan(planned)
        if reply_to is not None:
            chats = counted(answered, "chat")
            typer.echo(f"It answers broadcast {reply_to} in {chats}.")

    at_desk(config, work, channels=True)


async def default_audiences(desk: Desk) -> list[str]:
    """Return the audiences of the settings, else all there are."""
    if desk.audiences:
        return list(desk.audiences)
    return [each.name for each, _ in await desk.enrolment.audiences()]


@app.command()
def confirm(
    broadcast: Number,
    again: Again = False,  # noqa: FBT002 - an option is a boolean with a default
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Let a planned broadcast go. The running application sends it."""

    async def work(desk: Desk) -> None:
        try:
            done = await desk.broadcaster.confirm(BroadcastId(broadcast), again=again)
        except SentBefore as error:
            raise Refusal(f"{error}; to send it once more, add --again") from error
        if done:
            found, _ = await desk.broadcaster.status(BroadcastId(broadcast))
            typer.echo(f"broadcast {broadcast} confirmed{_held(found)}")
        else:
            typer.echo(f"broadcast {broadcast} was confirmed before; nothing changed")
        if not desk.is_running():
            typer.echo("No Harkara is running here: `harkara run` sends it.", err=True)

    at_desk(config, work)


def _held(found: Broadcast) -> str:
    """Say for how long a confirmation can be undone, where it can."""
    if found.held_until is None or found.confirmed_at is None:
        return ""
    seconds = round((found.held_until - found.confirmed_at).total_seconds())
    return (
        f"; it goes out in {counted(seconds, 'second')}, until then: "
        f"harkara broadcast undo {found.id}"
    )


@app.command()
def show(
    broadcast: Annotated[
        int | None,
        typer.Argument(
            max=LARGEST_NUMBER, help="Its number; all recent ones if left out."
        ),
    ] = None,
    json_: AsJson = False,  # noqa: FBT002 - an option is a boolean with a default
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """Show how far a broadcast has come, and every delivery that is not plain."""

    async def work(desk: Desk) -> None:
        if broadcast is None:
            await _list(desk, as_json=json_)
            return
        found, coverage = await desk.broadcaster.status(BroadcastId(broadcast))
        lines = await desk.broadcaster.report(found.id)
        waiting = await _waiting(desk, found, coverage)
        if json_:
            shown = {
                **_as_json(found, coverage),
                "waiting": waiting,
                "deliveries": [line_json(line) for line in lines],
            }
            typer.echo(json.dumps(shown, ensure_ascii=False))
        else:
            _print_report(found, coverage, lines)
            for line in waiting:
                typer.echo(f"\n{line}")

    at_desk(config, work)


@app.command("list")
def list_(
    json_: AsJson = False,  # noqa: FBT002 - an option is a boolean with a default
    config: ConfigFile = DEFAULT_CONFIG,
) -> None:
    """List the newest broadcasts and how far they have come."""

    async def work(desk: Desk) -> None:
        await _list(desk, as_json=json_)

    at_desk(config, work)


async def _list(desk: Desk, *, as_json: bool) -> None:
    latest = await desk.broadcaster.latest(20)
    if as_json:
        typer.echo(json.dumps([_as_json(*each) for each in latest], ensure_ascii=False))
        return
    table(
        ("ID", "STATE", "LANE", "PLANNED", "ARRIVED", "REASON"),
        [
            (
                each.id,
                each.state.value,
                each.lane.name.lower().replace("_", "-"),
                coverage.planned,
                coverage.arrived,
                each.reason,
            )
            for each, coverage in latest
        ],
    )


async def _waiting(desk: Desk, found: Broadcast, coverage: Coverage) -> list[str]:
    """Say why what is queued does not leave, and how long it may wait."""
    if found.state is not BroadcastState.RUNNING or not coverage.states.get(
        State.QUEUED
    ):
        return []
    reasons = []
    async with desk.database.snapshot() as tx:
        for channel, sender in desk.senders.items():
            if down := (await tx.senders.get(sender)).down:
                reasons.append(DOWN[channel].format(code=one_line(down)))
    if not reasons and not desk.is_running():
        reasons.append("it waits: no Harkara is running here; harkara run sends it")
    if reasons:
        until = shown_at(found.expires_at, desk.zone)
        reasons.append(
            f"nothing is lost: what is queued leaves until {until} ({desk.zone})"
        )
    return reasons


def _as_json(found: Broadcast, coverage: Coverage) -> dict[str, Any]:
    return {
        "id": found.id,
        "state": found.state.value,
        "reason": found.reason,
        "counts": {
            state.value: count for state, count in sorted(coverage.states.items())
        },
    }


def _print_report(
    found: Broadcast, coverage: Coverage, lines: list[DeliveryLine]
) -> None:
    typer.echo(f"broadcast {found.id}: {found.state.value} {found.reason}".strip())
    table(
        ("STATE", "DELIVERIES"),
        [(state.value, n) for state, n in sorted(coverage.states.items())],
    )
    odd = [line for line in lines if line.delivery.state not in PLAIN]
    if odd:
        typer.echo("")
        table(
            ("DELIVERY", "CHANNEL", "STATE", "WHY", "TITLE"),
            [
                (
                    line.delivery.id,
                    line.channel.value,
                    line.delivery.state.value,
                    why(line),
                    one_line(line.title),
                )
                for line in odd
            ],
        )


for _command in (stop, undo, pause, resume, retry, decide, report):
    app.command()(_command)
app.command("again")(again_)
