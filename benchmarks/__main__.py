"""Measure Harkara beside the others: ``make bench``, or ``python -m benchmarks``.

Every run has a server of its own, which answers from one core; the contender has
another to itself. The contenders of a series take turns, in an order drawn anew for
each round.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import machine, page, table
from benchmarks.crowd import Databases
from benchmarks.judging import Run, bottleneck
from benchmarks.machine import Ticks
from benchmarks.measuring import Measured, Spec
from benchmarks.series import ALL, LEAD
from benchmarks.server import Server, Unfit, certificate, compiled
from bot.domain.recipients import Channel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.series import Contender, Series
    from tests.postgres import Cluster

ROOT = Path(__file__).resolve().parent.parent
#: Where figures go that are not published; ignored by Git.
SCRATCH = ROOT / ".bench"
#: Longest time for one run, in seconds.
PATIENCE = 3600


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure what is asked for; 1 if a target is missed or a run went wrong."""
    asked = _parser().parse_args(arguments)
    SCRATCH.mkdir(exist_ok=True)
    cores = machine.cores()
    machine.pin(cores[0])  # what is started inherits it, until it chooses another
    well = True
    try:
        with tempfile.TemporaryDirectory(dir=SCRATCH) as folder:
            for key in asked.series or list(ALL):
                with ExitStack() as stack:
                    cluster = (
                        stack.enter_context(_cluster()) if ALL[key].server else None
                    )
                    bench = Bench(ALL[key], asked, Path(folder), cores, cluster)
                    well &= bench.run()
    except Unfit as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0 if well else 1


def _cluster() -> Cluster:
    """A PostgreSQL of our own, as durable as in use.

    Raises:
        Unfit: There is none here.
    """
    import pytest  # the tests' cluster speaks to it

    from tests.postgres import Cluster  # few series want it

    try:
        return Cluster(durable=True)
    except pytest.skip.Exception as error:
        raise Unfit(str(error)) from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench ARGS=...", description=__doc__)
    parser.add_argument("series", nargs="*", choices=[[], *ALL], help="all if none")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--messages", type=int, help="of the fast contenders")
    parser.add_argument("--only", default="", help="contenders, with commas")
    parser.add_argument("--seed", type=int, default=None, help="of the order")
    parser.add_argument("--profile", type=Path, help="cProfile of ours, to this file")
    parser.add_argument("--log", default="info", help="level of ours")
    parser.add_argument(
        "--publish", action="store_true", help="keep the figures, and make their page"
    )
    parser.add_argument("--others", type=Path, default=ROOT / ".venv-bench/bin/python")
    return parser


