"""Procrastinate's tables, in a PostgreSQL schema of their own.

Jobs are hints: the ledger is the truth. So the tables of another version are dropped
and made anew, and an error here is never more than a hint lost, or given twice.
"""

from __future__ import annotations

import logging
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, LiteralString, cast

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import Job as Row
from procrastinate.jobs import Status
from procrastinate.manager import get_channel_for_queues
from procrastinate.schema import SchemaManager
from psycopg import sql

from bot.domain.errors import StorageError, StorageFailing
from bot.runners.lines import Lines

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from psycopg_pool import AsyncConnectionPool

log = logging.getLogger("harkara.runner")

#: Where the tables are; nobody else's are.
SCHEMA = "jobs"
#: What the schema's comment says; the version follows.
MARK = "Harkara's hints to its workers, by Procrastinate"
#: The oldest PostgreSQL that it runs on, as the server numbers itself.
OLDEST = 140_000
#: Seconds to wait for a connection.
PATIENCE = 3
#: Connections for statements; one more listens.
CONNECTIONS = 4
#: Of all our processes, one at a time looks at the schema and makes it.
_LOCK = 0x4861726B  # "Hark"

#: A process that is away for good is found by a silent connection in about 20 seconds.
_CONNECTION: dict[str, Any] = {
    "options": f"-c search_path={SCHEMA} -c statement_timeout=10s -c lock_timeout=5s",
    "application_name": "harkara jobs",
    "connect_timeout": PATIENCE,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A kick that a worker has taken."""

    id: int
    task: str
    key: str


class Jobs:
    """What the workers know of one another.

    Every method raises `StorageFailing` where PostgreSQL could not answer; whether
    something was done then is unknown.
    """

    def __init__(self, url: str) -> None:
        """Describe the database; `open` is the way in.

        Args:
            url: ``postgresql://…``; a direct connection, since no transaction pooler
                hands notifications on.
        """
        self._url = url
        self._lines = Lines(url, _CONNECTION, most=CONNECTIONS)
        self._app = App(connector=PsycopgConnector())
        self._jobs = self._app.job_manager

    async def open(self) -> None:
        """Make the tables if they are not there, and connect.

        Raises:
            StorageFailing: The server cannot be reached.
            StorageError: It is too old, or does not let us; the message says what
                to do.
        """
        await prepare(self._url)
        # Of a pool, only what ours has is wanted.
        await self._app.open_async(cast("AsyncConnectionPool", self._lines))

    async def close(self) -> None:
        """Let go of the connections; they are made again where one is wanted."""
        await self._lines.close()

    async def defer(self, task: str, key: str) -> None:
        """Have a worker look at *key*, unless one is about to."""
        with _failing(), suppress(AlreadyEnqueued):
            await self._jobs.defer_job_async(_row(task, {"key": key}))

    async def defer_once(self, task: str, key: str, *, every: float, slot: int) -> None:
        """The same, if nobody has done so in this *slot* of *every* seconds yet."""
        # If the last one has not even begun, one is enough.
        with _failing(), suppress(AlreadyEnqueued):
            await self._jobs.defer_periodic_job(
                _row(task, {"key": key, "timestamp": slot}),
                periodic_id=f"{key} {every:g}",
                defer_timestamp=slot,
            )

    async def join(self) -> int:
        """Become one of the workers, and return our number among them."""
        with _failing():
            return await self._jobs.register_worker()

    async def leave(self, worker: int) -> None:
        """Be a worker no more; what we had in hand is anybody's at once."""
        with _failing():
            await self._jobs.unregister_worker(worker)

    async def beat(self, worker: int) -> bool:
        """Say that we are alive; False if the others have given us up."""
        with _failing():
            try:
                await self._jobs.update_heartbeat(worker)
            except ConnectorException as error:
                if isinstance(error.__cause__, psycopg.errors.UndefinedFunction):
                    return False  # the tables are gone, and we with them
                raise
            return worker in await self._workers("WHERE id = %(id)s", id=worker)

    async def alive(self, *, within: float) -> list[int]:
        """Return the workers that were heard *within* so many seconds."""
        with _failing():
            return await self._workers(
                "WHERE last_heartbeat >= now() - make_interval(secs => %(within)s)",
                within=within,
            )

    async def fetch(self, worker: int, tasks: Sequence[str]) -> Job | None:
        """Take the next job of *tasks* in hand, if one waits whose key is free."""
        with _failing():
            row = await self._jobs.fetch_job(queues=tasks, worker_id=worker)
        return _job(row) if row is not None else None

    async def in_hand(self, worker: int) -> list[Job]:
        """Return what the tables say that *worker* is doing."""
        with _failing():
            rows = await self._jobs.list_jobs_async(
                status=Status.DOING.value, worker_id=worker
            )
        return [_job(row) for row in rows]

    async def finish(self, job: Job) -> bool:
        """Let go of a job and its key; False if it was taken from us before."""
        return await self._finished(job, Status.SUCCEEDED)

    async def bury(self, *, silent_for: float) -> list[Job]:
        """Take every job from workers that were not heard for so many seconds.

        Their rows go too: whoever wakes up again finds itself given up. A stalled job
        is never put back into the queue: the next kick for its key may be there, and
        two cannot be.

        Returns:
            What was taken, to be kicked anew.
        """
        with _failing():
            rows = await self._jobs.get_stalled_jobs(seconds_since_heartbeat=silent_for)
        stalled = [_job(row) for row in rows]
        taken = [job for job in stalled if await self._finished(job, Status.FAILED)]
        with _failing():
            await self._jobs.prune_stalled_workers(silent_for)
        return taken

    async def listen(self, tasks: Sequence[str], heard: Callable[[], None]) -> None:
        """Call *heard* for each kick, until cancelled."""
        with _failing():
            async with await self._lines.connect(autocommit=True) as line:
                for channel in get_channel_for_queues(tasks):
                    await line.execute(
                        sql.SQL("LISTEN {}").format(sql.Identifier(channel))
                    )
                heard()  # what came before is not told
                async for _ in line.notifies():
                    heard()

    async def _finished(self, job: Job, status: Status) -> bool:
        with _failing():
            try:
                await self._jobs.finish_job_by_id_async(
                    job.id, status=status, delete_job=True
                )
            except ConnectorException as error:
                if isinstance(error.__cause__, psycopg.errors.RaiseException):
                    return False  # it is not there any more
                raise
        return True

    async def _workers(self, where: LiteralString, **values: object) -> list[int]:
        rows = await self._app.connector.execute_query_all_async(
            f"SELECT id FROM procrastinate_workers {where} ORDER BY id",  # noqa: S608 - our own words
            **values,
        )
        return [row["id"] for row in rows]


def _row(task: str, arguments: dict[str, Any]) -> Row:
    name = f"{task} {arguments['key']}"
    # One at a time is done, and one at a time waits.
    return Row(
        queue=task,
        task_name=task,
        lock=name,
        queueing_lock=name,
        task_kwargs=arguments,
    )


def _job(row: Row) -> Job:
    if row.id is None:
        raise StorageError("a job without a number")
    return Job(id=row.id, task=row.task_name, key=str(row.task_kwargs.get("key", "")))


@contextmanager
def _failing() -> Iterator[None]:
    try:
        yield
    except (ConnectorException, psycopg.Error) as error:
        raise StorageFailing(
            "PostgreSQL could not answer; it is asked again, look at its log if this "
            "goes on"
        ) from error


async def prepare(url: str) -> None:
    """See to it that Procrastinate's tables are there and of its version.

    Raises:
        StorageFailing: The server cannot be reached.
        StorageError: It is too old, does not let us, or has the tables of a newer one.
    """
    ours = version("procrastinate")
    try:
        connection = await psycopg.AsyncConnection.connect(url, **_CONNECTION)
    except psycopg.OperationalError as error:
        raise StorageFailing(
            "PostgreSQL cannot be reached; see that it runs, and check the host, "
            "user and password of HARKARA_DATABASE"
        ) from error
    async with connection:
        if connection.info.server_version < OLDEST:
            raise StorageError(
                f"PostgreSQL {connection.info.server_version // 10_000} is too old; "
                f"Harkara needs {OLDEST // 10_000} or newer"
            )
        await connection.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
        found = await _mark(connection)
        if found == ours:
            return
        if found == "":
            raise StorageError(
                f"there is a schema {SCHEMA} that is not Harkara's; give Harkara a "
                "database of its own"
            )
        if found is not None and _numbers(found) > _numbers(ours):
            raise StorageError(
                f"the schema {SCHEMA} is of Procrastinate {found}, and this program "
                f"has {ours}; bring all machines to the same version of Harkara"
            )
        try:
            await _make(connection, ours)
        except psycopg.errors.InsufficientPrivilege as error:
            raise StorageError(
                f"the database does not let us make the schema {SCHEMA}; as its owner "
                "run GRANT CREATE ON DATABASE … TO …"
            ) from error


async def _mark(connection: psycopg.AsyncConnection[Any]) -> str | None:
    """Return what version made the schema; None if it is not there, "" if not ours."""
    cursor = await connection.execute(
        "SELECT obj_description(oid, 'pg_namespace') FROM pg_namespace "
        "WHERE nspname = %s",
        [SCHEMA],
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    words, _, number = str(row[0] or "").rpartition(" ")
    return number if words == MARK else ""


async def _make(connection: psycopg.AsyncConnection[Any], ours: str) -> None:
    name = sql.Identifier(SCHEMA)
    await connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(name))
    await connection.execute(sql.SQL("CREATE SCHEMA {}").format(name))
    await connection.execute(SchemaManager.get_schema())
    await connection.execute(
        sql.SQL("COMMENT ON SCHEMA {} IS {}").format(
            name, sql.Literal(f"{MARK} {ours}")
        )
    )
    log.info("made the tables for jobs", extra={"procrastinate": ours})


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(each) for each in text.split(".") if each.isdigit())
