"""What goes wrong in one world, drawn by its seed before it begins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.simulation.cast import GROUPS, NUMBERS, READERS
from tests.simulation.provider import Mischief

if TYPE_CHECKING:
    from random import Random

#: Every fault that can strike; a long run in which one never did has proven nothing.
ALL = (
    "throttled_chat",
    "throttled_sender",
    "refused",
    "malformed",
    "late_answer",
    "lost_answer",
    "lost_request",
    "never_left",
    "receipt_twice",
    "receipt_reordered",
    "receipt_failed",
    "blocked",
    "not_found",
    "rights",
    "rights_back",
    "migrated",
    "unreachable",
    "window_closed",
    "sender_down",
    "killed",
    "killed_in_transaction",
    "killed_in_call",
    "frozen",
    "woken_fenced",
    "stopped",
    "clock_forward",
    "clock_back",
    "disk_full",
    "disk_slow",
)

#: Seconds after which nothing new goes wrong.
CALM = 40.0


@dataclass(slots=True)
class Fate:
    """What will happen to one process."""

    step: int  #: after so many of its steps
    what: str  #: "kill", "freeze" or "stop"
    restart_after: float  #: seconds until another process is begun
    frozen_for: float = 0.0  #: seconds, for "freeze"
    together: float = 0.0  #: seconds that both work, after it has woken
    survivor: str = "new"  #: which of them is left then: "old" or "new"


@dataclass(slots=True)
class Plan:
    """Everything that goes wrong."""

    telegram: Mischief
    whatsapp: Mischief
    fates: list[Fate]
    chats: dict[str, str]  #: which chat has which trouble, "moves", or "closes"
    trouble_at: dict[str, float]  #: when it begins, seconds
    rights_back_at: dict[str, float]  #: when the rights are given back, and told
    clock: list[tuple[float, float]]  #: (when, by how many seconds it jumps)
    full: list[tuple[float, float]]  #: (from, until) seconds
    slow: list[tuple[float, float, float]]  #: (from, until, most seconds a hop)
    down: list[tuple[float, float, str]]  #: (from, until, channel)
    repeat: bool  #: the newsroom repeats in doubt
    decide: str  #: what an editor does with doubt at the end: "", "repeat", "sent"
    stop_at: float | None  #: when an editor stops the first broadcast
    resume: float  #: how likely an editor lets a paused broadcast go on
    breaking_at: float | None  #: when breaking news is confirmed
    round_up_at: float | None
    held: bool  #: broadcasts can be undone, and go to a few first
    concurrency: int
    calm: float = CALM
    replies: list[float] = field(default_factory=list)  #: when somebody is answered


def draw(rng: Random) -> Plan:
    """Draw a plan; about one world in six has an easy time."""
    easy = rng.random() < 0.15
    chats = _chats(rng)
    return Plan(
        telegram=_mischief(rng, easy=easy),
        whatsapp=_mischief(rng, easy=easy, receipts=True),
        fates=[] if easy else _fates(rng),
        chats=chats,
        trouble_at={each: rng.choice((0.0, rng.uniform(0.5, 4))) for each in chats},
        rights_back_at={
            each: rng.uniform(5, 50)
            for each, trouble in chats.items()
            if trouble == "rights" and rng.random() < 0.9
        },
        clock=_jumps(rng) if rng.random() < 0.25 else [],
        full=_spells(rng, 6.0) if rng.random() < 0.2 else [],
        slow=[
            (begin, end, rng.choice((0.02, 0.2)))
            for begin, end in (_spells(rng, 4.0) if rng.random() < 0.2 else [])
        ],
        down=[
            (begin, end, rng.choice(("telegram", "whatsapp")))
            for begin, end in (_spells(rng, 3.0) if rng.random() < 0.1 else [])
        ],
        repeat=rng.random() < 0.25,
        decide=rng.choice(("", "", "repeat", "sent")),
        stop_at=rng.uniform(0.5, 6) if rng.random() < 0.1 else None,
        resume=rng.choice((1.0, 1.0, 0.5)),
        breaking_at=rng.uniform(0.3, 3.0) if rng.random() < 0.8 else None,
        round_up_at=rng.uniform(0.3, 8.0) if rng.random() < 0.15 else None,
        held=rng.random() < 0.4,
        concurrency=rng.choice((2, 8, 8, 20)),
        replies=[rng.uniform(0.2, 6) for _ in range(rng.randrange(4))],
    )


def _mischief(rng: Random, *, easy: bool, receipts: bool = False) -> Mischief:
    def some(most: float, share: float = 0.35) -> float:
        return rng.uniform(0, most) if rng.random() < share and not easy else 0.0

    return Mischief(
        throttled_chat=some(0.1),
        throttled_sender=some(0.03),
        refused=some(0.03, 0.2),
        malformed=some(0.02, 0.2),
        late_answer=some(0.1),
        lost_answer=some(0.1),
        lost_request=some(0.08),
        never_left=some(0.1),
        receipt_twice=rng.choice((0.0, 0.3)) if receipts else 0.0,
        receipt_reordered=rng.choice((0.0, 0.5)) if receipts else 0.0,
        receipt_failed=some(0.15) if receipts else 0.0,
    )


def _fates(rng: Random) -> list[Fate]:
    fates = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        what = rng.choice(("kill", "kill", "kill", "freeze", "freeze", "stop"))
        fates.append(
            Fate(
                step=rng.randint(30, rng.choice((300, 1500, 4000))),
                what=what,
                restart_after=rng.choice((0.01, 0.3, rng.uniform(0.3, 12))),
                frozen_for=rng.choice((rng.uniform(0.5, 3), rng.uniform(3, 35))),
                together=rng.uniform(0, 3),
                survivor=rng.choice(("old", "new")),
            )
        )
    return fates


def _chats(rng: Random) -> dict[str, str]:
    chats: dict[str, str] = {}
    for chat in rng.sample(READERS, rng.randrange(3)):
        chats[chat] = rng.choice(("blocked", "not_found"))
    for chat in rng.sample(GROUPS, rng.randrange(3)):
        chats[chat] = rng.choice(("rights", "moves", "moves"))
    if rng.random() < 0.3:
        chats[rng.choice(NUMBERS)] = rng.choice(("unreachable", "closes"))
    return chats


def _jumps(rng: Random) -> list[tuple[float, float]]:
    size = rng.choice((2.0, 50.0, 300.0))
    direction = rng.choice((-1, 1))
    return [(rng.uniform(0.5, 15), direction * rng.uniform(0.5, 1) * size)]


def _spells(rng: Random, longest: float) -> list[tuple[float, float]]:
    begin = rng.uniform(0.2, 8)
    return [(begin, begin + rng.uniform(0.3, longest))]
