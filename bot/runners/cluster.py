"""Tasks of many processes: kicks are jobs in PostgreSQL, and any worker takes them.

A job holds the lock of its task and key, so that one worker at a time has it in hand,
and one more may wait. A worker says again and again that it is alive. From one that
fell silent the others take what it had in hand, and kick it anew; when it wakes it
finds itself given up, and ends.

A lost kick never matters, as with `LocalRunner`: the sweep kicks whatever the tables
say is due.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bot.domain.errors import HarkaraError, StorageFailing
from bot.runners.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from datetime import datetime

    from bot.ports import Clock
    from bot.runners.jobs import Job, Jobs

log = logging.getLogger("harkara.runner")

#: Seconds before PostgreSQL is asked again after it could not answer.
AGAIN = 0.5
#: Seconds by which a worker lets others go first, for each draining task in hand.
COURTESY = 0.05
#: Seconds in which a stopping worker has to let go of what it had.
PARTING = 2.0
#: Seconds after which what was cancelled, and goes on, is cancelled once more.
CANCEL_AGAIN = 1.0
#: Seconds that calls under way have, of a worker that was given up.
IN_THE_AIR = 40.0
#: Time to wait before a task that failed is looked at again.
AFTER_FAILURE = timedelta(seconds=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often workers look, in seconds.

    What a dead worker had in hand is in other hands after *silent*, one *beat* for the
    look that finds it, and as long as a kick takes: 15 seconds at the most.
    """

    beat: float = 2.0  #: between two signs of life, and two looks at the others'
    silent: float = 8.0  #: without a sign, after which a worker is given up
    look: float = 1.0  #: between two looks for jobs of which nobody told us


class GivenUp(HarkaraError):
    """The others took this worker for dead; it must end itself and start anew."""


