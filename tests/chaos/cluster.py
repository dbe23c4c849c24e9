"""Workers as processes of their own on a PostgreSQL, and what is done to them.

``make chaos`` plays `FULL` and prints what the sandbox's log says of it.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import signal
import sys
import tempfile
import time
from base64 import urlsafe_b64encode
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg

from bot.app import open_desk
from bot.clock import SystemClock
from bot.config import Settings
from bot.domain.broadcasts import BroadcastState, Lane
from bot.domain.deliveries import State
from bot.domain.recipients import Address, Channel, Consent, Kind
from bot.domain.servers import Server
from bot.sandbox import Sandbox
from bot.sandbox.whatsapp import Delays
from storage import KeySource, open_database, upgrade
from tests.chaos.cutting import Wire, widest
from tests.postgres import Cluster
from tests.stories.stage import NEWS, TEMPLATE, free_port, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bot.app import Desk
    from bot.domain.broadcasts import BroadcastId
    from bot.sandbox.log import Record

CONCURRENCY = 8
#: Seconds within which another worker has taken over.
TAKEOVER = 15.0
#: The providers' limit is higher than our rate by as much as Telegram's 30 than our 27.
ABOVE = 30 / 27
#: States after which nothing more happens by itself.
ENDED = frozenset(
    {State.ACCEPTED, State.DELIVERED, State.READ, State.FAILED, State.DOUBTFUL}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """How much is sent, and what happens at which share of it."""

    each: int  #: deliveries of each of the two senders
    rate: float  #: of each sender, messages a second
    workers: int
    webs: int = 0
    kill_at: float
    freeze_at: float
    frozen_for: float  #: seconds
    restart_at: float | None = None
    cuts_at: tuple[float, ...] = ()
    reported: bool = False  #: whether Twilio reports what becomes of each message
    patience: float = 240.0  #: seconds beside those that sending alone takes


SMALL = Plot(each=750, rate=100, workers=2, kill_at=0.15, freeze_at=0.6, frozen_for=12)
FULL = Plot(
    each=10_000,
    rate=100,
    workers=3,
    webs=1,
    kill_at=0.1,
    freeze_at=0.3,
    frozen_for=30,
    restart_at=0.6,
    cuts_at=(0.2, 0.25, 0.45, 0.5, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95),
    patience=600,
)


@dataclass(slots=True, kw_only=True)
class Outcome:
    """What came of it, by the sandbox's log and by the ledger."""

    deliveries: int = 0
    states: Counter[State] = field(default_factory=Counter)
    lost: int = 0  #: said to have arrived, and nobody has it
    unexplained: int = 0  #: second copies of what was never in doubt
    copies: int = 0
    seconds: float = 0.0  #: from the first message to the last
    waits: dict[str, float] = field(default_factory=dict)  #: after each blow
    widest: dict[str, int] = field(default_factory=dict)  #: in any second, by channel
    limit: float = 0.0
    started_anew: int = 0  #: workers that found themselves given up
    cuts: int = 0

    def table(self) -> str:
        """Return it as a table for people, in Markdown."""
        doubtful = self.states[State.DOUBTFUL]
        rows = {
            "deliveries": self.deliveries,
            "arrived": sum(self.states.values()) - doubtful,
            "in doubt, and listed": doubtful,
            "lost": self.lost,
            "second copies that nobody doubted": self.unexplained,
            "commits cut in their middle": self.cuts,
            "workers that found themselves given up and started anew": (
                self.started_anew
            ),
            "seconds from the first message to the last": f"{self.seconds:.0f}",
        }
        rows |= {
            f"seconds without a message after {blow}": f"{wait:.1f}"
            for blow, wait in self.waits.items()
        }
        rows |= {
            f"most messages in any second, {name} (limit {self.limit:.0f})": most
            for name, most in self.widest.items()
        }
        return "\n".join(
            [
                "| | |",
                "|---|---:|",
                *(f"| {name} | {it} |" for name, it in rows.items()),
            ]
        )


