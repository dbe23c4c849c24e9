"""Phone numbers: sealed, found by their hash, and worth nothing without the key."""

from __future__ import annotations

import errno
import os
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from bot.domain.errors import StorageError
from bot.domain.inbound import Inbound
from bot.domain.recipients import Address, Channel, Consent, Kind
from storage import KeySource, SqliteDatabase, upgrade
from storage.keyfile import write_new
from storage.sealing import KEY, Keyring, new_key
from storage.tables import aliases, consents, inbound, recipients
from tests.storage.desk import NOW

NUMBER = "+923001234567"
READER = Address(Channel.WHATSAPP, NUMBER)
keys = st.binary(min_size=KEY, max_size=KEY).map(Keyring)
texts = st.text(st.characters(), max_size=200)  # half characters included


@given(keyring=keys, text=texts, place=texts)
def test_what_is_sealed_opens_as_it_was(keyring, text, place):
    sealed = keyring.seal(text, place=place)

    assert keyring.open(sealed, place=place) == text
    assert sealed != keyring.seal(text, place=place), "the same text, two faces"


@given(keyring=keys, text=texts, data=st.data())
def test_what_was_tampered_with_is_refused(keyring, text, data):
    sealed = bytearray(keyring.seal(text, place="here"))
    which = data.draw(st.integers(0, len(sealed) - 1))
    sealed[which] ^= 1 << data.draw(st.integers(0, 7))

    with pytest.raises(StorageError, match="does not open"):
        keyring.open(bytes(sealed), place="here")
    with pytest.raises(StorageError, match="does not open"):
        keyring.open(bytes(sealed[:which]), place="here")


@given(keyring=keys, other=keys, text=texts, place=texts)
def test_it_opens_with_its_own_key_and_in_its_own_place_only(
    keyring, other, text, place
):
    sealed = keyring.seal(text, place=place)

    with pytest.raises(StorageError, match="does not open"):
        keyring.open(sealed, place=f"{place}.")
    if keyring.fingerprint != other.fingerprint:
        with pytest.raises(StorageError, match="does not open"):
            other.open(sealed, place=place)


@given(secret=st.binary(min_size=KEY, max_size=KEY), other=keys, text=texts)
def test_a_hash_is_the_same_for_ever_and_another_for_every_key(secret, other, text):
    keyring = Keyring(secret)

    assert keyring.hashed(text) == Keyring(secret).hashed(text)
    assert len(keyring.hashed(text)) == 43
    if keyring.fingerprint != other.fingerprint:
        assert keyring.hashed(text) != other.hashed(text)


def test_a_key_is_read_as_it_is_written():
    written = new_key()

    assert (
        Keyring.parse(f"{written}\n").fingerprint == Keyring.parse(written).fingerprint
    )
    assert Keyring.parse(written.rstrip("=")).fingerprint
    for wrong in ("", "short", written[:-8], f"{written}AAAA", "ü" * 44):
        with pytest.raises(ValueError):  # noqa: PT011 - whatever it says, it is none
            Keyring.parse(wrong)


# --- in the database ----------------------------------------------------------------


async def meet(database: SqliteDatabase, address: Address = READER) -> int:
    async with database.transaction() as tx:
        return (await tx.recipients.ensure(address, Kind.READER, now=NOW)).id


async def test_a_number_is_found_by_its_hash_and_comes_back_whole(database):
    who = await meet(database)

    assert await meet(database) == who
    async with database.snapshot() as tx:
        found = await tx.recipients.find(READER)
        assert found is not None
        assert found.address == READER
        row = await tx.recipients._connection.row(select(recipients))
    assert row.value == tx.recipients._connection.keys.known_as(READER)
    assert NUMBER[1:] not in row.value
    assert NUMBER[1:].encode() not in row.sealed


async def test_an_old_number_still_finds_its_reader_and_stands_nowhere(database):
    who = await meet(database)
    new = Address(Channel.WHATSAPP, "+923007654321")
    async with database.transaction() as tx:
        await tx.recipients.move(READER, new)
    async with database.snapshot() as tx:
        found = await tx.recipients.find(READER)
        assert found is not None
        assert (found.id, found.address) == (who, new)
        kept = await tx.recipients._connection.row(select(aliases))
        assert tx.recipients._connection.keys.address(kept) == READER
    assert NUMBER[1:] not in kept.value


async def test_a_telegram_chat_is_kept_as_it_is(database):
    chat = Address(Channel.TELEGRAM, "-1001", 7)
    await meet(database, chat)
    async with database.snapshot() as tx:
        row = await tx.recipients._connection.row(select(recipients))
        found = await tx.recipients.find(chat)
    assert (row.value, row.sealed) == ("-1001", None)
    assert found is not None
    assert found.address == chat


async def test_a_number_moved_to_another_row_does_not_open(database):
    await meet(database)
    other = await meet(database, Address(Channel.WHATSAPP, "+923007654321"))
    async with database.transaction() as tx:
        connection = tx.recipients._connection
        sealed = select(recipients.c.sealed).where(recipients.c.id != other)
        await connection.run(
            update(recipients)
            .where(recipients.c.id == other)
            .values(sealed=await connection.value(sealed))
        )
    async with database.snapshot() as tx:
        with pytest.raises(StorageError, match="does not open"):
            await tx.recipients.get(other)


