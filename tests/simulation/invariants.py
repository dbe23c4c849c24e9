"""What must hold, seen from outside: by the providers' logs and by what was committed.

Nothing here asks the product what it thinks; the tables are read with SQL of its own.
"""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from datetime import UTC, timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.deliveries import Progress
from bot.domain.recipients import Channel
from tests.simulation.provider import READ_TIMEOUT

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from tests.simulation.process import Process
    from tests.simulation.provider import Call
    from tests.simulation.scene import Scene

#: Nothing more is expected this many seconds after the last thing that happened: the
#: latest answer and the latest report have come by then.
QUIET = 25.0
#: How long before a claim is committed its pump may have looked at the tables, seconds.
GLANCE = 0.4
ARRIVED = ("accepted", "delivered", "read")
ENDED = (*ARRIVED, "failed", "skipped", "expired", "recalled")
IN_HAND = ("leased", "sending")
REFUSALS = {"blocked", "not_found", "refused", "malformed", "unreachable", "window"}

#: Rows more urgent than those just claimed that could have been claimed instead.
PASSED_OVER = """
SELECT delivery.id FROM delivery
JOIN broadcast ON broadcast.id = delivery.broadcast_id
JOIN recipient ON recipient.id = delivery.recipient_id
WHERE delivery.sender_id = :sender AND delivery.state = 'queued'
  AND broadcast.lane < :lane AND broadcast.state = 'running'
  AND broadcast.confirmed_at <= :then AND broadcast.expires_at > :later
  AND delivery.due_at <= :then AND delivery.part = 1
  AND recipient.standing = 'active'
  AND (recipient.next_at IS NULL OR recipient.next_at <= :then)
  AND NOT EXISTS (
    SELECT 1 FROM canary WHERE canary.broadcast_id = broadcast.id)
  AND NOT EXISTS (
    SELECT 1 FROM delivery AS other WHERE other.recipient_id = recipient.id
    AND other.state IN ('leased', 'sending'))
  AND NOT EXISTS (
    SELECT 1 FROM reply WHERE reply.recipient_id = recipient.id
    AND reply.state IN ('leased', 'sending'))
  AND recipient.id NOT IN (
    SELECT recipient_id FROM delivery
    WHERE id IN (SELECT value FROM json_each(:called)))
  AND recipient.value NOT IN (SELECT value FROM json_each(:addressed))
LIMIT 1
"""


