"""PostgreSQL: as strict as the file, for many processes, and found again when lost."""

from __future__ import annotations

import asyncio
import threading
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text

from bot.domain.errors import HarkaraError, Refusal, StorageError, StorageFailing
from bot.domain.inbound import Inbound
from bot.domain.recipients import Address, Channel, Kind
from bot.domain.servers import Server
from storage import KeySource, in_use, open_database, upgrade
from storage import server as server_module
from storage import server_engine as engine_module
from storage.server import PostgresDatabase
from storage.server_engine import server_engine
from storage.server_schema import upgrade_server
from storage.tables import metadata, recipients
from tests.postgres import PASSWORD, Cluster
from tests.storage.desk import CONSENT, NOW, Desk
from tests.storage.plans import steps

SOMEBODY = Address(Channel.TELEGRAM, "77")


@pytest.fixture
def server(postgres_url: str) -> Server:
    return Server(postgres_url)


@pytest.fixture
async def open_another(server: Server, key: KeySource) -> Any:
    """Open the database as one more process would."""
    async with AsyncExitStack() as stack:

        async def another() -> PostgresDatabase:
            opened = await PostgresDatabase.open(server, application=True, key=key)
            return await stack.enter_async_context(opened)

        yield another


# --- Its shape -------------------------------------------------------------------

SHAPE = """
SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace
UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT table_name || '.' || column_name || ' ' || data_type || ' '
    || coalesce(character_maximum_length, 0) || is_nullable
    || coalesce(column_default, '')
FROM information_schema.columns WHERE table_schema = 'public'
UNION ALL SELECT relname || ' ' || reloptions::text FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND reloptions IS NOT NULL
"""


def shape(server: Server) -> set[str]:
    engine = server_engine(server, 1)
    with engine.connect() as connection:
        found = {row[0] for row in connection.execute(text(SHAPE))}
    engine.dispose()
    return {each for each in found if "alembic_version" not in each}


def test_the_migrations_make_exactly_the_tables(
    server: Server, postgres: Cluster, blank_url: str
) -> None:
    from_tables = Server(blank_url)
    engine = server_engine(from_tables, 1)
    metadata.create_all(engine)
    engine.dispose()

    made = shape(server)

    assert len(made) > 200
    assert made == shape(from_tables)


async def test_two_that_upgrade_at_once_take_turns(blank_url: str) -> None:
    server = Server(blank_url)
    steps = await asyncio.gather(*(upgrade(server) for _ in range(3)))
    assert [before for before, _ in steps].count("") == 1
    assert await upgrade(server) == (steps[0][1], steps[0][1])


async def test_a_database_without_tables_is_named_and_its_password_is_not(
    blank_url: str,
) -> None:
    with pytest.raises(StorageError, match=r"has no tables yet; run harkara") as raised:
        await open_database(Server(blank_url), exclusive=True)
    assert PASSWORD not in str(raised.value)


async def test_a_newer_database_is_left_alone(
    server: Server, postgres_url: str
) -> None:
    with psycopg.connect(postgres_url) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    for doing in (upgrade(server), open_database(server, exclusive=True)):
        with pytest.raises(StorageError, match="newer"):
            await doing


async def test_an_older_database_is_not_upgraded_under_an_application(
    server: Server, postgres_url: str, open_another: Any, monkeypatch
) -> None:
    database = await open_another()
    await database.probe()
    monkeypatch.setattr("storage.server_schema.revisions", lambda: ["0001", "0002"])
    with pytest.raises(StorageError, match="stop every one of its workers first"):
        await upgrade_server(server)
    assert in_use(server)
    await database.close()
    async with asyncio.timeout(10):  # the server notices in a moment
        while in_use(server):
            await asyncio.sleep(0.02)


async def test_another_encoding_is_refused(postgres: Cluster) -> None:
    from psycopg import sql

    postgres.ask(
        sql.SQL(
            "CREATE DATABASE latin ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' "
            "TEMPLATE template0"
        )
    )
    url = postgres.url("latin")
    with pytest.raises(StorageError, match="encoded as LATIN1"):
        await upgrade(Server(url))
    postgres.drop(url)


# --- Two processes ---------------------------------------------------------------