class Process:
    """``harkara worker`` or ``harkara web``."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.folder = folder / name
        self.folder.mkdir()
        self.log = self.folder / "process.log"
        self.running: asyncio.subprocess.Process | None = None

    async def start(self, environ: dict[str, str], *arguments: str) -> None:
        with self.log.open("ab") as log:
            self.running = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "from bot.cli import main; main()",
                *arguments,
                env=environ,
                cwd=self.folder,
                stdout=log,
                stderr=log,
            )

    @property
    def numbers(self) -> set[int]:
        """Under which numbers it was among the workers."""
        found = re.findall(r" joined worker=(\d+)", self.log.read_text("utf-8"))
        return {int(number) for number in found}

    def send(self, what: signal.Signals) -> None:
        assert self.running is not None
        self.running.send_signal(what)

    async def end(self) -> int:
        """End it in order, and return its status."""
        assert self.running is not None
        if self.running.returncode is None:
            self.running.send_signal(signal.SIGCONT)
            self.running.terminate()
        return await self.running.wait()


class Stand:
    """A sandbox, a PostgreSQL, and the processes between them."""

    def __init__(self, plot: Plot, folder: Path, stack: AsyncExitStack) -> None:
        self.plot = plot
        self.folder = folder
        self.stack = stack
        self.cluster = Cluster(durable=True)
        self.port = free_port()
        self.key = urlsafe_b64encode(secrets.token_bytes(32)).decode()
        self.processes: list[Process] = []
        self.wires: list[Wire] = []
        self.moments: list[tuple[str, float]] = []  #: of blows, by the sandbox's clock

    async def open(self) -> None:
        self.sandbox = await self.stack.enter_async_context(
            Sandbox(rate="unlimited", latency=(0.005, 0.03), seed=4)
        )
        self.stack.enter_context(self.cluster)
        self.url = self.cluster.database()
        self.sandbox.add_template(sid=TEMPLATE, body="News: {{1}}\n\n{{2}}\n\n{{3}}")
        self.sandbox.twilio.configure(
            inbound_url=f"http://127.0.0.1:{self.port}/twilio/inbound"
        )
        never = 86_400.0
        self.sandbox.twilio.network.delays = (
            Delays(sent=0.02, delivered=0.5)
            if self.plot.reported
            else Delays(sent=never, delivered=never, read=never)
        )
        await upgrade(Server(self.url))

    async def end(self) -> None:
        """End all processes in order, at the same time."""
        await asyncio.gather(*(process.end() for process in self.processes))

    def values(self, url: str) -> dict[str, Any]:
        """Return the settings of everybody who comes to the database by *url*."""
        return {
            "bot_token": self.sandbox.bot_token,
            "telegram_api": self.sandbox.telegram_url,
            "twilio_account_sid": self.sandbox.account_sid,
            "twilio_auth_token": self.sandbox.auth_token,
            "whatsapp_number": self.sandbox.whatsapp_number,
            "twilio_api": self.sandbox.twilio_url,
            "content_sid": TEMPLATE,
            "public_url": f"http://127.0.0.1:{self.port}",
            "listen": f"127.0.0.1:{self.port}",
            "database": url,
            "encryption_key": self.key,
            "telegram_rate": self.plot.rate,
            "whatsapp_rate": self.plot.rate,
            "concurrency": CONCURRENCY,
            "log": "info",
        }

    def settings(self, url: str) -> Settings:
        return Settings.model_validate(self.values(url))

    async def start(self, name: str, *arguments: str) -> Process:
        """Start a process on a wire of its own."""
        wire = await self.stack.enter_async_context(Wire(self.cluster.port))
        self.wires.append(wire)
        environ = {"PATH": os.environ["PATH"], "PTB_TIMEDELTA": "1"}
        for setting, value in self.values(wire.url(self.url)).items():
            environ[f"HARKARA_{setting.upper()}"] = str(value)
        process = Process(name, self.folder)
        self.processes.append(process)
        await process.start(environ, *arguments)
        self.stack.push_async_callback(process.end)
        return process

    @asynccontextmanager
    async def office(self) -> AsyncIterator[Desk]:
        async with open_desk(self.settings(self.url), online=False) as desk:
            yield desk

    async def enrol(self) -> None:
        """Let as many readers of each channel exist on both sides."""
        now = SystemClock().now()
        consent = Consent(source="test", agreed_by="test", evidence="a test")
        addresses = []
        for number in range(1, self.plot.each + 1):
            self.sandbox.world.person(f"Reader {number}", id=number, started=True)
            addresses.append(Address(Channel.TELEGRAM, str(number)))
            phone = f"+9230{number:08d}"
            self.sandbox.world.person(f"Phone {number}", phone=phone)
            addresses.append(Address(Channel.WHATSAPP, phone))
        async with (
            await open_database(
                Server(self.url), exclusive=False, key=KeySource(text=self.key)
            ) as database,
            database.transaction() as tx,
        ):
            audience = await tx.audiences.create("all", title="All", language="en")
            for address in addresses:
                recipient = await tx.recipients.ensure(address, Kind.READER, now=now)
                await tx.audiences.enrol(
                    audience.id, recipient.id, link=None, consent=consent, now=now
                )

    async def broadcast(self, desk: Desk) -> BroadcastId:
        article = await desk.editorial.take_in(NEWS)
        planned = await desk.broadcaster.plan(
            article, ["all"], lane=Lane.BREAKING, by="test"
        )
        await desk.broadcaster.confirm(planned.broadcast.id)
        return planned.broadcast.id

    def sent(self, channel: Channel) -> list[Record]:
        """The calls whose message a channel's provider has taken."""
        provider = "twilio" if channel is Channel.WHATSAPP else "telegram"
        return [
            record
            for record in self.sandbox.log.sends()
            if record["stored"] and record["provider"] == provider
        ]

    async def reached(self, share: float) -> None:
        """Wait until so much of Telegram's part has been sent."""
        goal = int(self.plot.each * share)
        async with asyncio.timeout(
            self.plot.each / self.plot.rate + self.plot.patience
        ):
            while len(self.sent(Channel.TELEGRAM)) < goal:
                await asyncio.sleep(0.2)

    async def owner(self) -> Process:
        """Whose pump it is that sends to Telegram."""
        found: list[Process] = []

        async def known() -> bool:
            async with await psycopg.AsyncConnection.connect(self.url) as look:
                cursor = await look.execute(
                    "SELECT j.worker_id FROM jobs.procrastinate_jobs j "
                    "JOIN sender s ON j.args->>'key' = s.id::text "
                    "WHERE j.task_name = 'pump' AND j.status = 'doing' "
                    "AND s.channel = 'telegram'"
                )
                row = await cursor.fetchone()
            number = row[0] if row else None
            found[:] = [each for each in self.processes if number in each.numbers]
            return bool(found)

        await until(known, "an owner")
        return found[0]

    def blow(self, name: str) -> None:
        """Note when something was done."""
        self.moments.append((name, time.time()))


