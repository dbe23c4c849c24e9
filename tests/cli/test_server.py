"""The command line before a PostgreSQL server, as its page goes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import psycopg
import pytest

from storage import revisions
from tests.postgres import PASSWORD, USER

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cli.conftest import Desk
    from tests.postgres import Cluster


@pytest.fixture
def url(blank_url: str, bare: Desk, capfd: pytest.CaptureFixture[str]) -> Iterator[str]:
    """An address whose password nobody gets to read."""
    yield blank_url
    told = capfd.readouterr()
    assert PASSWORD not in told.out + told.err


def test_a_server_s_tables_are_made_once_and_then_up_to_date(bare: Desk, url: str):
    bare.write(database=url)
    made = bare.ok("database", "upgrade")
    assert f": new → {revisions()[-1]}" in made
    assert "harkara.db.key: a new key" in made
    assert PASSWORD not in made
    assert f"up to date ({revisions()[-1]})" in bare.ok("database", "upgrade")
    bare.ok("audience", "create", "valley")
    assert "valley" in bare.ok("audience", "list")


def test_a_newsroom_is_moved_as_its_page_says(
    desk: Desk, url: str, monkeypatch: pytest.MonkeyPatch
):
    desk.ok("audience", "create", "valley")
    desk.ok("reader", "import", "valley", "+923001234567", "--evidence", "a form")
    monkeypatch.setenv("HARKARA_MOVE_TO", url)

    moved = desk.ok("database", "move")
    again = desk.ok("database", "move")

    rows = dict(line.split()[:2] for line in moved.splitlines())
    assert (rows["recipient"], rows["audience"], rows["reply"]) == ("1", "1", "0")
    assert "is there now, row for row: test_" in moved
    assert "was there already: test_" in again
    assert "HARKARA_KEY_FILE" not in moved, "it is where it is looked for"
    assert PASSWORD not in moved + again
    desk.write(database=url)
    assert "valley" in desk.ok("audience", "list")
    assert "names a server" in desk.refused("database", "move", status=2)


def test_where_the_key_must_be_named_it_is_said(desk: Desk, url: str):
    place = desk.folder / "rooms" / "harkara.db"
    place.parent.mkdir()
    desk.write(database=str(place))
    desk.ok("database", "upgrade")
    assert f"Set HARKARA_KEY_FILE to {place}.key" in desk.ok(
        "database", "move", "--to", url
    )


def test_what_is_no_server_s_address_is_refused_and_not_repeated(desk: Desk):
    told = desk.refused(
        "database", "move", "--to", "mysql://desk:s3cret@host/news", status=2
    )
    assert "--to must be an address like postgresql://" in told
    assert "s3cret" not in told


def found(desk: Desk, level: str, topic: str = "database") -> str:
    """What `harkara check` finds there, whatever else it finds."""
    report = json.loads(desk.run("check", "--json").stdout)
    return "\n".join(
        f"{each['what']}; {each['mend']}"
        for each in report["findings"]
        if (each["level"], each["topic"]) == (level, topic)
    )


def test_the_check_looks_at_the_server(connected: Desk, url: str, postgres: Cluster):
    connected.write(database=url)
    assert "has no tables yet" in found(connected, "problem")
    connected.ok("database", "upgrade")
    connected.ok("audience", "create", "valley")
    assert not found(connected, "problem")
    warned = found(connected, "warning")
    assert "fsync and synchronous_commit and full_page_writes" in warned
    assert "power cut" in warned

    connected.write(database=url.replace(PASSWORD, "wr0ng"))
    told = found(connected, "problem")
    assert "does not accept the password" in told
    assert "wr0ng" not in told

    connected.write(database=url)
    (connected.folder / "harkara.db.key").rename(connected.folder / "elsewhere")
    assert "is not at harkara.db.key" in found(connected, "problem")
    (connected.folder / "elsewhere").rename(connected.folder / "harkara.db.key")
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"ALTER ROLE {USER} SET default_transaction_read_only = on")
        try:
            assert "may only be read" in found(connected, "problem")
        finally:
            admin.execute("SET default_transaction_read_only = off")
            admin.execute(f"ALTER ROLE {USER} RESET default_transaction_read_only")


def test_a_password_in_the_settings_file_is_a_secret_as_well(connected: Desk, url: str):
    connected.settings = {"database": url}
    connected.write()
    connected.file.chmod(0o644)
    assert "tokens stand in it" in found(connected, "warning", "settings")