class Observer:
    """Reads what is committed, at the moment when it is."""

    def __init__(self, scene: Scene, path: Path) -> None:
        self._scene = scene
        self._file = sqlite3.connect(path, isolation_level=None)
        self._file.row_factory = sqlite3.Row
        self._seen = 0
        self._dirty = True
        self._settled = False
        self.quiet_until = QUIET
        self.deliveries: dict[int, sqlite3.Row] = {}
        self.marked_at: dict[int, float] = {}  #: by delivery: when, by true time
        self.marks: Counter[int] = Counter()  #: by delivery: how often
        self.doubted: defaultdict[int, list[float]] = defaultdict(list)
        self.changed_at: dict[int, float] = {}

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    def rows(self, sql: str, **values: Any) -> list[sqlite3.Row]:
        """Read what is committed."""
        return self._file.execute(sql, values).fetchall()

    def look(self, process: Process) -> None:
        """See what *process* has just committed."""
        scene, now = self._scene, self._scene.world.now
        self._dirty = True
        leased = []
        for row in self.rows(
            "SELECT * FROM simulated_history WHERE seq > :seen ORDER BY seq",
            seen=self._seen,
        ):
            self._seen = row["seq"]
            delivery, state = row["delivery"], row["now"]
            scene.note("ledger", process.name, delivery, row["was"], state)
            self.quiet_until = now + QUIET
            self.changed_at[delivery] = now
            if state in IN_HAND and row["epoch"] != row["owner"]:
                scene.violated(
                    f"fencing: {process.name} took delivery {delivery} in hand "
                    f"({state}) under epoch {row['epoch']}; the sender's is "
                    f"{row['owner']}"
                )
            if state == "sending":
                self.marked_at[delivery] = now
                self.marks[delivery] += 1
            elif state == "doubtful":
                self.doubted[delivery].append(now)
            elif state == "leased":
                leased.append(delivery)
        if leased:
            self._look_at_lanes(process, leased)

    def _look_at_lanes(self, process: Process, leased: list[int]) -> None:
        """Nothing regular is claimed while something breaking is due."""
        scene = self._scene
        slack = max(GLANCE, 20 * scene.weather.slow)
        stood = process.frozen_at is not None and (
            scene.world.now - process.frozen_at < slack
        )
        if stood or scene.jumped_within(slack):
            return
        marks = ", ".join(map(str, leased))
        [worst] = self.rows(
            "SELECT sender_id, MAX(lane) AS lane FROM delivery "  # noqa: S608 - numbers of ours
            "JOIN broadcast ON broadcast.id = delivery.broadcast_id "
            f"WHERE delivery.id IN ({marks})"
        )
        now = process.clock.now()
        # A report may come before the answer: the delivery has gone on, and whom it is
        # for is still being called.
        waits = [
            call
            for provider in scene.providers.values()
            for call in provider.calls
            if call.process == process.name
            and not call.ended
            and scene.world.now - call.sent_at <= READ_TIMEOUT
        ]
        references = [call.reference for call in waits if call.reference is not None]
        passed = self.rows(
            PASSED_OVER,
            called=json.dumps([each.delivery for each in references]),
            addressed=json.dumps([call.to for call in waits]),
            sender=worst["sender_id"],
            lane=worst["lane"],
            then=_text(now, -slack),
            later=_text(now, slack),
        )
        if passed:
            scene.violated(
                f"lanes: delivery {passed[0]['id']} was due and more urgent when "
                f"{process.name} claimed {leased[:5]}"
            )

    def called(self, process: Process, call: Call) -> None:
        """See whether a call was written down before it was made."""
        self.quiet_until = self._scene.world.now + QUIET
        reference = call.reference
        if reference is None:
            return
        delivery, number = reference.delivery, reference.number
        if self.marks[delivery] < number:
            self._scene.violated(
                f"ledger: call {call.number} of attempt {reference} was made before "
                "it was written down"
            )
        [row] = self.rows(
            "SELECT delivery.state, delivery.attempts, delivery.epoch, sender.epoch "
            "AS owner FROM delivery JOIN sender ON sender.id = delivery.sender_id "
            "WHERE delivery.id = :delivery",
            delivery=delivery,
        )
        mine = row["attempts"] == number and row["epoch"] == row["owner"]
        if mine and row["state"] != "sending":
            self._scene.violated(
                f"ledger: delivery {delivery} was called while {row['state']}"
            )

    def paused(self) -> list[int]:
        """Broadcasts that wait for an editor."""
        return [
            row["id"]
            for row in self.rows("SELECT id FROM broadcast WHERE state = 'paused'")
        ]

    def undecided(self) -> list[int]:
        """Finished broadcasts with doubt that only a person can settle."""
        sql = """
        SELECT DISTINCT broadcast.id FROM broadcast
        JOIN delivery ON delivery.broadcast_id = broadcast.id
        JOIN sender ON sender.id = delivery.sender_id
        WHERE broadcast.state = 'finished' AND delivery.state = 'doubtful'
          AND sender.channel = 'telegram' AND broadcast.expires_at > :now
        """
        now = _text(self._scene.clock.now(), 0)
        return [row["id"] for row in self.rows(sql, now=now)]

    def settled(self) -> bool:
        """Whether all broadcasts have ended, and Twilio has been asked."""
        if self._dirty:
            self._dirty = False
            self._settled = not self.rows(
                "SELECT 1 FROM broadcast WHERE state NOT IN ('finished', 'cancelled') "
                "UNION ALL SELECT 1 FROM delivery WHERE state IN ('leased', 'sending')"
            )
        if not self._settled:
            return False
        now = _text(self._scene.clock.now(), 0)
        asked = self.rows(
            "SELECT 1 FROM delivery JOIN sender ON sender.id = delivery.sender_id "
            "JOIN broadcast ON broadcast.id = delivery.broadcast_id WHERE "
            "delivery.state = 'doubtful' AND sender.channel = 'whatsapp' "
            "AND broadcast.expires_at > :now",
            now=now,
        )
        decided = self._scene.plan.decide and self.undecided()
        return not asked and not decided