async def test_what_came_in_and_how_they_agreed_is_sealed(database, desk):
    entry = Inbound(
        channel=Channel.WHATSAPP,
        key="message:SM1",
        payload={"From": f"whatsapp:{NUMBER}", "Body": "half \ud83d of it"},
        received_at=NOW,
    )
    audience = await desk.audience()
    who = await meet(database)
    consent = Consent(source="import", agreed_by=NUMBER, evidence=f"{NUMBER} wrote")
    async with database.transaction() as tx:
        assert await tx.inbox.store([entry, entry]) == 1
        await tx.audiences.enrol(audience.id, who, link=None, consent=consent, now=NOW)
    async with database.snapshot() as tx:
        [back] = await tx.inbox.waiting(limit=9)
        connection = tx.inbox._connection
        stored = await connection.value(select(inbound.c.payload))
        proof = await connection.row(select(consents))
    assert back.payload == entry.payload
    assert isinstance(stored, bytes)
    assert b"half" not in stored
    place = f"evidence {proof.enrolment_id}"
    assert connection.keys.open(proof.evidence, place=place) == consent.evidence
    assert NUMBER.encode() not in proof.agreed_by + proof.evidence


# --- the key ----------------------------------------------------------------------


async def test_the_first_opening_makes_a_key_that_nobody_else_can_read(tmp_path):
    path = tmp_path / "harkara.db"
    key = tmp_path / "harkara.db.key"
    await upgrade(path)
    assert not key.exists()
    async with await SqliteDatabase.open(path, exclusive=True) as database:
        await meet(database)
    made = key.read_bytes()

    assert key.stat().st_mode & 0o077 == 0
    assert not KeySource().exposed(path)
    async with await SqliteDatabase.open(path, exclusive=False) as again:
        assert await meet(again)
    assert key.read_bytes() == made
    assert sorted(each.name for each in tmp_path.iterdir() if "key" in each.name) == [
        "harkara.db.key"
    ]


async def test_a_lost_key_is_never_made_anew(path, database):
    await meet(database)
    await database.close()
    key = path.with_name("harkara.db.key")
    key.unlink()

    with pytest.raises(StorageError, match="no phone number can be read") as raised:
        await SqliteDatabase.open(path, exclusive=True)
    assert str(key) in str(raised.value)
    assert "HARKARA_KEY_FILE" in str(raised.value)
    assert not key.exists()


async def test_another_key_is_recognised_before_anything_is_written(path, database):
    await database.close()
    wrong = KeySource(text=new_key())

    with pytest.raises(StorageError, match="HARKARA_ENCRYPTION_KEY is not the key of"):
        await SqliteDatabase.open(path, exclusive=True, key=wrong)
    async with await SqliteDatabase.open(path, exclusive=True):
        pass


@pytest.mark.parametrize("content", ["", "no key at all", "Zm9v", "ü"])
async def test_a_file_that_holds_no_key_is_named(path, tmp_path, content):
    file = tmp_path / "secret"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(StorageError, match="holds no key") as raised:
        await SqliteDatabase.open(path, exclusive=True, key=KeySource(file=file))
    assert str(file) in str(raised.value)
    if content:
        assert content not in str(raised.value)


async def test_a_key_given_as_a_setting_needs_no_file(path):
    source = KeySource(text=new_key())
    async with await SqliteDatabase.open(path, exclusive=True, key=source) as database:
        await meet(database)
    assert not path.with_name("harkara.db.key").exists()
    assert source.text not in repr(source)
    assert not source.exposed(path)


async def test_a_key_file_that_others_can_read_is_noticed(path, database):
    key = path.with_name("harkara.db.key")
    key.chmod(0o640)

    assert KeySource().exposed(path)
    assert not KeySource(file=path.with_name("none")).exposed(path)


async def test_a_folder_that_is_not_there_is_named(path, tmp_path):
    source = KeySource(file=tmp_path / "nowhere" / "key")

    with pytest.raises(StorageError, match="cannot be written"):
        await SqliteDatabase.open(path, exclusive=True, key=source)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
async def test_a_key_that_may_not_be_read_is_named(path, database):
    await database.close()
    path.with_name("harkara.db.key").chmod(0)

    with pytest.raises(StorageError, match="cannot be read"):
        await SqliteDatabase.open(path, exclusive=True)


def failing(number):
    """A call of the system that cannot be done."""

    def call(*_args, **_options):
        raise OSError(number, os.strerror(number))

    return call


@pytest.mark.parametrize("step", ["link", "fsync"])
def test_a_key_that_cannot_be_written_leaves_nothing(tmp_path, monkeypatch, step):
    monkeypatch.setattr(os, step, failing(errno.ENOSPC))

    with pytest.raises(StorageError, match="No space left"):
        write_new(tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EPERM, errno.ENOTSUP])
def test_a_volume_without_hard_links_holds_a_key_too(tmp_path, monkeypatch, number):
    monkeypatch.setattr(os, "link", failing(number))
    place = tmp_path / "key"

    assert write_new(place)
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    first = place.read_bytes()
    Keyring.parse(first.decode())
    assert not write_new(place)
    assert place.read_bytes() == first


def test_half_a_key_does_not_stay_where_there_are_no_links(tmp_path, monkeypatch):
    synced = iter([None, failing(errno.ENOSPC)])
    monkeypatch.setattr(os, "link", failing(errno.EPERM))
    monkeypatch.setattr(os, "fsync", lambda _: (then := next(synced)) and then())

    with pytest.raises(StorageError, match="No space left"):
        write_new(tmp_path / "key")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [0, errno.EINVAL])
def test_that_the_key_is_in_its_folder_is_written_out(tmp_path, monkeypatch, number):
    folders: list[bool] = []

    def sync(handle):
        folders.append(stat.S_ISDIR(os.fstat(handle).st_mode))
        if folders[-1] and number:
            failing(number)()

    monkeypatch.setattr(os, "fsync", sync)

    assert write_new(tmp_path / "key")
    assert folders == [False, True]


def test_of_two_who_write_a_key_one_wins(tmp_path):
    place = tmp_path / "key"

    assert write_new(place)
    first = place.read_bytes()
    assert not write_new(place)
    assert place.read_bytes() == first