class Bench:
    """One series, measured."""

    def __init__(
        self,
        series: Series,
        asked: argparse.Namespace,
        folder: Path,
        cores: tuple[int | None, int | None],
        cluster: Cluster | None,
    ) -> None:
        names = set(filter(None, asked.only.split(",")))
        chosen = [c for c in series.contenders if not names or c.name in names]
        if not chosen:
            raise Unfit(
                f"{series.key} has no such contender; there are "
                + ", ".join(each.name for each in series.contenders)
            )
        self._series = series
        self._asked = asked
        self._folder = folder
        self._contenders = chosen
        self._rounds = min(asked.rounds, series.rounds or asked.rounds)
        self._seed = asked.seed if asked.seed is not None else random.getrandbits(32)
        self._cores = cores
        self._databases = Databases(SCRATCH, cluster)
        self._binary = compiled(folder, tls=series.tls)
        self._certificate = certificate(folder) if series.tls else None

    def run(self) -> bool:
        """Measure, show, keep; whether all that could be judged is met."""
        series = self._series
        print(f"\n{series.title} (order {self._seed}, {self._rounds} rounds)")
        order = random.Random(self._seed)  # noqa: S311 - an order, no secret
        runs: list[Run] = []
        for number in range(1, self._rounds + 1):
            turn = list(self._contenders)
            order.shuffle(turn)
            for contender in turn:
                run = self._once(contender, number)
                runs.append(run)
                print(table.progress(run), flush=True)
                self._keep(runs)
        verdicts = table.verdicts(series, runs)
        print("\n" + table.text(table.rows(series, runs)))
        print("\n" + table.text(verdicts))
        probes = {each.name for each in series.contenders if each.probe}
        for busy in bottleneck(run for run in runs if run.contender not in probes):
            print(f"{busy.contender}: the server was busy, {busy.server_share:.0%}")
        return all(run.verified for run in runs) and "no" not in {
            row[-1] for row in verdicts
        }

    def _once(self, contender: Contender, number: int) -> Run:
        series = self._series
        spec = self._spec(contender)
        with ExitStack() as stack:
            server = stack.enter_context(
                Server(
                    self._binary,
                    core=self._cores[0],
                    delay_ms=series.delay_ms,
                    limit=series.limit,
                    certificate=self._certificate,
                )
            )
            folder = stack.enter_context(tempfile.TemporaryDirectory(dir=self._folder))
            spec = replace(spec, base=server.base, folder=folder)
            if contender.ours:
                database = self._databases.copy(spec.options["database"], Path(folder))
                stack.callback(self._databases.drop, database)
                spec.options["database"] = database
            before, load, stats = Ticks.now(), os.getloadavg()[0], server.stats()
            measured = self._told(contender, spec)
            steal = Ticks.now().stolen_since(before)
            used = 0.0
            after = server.stats(
                start=LEAD, end=LEAD + series.seconds, worst=bool(series.limit)
            )
            if series.seconds:
                used = after.within / (series.limit * series.seconds)
            whole = contender.bare or series.seconds or after.accepted == spec.messages
            return Run(
                contender=contender.name,
                round=number,
                messages=measured.messages,
                seconds=measured.seconds,
                cpu_seconds=measured.cpu_seconds,
                rss_mb=measured.rss_mb,
                server_share=(after.cpu_seconds - stats.cpu_seconds)
                / max(measured.seconds, after.first_to_last),
                verified=bool(measured.verified and whole and not after.odd),
                refused=after.refused,
                used=used,
                worst_second=after.worst_second,
                planning_seconds=measured.extra.get("planning_seconds", 0.0),
                loop_seconds=measured.loop_seconds,
                steal=steal,
                load=load,
            )

    def _spec(self, contender: Contender) -> Spec:
        series, asked = self._series, self._asked
        base = asked.messages if asked.messages and not series.seconds else None
        size = contender.messages or int((base or series.messages) * contender.part)
        options: dict[str, Any] = {"provider": series.provider, **contender.options}
        if contender.ours:
            options["database"] = self._databases.crowd(
                channel=Channel(series.provider), size=size, divided=contender.divided
            )
            options["log"] = asked.log
            options["profile"] = str(asked.profile.resolve()) if asked.profile else ""
        return Spec(
            base="",
            messages=size,
            concurrency=contender.concurrency,
            core=self._cores[1],
            seconds=series.seconds and LEAD + series.seconds + LEAD,
            rate=series.limit,
            options=options,
        )

    def _told(self, contender: Contender, spec: Spec) -> Measured:
        python = Path(sys.executable) if contender.ours else self._asked.others
        if not python.exists():
            raise Unfit(f"{python} is not there: `make bench` sets it up")
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        if contender.sniffio:
            environment["PYTHONPATH"] += (
                f"{os.pathsep}{python.parent.parent / 'sniffio'}"
            )
        if self._certificate is not None:
            environment["SSL_CERT_FILE"] = str(self._certificate[0])
        log = Path(spec.folder) / "log"
        with log.open("w", encoding="utf-8") as errors:
            ended = subprocess.run(  # noqa: S603 - our own programs
                [
                    str(python),
                    "-m",
                    f"benchmarks.contenders.{contender.module}",
                    json.dumps(asdict(spec)),
                ],
                cwd=ROOT,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                timeout=PATIENCE,
                check=False,
            )
        if ended.returncode:
            raise Unfit(
                f"{contender.name} failed:\n{log.read_text(encoding='utf-8')[-3000:]}"
            )
        return Measured(**json.loads(ended.stdout.splitlines()[-1]))

    def _keep(self, runs: Sequence[Run]) -> None:
        kept = {
            "series": self._series.key,
            "seed": self._seed,
            "machine": machine.describe(),
            "runs": [asdict(run) for run in runs],
        }
        text = json.dumps(kept, indent=1) + "\n"
        folder = page.RESULTS if self._asked.publish else SCRATCH
        folder.mkdir(exist_ok=True)
        (folder / f"{self._series.key}.json").write_text(text, encoding="utf-8")
        if self._asked.publish:
            page.write()


if __name__ == "__main__":
    sys.exit(main())
