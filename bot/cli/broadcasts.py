"""``harkara broadcast``: plan, confirm, watch, stop."""

from __future__ import annotations

import json
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
from bot.domain.articles import ArticleId
from bot.domain.broadcasts import BroadcastId, BroadcastState, Lane
from bot.domain.deliveries import DeliveryId, State
from bot.domain.errors import Refusal
from bot.domain.recipients import Channel
from bot.phrases.catalogue import one_line

if TYPE_CHECKING:
    from bot.app import Desk
    from bot.domain.broadcasts import Broadcast, Coverage, Plan
    from bot.ports import DeliveryLine

app = typer.Typer(help="Plan, confirm, watch, stop.", no_args_is_help=True)

Number = Annotated[
    int,
    typer.Argument(max=LARGEST_NUMBER, help="As `harkara broadcast list` shows it."),
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
        _print_plan(
            await desk.broadcaster.plan(
                chosen, audiences, lane=LANES[lane], by="command line"
            )
        )

    at_desk(config, work, channels=True)


async def default_audiences(desk: Desk) -> list[str]:
    """Return the audiences of the settings, else all there are."""
    if desk.audiences:
        return list(desk.audiences)
    return [each.name for each, _ in await desk.enrolment.audiences()]


def _print_plan(plan: Plan) -> None:
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


@app.command()
def confirm(broadcast: Number, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let a planned broadcast go. The running application sends it."""

    async def work(desk: Desk) -> None:
        done = await desk.broadcaster.confirm(BroadcastId(broadcast))
        typer.echo(
            f"broadcast {broadcast} confirmed"
            if done
            else f"broadcast {broadcast} was confirmed before; nothing changed"
        )
        if not desk.is_running():
            typer.echo("No Harkara is running here: `harkara run` sends it.", err=True)

    at_desk(config, work)


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
                "deliveries": _lines_json(lines),
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


def _lines_json(lines: list[DeliveryLine]) -> list[dict[str, Any]]:
    return [
        {
            "delivery": line.delivery.id,
            "recipient": line.delivery.recipient,
            "channel": line.channel.value,
            "part": line.delivery.part,
            "state": line.delivery.state.value,
            "attempts": line.delivery.attempts,
            "form": line.delivery.form,
            "failure": line.delivery.failure and line.delivery.failure.kind.value,
            "code": line.delivery.failure and line.delivery.failure.code,
            "reason": line.delivery.reason,
        }
        for line in lines
    ]


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


def why(line: DeliveryLine) -> str:
    """Why a delivery is odd: the kind of failure and the provider's own code."""
    failure = line.delivery.failure
    if failure is None:
        return line.delivery.reason
    code = one_line(failure.code)
    return f"{failure.kind.value} ({code})" if code else failure.kind.value


@app.command()
def stop(broadcast: Number, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Cancel a broadcast: what has not left will not leave."""

    async def work(desk: Desk) -> None:
        spared = await desk.broadcaster.stop(BroadcastId(broadcast))
        messages, were = counted(spared, "message"), "was" if spared == 1 else "were"
        typer.echo(f"broadcast {broadcast} stopped; {messages} {were} not sent")

    at_desk(config, work)


@app.command()
def resume(broadcast: Number, config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Let a paused broadcast go on."""

    async def work(desk: Desk) -> None:
        await desk.broadcaster.resume(BroadcastId(broadcast))
        typer.echo(f"broadcast {broadcast} goes on")

    at_desk(config, work)


@app.command()
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