async def test_what_is_read_and_then_written_is_not_lost(
    open_another: Any,
) -> None:
    """SQLite's rule: of two transactions that may write, one waits."""
    desk = Desk(await open_another())
    others = [await open_another(), await open_another()]
    someone = await desk.recipient()

    async def strike(through: PostgresDatabase) -> None:
        async with through.transaction() as tx:
            before = (await tx.recipients.get(someone.id)).strikes
            await asyncio.sleep(0)
            await tx.recipients._set(someone.id, strikes=before + 1)

    await asyncio.gather(*(strike(each) for each in others for _ in range(25)))

    async with desk.database.snapshot() as tx:
        assert (await tx.recipients.get(someone.id)).strikes == 50


async def test_whoever_joins_twice_at_once_is_enrolled_once(open_another: Any) -> None:
    some = [await open_another() for _ in range(3)]
    audience = await Desk(some[0]).audience()

    async def join(through: PostgresDatabase) -> bool:
        async with through.transaction() as tx:
            who = await tx.recipients.ensure(SOMEBODY, Kind.READER, now=NOW)
            new: bool = await tx.audiences.enrol(
                audience.id, who.id, link=None, consent=CONSENT, now=NOW
            )
            return new

    joined = await asyncio.gather(*(join(each) for each in some for _ in range(4)))

    assert joined.count(True) == 1
    async with some[0].snapshot() as tx:
        assert len(await tx.audiences.members(audience.id)) == 1


async def test_of_two_who_use_one_invitation_one_gets_in(open_another: Any) -> None:
    some = [await open_another(), await open_another()]
    async with some[0].transaction() as tx:
        await tx.editors.add_invitation(
            "hash", name="Asma", expires_at=NOW + timedelta(days=1)
        )

    async def use(through: PostgresDatabase) -> str | None:
        async with through.transaction() as tx:
            used: str | None = await tx.editors.use_invitation("hash", now=NOW)
            return used

    used = await asyncio.gather(*(use(each) for each in some))
    assert sorted(used, key=str) == ["Asma", None]


async def test_one_name_makes_one_audience(open_another: Any) -> None:
    some = [await open_another(), await open_another()]
    made = await asyncio.gather(
        *(Desk(each).audience("valley") for each in some), return_exceptions=True
    )
    assert sorted(type(each) is Refusal for each in made) == [False, True]


async def test_what_comes_in_at_two_doors_is_stored_once(open_another: Any) -> None:
    some = [await open_another(), await open_another()]
    entry = Inbound(
        id=None, channel=Channel.TELEGRAM, key="update:1", payload={}, received_at=NOW
    )

    async def store(through: PostgresDatabase) -> int:
        async with through.transaction() as tx:
            stored: int = await tx.inbox.store([entry])
            return stored

    assert sorted(await asyncio.gather(*(store(each) for each in some))) == [0, 1]


async def test_a_sender_has_one_owner_more_for_every_taking(open_another: Any) -> None:
    some = [await open_another(), await open_another()]
    sender = await Desk(some[0]).sender()

    async def take(through: PostgresDatabase) -> int:
        async with through.transaction() as tx:
            taken = await tx.senders.take(sender)
            epoch: int = taken.sender.epoch
            return epoch

    epochs = await asyncio.gather(*(take(each) for each in some for _ in range(3)))
    assert sorted(epochs) == [1, 2, 3, 4, 5, 6]


async def test_each_host_has_the_same_key_or_is_refused(
    server: Server, key: KeySource, tmp_path: Any
) -> None:
    async with await open_database(server, exclusive=True, key=key):
        other = KeySource(file=tmp_path / "another" / "key")
        (tmp_path / "another").mkdir()
        with pytest.raises(StorageError, match="the key of test_"):
            await open_database(server, exclusive=True, key=other)
        assert not list((tmp_path / "another").iterdir())


# --- Hot writes ------------------------------------------------------------------


async def test_hot_writes_do_not_wait_for_a_transaction(open_another: Any) -> None:
    database = await open_another()
    async with asyncio.timeout(10), database.transaction() as tx:
        await tx.audiences.create("slow", title="", language="en")
        await database.write(lambda on: on.execute(text("SELECT 1")))


