"""What every test needs."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

# Before anything imports telegram: without it, RetryAfter warns when it is made.
os.environ.setdefault("PTB_TIMEDELTA", "1")

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from tests.postgres import Cluster
    from tests.quiet import Ear


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail whoever lets a secret out on standard error, where it is still known."""
    from tests.quiet import betrays

    report = yield
    last = report.when == "teardown" and report.passed
    if last and (found := betrays(report.capstderr)):
        report.outcome = "failed"
        report.longrepr = "standard error gives away " + "; ".join(found[:5])
    return report


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file with every table and no row, to be copied."""
    from storage import upgrade

    path = tmp_path_factory.mktemp("database") / "empty.db"
    asyncio.run(upgrade(path))
    return path


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    """A PostgreSQL of this process's own; `durable` ones are made by who wants one."""
    from tests.postgres import Cluster

    with Cluster() as cluster:
        yield cluster


@pytest.fixture
def blank_url(postgres: Cluster) -> Iterator[str]:
    """The address of a PostgreSQL database without a table."""
    url = postgres.database()
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def _filled(postgres: Cluster) -> str:
    """A database with every table and no row, to be copied by the server."""
    from bot.domain.servers import Server
    from storage import upgrade

    url = postgres.database()
    asyncio.run(upgrade(Server(url)))
    return url.rsplit("/", 1)[1]


@pytest.fixture
def postgres_url(postgres: Cluster, _filled: str) -> Iterator[str]:
    """The address of a PostgreSQL database with every table and no row."""
    url = postgres.database(_filled)
    yield url
    postgres.drop(url)


@pytest.fixture(scope="session")
def _ears() -> Iterator[list[Ear]]:
    """Those who hear the log; the last of them is the present test's."""
    from tests.quiet import listening

    ears: list[Ear] = []
    with listening(ears):
        yield ears


@pytest.fixture(autouse=True)
def ear(request: pytest.FixtureRequest, _ears: list[Ear]) -> Iterator[Ear]:
    """Hear what is logged; whoever logs a token, a number or a message fails."""
    from tests.quiet import Ear

    ear = Ear()
    _ears.append(ear)
    try:
        yield ear
    finally:
        _ears.remove(ear)
    folder: Path | None = request.node.funcargs.get("tmp_path")
    if folder is not None:
        for log in folder.rglob("process.log"):
            ear.read(log.read_text(encoding="utf-8"))
    if found := ear.take():
        pytest.fail("the log gives away " + "; ".join(found[:5]), pytrace=False)
