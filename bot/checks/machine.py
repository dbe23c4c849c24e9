"""What is made of this machine: settings file, clock, disk, database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from bot.checks.findings import Finding, Level

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: A clock that differs by more is worth a word, or is a problem.
ODD_CLOCK = timedelta(seconds=30)
WRONG_CLOCK = timedelta(seconds=120)
#: Free bytes below which there is a problem, or a warning.
LEAST_FREE = 200_000_000
LITTLE_FREE = 1_000_000_000
#: A write-ahead log that large has not been folded in for long.
LARGE_LOG = 256 * 1024 * 1024  # bytes
_OTHERS = 0o077  # the rights of the group and of everybody


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFacts:
    """The settings file."""

    path: str
    mode: int
    secrets: bool  #: whether a token stands in it


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """The database file and the disk it is on."""

    path: str
    exists: bool = True
    problem: str = ""  #: why it cannot be opened or read, and what to do
    free: int | None = None  #: bytes that we may still write
    mode: int = 0o600
    revision: str = ""
    revisions: tuple[str, ...] = ()  #: that this program knows, oldest first
    damage: tuple[str, ...] | None = ()  #: what quick_check found; None: not done
    unwritable: str = ""  #: why it cannot be written, in words
    running: bool = False  #: whether an application works on it
    log: int = 0  #: bytes of the write-ahead log
    locked_out: str = ""  #: why its key does not open it, and what to do
    exposed_key: str = ""  #: the key's file, where others may read it
    lax: tuple[str, ...] = ()  #: a server's settings that let a power cut take rows


def judge_settings(problems: Sequence[str]) -> list[Finding]:
    """Pass on what is wrong with the settings; each says what to do."""
    found = [_told("settings", each) for each in problems]
    if not problems:
        found.append(Finding(Level.WELL, "settings", "every setting can be read"))
    return found


def judge_file(facts: FileFacts) -> list[Finding]:
    """Judge who may read the settings file."""
    if facts.secrets and facts.mode & _OTHERS:
        return [
            Finding(
                Level.WARNING,
                "settings",
                f"others on this machine may open {facts.path}, and tokens stand in it",
                f"chmod 600 {facts.path}",
            )
        ]
    return []


def judge_listen(address: str, shut: str) -> list[Finding]:
    """Judge whether `harkara run` could open its address.

    Args:
        address: As the settings have it.
        shut: Why it cannot be opened; empty if it can.
    """
    if not shut:
        what = f"{address} can be opened, for health checks and providers' calls"
        return [Finding(Level.WELL, "listen", what)]
    return [
        Finding(
            Level.PROBLEM,
            "listen",
            f"HARKARA_LISTEN: {address} cannot be opened ({shut})",
            "stop what has it, or choose another port",
        )
    ]


def judge_clock(behind: Mapping[str, timedelta]) -> list[Finding]:
    """Judge this machine's clock.

    Args:
        behind: How far it is behind each provider's; negative where it is ahead.
    """
    if not behind:
        return []
    who, worst = max(behind.items(), key=lambda each: abs(each[1]))
    off = abs(worst)
    if off <= ODD_CLOCK:
        names = " and ".join(behind)
        return [Finding(Level.WELL, "clock", f"the clock agrees with {names}'s")]
    side = "behind" if worst > timedelta(0) else "ahead of"
    return [
        Finding(
            Level.PROBLEM if off > WRONG_CLOCK else Level.WARNING,
            "clock",
            f"the clock is {_long(off)} {side} {who}'s: windows, expiry and pacing "
            "go by it",
            "have it set by NTP: timedatectl set-ntp true",
        )
    ]


def judge_database(facts: DatabaseFacts) -> list[Finding]:
    """Judge the database and its disk."""
    found = _space(facts)
    if not facts.exists:
        found.append(
            Finding(
                Level.PROBLEM,
                "database",
                f"there is no database at {facts.path}",
                "run harkara database upgrade",
            )
        )
        return found
    if facts.mode & _OTHERS:
        found.append(
            Finding(
                Level.WARNING,
                "database",
                f"others on this machine may open {facts.path}, and numbers and "
                "messages stand in it",
                f"chmod 600 {facts.path}",
            )
        )
    if facts.exposed_key:
        found.append(
            Finding(
                Level.WARNING,
                "database",
                f"others on this machine may read the key {facts.exposed_key}",
                f"chmod 600 {facts.exposed_key}",
            )
        )
    if facts.problem:
        found.append(_told("database", facts.problem))
        return found
    found += _shape(facts)
    if facts.lax:
        found.append(
            Finding(
                Level.WARNING,
                "database",
                f"{' and '.join(facts.lax)} of the database's server are not on: a "
                "power cut can take what was said to be kept, and news goes out twice",
                "set them to on in its postgresql.conf",
            )
        )
    found += [
        _told("database", each) for each in (facts.unwritable, facts.locked_out) if each
    ]
    if facts.log > LARGE_LOG:
        found.append(
            Finding(
                Level.WARNING,
                "database",
                f"the database's write-ahead log has {_size(facts.log)}",
                "end programs that have read the database for long, then start "
                "harkara run again",
            )
        )
    if not any(
        each.level is Level.PROBLEM and each.topic == "database" for each in found
    ):
        state = (
            "harkara run is working on it" if facts.running else "harkara run is not up"
        )
        found.append(
            Finding(
                Level.WELL,
                "database",
                f"the database is sound and can be written; {state}",
            )
        )
    return found


def _told(topic: str, problem: str) -> Finding:
    """Part what is wrong from what to do, as our errors are written."""
    what, _, mend = problem.partition("; ")
    return Finding(Level.PROBLEM, topic, what, mend)


def _space(facts: DatabaseFacts) -> list[Finding]:
    if facts.free is None:
        return []
    left = f"{_size(facts.free)} are free where the database is"
    if facts.free < LITTLE_FREE:
        grave = facts.free < LEAST_FREE
        return [
            Finding(
                Level.PROBLEM if grave else Level.WARNING,
                "disk",
                left,
                "free some space: on a full disk nothing can be sent or taken in",
            )
        ]
    return [Finding(Level.WELL, "disk", left)]


def _shape(facts: DatabaseFacts) -> list[Finding]:
    found = []
    newest = facts.revisions[-1] if facts.revisions else ""
    if facts.revision != newest:
        if not facts.revision:
            what, mend = (
                "the database has no tables yet",
                "run harkara database upgrade",
            )
        elif facts.revision in facts.revisions:
            what = f"the database stands at revision {facts.revision}, not at {newest}"
            mend = "make a backup, then run harkara database upgrade"
        else:
            what = (
                f"the database stands at revision {facts.revision}, which is newer "
                f"than this program ({newest})"
            )
            mend = "use the newer Harkara, or a backup from before the upgrade"
        found.append(Finding(Level.PROBLEM, "database", what, mend))
    if facts.damage is None:
        found.append(
            Finding(
                Level.NOTE,
                "database",
                "the database is too large to be looked through in ten seconds; "
                "PRAGMA quick_check does it at leisure",
            )
        )
    elif facts.damage:
        found.append(
            Finding(
                Level.PROBLEM,
                "database",
                f"the database is damaged: {facts.damage[0]}",
                "stop harkara run and put a backup in its place",
            )
        )
    return found


def _size(number: int) -> str:
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if number >= unit:
            return f"{number / unit:.1f} {name}"
    return f"{number // 1000} kB"


def _long(time: timedelta) -> str:
    minutes, seconds = divmod(round(time.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