async def test_two_that_wait_for_one_another_are_both_kept(open_another: Any) -> None:
    """The server gives one of them up, and it is run again."""
    database = await open_another()
    desk = Desk(database)
    both = [(await desk.recipient()).id, (await desk.recipient()).id]
    meeting = threading.Barrier(2)
    tries: list[int] = []

    def strike(on: Any, first: int, then: int) -> None:
        tries.append(first)
        adding = text("UPDATE recipient SET strikes = strikes + 1 WHERE id = :id")
        on.execute(adding, {"id": first})
        if len(tries) <= 2:
            meeting.wait(10)
        on.execute(adding, {"id": then})

    await asyncio.gather(
        database.write(strike, both[0], both[1]),
        database.write(strike, both[1], both[0]),
    )

    assert len(tries) > 2
    async with database.snapshot() as tx:
        assert [(await tx.recipients.get(each)).strikes for each in both] == [2, 2]


async def test_a_mistake_is_not_repeated(open_another: Any) -> None:
    database = await open_another()
    tries = []

    def fail(on: Any) -> None:
        tries.append(1)
        on.execute(text("SELECT nothing FROM nowhere"))

    with pytest.raises(StorageError, match="another shape"):
        await database.write(fail)
    assert tries == [1]


async def test_many_are_planned_by_going_through_each_table_once(
    open_another: Any,
) -> None:
    """The server knows nothing of the tables yet, and would guess them small."""
    database = await open_another()
    desk = Desk(database)
    few, many = await desk.audience("few"), await desk.audience("many")
    await desk.recipient(few)
    await desk.crowd(many, 1000)
    seen: list[tuple[str, Any]] = []

    @event.listens_for(database._engine, "before_cursor_execute")
    def see(*call: Any) -> None:
        seen.append((call[2], call[3]))

    await desk.broadcast(few, many, parts=2)

    planned = [each for each in seen if "nestloop" in each[0] or "INTO del" in each[0]]
    off, on = "SET LOCAL enable_nestloop = off", "SET LOCAL enable_nestloop = on"
    small, large = ["INSERT"] * 2, [off, "INSERT", on] * 2
    assert [
        each if each.startswith("SET") else "INSERT" for each, _ in planned
    ] == small + large
    statement, parameters = planned[3]
    async with database.transaction() as tx:
        connection = tx.deliveries._connection._connection
        connection.exec_driver_sql(off)
        plan = steps(connection, statement, parameters)
    assert not [each for each in plan if each.startswith("Nested Loop")]


# --- Trouble ---------------------------------------------------------------------


async def end_all(url: str) -> None:
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as admin:
        await admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


async def test_connections_that_the_server_ended_are_made_anew(
    open_another: Any, postgres_url: str
) -> None:
    database = await open_another()
    await database.probe()
    async with database.snapshot() as tx:
        await tx.audiences.all()
    await end_all(postgres_url)

    audience = await Desk(database).audience()
    async with database.snapshot() as tx:
        assert await tx.audiences.all() == [audience]


async def test_a_connection_lost_in_the_middle_keeps_nothing(
    open_another: Any, postgres_url: str
) -> None:
    database = await open_another()
    with pytest.raises(StorageFailing, match="nothing half-written was kept"):  # noqa: PT012 - the block is the subject
        async with database.transaction() as tx:
            await tx.audiences.create("lost", title="", language="en")
            await end_all(postgres_url)
            await tx.audiences.all()

    async with database.snapshot() as tx:
        assert await tx.audiences.all() == []


async def test_a_connection_lost_while_committing_leaves_the_outcome_open(
    open_another: Any, postgres_url: str
) -> None:
    database = await open_another()
    with pytest.raises(StorageFailing, match="look whether it was"):  # noqa: PT012 - the block is the subject
        async with database.transaction() as tx:
            await tx.audiences.create("perhaps", title="", language="en")
            await end_all(postgres_url)


async def test_a_server_that_is_away_is_named_and_found_again(key: KeySource) -> None:
    with Cluster() as cluster:
        server = Server(cluster.database())
        await upgrade(server)
        async with await open_database(server, exclusive=True, key=key) as database:
            audience = await Desk(database).audience()
            cluster.stop()
            with pytest.raises(StorageFailing, match="cannot be reached") as raised:
                await database.probe()
            assert PASSWORD not in str(raised.value)
            cluster.start()
            await database.probe()
            async with database.snapshot() as tx:
                assert await tx.audiences.all() == [audience]


