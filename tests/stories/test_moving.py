"""A newsroom moves from its file to a PostgreSQL server, and goes on there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from bot.domain.deliveries import State
from bot.domain.errors import StorageError
from bot.domain.recipients import Kind
from bot.domain.servers import Server
from storage import moving, upgrade
from storage.moving import move
from storage.tables import audiences
from tests.stories.stage import AUDIENCE, NEWS, Stage

#: Another article, which nobody has had.
MORE = replace(
    NEWS, headline="The pass has closed again", link="https://news.example/2"
)


def asked(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement.encode()).fetchall()


async def test_all_of_it_arrives_and_the_newsroom_goes_on(
    stage: Stage, blank_url: str
) -> None:
    file, server = stage.settings.database, Server(blank_url)
    assert isinstance(file, Path)
    async with stage.app() as desk:
        await stage.editor()
        await stage.readers(3)
        await stage.phones(2)
        await stage.groups(2)
        await desk.enrolment.create_link(AUDIENCE, Kind.READER)
        before = await stage.broadcast()
        await stage.finished(before)
        await stage.idle()
        with pytest.raises(StorageError, match="another Harkara works on"):
            await move(file, server, stage.settings.key_source)
    async with stage.office():
        told, lines = await stage.states(before), await stage.lines(before)

    moved = await move(file, server, stage.settings.key_source)
    again = await move(file, server, stage.settings.key_source)

    assert (moved.again, again.again) == (False, True)
    assert moved.tables == again.tables
    rows = {each.name: each.rows for each in moved.tables}
    assert rows["delivery"] == rows["attempt"] == len(lines) == 7
    filled = {name for name, number in rows.items() if number}
    assert {"inbound", "consent", "editor", "join_link", "keyring"} <= filled

    stage.values |= {"database": server, "key_file": f"{file}.key"}
    async with stage.app() as desk:
        assert (await stage.states(before), await stage.lines(before)) == (told, lines)
        people = {line.delivery.recipient for line in lines.values()}
        newer = await stage.broadcast(MORE)
        await stage.finished(newer)
        assert newer > before, "numbers go on"
        arrived = await stage.lines(newer)
        assert {line.delivery.recipient for line in arrived.values()} == people
        assert {line.delivery.state for line in arrived.values()} <= {
            *(State.ACCEPTED, State.DELIVERED, State.READ)
        }
        with pytest.raises(StorageError, match=r"Harkara works on .*; stop every one"):
            await move(file, server, stage.settings.key_source)

    with pytest.raises(StorageError, match="holds rows of its own"):
        await move(file, server, stage.settings.key_source)


async def test_what_is_interrupted_leaves_nothing_and_is_begun_anew(
    stage: Stage, blank_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, server = stage.settings.database, Server(blank_url)
    assert isinstance(file, Path)
    key = stage.settings.key_source
    async with stage.office():
        await stage.readers(2)
    copied = []

    def fail(*words: object) -> None:
        copied.append(words)
        if len(copied) > 5:
            raise StorageError("the cable was pulled")

    with monkeypatch.context() as patched:
        patched.setattr(moving, "_number_on", fail)
        with pytest.raises(StorageError, match="the cable was pulled"):
            await move(file, server, key)
    assert asked(blank_url, "SELECT to_regclass('recipient')") == [(None,)]

    # A new database may have been given its tables, and a key that sealed nothing.
    await upgrade(server)
    asked(blank_url, "INSERT INTO keyring VALUES (1, 'another') RETURNING id")
    assert not (await move(file, server, key)).again
    assert asked(blank_url, "SELECT count(*) FROM recipient") == [(2,)]


async def test_a_number_that_was_given_out_stays_so(
    stage: Stage, blank_url: str
) -> None:
    """Even where its row is gone: a button somewhere may still name it."""
    file, server = stage.settings.database, Server(blank_url)
    assert isinstance(file, Path)
    async with stage.office() as desk, desk.database.transaction() as tx:
        gone = await tx.audiences.create("gone", title="", language="en")
        await tx.audiences._connection.run(  # type: ignore[attr-defined]  # behind the port
            audiences.delete().where(audiences.c.id == gone.id)
        )
    await move(file, server, stage.settings.key_source)
    stage.values |= {"database": server, "key_file": f"{file}.key"}
    async with stage.office() as desk, desk.database.transaction() as tx:
        assert (await tx.audiences.create("n", title="", language="en")).id > gone.id


async def test_a_row_that_differs_is_found(
    stage: Stage, blank_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, server = stage.settings.database, Server(blank_url)
    assert isinstance(file, Path)

    def spoil(_old: object, new: object, table: object) -> None:
        if str(table) == "audience":
            new.execute(moving.text("UPDATE audience SET title = 'The  Valley'"))  # type: ignore[attr-defined]  # a stand-in's

    monkeypatch.setattr(moving, "_number_on", spoil)
    with pytest.raises(StorageError, match=r"table audience has 1 rows .* differs"):
        await move(file, server, stage.settings.key_source)
    assert asked(blank_url, "SELECT to_regclass('audience')") == [(None,)]
