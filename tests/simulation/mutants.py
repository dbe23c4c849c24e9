"""Six mistakes that the simulation must find, each planted in the product at work.

They are made where the product would make them, by putting something else in the place
of a function of it; a place that is no longer there fails loudly, so that a mistake
follows what is rewritten.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import bindparam, select, update

from bot.domain import outcomes
from bot.domain.deliveries import Attempt, State
from bot.domain.departures import Departures
from bot.domain.errors import Doubtful
from bot.pump import Pump
from storage import due, hot, statements
from storage.tables import deliveries, recipients, senders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime


class Patch:
    """Replaces what a mistake replaces, and puts it back."""

    def __init__(self) -> None:
        self._before: list[tuple[object, str, object]] = []

    def replace(self, where: object, name: str, wrong: object) -> None:
        """Put *wrong* in the place of an attribute that must be there."""
        if name not in vars(where):
            raise AttributeError(
                f"{where!r} has no {name} any more: a mutant in "
                "tests/simulation/mutants.py must follow what was rewritten"
            )
        self._before.append((where, name, vars(where)[name]))
        setattr(where, name, wrong)

    def restore(self) -> None:
        """Put everything right again."""
        while self._before:
            where, name, right = self._before.pop()
            setattr(where, name, right)


def sent_before_the_call(patch: Patch) -> None:
    """Write a delivery down as sent before its call is made."""
    marking, attempting = statements.marking, statements.attempting

    def wrong_mark(table: str, dialect: str) -> str:
        right = marking(table, dialect)
        return right.replace("SET state = 'sending'", "SET state = 'accepted'", 1)

    def wrong_attempt(dialect: str) -> str:
        return re.sub(
            r"SELECT id, number, word, 10\b",
            "SELECT id, number, word, 30",
            attempting(dialect),
        )

    patch.replace(statements, "marking", wrong_mark)
    patch.replace(statements, "attempting", wrong_attempt)


def without_the_epoch(patch: Patch) -> None:
    """Take rows in hand and mark them, whoever is the sender's owner."""
    claim, moved = hot.claim, statements.clock_moved

    def wrong_claim(on: Any, keys: Any, order: Any) -> Any:
        own = select(senders.c.epoch).where(senders.c.id == order.sender)
        hand = claim(on, keys, order._replace(epoch=on.execute(own).scalar()))
        taken = deliveries.c.id.in_([lease.id for lease in hand.leases])
        on.execute(update(deliveries).where(taken).values(epoch=order.epoch))
        return hand

    def wrong_move(dialect: str, *, owned: bool) -> str:
        return moved(dialect, owned=False)

    patch.replace(hot, "claim", wrong_claim)
    patch.replace(statements, "clock_moved", wrong_move)


def last_receipt_wins(patch: Patch) -> None:
    """Believe the latest report of an attempt instead of the furthest."""

    def wrong(
        self: Attempt, progress: Any, *, provider_id: str = "", code: str = ""
    ) -> Attempt:
        known = self.provider_id or provider_id
        return replace(self, progress=progress, provider_id=known, code=code)

    patch.replace(Attempt, "absorb", wrong)


def retries_a_time_out(patch: Patch) -> None:
    """Send again what was never answered."""
    right = outcomes.after_error

    def wrong(error: Any, **more: Any) -> outcomes.Step:
        if isinstance(error, Doubtful):
            due_at = more["now"] + timedelta(seconds=1)
            return outcomes.Step(state=State.QUEUED, due_at=due_at)
        return right(error, **more)

    patch.replace(outcomes, "after_error", wrong)


def pacing_in_memory(patch: Patch) -> None:
    """Forget with the process who was written to when, and how fast."""
    right = Pump._take

    def forget(on: Any) -> None:
        on.execute(update(recipients).values(next_at=None))

    async def wrong(self: Pump) -> None:
        before = self.epoch
        await right(self)
        if self.epoch != before + 1 or not before:
            await self._database.write(forget)  # type: ignore[attr-defined] # a Database
            self._departures = Departures(self.rate)

    patch.replace(Pump, "_take", wrong)


def a_cursor(patch: Patch) -> None:
    """Remember how far a sender has come instead of looking at each row."""
    claim, has_work = hot.claim, due.has_work
    cursors: dict[tuple[str, int], int] = {}  #: by file and sender
    now_at = [0]

    def wrong(right: Any) -> Any:
        after = deliveries.c.id > bindparam("after", callable_=lambda: now_at[0])

        def asked(*named: Any, bounded: bool) -> Any:
            return right(*named, bounded=bounded).where(after)

        return cache(asked)

    def wrong_claim(on: Any, keys: Any, order: Any) -> Any:
        place = (str(on.engine.url), order.sender)
        now_at[0] = cursors.get(place, 0)
        hand = claim(on, keys, order)
        furthest = max((int(lease.id) for lease in hand.leases), default=0)
        cursors[place] = max(now_at[0], furthest)
        return hand

    async def wrong_work(connection: Any, sender: Any, *, now: datetime) -> bool:
        place = (str(connection._connection.engine.url), sender)
        now_at[0] = cursors.get(place, 0)
        return await has_work(connection, sender, now=now)

    async def wrong_next(
        connection: Any, sender: Any, *, now: datetime
    ) -> datetime | None:
        return now if await wrong_work(connection, sender, now=now) else None

    patch.replace(hot, "claim", wrong_claim)
    patch.replace(due, "due_deliveries", wrong(due.due_deliveries))
    # What has been built of it stays right, and is built anew.
    patch.replace(hot, "_claiming", cache(hot._claiming.__wrapped__))
    patch.replace(due, "_any_delivery", cache(due._any_delivery.__wrapped__))
    patch.replace(due, "has_work", wrong_work)
    patch.replace(due, "next_due", wrong_next)


#: By name: what plants it.
MUTANTS: dict[str, Callable[[Patch], None]] = {
    "sent before the call": sent_before_the_call,
    "without the epoch": without_the_epoch,
    "last receipt wins": last_receipt_wins,
    "retries a time-out": retries_a_time_out,
    "pacing in memory": pacing_in_memory,
    "a cursor": a_cursor,
}


@contextmanager
def planted(name: str) -> Iterator[None]:
    """Live with the mistake of that name for a while; with none if it is empty."""
    patch = Patch()
    try:
        if name:
            MUTANTS[name](patch)
        yield
    finally:
        patch.restore()