class ClusterRunner:
    """Runs idempotent, keyed tasks on whichever worker is free.

    Args:
        jobs: The workers' common tables. They are opened when first needed, since
            most commands of the command line kick nothing.
        clock: For kicks that are to come later.
        rhythm: How often to look; all workers must have the same.
        seconds: A clock that never jumps, in seconds.
    """

    def __init__(
        self,
        jobs: Jobs,
        clock: Clock,
        *,
        rhythm: Rhythm = Rhythm(),
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self._jobs = jobs
        self._clock = clock
        self._alive: Callable[[], None] | None = None
        self._rhythm = rhythm
        self._seconds = seconds
        self._works: dict[str, Callable[[str], Awaitable[datetime | None]]] = {}
        self._draining: set[str] = set()
        self._periodic: list[tuple[float, str, str]] = []
        self._running: dict[int, tuple[Job, asyncio.Task[None]]] = {}
        self._cut: set[int] = set()
        self._unknown: set[int] = set()
        self._timers = Timers(clock, self.kick)
        self._opening = asyncio.Lock()
        self._open = False
        self._worker = 0
        self._beats = 0
        self._news = asyncio.Event()
        self._stopping = asyncio.Event()
        self._stopped = asyncio.Event()

    def register(
        self,
        task: str,
        work: Callable[[str], Awaitable[datetime | None]],
        *,
        drains: bool = False,
    ) -> None:
        """Name *work*. It takes a key and may return when to be run again."""
        self._works[task] = work
        if drains:
            self._draining.add(task)

    def every(self, seconds: float, task: str, key: str) -> None:
        """Kick *task* for *key* again and again, once for all workers."""
        self._periodic.append((seconds, task, key))

    def on_alive(self, call: Callable[[], None]) -> None:
        """Have *call* called at each sign of life that was heard."""
        self._alive = call

    async def kick(self, task: str, key: str, run_at: datetime | None = None) -> None:
        """Have a worker look at *key* soon, or at *run_at*; never two at a time.

        A kick that PostgreSQL does not take is lost, and no error.
        """
        if run_at is not None and run_at > self._clock.now():
            # Not in the tables: a waiting job would hold up a kick that is due.
            if not self._stopping.is_set():
                self._timers.set(task, key, run_at)
            return
        for _ in range(2):  # the first may have found out that a connection is dead
            with suppress(StorageFailing):
                await self._opened()
                await self._jobs.defer(task, key)
                return
        log.warning("a kick was lost", extra={"task": task, "key": key})

    async def run(self) -> None:
        """Work until stopped.

        Raises:
            GivenUp: The others took us for dead, and have taken over. Everything that
                was under way has been cut short.
            StorageError: The tables for jobs cannot be used; the message says why.
        """
        await self._opened()
        self._worker = await self._joined()
        log.info("joined", extra={"worker": self._worker})
        loops = [
            asyncio.create_task(loop, name=name)
            for name, loop in (
                ("beat", self._beat()),
                ("tend", self._tend()),
                ("listen", self._listen()),
                ("fetch", self._fetch()),
                *(
                    (f"every {task}", self._every(seconds, task, key))
                    for seconds, task, key in self._periodic
                ),
            )
        ]
        end = asyncio.create_task(self._stopped.wait(), name="stopped")
        try:
            done, _ = await asyncio.wait(
                [end, *loops], return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                await task
        finally:
            self._stopping.set()
            await _ended([end, *loops])
            await self._let_go()

    @property
    def busy(self) -> bool:
        """Whether anything is in hand here."""
        return bool(self._running)

    async def stop(self) -> None:
        """Take nothing new, see out what drains, and cut the rest short.

        Signs of life go on meanwhile. What ends here is kicked for the others.
        """
        self._stopping.set()
        self._news.set()
        timers = self._timers.cancel()
        self._cut_short(but=self._draining)
        cut = [self._running[number][1] for number in self._cut & self._running.keys()]
        tasks = [task for _, task in self._running.values()]
        await asyncio.gather(
            _ended(cut, again=PARTING * 2), *timers, *tasks, return_exceptions=True
        )
        if self._worker:
            worker, self._worker = self._worker, 0
            with suppress(StorageFailing, TimeoutError):
                async with asyncio.timeout(PARTING):
                    await self._jobs.leave(worker)
        self._stopped.set()

    async def close(self) -> None:
        """Let go of the connections; `stop` goes before."""
        if self._open:
            self._open = False
            await self._jobs.close()

    async def _opened(self) -> None:
        async with self._opening:
            if not self._open:
                await self._jobs.open()
                self._open = True

    async def _joined(self) -> int:
        while True:
            try:
                return await self._jobs.join()
            except StorageFailing:
                await asyncio.sleep(AGAIN)

    async def _let_go(self) -> None:
        """Leave no work behind that nobody would see the end of."""
        self._cut_short(but=set())
        # What is in the air may be answered yet, and written down.
        await _ended([task for _, task in self._running.values()], again=IN_THE_AIR)

    def _cut_short(self, *, but: set[str]) -> None:
        for number, (job, task) in self._running.items():
            if job.task not in but:
                self._cut.add(number)
                task.cancel()

    async def _beat(self) -> None:
        """Say again and again that we are alive, until nobody believes it."""
        while not self._stopped.is_set():
            try:
                if self._worker and not await self._jobs.beat(self._worker):
                    self._worker = 0
                    raise GivenUp(
                        "the other workers have taken over, since nothing was heard of "
                        "this one for too long; it has to start anew"
                    )
            except StorageFailing:
                self._beats = 0
            else:
                self._beats += 1
                if self._alive is not None:
                    self._alive()
            await asyncio.sleep(self._rhythm.beat)

    async def _tend(self) -> None:
        """Take over from the dead, and find what we do not know that we have."""
        while True:
            await asyncio.sleep(self._rhythm.beat)
            # Who has just come back to PostgreSQL may be the first of all.
            if self._stopping.is_set() or self._beats < 2:  # noqa: PLR2004 - one beat may be the first after an outage
                continue
            try:
                for job in await self._jobs.bury(silent_for=self._rhythm.silent):
                    log.warning(
                        "taken over from a worker that fell silent",
                        extra={"task": job.task, "key": job.key},
                    )
                    await self.kick(job.task, job.key)
                await self._adopt()
            except StorageFailing:
                continue

    async def _adopt(self) -> None:
        """Begin what a fetch gave us whose answer was lost on its way.

        What is still on its way is left alone: it is unknown only once.
        """
        jobs = {job.id: job for job in await self._jobs.in_hand(self._worker)}
        unknown = jobs.keys() - self._running.keys()
        for number in unknown & self._unknown:
            self._begin(jobs[number])
        self._unknown = unknown

    async def _listen(self) -> None:
        """Be told of kicks; without it, looking finds them."""
        while True:
            with suppress(StorageFailing):
                await self._jobs.listen(list(self._works), self._news.set)
            await asyncio.sleep(AGAIN)

    async def _fetch(self) -> None:
        """Take in hand whatever waits and is free."""
        while not self._stopping.is_set():
            self._news.clear()
            job = None
            with suppress(StorageFailing):
                job = await self._jobs.fetch(self._worker, list(self._works))
            if job is not None and self._stopping.is_set():
                await self._over(job, None)
            elif job is not None:
                self._begin(job)
                continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), self._rhythm.look)
            busy = sum(job.task in self._draining for job, _ in self._running.values())
            await asyncio.sleep(COURTESY * busy)
        await self._stopped.wait()

    async def _every(self, seconds: float, task: str, key: str) -> None:
        """Kick at the same moments as everybody else, so that one of us does."""
        while not self._stopping.is_set():
            now = self._clock.now().timestamp()
            slot = int(now // seconds)
            with suppress(StorageFailing):
                await self._jobs.defer_once(task, key, every=seconds, slot=slot)
            await self._clock.sleep_until(
                self._clock.now() + timedelta(seconds=(slot + 1) * seconds - now)
            )
        await self._stopped.wait()

    def _begin(self, job: Job) -> None:
        if job.id not in self._running and not self._stopping.is_set():
            task = asyncio.create_task(self._work(job), name=f"{job.task} {job.key}")
            self._running[job.id] = (job, task)

    async def _work(self, job: Job) -> None:
        again: datetime | None = None
        try:
            again = await self._works[job.task](job.key)
        except asyncio.CancelledError:
            if job.id not in self._cut:
                raise
        except HarkaraError as error:
            log.error(  # noqa: TRY400 - the sentence says what to do; the place does not
                "task failed",
                extra={"task": job.task, "key": job.key, "reason": str(error)},
            )
            again = self._clock.now() + AFTER_FAILURE
        except Exception:
            # Whatever it was, the tables know what is left to do.
            log.exception("task failed", extra={"task": job.task, "key": job.key})
            again = self._clock.now() + AFTER_FAILURE
        try:
            await self._over(job, again)
        finally:
            self._running.pop(job.id, None)
            self._cut.discard(job.id)
            self._news.set()  # a kick may have waited for this key

    async def _over(self, job: Job, again: datetime | None) -> None:
        """Let go of the key, for as long as it takes; it would be nobody's else."""
        parting = self._seconds() + PARTING
        while True:
            try:
                if not await self._jobs.finish(job):
                    log.warning(
                        "a job was taken over",
                        extra={"task": job.task, "key": job.key},
                    )
                break
            except StorageFailing:
                if self._stopping.is_set() and self._seconds() > parting:
                    break  # as if we had crashed: the others will see
            await asyncio.sleep(AGAIN)
        if self._stopping.is_set():
            await self.kick(job.task, job.key)
        elif again is not None:
            await self.kick(job.task, job.key, again)


async def _ended(
    tasks: Sequence[asyncio.Task[Any]], *, again: float | None = None
) -> None:
    """Cancel *tasks*, every *again* seconds while it takes, and see them out.

    Once is not enough: an error, or an event, that comes at the same time as the
    cancellation can take its place, and the task would go on.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=again or CANCEL_AGAIN)
    await asyncio.gather(*tasks, return_exceptions=True)
