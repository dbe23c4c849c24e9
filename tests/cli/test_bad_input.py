"""Every bad input, and the message that a person sees.

Where each line is tested:

==============================  =======================================================
no token                        test_run: without any settings …
wrong token                     test_run: a wrong token is one clear line
token revoked in mid-broadcast  here
unreadable article              here (another user), test_format_command
empty, binary, 50 MB article    here, test_format_command
unknown audience                test_provider_commands: a plan that cannot be; here
audience with nobody            here, test_provider_commands: a plan that cannot be
port in use                     test_run: a port in use is named
database of a newer version     here
database locked                 here
database corrupt                here (beginning, middle), test_check
full disk                       here (commands), stories/test_full_disk (mid-broadcast)
read-only directory, file       here (another user)
clock set back a day            test_check: a clock that is wrong is named;
                                services/test_clock_set_back: everything goes on
wrong time zone name            here, test_config
named settings file is missing  here, of every command
two applications on one file    test_run: a second application on the same file …
==============================  =======================================================
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import typer

from bot.cli.root import app
from storage import database
from tests.cli.conftest import Desk

PATIENCE = 60  # seconds

#: Loads what it needs while it still may, gives its rights up, and runs a command.
AS_NOBODY = """
import os, sys
import bot.app, bot.cli.root, bot.config, storage, storage.inspection
import alembic.command, alembic.runtime.migration, concurrent.futures.thread
from bot.cli import main
if os.geteuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
main()
"""


def as_nobody(desk, *words):
    """Run a command as a user who may do nothing; return status and what is told."""
    done = subprocess.run(  # noqa: S603 - our own command, our own words
        [sys.executable, "-c", AS_NOBODY, *map(str, words)],
        cwd=desk.folder,
        env={"PATH": os.environ["PATH"], "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


def fingerprint(desk):
    """The database file, as it lies on the disk."""
    return hashlib.sha256((desk.folder / "harkara.db").read_bytes()).hexdigest()


@pytest.fixture
def open_folder(bare, monkeypatch):
    """A desk that everybody may look at; pytest keeps its own folders shut."""
    with tempfile.TemporaryDirectory(prefix="harkara-") as name:
        desk = Desk(Path(name))
        desk.folder.chmod(0o755)
        monkeypatch.chdir(desk.folder)
        desk.write()
        desk.ok("database", "upgrade")
        desk.file.chmod(0o644)
        yield desk
        desk.folder.chmod(0o755)


# --- articles ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "story.txt is empty; put the article's text into it."),
        (b" \n\t\n", "story.txt is empty; put the article's text into it."),
        (b"It rained.\0", "story.txt is a binary file; give plain text in UTF-8."),
        (
            b"\x89PNG\r\n\x1a\n\xff\xfe",
            "story.txt is not UTF-8 text; save it as UTF-8 and try again.",
        ),
    ],
)
def test_an_article_that_is_none(desk, content, told):
    (desk.folder / "story.txt").write_bytes(content)
    assert desk.refused("article", "add", "story.txt", status=2) == f"harkara: {told}\n"
    assert len(desk.ok("article", "list").splitlines()) == 1, "nothing was taken in"


def test_an_article_of_fifty_megabytes_is_refused_before_it_is_read(desk):
    path = desk.folder / "story.txt"
    with path.open("wb") as file:
        file.truncate(50_000_000)
    told = desk.refused("article", "add", "story.txt", status=2)
    assert told == (
        "harkara: story.txt is larger than 10 MB; give one article's text.\n"
    )
    assert len(desk.ok("article", "list").splitlines()) == 1


def test_an_article_without_end_is_not_read_to_its_end(desk):
    told = desk.refused("article", "add", "/dev/zero", status=2)
    assert "/dev/zero is larger than 10 MB" in told


def test_an_article_that_one_may_not_read(open_folder):
    path = open_folder.folder / "story.txt"
    path.write_text("It rained.", encoding="utf-8")
    path.chmod(0o000)
    status, told = as_nobody(open_folder, "article", "add", "story.txt")
    assert status == 2
    assert told == (
        "harkara: story.txt cannot be read (Permission denied); check its name and "
        "permissions.\n"
    )


# --- audiences --------------------------------------------------------------------


def test_an_audience_that_is_unknown_or_empty(connected):
    connected.ok("audience", "create", "valley")
    connected.ok("article", "add", "-", stdin="It rained all day.")
    told = connected.refused("broadcast", "plan", "--audience", "vally")
    assert "there is no audience" in told
    assert "vally" in told
    assert "harkara audience list shows all" in told
    told = connected.refused("broadcast", "plan", "--audience", "valley")
    assert "nobody is enrolled in valley" in told
    assert len(connected.ok("broadcast", "list").splitlines()) == 1, "nothing is left"


# --- the database -----------------------------------------------------------------

WRITE = ("audience", "create", "city")
READ = ("audience", "list")


def test_a_database_of_a_newer_version(desk):
    desk.ok(*READ)  # sets its journal's mode
    with sqlite3.connect(desk.folder / "harkara.db") as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    file.close()
    before = fingerprint(desk)
    for words in (WRITE, READ, ("database", "upgrade")):
        told = desk.refused(*words)
        assert "stands at revision 9999, which is newer than this program (" in told
        assert "use the newer Harkara" in told
    assert fingerprint(desk) == before


def test_a_database_that_is_locked_for_too_long(desk, monkeypatch):
    patience = ("PRAGMA busy_timeout = 50",)
    monkeypatch.setattr("storage.database._WRITING", patience)
    monkeypatch.setattr("storage.schema.BUSY_TIMEOUT", 50)
    other = sqlite3.connect(desk.folder / "harkara.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        for words in (WRITE, ("database", "upgrade")):
            told = desk.refused(*words)
            assert told.startswith(
                "harkara: another program has kept the database locked for too long; "
                "end it, or wait until it is done, and try again"
            )
    finally:
        other.close()
    desk.ok(*WRITE)


def test_a_database_whose_beginning_is_spoilt(desk):
    path = desk.folder / "harkara.db"
    content = path.read_bytes()
    path.write_bytes(b"\xa5" * 100 + content[100:])
    before = fingerprint(desk)
    for words in (WRITE, READ, ("database", "upgrade")):
        told = desk.refused(*words)
        assert told.startswith(
            "harkara: the file is not a Harkara database, or it is damaged; name "
            "another file, or put a backup in its place"
        )
    assert fingerprint(desk) == before


def test_a_database_whose_middle_is_spoilt(desk):
    desk.ok("audience", "create", "valley")
    path = desk.folder / "harkara.db"
    with sqlite3.connect(path) as file:
        named = "SELECT rootpage FROM sqlite_master WHERE name = 'audience'"
        (page,) = file.execute(named).fetchone()
        (size,) = file.execute("PRAGMA page_size").fetchone()
    file.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = b"\xa5" * size
    path.write_bytes(content)
    for words in (WRITE, READ):
        told = desk.refused(*words)
        assert told.startswith(
            "harkara: the database file is damaged; stop Harkara and put a backup in "
            "its place"
        )


def test_a_full_disk(desk):
    with sqlite3.connect(desk.folder / "harkara.db") as file:
        (pages,) = file.execute("PRAGMA page_count").fetchone()
    file.close()
    small = (*database._WRITING, f"PRAGMA max_page_count = {pages}")
    story = "It rained all day. " * 20_000
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("storage.database._WRITING", small)
        told = desk.run("article", "add", "-", stdin=story)
    assert told.exit_code == 1
    assert told.stderr.startswith(
        "harkara: the disk that holds the database is full; free some space and start "
        "again, nothing half-written was kept"
    )
    assert len(desk.ok("article", "list").splitlines()) == 1
    assert desk.ok("article", "add", "-", stdin=story).startswith("article 1,")


def test_a_database_file_that_one_may_only_read(open_folder):
    path = open_folder.folder / "harkara.db"
    path.chmod(0o444)
    path.with_name("harkara.db.key").chmod(0o444)
    open_folder.folder.chmod(0o777)
    before = fingerprint(open_folder)
    status, told = as_nobody(open_folder, *WRITE)
    assert status == 1
    assert told.startswith(
        "harkara: the database may only be read here; check the rights of the file and "
        "of its folder"
    )
    status, told = as_nobody(open_folder, "database", "upgrade")
    assert status == 1
    assert "cannot be made or written (Permission denied)" in told
    assert fingerprint(open_folder) == before


def test_a_folder_that_one_may_only_read(open_folder):
    (open_folder.folder / "harkara.db").chmod(0o666)
    open_folder.folder.chmod(0o555)
    status, told = as_nobody(open_folder, *WRITE)
    assert status == 1
    assert told.startswith(
        "harkara: the database may only be read here; check the rights of the file and "
        "of its folder"
    )
    (open_folder.folder / "harkara.db").unlink()
    status, told = as_nobody(open_folder, "database", "upgrade")
    assert status == 1
    assert "cannot be made or written (Permission denied); check the folder" in told


# --- settings ---------------------------------------------------------------------


def test_a_time_zone_that_is_none(desk):
    desk.write(timezone="Asia/Karachee")
    told = desk.refused("article", "list", status=2)
    assert told == (
        "harkara: HARKARA_TIMEZONE: 'Asia/Karachee' is no time zone; did you mean "
        "Asia/Karachi?\n"
    )
    desk.write(timezone="Asia/Karachi")
    assert "TAKEN IN (Asia/Karachi)" in desk.ok("article", "list")


def readers_of_settings(group, path=()):
    """Return words that call every command with settings, as briefly as one may."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from readers_of_settings(command, (*path, name))
        elif any(each.name == "config" for each in command.params):
            words = [*path, name]
            for each in command.params:
                if each.required:
                    option = each.param_type_name == "option"
                    words += [each.opts[0], "1"] if option else ["1"]
            yield words