def _text(moment: datetime, seconds: float) -> str:
    """A moment as the tables hold it, shifted."""
    shifted = (moment + timedelta(seconds=seconds)).astimezone(UTC)
    return shifted.isoformat(" ", "microseconds")[:26]


def judge(scene: Scene) -> None:
    """Look at everything once it is over, and note what does not hold."""
    observer = scene.observer
    for process in scene.processes:
        for trouble in process.loop.trouble:
            scene.violated(f"an error nobody awaited: {trouble}")
    for row in observer.rows("SELECT id, state FROM broadcast"):
        if row["state"] not in ("finished", "cancelled"):
            scene.violated(f"end: broadcast {row['id']} is still {row['state']}")
    observer.deliveries = {
        row["id"]: row
        for row in observer.rows(
            "SELECT delivery.*, broadcast.state AS broadcast_state, "
            "recipient.standing AS standing, sender.channel AS channel "
            "FROM delivery JOIN broadcast ON broadcast.id = delivery.broadcast_id "
            "JOIN recipient ON recipient.id = delivery.recipient_id "
            "JOIN sender ON sender.id = delivery.sender_id ORDER BY delivery.id"
        )
    }
    calls: defaultdict[int, list[Call]] = defaultdict(list)
    named: set[str] = set()
    for provider in scene.providers.values():
        for call in provider.calls:
            if call.reference is None:
                continue
            if str(call.reference) in named:
                scene.violated(f"attempts: {call.reference} was called twice")
            named.add(str(call.reference))
            calls[call.reference.delivery].append(call)
    for delivery in observer.deliveries.values():
        _judge_delivery(scene, delivery, calls[delivery["id"]])
    _judge_order(scene, calls)
    _judge_answers(scene)


def _judge_delivery(scene: Scene, row: sqlite3.Row, calls: list[Call]) -> None:
    observer = scene.observer
    delivery, state = row["id"], row["state"]
    doubted = observer.doubted[delivery]
    arrived = sorted(
        (each for each in calls if each.accepted and not each.withdrawn),
        key=lambda each: each.arrived_at or 0.0,
    )
    what = f"delivery {delivery} ({row['channel']}) is {state}"
    for second in arrived[1:]:
        if not any(moment <= second.sent_at for moment in doubted):
            scene.violated(
                f"twice: {what}; {second.reference} was sent again, and nobody had "
                "called it doubtful"
            )
    best = _furthest(arrived)
    if best is not None and state != best:
        unsure = best == "accepted" and bool(doubted) and not _reported(arrived)
        if not unsure:
            scene.violated(f"folded: {what}, but the provider has reported {best}")
    if state in ARRIVED:
        taken_for_sent = scene.plan.decide == "sent" and doubted
        if not arrived and not taken_for_sent:
            scene.violated(f"lost: {what}, but the provider never took it")
    elif not _justified(scene, row, calls):
        scene.violated(f"lost: {what} ({row['reason']}) without a reason")


def _reported(arrived: list[Call]) -> bool:
    return any(each.reported for each in arrived)


def _furthest(arrived: list[Call]) -> str | None:
    """How far the provider says that a delivery has come, whatever the attempt."""
    if not arrived:
        return None
    furthest = max(
        (progress for each in arrived for progress, _ in each.reported),
        default=Progress.ACCEPTED,
    )
    return {
        Progress.ACCEPTED: "accepted",
        Progress.DELIVERED: "delivered",
        Progress.READ: "read",
    }[furthest]