async def play(plot: Plot, folder: Path) -> Outcome:
    """Play *plot* and return what came of it."""
    async with AsyncExitStack() as stack:
        stand = Stand(plot, folder, stack)
        await stand.open()
        for number in range(1, plot.workers + 1):
            await stand.start(f"worker-{number}", "worker")
        for number in range(1, plot.webs + 1):
            await stand.start(f"web-{number}", "web")
        await stand.enrol()
        async with stand.office() as desk:
            await until(
                lambda: all(
                    " up " in process.log.read_text("utf-8")
                    for process in stand.processes
                ),
                "all processes",
                timeout=60,
            )
            broadcast = await stand.broadcast(desk)
            await stand.reached(0.02)
            blows = asyncio.create_task(_blows(stand))
            async with asyncio.timeout(plot.each / plot.rate + plot.patience):
                await blows
                await _finished(desk, broadcast)
            await until(lambda: _settled(desk, broadcast), "a quiet end", timeout=60)
            outcome = await _judged(stand, desk, broadcast)
        await stand.end()
        return outcome


async def _blows(stand: Stand) -> None:
    plot = stand.plot
    steps: list[tuple[float, Callable[[], Any]]] = [
        (plot.kill_at, lambda: _kill(stand)),
        (plot.freeze_at, lambda: _freeze(stand)),
        *((share, lambda: _cut(stand)) for share in plot.cuts_at),
    ]
    if plot.restart_at is not None:
        steps.append((plot.restart_at, lambda: _restart(stand)))
    thawing: list[asyncio.Task[None]] = []
    for share, step in sorted(steps, key=lambda each: each[0]):
        await stand.reached(share)
        task = await step()
        if task is not None:
            thawing.append(task)
    await asyncio.gather(*thawing)


