"""A broadcast's deliveries, as other programs read them: CSV and JSON, row by row."""

from __future__ import annotations

import csv
import json
import sys
from typing import TYPE_CHECKING, Any

from bot.domain.deliveries import State
from bot.phrases.catalogue import one_line

if TYPE_CHECKING:
    from bot.app import Desk
    from bot.domain.broadcasts import BroadcastId
    from bot.ports import DeliveryLine

FORMATS = ("csv", "json")
#: Who did not get it, or perhaps did not.
NOT_REACHED = frozenset(
    {State.FAILED, State.SKIPPED, State.EXPIRED, State.SUSPENDED, State.DOUBTFUL}
)
COLUMNS = (
    "delivery",
    "recipient",
    "title",
    "kind",
    "channel",
    "part",
    "state",
    "why",
    "attempts",
    "form",
    "failure",
    "code",
    "reason",
)
#: A cell that begins so is taken for a formula by what people open such files with.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def why(line: DeliveryLine) -> str:
    """Why a delivery is odd: the kind of failure and the provider's own code."""
    failure = line.delivery.failure
    if failure is None:
        return line.delivery.reason
    code = one_line(failure.code)
    return f"{failure.kind.value} ({code})" if code else failure.kind.value


def line_json(line: DeliveryLine) -> dict[str, Any]:
    """Return a line as JSON has it. A reader is a number of ours, never theirs."""
    return {
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


async def write_report(
    desk: Desk, broadcast: BroadcastId, *, form: str, not_reached: bool
) -> None:
    """Write a report to standard output as it is read, keeping no list of it.

    JSON is one array, one object a line.

    Raises:
        Unknown: There is no such broadcast.
    """
    await desk.broadcaster.status(broadcast)
    lines = desk.broadcaster.lines(
        broadcast, states=NOT_REACHED if not_reached else None
    )
    if form == "csv":
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(COLUMNS)
        async for line in lines:
            row = _row(line)
            table.writerow([_cell(row[name]) for name in COLUMNS])
        return
    before = "["
    async for line in lines:
        sys.stdout.write(f"{before}\n{json.dumps(_row(line), ensure_ascii=False)}")
        before = ","
    sys.stdout.write("[]\n" if before == "[" else "\n]\n")


def _row(line: DeliveryLine) -> dict[str, Any]:
    return line_json(line) | {
        "title": one_line(line.title),
        "kind": line.kind.value,
        "why": why(line),
    }


def _cell(value: object) -> object:
    """Return a cell that is shown and never calculated."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return "" if value is None else value
