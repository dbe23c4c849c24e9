"""Where it is measured: cores, processor, and how much of it others take."""

from __future__ import annotations

import os
import platform
import sqlite3
from dataclasses import dataclass
from pathlib import Path


def cores() -> tuple[int | None, int | None]:
    """Return the server's core and the contender's; None where there is no choice."""
    if not hasattr(os, "sched_getaffinity"):
        return None, None
    ours = sorted(os.sched_getaffinity(0))
    return (ours[0], ours[1]) if len(ours) > 1 else (None, None)


def pin(core: int | None) -> None:
    """Run on *core* only from now on, and whatever is started with us."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def describe() -> dict[str, str]:
    """Return what a reader should know of this machine, and nothing that names it."""
    model = platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    return {
        "cores": str(os.cpu_count()),
        "processor": model,
        "system": platform.system(),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
    }


@dataclass(frozen=True, slots=True)
class Ticks:
    """The machine's time so far, in the kernel's ticks."""

    stolen: int
    total: int

    @classmethod
    def now(cls) -> Ticks:
        """Read them; zeros where the system does not say."""
        try:
            line = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
        except OSError:
            return cls(0, 0)
        return cls.parse(line)

    @classmethod
    def parse(cls, line: str) -> Ticks:
        """Read the first line of ``/proc/stat``: guests' time is users' already."""
        counts = [int(word) for word in line.split()[1:9]]
        return cls(counts[7], sum(counts))

    def stolen_since(self, before: Ticks) -> float:
        """Return the share of the machine that its neighbours took meanwhile."""
        total = self.total - before.total
        return (self.stolen - before.stolen) / total if total else 0.0