async def test_whoever_is_frozen_in_a_transaction_holds_nobody_up(
    server: Server, key: KeySource, monkeypatch
) -> None:
    monkeypatch.setattr(engine_module, "LONGEST_PAUSE", 300)
    monkeypatch.setitem(
        engine_module._SESSION, "idle_in_transaction_session_timeout", 300
    )
    async with (
        await open_database(server, exclusive=True, key=key) as frozen,
        await open_database(server, exclusive=True, key=key) as other,
    ):
        with pytest.raises(StorageFailing):  # noqa: PT012 - the block is the subject
            async with frozen.transaction() as tx:
                await tx.audiences.create("frozen", title="", language="en")
                audience = await Desk(other).audience("next")  # waits for its turn
                await tx.audiences.all()
        async with other.snapshot() as tx:
            assert await tx.audiences.all() == [audience]


async def test_a_turn_that_never_comes_is_named(
    server: Server, key: KeySource, monkeypatch
) -> None:
    monkeypatch.setitem(engine_module._SESSION, "lock_timeout", 200)
    async with (
        await open_database(server, exclusive=True, key=key) as first,
        await open_database(server, exclusive=True, key=key) as second,
        first.transaction(),
    ):
        with pytest.raises(StorageFailing, match="locked for too long"):
            await Desk(second).audience()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ((PASSWORD, "wr0ng-one"), "does not accept the password"),
        (("/test_", "/nonesuch_"), "there is no such database"),
        (("127.0.0.1", "127.0.0.1:1"), None),
    ],
)
async def test_why_it_cannot_be_opened_is_told_without_the_password(
    postgres_url: str, change: tuple[str, str], told: str | None
) -> None:
    url = postgres_url.replace(*change)
    if told is None:  # two ports are no address
        with pytest.raises(ValueError, match="must be a file, or an address"):
            Server(url)
        return
    with pytest.raises(StorageFailing, match=told) as raised:
        await open_database(Server(url), exclusive=True)
    for secret in (PASSWORD, "wr0ng-one"):
        assert secret not in str(raised.value)


async def test_no_error_quotes_a_row(open_another: Any) -> None:
    database = await open_another()
    await Desk(database).recipient(value="923001234567")
    with pytest.raises(StorageError, match="contradicts what is stored") as raised:  # noqa: PT012 - the block is the subject
        async with database.transaction() as tx:
            connection = tx.recipients._connection
            names = ", ".join(each.name for each in recipients.c if each.name != "id")
            await connection.run(
                text(f"INSERT INTO recipient ({names}) SELECT {names} FROM recipient")  # noqa: S608 - our own names
            )
    said = repr(raised.value) + repr(raised.value.__cause__)
    assert "923001234567" not in said
    assert raised.value.__suppress_context__


# --- Texts -----------------------------------------------------------------------


async def test_what_no_text_can_hold_is_left_out_or_named(open_another: Any) -> None:
    database = await open_another()
    async with database.transaction() as tx:
        made = await tx.recipients.ensure(
            SOMEBODY, Kind.GROUP, title="News\x00 of the\x00 valley", now=NOW
        )
        assert (await tx.recipients.get(made.id)).title == "News of the valley"
    with pytest.raises(HarkaraError, match="half a character"):
        async with database.transaction() as tx:
            await tx.audiences.create("half", title="\ud83d", language="en")


async def test_without_its_driver_the_extra_is_named(monkeypatch, server) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg.types.string", None)
    with pytest.raises(StorageError, match=r"install harkara\[cluster\]"):
        await open_database(server, exclusive=True)


def test_every_wait_is_bounded() -> None:
    arguments = engine_module.connect_arguments(
        Server("postgresql://a@b/c?connect_timeout=2&options=-c%20work_mem%3D8MB"), "x"
    )
    assert "connect_timeout" not in arguments, "theirs stands"
    assert arguments["options"].endswith("-c work_mem=8MB")
    for name in ("lock_timeout", "statement_timeout", "idle_in_transaction_session"):
        assert name in arguments["options"]
    assert server_module.READERS + server_module.WRITERS + 1 == server_module._ALL