def _justified(scene: Scene, row: sqlite3.Row, calls: list[Call]) -> bool:
    """Whether what happened explains that a delivery did not arrive."""
    state = row["state"]
    observer = scene.observer
    said = [each.said for each in calls]
    earlier = observer.rows(
        "SELECT delivery.state, attempt.form FROM delivery LEFT JOIN attempt "
        "ON attempt.delivery_id = delivery.id WHERE broadcast_id = :broadcast "
        "AND recipient_id = :recipient AND part < :part",
        broadcast=row["broadcast_id"],
        recipient=row["recipient_id"],
        part=row["part"],
    )
    troubled = bool(scene.jumps) or bool(observer.doubted[row["id"]])
    match state:
        case "failed":
            return any(each.withdrawn for each in calls) or bool(REFUSALS & set(said))
        case "skipped":
            behind = [each["state"] for each in earlier if each["state"] not in ARRIVED]
            templates = [each for each in earlier if each["form"] == "template"]
            cancelled = row["broadcast_state"] == "cancelled"
            closed = "window" in said or any(each.withdrawn for each in calls)
            # A later part has no template of its own, and its reader's window may
            # have been found closed by a receipt of another message.
            closed = closed or row["reason"] == "in template"
            left = row["standing"] == "gone"
            return bool(behind or templates) or cancelled or closed or left
        case "expired":
            waits = row["standing"] == "suspended" or "rights" in said
            held = any(each["state"] not in ARRIVED for each in earlier)
            return waits or held or troubled or bool(scene.plan.resume < 1)
        case "doubtful":
            unwell = {each.name for each in scene.processes if each.unwell}
            silent = [each for each in calls if not each.heard]
            unwritten = [each for each in calls if each.process in unwell]
            unmade = observer.marks[row["id"]] > len(calls)
            return bool(silent or unwritten) or unmade
        case "queued":
            return any(each["state"] == "doubtful" for each in earlier) or (
                row["broadcast_state"] == "cancelled" and troubled
            )
    return False


def _judge_order(scene: Scene, calls: dict[int, list[Call]]) -> None:
    """A part is sent only after everything before it has arrived."""
    rows = scene.observer.deliveries
    for delivery, made in calls.items():
        row = rows[delivery]
        for other in rows.values():
            same = (
                other["broadcast_id"] == row["broadcast_id"]
                and other["recipient_id"] == row["recipient_id"]
            )
            if not same or other["part"] >= row["part"]:
                continue
            moments = [
                each.arrived_at
                for each in calls.get(other["id"], [])
                if each.accepted and each.arrived_at is not None
            ]
            first = min(moments, default=None)
            if scene.plan.decide == "sent" and scene.observer.doubted[other["id"]]:
                continue
            for call in made:
                if first is None or call.sent_at < first:
                    scene.violated(
                        f"order: {call.reference} (part {row['part']}) was sent before "
                        f"part {other['part']} had arrived"
                    )


def _judge_answers(scene: Scene) -> None:
    """Answers arrive once, and their rows say so."""
    telegram = scene.providers[Channel.TELEGRAM]
    rows = scene.observer.rows("SELECT body, state, key FROM reply")
    for row in rows:
        if not row["key"].startswith("question"):
            continue
        made = [
            each
            for each in telegram.calls
            if each.reference is None
            and getattr(each.message, "text", "?") in row["body"]
        ]
        taken = [each for each in made if each.accepted]
        if len(taken) > 1:
            scene.violated(f"twice: the answer to {row['key']}")
        if row["state"] == "accepted" and not taken:
            scene.violated(f"lost: the answer to {row['key']}")
        if row["state"] not in (*ENDED, "doubtful"):
            scene.violated(f"end: the answer to {row['key']} is {row['state']}")
