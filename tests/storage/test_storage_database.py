"""The file, its engines, its lock and its errors."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text

from bot.domain.errors import Refusal, StorageError, StorageFailing
from bot.domain.recipients import Address, Channel, Kind
from storage import SqliteDatabase, open_database, revisions, upgrade
from storage.database import READERS

if TYPE_CHECKING:
    from pathlib import Path

    from bot.ports import Database, Transaction

SOMEBODY = Address(Channel.TELEGRAM, "7")


def changed(path: Path, *statements: str) -> None:
    """Do to the file what no program of ours would."""
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


# --- transactions ----------------------------------------------------------------


async def test_two_hundred_concurrent_increments_are_two_hundred(database, desk):
    """The SQLite rule: a transaction that reads and then writes loses nothing."""
    someone = await desk.recipient()

    async def strike() -> None:
        async with database.transaction() as tx:
            await tx.recipients.get(someone.id)
            await asyncio.sleep(0)
            await tx.recipients.strike(someone.id)

    await asyncio.gather(*(strike() for _ in range(200)))

    async with database.snapshot() as tx:
        assert (await tx.recipients.get(someone.id)).strikes == 200


async def test_increments_through_two_open_files_are_all_kept(database, desk, path):
    """A command-line tool beside the application waits for its turn."""
    someone = await desk.recipient()
    async with await open_database(path, exclusive=False) as tool:

        async def strike(through: Database) -> None:
            async with through.transaction() as tx:
                await tx.recipients.get(someone.id)
                await tx.recipients.strike(someone.id)

        await asyncio.gather(
            *(strike(each) for _ in range(20) for each in (database, tool))
        )

        async with tool.snapshot() as tx:
            assert (await tx.recipients.get(someone.id)).strikes == 40


async def test_an_error_undoes_the_whole_transaction(database, desk):
    with pytest.raises(Refusal):  # noqa: PT012 - the block is the subject
        async with database.transaction() as tx:
            await tx.recipients.ensure(SOMEBODY, Kind.READER, now=desk.now)
            raise Refusal

    async with database.snapshot() as tx:
        assert await tx.recipients.find(SOMEBODY) is None


@pytest.mark.parametrize("in_one_go", [False, True])
async def test_a_commit_that_fails_leaves_the_connection_usable(
    database,
    desk,
    path,
    in_one_go,
):
    """SQLite keeps the transaction open then, and has but one for all that write."""
    orphan = text("UPDATE recipient SET merged_into = 999 WHERE value = '7'")

    def break_a_promise(on) -> None:
        on.exec_driver_sql("PRAGMA defer_foreign_keys = ON")  # so that COMMIT says no
        assert on.execute(orphan).rowcount == 1

    async def write() -> None:
        if in_one_go:
            await database.write(break_a_promise)
            return
        async with database._written() as connection:
            await connection.call(break_a_promise)

    known = await desk.recipient(value="7")
    with pytest.raises(StorageError, match="contradicts"):
        await write()

    async with database.transaction() as tx:
        await tx.recipients.strike(known.id)
    async with database.snapshot() as tx:
        assert (await tx.recipients.get(known.id)).strikes == 1
    kept = text("SELECT merged_into FROM recipient WHERE value = '7'")
    assert await database.write(lambda on: on.execute(kept).scalar_one()) is None


async def test_a_cancelled_transaction_keeps_nothing_and_blocks_nobody(database, desk):
    inside = asyncio.Event()

    async def linger() -> None:
        async with database.transaction() as tx:
            await tx.recipients.ensure(SOMEBODY, Kind.READER, now=desk.now)
            inside.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(linger())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    other = await desk.recipient(value="8")
    async with database.snapshot() as tx:
        assert await tx.recipients.find(SOMEBODY) is None
        assert await tx.recipients.get(other.id) == other


async def test_transactions_cancelled_at_any_moment_leave_the_file_usable(
    database, desk
):
    """Also in the middle of a statement, where a thread goes on with it."""

    async def write(number: int) -> None:
        async with database.transaction() as tx:
            for place in range(5):
                address = Address(Channel.TELEGRAM, f"{number}{place}")
                await tx.recipients.ensure(address, Kind.READER, now=desk.now)

    for number in range(10, 40):
        task = asyncio.create_task(write(number))
        await asyncio.sleep(0.0004 * (number - 10))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    await asyncio.wait_for(write(99), 10)
    async with database.snapshot() as tx:
        for number in range(10, 40):
            found = [
                await tx.recipients.find(Address(Channel.TELEGRAM, f"{number}{place}"))
                for place in range(5)
            ]
            assert len({each is None for each in found}) == 1, "half a transaction"


async def test_a_transaction_inside_a_transaction_is_refused(database):
    """It would wait for itself for ever."""
    with pytest.raises(RuntimeError, match="inside a transaction"):
        async with database.transaction(), database.transaction():
            pass

    async with database.transaction() as tx:
        assert await tx.audiences.all() == []


async def test_a_snapshot_writes_nothing(database, desk):
    with pytest.raises(StorageError, match="only be read here"):
        async with database.snapshot() as tx:
            await tx.recipients.ensure(SOMEBODY, Kind.READER, now=desk.now)


async def test_a_snapshot_sees_one_moment_and_does_not_wait(database, desk):
    async with database.snapshot() as before:
        assert await before.audiences.all() == []
        made = await desk.audience()
        assert await before.audiences.all() == []

        async with database.transaction(), database.snapshot() as beside:
            assert await beside.audiences.all() == [made]


async def test_more_readers_than_connections_take_turns(database):
    async def read() -> int:
        async with database.snapshot() as tx:
            await asyncio.sleep(0.001)
            return len(await tx.audiences.all())

    assert await asyncio.gather(*(read() for _ in range(READERS * 5))) == [0] * (
        READERS * 5
    )


async def test_the_ledger_is_durable_and_refers_to_what_exists(path, database):
    async with database.transaction() as tx:
        connection = tx.senders._connection
        pragmas = {
            name: await connection.value(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }

    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 20_000,
    }


def typed(database: SqliteDatabase) -> Database:
    """Say to the type checker that the port is kept."""
    return database


async def test_a_unit_of_work_is_the_port(database):
    async with typed(database).transaction() as tx:
        kept: Transaction = tx

        assert await kept.inbox.waiting(limit=1) == []


# --- opening and upgrading ---------------------------------------------------------


async def test_a_second_application_is_refused(database, path):
    with pytest.raises(StorageError, match=r"another Harkara works on .*stop it first"):
        await SqliteDatabase.open(path, exclusive=True)

    async with await SqliteDatabase.open(path, exclusive=False) as tool:
        await tool.check_schema()


async def test_another_process_is_refused_and_the_lock_ends_with_its_owner(path):
    program = (
        "import asyncio, sys; from storage import SqliteDatabase\n"
        "async def main():\n"
        "    await SqliteDatabase.open(sys.argv[1], exclusive=True)\n"
        "    print('open', flush=True); sys.stdin.read()\n"
        "asyncio.run(main())\n"
    )
    owner = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        program,
        str(path),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert owner.stdout is not None
    assert await owner.stdout.readline() == b"open\n"
    with pytest.raises(StorageError, match="another Harkara"):
        await SqliteDatabase.open(path, exclusive=True)

    owner.kill()
    await owner.wait()
    async with await SqliteDatabase.open(path, exclusive=True):
        pass


async def test_closing_gives_the_lock_back_and_can_be_done_twice(path):
    first = await SqliteDatabase.open(path, exclusive=True)
    await first.close()
    await first.close()

    async with await SqliteDatabase.open(path, exclusive=True):
        pass


async def test_an_upgrade_makes_a_file_and_done_twice_changes_nothing(tmp_path):
    path = tmp_path / "deeper" / "new.db"
    newest = revisions()[-1]

    assert await upgrade(path) == ("", newest)
    assert await upgrade(path) == (newest, newest)
    assert path.stat().st_mode & 0o077 == 0, "others can read it"
    async with (
        await SqliteDatabase.open(path, exclusive=True) as database,
        database.snapshot() as tx,
    ):
        assert await tx.audiences.all() == []


async def test_an_upgrade_waits_for_the_application_to_end(database, path):
    with pytest.raises(StorageError, match="another Harkara"):
        await upgrade(path)


async def test_no_file_and_an_empty_file_ask_for_an_upgrade(tmp_path):
    missing, empty = tmp_path / "none.db", tmp_path / "empty.db"
    empty.touch()

    with pytest.raises(StorageError, match="run harkara database upgrade"):
        await SqliteDatabase.open(missing, exclusive=True)
    with pytest.raises(StorageError, match="run harkara database upgrade"):
        await SqliteDatabase.open(empty, exclusive=True)
    assert not missing.exists()


async def test_a_newer_file_is_refused(path):
    changed(path, "UPDATE alembic_version SET version_num = '9999'")

    with pytest.raises(StorageError, match="newer than this program"):
        await SqliteDatabase.open(path, exclusive=True)
    with pytest.raises(StorageError, match="newer than this program"):
        await upgrade(path)
    async with await SqliteDatabase.open(path, exclusive=True, check_schema=False):
        pass


async def test_an_older_file_asks_for_an_upgrade(path, monkeypatch):
    monkeypatch.setattr("storage.schema.revisions", lambda: ["0001", "0002"])

    with pytest.raises(StorageError, match="run harkara database upgrade"):
        await SqliteDatabase.open(path, exclusive=True)


# --- errors ------------------------------------------------------------------------


async def test_a_file_of_something_else_is_named(tmp_path):
    path = tmp_path / "picture.db"
    path.write_bytes(b"GIF89a" * 1000)

    with pytest.raises(StorageError, match="not a Harkara database"):
        await SqliteDatabase.open(path, exclusive=True)
    with pytest.raises(StorageError, match="not a Harkara database"):
        await upgrade(path)


async def test_a_damaged_file_is_named(path):
    content = bytearray(path.read_bytes())
    content[4096:] = b"\x5a" * (len(content) - 4096)
    path.write_bytes(content)

    with pytest.raises(StorageError, match=r"damaged|another shape"):
        async with (
            await SqliteDatabase.open(path, exclusive=True) as database,
            database.snapshot() as tx,
        ):
            await tx.audiences.all()


async def test_a_full_disk_is_named_and_half_a_transaction_is_not_kept(
    path, database, desk
):
    someone = await desk.recipient()
    with pytest.raises(StorageFailing, match="database is full"):  # noqa: PT012 - the same
        async with database.transaction() as tx:
            connection = tx.recipients._connection
            pages = await connection.value(text("PRAGMA page_count"))
            await connection.run(text(f"PRAGMA max_page_count = {pages}"))
            for number in range(5000):
                await tx.recipients.ensure(
                    Address(Channel.TELEGRAM, f"9{number}"), Kind.READER, now=desk.now
                )

    async with database.snapshot() as tx:
        assert await tx.recipients.find(Address(Channel.TELEGRAM, "90")) is None
        assert await tx.recipients.get(someone.id) == someone


async def test_a_locked_file_is_named(path, monkeypatch):
    monkeypatch.setattr("storage.database._WRITING", ("PRAGMA busy_timeout = 50",))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        database = await open_database(path, exclusive=True, check_schema=False)
        with pytest.raises(StorageFailing, match="locked for too long"):
            async with database.transaction():
                pass
        await database.close()
    finally:
        other.close()


async def test_what_contradicts_the_tables_is_an_error_without_values(database, desk):
    """Addresses and texts are nobody's business in a log."""
    with pytest.raises(StorageError, match="contradicts") as raised:  # noqa: PT012 - the same
        async with database.transaction() as tx:
            await tx.editors.add_invitation("a" * 64, name="Asma", expires_at=desk.now)
            await tx.editors.add_invitation("a" * 64, name="Asma", expires_at=desk.now)

    told = f"{raised.value} {raised.value.__cause__}"
    assert "Asma" not in told
    assert "aaaa" not in told


async def test_half_a_character_is_an_error_of_storage(database, desk):
    with pytest.raises(StorageError, match="half a character"):
        async with database.transaction() as tx:
            await tx.audiences.create("x", title="\ud83d", language="en")


async def test_a_moment_without_a_zone_is_our_own_mistake(database, desk):
    with pytest.raises(ValueError, match="without a time zone"):
        async with database.transaction() as tx:
            await tx.senders.ensure(
                Channel.TELEGRAM, "desk", now=desk.now.replace(tzinfo=None)
            )


async def test_moments_keep_their_microseconds_and_become_utc(database, desk):
    moment = desk.now + timedelta(microseconds=1)
    sender = await desk.sender()
    async with database.transaction() as tx:
        await tx.senders.delay(sender, moment)
    async with database.snapshot() as tx:
        assert (await tx.senders.get(sender)).clock == moment
