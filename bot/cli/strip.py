"""How the newest broadcast's deliveries stand, in words, for the page of the demo."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from bot.domain.broadcasts import BroadcastState
from bot.domain.deliveries import Form, State
from bot.domain.errors import FailureKind, HarkaraError
from bot.domain.recipients import Channel

if TYPE_CHECKING:
    from collections.abc import Callable

    from bot.app import Desk
    from bot.domain.broadcasts import Broadcast
    from bot.domain.deliveries import Delivery
    from bot.domain.recipients import Recipient, RecipientId
    from bot.ports import DeliveryLine, Transaction

#: Seconds that one look is good for, however many pages ask.
FRESH = 0.5
#: How many of the newest broadcasts are looked at for one to show.
RECENT = 5
#: How many of those who left are named.
DEPARTED = 50
#: Ends of the road that somebody may wonder about.
NOT_SENT = frozenset({State.SKIPPED, State.EXPIRED, State.FAILED, State.SUSPENDED})

_FAILED = {
    FailureKind.BLOCKED: "the bot was blocked; taken off the list",
    FailureKind.DEACTIVATED: "the account is gone; taken off the list",
    FailureKind.REMOVED: "the bot was put out; taken off the list",
    FailureKind.DELETED: "the group is gone; taken off the list",
    FailureKind.OPTED_OUT: "asked WhatsApp for no more; taken off the list",
    FailureKind.NOT_FOUND: "the provider does not know the address",
    FailureKind.NEVER_STARTED: "never pressed Start",
    FailureKind.UNREACHABLE: "cannot be reached on WhatsApp",
    FailureKind.CAPPED: "WhatsApp's own limit for this reader was reached",
    FailureKind.REFUSED: "refused, in words that are not known",
    FailureKind.WINDOW_CLOSED: "window closed, and there is no template to send",
    FailureKind.MALFORMED: "the message itself was refused",
    FailureKind.SENDER_DOWN: "the newsroom's own account is in trouble",
    FailureKind.GAVE_UP: "tried as often as is allowed",
    FailureKind.BEYOND_REACH: "the copy can no longer be changed",
}
#: Why somebody is no longer enrolled; a failure's kind where that was the reason.
_LEFT = {
    "asked to": "asked to leave (STOP); not written to any more",
    "removed": "the bot was put out; not written to any more",
    "nobody vouched": "nobody vouched for the group; the bot left",
    **{kind.value: words for kind, words in _FAILED.items()},
}
_SKIPPED = {
    "stopped": "the editor stopped the broadcast first",
    "earlier part": "an earlier part did not arrive",
    "in template": "the template says it all",
    "undone": "the editor undid the broadcast in time",
    "corrected": "a newer version was sent instead",
    "recalled": "the story was taken back first",
    **_LEFT,
}
_SIMPLE = {
    State.LEASED: "about to be sent",
    State.SENDING: "the call is under way",
    State.READ: "read",
    State.EXPIRED: "too old to be news",
    State.RECALLED: "taken back",
    State.SUSPENDED: "waits: may not write there",
}
#: What keeps the whole of a broadcast waiting.
_HELD = {
    BroadcastState.PLANNED: "waits for the editor to confirm",
    BroadcastState.WAITING: "confirmed; can still be undone for a moment",
    BroadcastState.PAUSED: "waits until the broadcast goes on",
}
TURN = "waits for its turn"
#: Enrolled, and still not planned for; rest is what a provider's limit asks for.
LATECOMER = "joined after this was planned, or is at rest"


def words(
    delivery: Delivery,
    channel: Channel,
    *,
    broadcast: BroadcastState = BroadcastState.RUNNING,
) -> str:
    """Say for people how *delivery* stands.

    Args:
        delivery: Which.
        channel: The medium it travels by.
        broadcast: How its broadcast stands.
    """
    state = delivery.state
    whatsapp = channel is Channel.WHATSAPP
    if state in _SIMPLE:
        said = _SIMPLE[state]
    elif state is State.QUEUED:
        asked = delivery.attempts > 0
        turn = "was asked to wait; will be tried again" if asked else TURN
        said = _HELD.get(broadcast, turn)
    elif state is State.FAILED:
        kind = delivery.failure.kind if delivery.failure else FailureKind.REFUSED
        said = _FAILED[kind]
    elif state is State.SKIPPED:
        said = _SKIPPED.get(delivery.reason, delivery.reason or "left out on purpose")
    elif state is State.DOUBTFUL:
        said = "called, and no answer came: perhaps it arrived; "
        said += "Twilio is being asked" if whatsapp else "an editor decides"
    elif delivery.form is Form.TEMPLATE:
        said = "window closed: sent as the template"
    elif state is State.DELIVERED:
        said = "arrived"
    else:
        said = "taken by WhatsApp" if whatsapp else "arrived"
    return said


class Strip:
    """Looks at the database beside the application, which may be dead meanwhile.

    Args:
        desk: Reads the same database.
        named: Returns the name that the page shows for an address, if it knows one.
        clock: Seconds, from anywhere.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        named: Callable[[str], str | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk = desk
        self._named = named
        self._clock = clock
        self._one_at_a_time = asyncio.Lock()
        self._looked: float | None = None
        self._last: dict[str, Any] = {"broadcast": None, "rows": [], "not_sent": []}

    async def look(self) -> dict[str, Any]:
        """Return ``broadcast``, ``rows`` and ``not_sent``; the last if none can be had.

        A row: ``recipient``, ``chat``, ``channel``, ``state``, ``detail``, ``words``,
        ``attempts``, ``form``. One not sent: ``recipient``, ``chat``, ``channel``,
        ``why``.
        """
        async with self._one_at_a_time:
            now = self._clock()
            if self._looked is None or now - self._looked >= FRESH:
                # Busy, or in between two lives: what was known still serves.
                with suppress(HarkaraError):
                    self._last = await self._read()
                # Also then: of many pages only one waits for a database that is busy.
                self._looked = self._clock()
            return self._last

    async def under_way(self) -> int | None:
        """Count the calls whose answer has not been written down; None: not known."""
        try:
            latest = await self._desk.broadcaster.latest(RECENT)
        except HarkaraError:
            return None
        return sum(coverage.states[State.SENDING] for _, coverage in latest)

    async def _read(self) -> dict[str, Any]:
        found = await self._newest()
        if found is None:
            return {"broadcast": None, "rows": [], "not_sent": []}
        lines = await self._desk.broadcaster.report(found.id)
        async with self._desk.database.snapshot() as tx:
            digest = await tx.broadcasts.digest(found.digest)
            people = await self._people(tx, lines)
            others = await self._others(tx, lines)
        rows = [
            self._row(line, people[line.delivery.recipient], found.state)
            for line in lines
        ]
        left_out = [
            {**self._who(people[line.delivery.recipient]), "why": row["words"]}
            for line, row in zip(lines, rows, strict=True)
            if line.delivery.state in NOT_SENT
        ]
        return {
            "broadcast": {
                "id": found.id,
                "title": digest.heading or digest.stories[0].headline,
                "state": found.state.value,
                "planned_at": found.planned_at.isoformat(),
            },
            "rows": rows,
            "not_sent": left_out
            + [{**self._who(who), "why": why} for who, why in others],
        }

    async def _newest(self) -> Broadcast | None:
        """Return the newest that was confirmed or may still be."""
        for found, _ in await self._desk.broadcaster.latest(RECENT):
            if found.confirmed_at or found.state is BroadcastState.PLANNED:
                return found
        return None

    async def _people(
        self, tx: Transaction, lines: list[DeliveryLine]
    ) -> dict[RecipientId, Recipient]:
        """Return every line's recipient; the enrolled ones by one statement."""
        people: dict[RecipientId, Recipient] = {}
        for audience in {line.delivery.audience for line in lines}:
            people |= {who.id: who for who in await tx.audiences.members(audience)}
        for line in lines:
            number = line.delivery.recipient
            if number not in people:
                people[number] = await tx.recipients.get(number)
        return people

    async def _others(
        self, tx: Transaction, lines: list[DeliveryLine]
    ) -> list[tuple[Recipient, str]]:
        """Return who gets nothing although they are, or were, of the audience."""
        planned = {line.delivery.recipient for line in lines}
        others: dict[RecipientId, tuple[Recipient, str]] = {}
        for audience in {line.delivery.audience for line in lines}:
            for who in await tx.audiences.members(audience):
                others.setdefault(who.id, (who, LATECOMER))
            for who, why in await tx.audiences.departed(audience, limit=DEPARTED):
                others.setdefault(who.id, (who, _LEFT.get(why, why)))
        return [each for number, each in others.items() if number not in planned]

    def _row(
        self, line: DeliveryLine, who: Recipient, broadcast: BroadcastState
    ) -> dict[str, Any]:
        delivery = line.delivery
        failure = delivery.failure
        return {
            **self._who(who),
            "state": delivery.state.value,
            "detail": failure.kind.value if failure else delivery.reason,
            "words": words(delivery, line.channel, broadcast=broadcast),
            "attempts": delivery.attempts,
            "form": delivery.form.value if delivery.form else "",
        }

    def _who(self, who: Recipient) -> dict[str, Any]:
        value = who.address.value
        whatsapp = who.address.channel is Channel.WHATSAPP
        return {
            "recipient": self._named(value) or who.title or value,
            "chat": f"whatsapp:{value}" if whatsapp else value,
            "channel": who.address.channel.value,
        }
