"""One world from its seed: processes, providers, an editor, and what befalls them."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from bot.domain.deliveries import Progress, Receipt
from bot.domain.errors import HarkaraError, Refusal, StorageError
from bot.domain.recipients import Channel
from tests.simulation import editor, faults
from tests.simulation.cast import CLOSED, GROUPS, SUPERGROUPS, template
from tests.simulation.disk import Weather
from tests.simulation.invariants import Observer, judge
from tests.simulation.loop import Spinning, World
from tests.simulation.process import MachineClock, Process, Surroundings
from tests.simulation.provider import Chat, Provider

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from bot.services import Services
    from tests.simulation.faults import Fate
    from tests.simulation.provider import Call

#: Virtual seconds after which a world that has come to no end is given up.
LONGEST = 3600.0


@dataclass(slots=True, eq=False)
class Errand:
    """Something that the outside wants of any process, until one has done it."""

    name: str
    work: Callable[[Services], Awaitable[object]]
    by: Process | None = None
    done: bool = False


@dataclass(slots=True)
class Outcome:
    """How one world came out."""

    seed: int
    violations: list[str]
    struck: Counter[str]
    deliveries: int
    calls: int
    seconds: float  #: virtual
    trace: list[tuple[Any, ...]] = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """The same for the same seed, and hardly ever for another."""
        return hashlib.sha256(repr(self.trace).encode()).hexdigest()


class Scene(logging.Handler):
    """Everything in one world; also hears what the product logs."""

    def __init__(self, seed: int, folder: Path) -> None:
        super().__init__(logging.WARNING)
        self.seed = seed
        self.world = World(Random(seed))  # noqa: S311 - it is to be predictable
        self.plan = faults.draw(self.world.rng)
        self.trace: list[tuple[Any, ...]] = []
        self.struck: Counter[str] = Counter()
        self.violations: list[str] = []
        self.clock = MachineClock(self.world)
        self.weather = Weather()
        self.jumps: list[float] = []
        self.processes: list[Process] = []
        self.errands: list[Errand] = []
        self.waking = 0
        self._coming: float | None = None  #: when the next process is begun
        path = folder / f"{seed}.db"
        path.write_bytes(template())
        self.observer = Observer(self, path)
        self.providers = {
            channel: Provider(
                self.world,
                channel,
                mischief,
                excused=self.jumped_within,
                note=self.note,
            )
            for channel, mischief in (
                (Channel.TELEGRAM, self.plan.telegram),
                (Channel.WHATSAPP, self.plan.whatsapp),
            )
        }
        self.around = Surroundings(
            world=self.world,
            path=path,
            clock=self.clock,
            weather=self.weather,
            providers=self.providers,
            committed=self.observer.look,
            calls=self._called,
            note=self.note,
            repeat=self.plan.repeat,
            held=self.plan.held,
            concurrency=self.plan.concurrency,
        )
        self._fates = iter(self.plan.fates)

    # --- What it is told ----------------------------------------------------------

    def note(self, *what: object) -> None:
        """Add a line to the trace."""
        self.trace.append((round(self.world.now, 4), *map(str, what)))

    def violated(self, words: str) -> None:
        """Note that something that was promised did not hold."""
        self.note("VIOLATION", words)
        self.violations.append(words)

    def emit(self, record: logging.LogRecord) -> None:
        """Hear a line of the product's log."""
        words = record.getMessage()
        self.note("log", words, getattr(record, "reason", ""))
        if words == "fenced off" and self.waking:
            self.struck["woken_fenced"] += 1
        error = record.exc_info[1] if record.exc_info else None
        if error is not None and not isinstance(error, HarkaraError):
            self.violated(f"an error nobody expected: {words}: {error!r}")

    def jumped_within(self, seconds: float) -> bool:
        """Whether the machine's clock was set in the last so many seconds."""
        return any(self.world.now - seconds <= moment for moment in self.jumps)

    def _called(self, process: Process, call: Call) -> None:
        self.note("call", process.name, call.to, call.reference, call.number)
        self.observer.called(process, call)

    # --- Processes ----------------------------------------------------------------

    def begin_process(self) -> Process:
        """Start another process, with the next fate that is drawn."""
        process = Process(f"p{len(self.processes) + 1}", self.around)
        self.processes.append(process)
        self.note("process", process.name, "begins")
        self._coming = None
        fate = next(self._fates, None)
        if fate is not None:
            process.loop.fuse = (fate.step, lambda: self._befall(process, fate))
        return process

    def _begin_after(self, delay: float) -> None:
        """Have another process begun, unless one works by then."""
        self._coming = self.world.now + delay

        def begin() -> None:
            if not any(each.up for each in self.processes):
                self.begin_process()

        self.world.after(delay, begin)

    def _befall(self, process: Process, fate: Fate) -> None:
        if self.world.now > self.plan.calm:
            return
        if fate.what == "kill":
            self._kill(process)
            self._begin_after(fate.restart_after)
        elif fate.what == "freeze":
            self.struck["frozen"] += 1
            self.note("process", process.name, "frozen")
            process.freeze()
            self.world.after(fate.frozen_for, lambda: self._wake(process, fate))
            if fate.frozen_for > fate.restart_after:
                self._begin_after(fate.restart_after)
        elif process.up:
            self.struck["stopped"] += 1
            self.note("process", process.name, "asked to stop")
            process.loop.create_task(process.stop(), name="stop")

    def _kill(self, process: Process) -> None:
        if process.loop.dead:
            return
        self.struck["killed"] += 1
        if process.disk.writing():
            self.struck["killed_in_transaction"] += 1
        if any(pump.under_way for pump in process.pumps.values()):
            self.struck["killed_in_call"] += 1
        self.note("process", process.name, "killed")
        process.kill()

    def _wake(self, process: Process, fate: Fate) -> None:
        if process.loop.dead:
            return
        self.note("process", process.name, "wakes")
        process.wake()
        others = [each for each in self.processes if each.alive and each is not process]
        if others:
            self.waking += 1
            loser = process if fate.survivor == "new" else others[-1]
            self.world.after(fate.together, lambda: self._kill(loser))

    def _tend(self) -> None:
        """Restart what has ended, hand out errands, and look as an editor would."""
        for process in self.processes:
            if process.ended and not process.loop.dead:
                if process.error is not None:
                    self.violated(f"a process ended by an error: {process.error!r}")
                self.note("process", process.name, "ended")
                process.kill()
        for errand in self.errands:
            if errand.by is not None and errand.by.loop.dead:
                errand.by = None
        coming = self._coming is not None and self._coming > self.world.now
        if not coming and not any(each.alive for each in self.processes):
            self.begin_process()
        self._hand_out()
        self.world.after(0.5 if self.world.now < self.plan.calm else 4.0, self._tend)

    # --- Errands ------------------------------------------------------------------

    def ask(self, name: str, work: Callable[[Services], Awaitable[object]]) -> Errand:
        """Want something of any process; it may be begun more than once."""
        errand = Errand(name, work)
        self.errands.append(errand)
        self._hand_out()
        return errand

    def _hand_out(self) -> None:
        self.errands = [each for each in self.errands if not each.done]
        able = [each for each in self.processes if each.up]
        if not able:
            return
        for errand in self.errands:
            if errand.by is None:
                errand.by = self.world.rng.choice(able)
                services = errand.by.services
                assert services is not None
                errand.by.loop.create_task(self._do(errand, services))

    async def _do(self, errand: Errand, services: Services) -> None:
        try:
            await errand.work(services)
        except Refusal as refusal:
            self.note("errand", errand.name, "refused", type(refusal).__name__)
        except StorageError:
            errand.by = None
            return
        errand.done = True
        self.note("errand", errand.name, "done")

    def _report(self, call: Call, progress: Progress, code: str) -> None:
        """Hand a provider's report to us, again until it has been taken."""
        if call.reference is None:
            return
        receipt = Receipt(
            reference=call.reference,
            progress=progress,
            provider_id=call.provider_id,
            code=code,
        )

        async def work(services: Services) -> None:
            await services.broadcaster.receive(Channel.WHATSAPP, receipt)

        call.reported.append((progress, code))
        self.ask(f"receipt {receipt.reference} {progress.name}", work)

    # --- The whole ----------------------------------------------------------------

    def run(self) -> Outcome:
        """Let the world run to its end, and judge it."""
        logger = logging.getLogger("harkara")
        level, logger.level = logger.level, logging.WARNING
        logger.addHandler(self)
        try:
            self._arrange()
            try:
                self.world.run(LONGEST, over=self._over)
            except Spinning as error:
                self.violated(f"end: somebody spins: {error}")
            judge(self)
        finally:
            logger.removeHandler(self)
            logger.level = level
            for process in self.processes:
                process.bury()
            self.observer.close()
            for path in self.around.path.parent.glob(f"{self.seed}.db*"):
                path.unlink()
        for provider in self.providers.values():
            self.struck += provider.struck
            self.violations += provider.violations
        if self.weather.struck:
            self.struck["disk_full"] += self.weather.struck
        return Outcome(
            seed=self.seed,
            violations=self.violations,
            struck=self.struck,
            deliveries=len(self.observer.deliveries),
            calls=sum(len(each.calls) for each in self.providers.values()),
            seconds=self.world.now,
            trace=self.trace,
        )

    def _over(self) -> bool:
        """Whether every broadcast has ended and nobody has anything more to say."""
        return (
            self.world.now > self.observer.quiet_until
            and not self.errands
            and not any(each.alive and each.loop.standing for each in self.processes)
            and self.observer.settled()
        )

    def _arrange(self) -> None:
        """Set everything down that will happen."""
        world, plan = self.world, self.plan
        telegram = self.providers[Channel.TELEGRAM]
        whatsapp = self.providers[Channel.WHATSAPP]
        whatsapp.report = self._report
        for group in (*GROUPS, *SUPERGROUPS.values()):
            telegram.chats[group] = Chat(group=True)
        for number in CLOSED:
            whatsapp.chats[number] = Chat(window_open=False)
        for value, trouble in plan.chats.items():
            self._arrange_chat(value, trouble)
        for at, by in plan.clock:
            world.at(at, partial(self._jump, by))
        for begin, end in plan.full:
            world.at(begin, lambda: setattr(self.weather, "full", 0.7))
            world.at(end, lambda: setattr(self.weather, "full", 0.0))
        for begin, end, most in plan.slow:
            world.at(begin, partial(self._slow, most))
            world.at(end, lambda: setattr(self.weather, "slow", 0.0))
        for begin, end, name in plan.down:
            world.at(begin, partial(self._down, name, end))
        world.at(plan.calm, self._calm)
        self.begin_process()
        editor.arrange(self)
        world.after(0.1, self._tend)

    def _arrange_chat(self, value: str, trouble: str) -> None:
        at = self.plan.trouble_at[value]
        channel = Channel.WHATSAPP if value.startswith("+") else Channel.TELEGRAM
        chat = self.providers[channel].chats.setdefault(value, Chat())
        if trouble == "moves":
            chat.moved_to, chat.moves_at = SUPERGROUPS[value], at
            return
        if trouble == "closes":  # a window that we believe to be open
            self.world.at(at, lambda: setattr(chat, "window_open", False))
            return
        self.world.at(at, lambda: setattr(chat, "trouble", trouble))
        back = self.plan.rights_back_at.get(value)
        if back is not None:
            self.world.at(back, lambda: self._rights_back(value, chat))

    def _rights_back(self, value: str, chat: Chat) -> None:
        chat.trouble = ""
        self.struck["rights_back"] += 1
        self.note("fault", "rights_back", value)
        editor.tell_rights_back(self, value)

    def _jump(self, by: float) -> None:
        self.struck["clock_forward" if by > 0 else "clock_back"] += 1
        self.note("clock", by)
        self.clock.skew += timedelta(seconds=by)
        self.jumps.append(self.world.now)

    def _slow(self, most: float) -> None:
        self.struck["disk_slow"] += 1
        self.weather.slow = most

    def _down(self, name: str, until: float) -> None:
        self.struck["sender_down"] += 1
        self.note("fault", "sender_down", name)
        self.providers[Channel(name)].down_until = until

    def _calm(self) -> None:
        """From here on nothing new goes wrong."""
        for provider in self.providers.values():
            mischief = provider.mischief
            for name in type(mischief).__dataclass_fields__:
                setattr(mischief, name, 0.0)