async def _kill(stand: Stand) -> None:
    owner = await stand.owner()
    stand.blow("the owner was killed")
    owner.send(signal.SIGKILL)
    assert owner.running is not None
    await owner.running.wait()
    await stand.start(f"{owner.name}-again", "worker")


async def _freeze(stand: Stand) -> asyncio.Task[None]:
    owner = await stand.owner()
    stand.blow("the next was frozen")
    owner.send(signal.SIGSTOP)
    before = len(owner.numbers)

    async def thaw() -> None:
        await asyncio.sleep(stand.plot.frozen_for)
        owner.send(signal.SIGCONT)
        await until(lambda: len(owner.numbers) > before, "a worker anew", timeout=30)

    return asyncio.create_task(thaw())


async def _cut(stand: Stand) -> None:
    for wire in stand.wires:
        wire.cut()


async def _restart(stand: Stand) -> None:
    stand.cluster.stop("immediate")
    await asyncio.sleep(1)
    stand.cluster.start()
    stand.blow("PostgreSQL was back from a crash")


async def _finished(desk: Desk, broadcast: BroadcastId) -> None:
    while True:
        found, _ = await desk.broadcaster.status(broadcast)
        if found.state is BroadcastState.FINISHED:
            return
        await asyncio.sleep(0.5)


async def _settled(desk: Desk, broadcast: BroadcastId) -> bool:
    _, coverage = await desk.broadcaster.status(broadcast)
    return coverage.states.keys() <= ENDED


async def _judged(stand: Stand, desk: Desk, broadcast: BroadcastId) -> Outcome:
    lines = await desk.broadcaster.report(broadcast)
    addresses = {}
    async with desk.database.snapshot() as tx:
        for line in lines:
            who = await tx.recipients.get(line.delivery.recipient)
            prefix = "whatsapp:" if line.channel is Channel.WHATSAPP else ""
            addresses[line.delivery.id] = prefix + who.address.value
    copies = Counter(
        str(record.chat)
        for channel in (Channel.TELEGRAM, Channel.WHATSAPP)
        for record in stand.sent(channel)
    )
    outcome = Outcome(
        deliveries=len(lines),
        states=Counter(line.delivery.state for line in lines),
        copies=sum(copies.values()),
        limit=stand.plot.rate * ABOVE,
        cuts=sum(wire.cuts for wire in stand.wires),
        started_anew=sum(
            process.log.read_text("utf-8").count("starting anew")
            for process in stand.processes
        ),
    )
    for line in lines:
        seen = copies[addresses[line.delivery.id]]
        if line.delivery.state is State.DOUBTFUL:
            continue
        outcome.lost += seen == 0
        outcome.unexplained += max(0, seen - 1)
    everything = []
    for channel in (Channel.TELEGRAM, Channel.WHATSAPP):
        times = [record.time for record in stand.sent(channel)]
        everything += times
        outcome.widest[channel.value] = widest(times)
        if channel is Channel.TELEGRAM:
            for name, moment in stand.moments:
                after = [each for each in times if each > moment]
                # The calls under way at the blow are still answered.
                waits = (
                    later - sooner
                    for sooner, later in zip([moment, *after], after, strict=False)
                    if sooner < moment + TAKEOVER
                )
                outcome.waits[name] = max(waits, default=0.0)
    outcome.seconds = max(everything) - min(everything)
    return outcome


def main() -> None:
    """Play `FULL`, or so many deliveries of it, and print what came of it."""
    plot = FULL
    if len(sys.argv) > 1:
        plot = replace(plot, each=int(sys.argv[1]) // 2)
    with tempfile.TemporaryDirectory(prefix="harkara-chaos-") as folder:
        try:
            print(asyncio.run(play(plot, Path(folder))).table())  # noqa: T201 - for who asked
        except BaseException:
            for log in sorted(Path(folder).rglob("process.log")):
                lines = log.read_text("utf-8").splitlines()
                odd = [line for line in lines if " INFO " not in line]
                print(f"== {log.parent.name}", *odd[-20:], sep="\n")  # noqa: T201 - as above
            raise


if __name__ == "__main__":
    main()