EVERY = list(readers_of_settings(typer.main.get_command(app)))


@pytest.mark.parametrize("words", EVERY, ids=" ".join)
def test_a_settings_file_that_was_named_and_is_missing(bare, words, monkeypatch):
    """Even the name that is the default; otherwise it would be another database's."""
    bare.file.unlink()
    told = (
        "harkara: there is no settings file {}; check --config (HARKARA_CONFIG)\n"
    ).format
    for name in ("typo.toml", "harkara.toml"):
        assert bare.refused(*words, "--config", name, status=2) == told(name)
    monkeypatch.setenv("HARKARA_CONFIG", "typo.toml")
    assert bare.refused(*words, status=2) == told("typo.toml")


def test_the_default_settings_file_may_be_missing(desk, monkeypatch):
    desk.file.unlink()
    desk.ok("audience", "create", "valley")
    monkeypatch.setenv("HARKARA_CONFIG", "")  # an empty variable counts for none
    assert "valley" in desk.ok("audience", "list")


# --- a token revoked in mid-broadcast ---------------------------------------------


def until(question, what):
    end = time.monotonic() + PATIENCE
    while not question():
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)


def test_a_token_revoked_in_mid_broadcast(connected, sandbox, free_port):
    """Telegram cannot tell the editors then: health, log and report do."""
    for name in ("twilio_account_sid", "twilio_auth_token", "whatsapp_number"):
        connected.settings.pop(name)
    connected.settings.pop("public_url")
    connected.write(listen=f"127.0.0.1:{free_port}", telegram_rate="4")
    keeper = sandbox.world.person("Keeper")
    connected.ok("audience", "create", "valley")
    groups = [
        sandbox.world.group(f"Group {place}", [], [keeper], with_bot=True)
        for place in range(12)
    ]
    for group in groups:
        connected.ok("group", "enrol", "valley", group.id, "--evidence", "a letter")
    connected.ok("article", "add", "-", stdin="It rained all day.")
    connected.ok("broadcast", "plan")
    process = connected.process("run")
    assert "harkara.app up" in process.stderr.readline()
    try:
        connected.ok("broadcast", "confirm", "1")
        until(lambda: len(sandbox.log.sends()) >= 2, "the first messages")
        sandbox.faults.unauthorized(provider="telegram")
        until(lambda: "telegram down" in connected.ok("health"), "health")
        shown = connected.ok("broadcast", "show", "1")
        as_json = json.loads(connected.ok("broadcast", "show", "1", "--json"))
    finally:
        process.terminate()
        _, logged = process.communicate(timeout=PATIENCE)
    assert "telegram waits: Telegram does not accept the bot (" in shown
    assert "send /token to @BotFather, set HARKARA_BOT_TOKEN" in shown
    assert "nothing is lost: what is queued leaves until" in shown
    assert "(UTC)" in shown
    assert as_json["waiting"][0] in shown
    assert "ERROR harkara.consequences sender down" in logged
    assert set(as_json["counts"]) - {"leased"} == {"accepted", "queued"}

    told = connected.refused("link", "create", "valley", status=2)
    assert "Telegram does not accept HARKARA_BOT_TOKEN" in told
    number = sandbox.bot_token.partition(":")[0]
    new = f"{number}:ANOTHER-token-of-the-same-bot-000002"
    sandbox.telegram._token = new
    sandbox.faults.clear()
    connected.write(bot_token=new)
    process = connected.process("run")
    try:
        until(
            lambda: "1: finished" in connected.ok("broadcast", "show", "1"),
            "the rest of the broadcast",
        )
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE)
    copies = [len(sandbox.log.copies_of("It rained all day.", each)) for each in groups]
    assert copies == [1] * len(groups)
    assert new not in logged
    assert sandbox.bot_token not in logged
