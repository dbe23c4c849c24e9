"""``harkara check`` before pretend providers: what a person reads, and the status."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import sqlite3
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.checks.findings import Level
from bot.cli.check import SIGNS, look
from bot.transports.http import Patience
from tests.fakes import FakeClock

PATIENCE = 30  # seconds
TEMPLATE = "HX00000000000000000000000000000001"


@pytest.fixture
def ready(connected, sandbox, free_port):
    """Everything as it should be."""
    address = f"http://127.0.0.1:{free_port}"
    sandbox.add_template(sid=TEMPLATE, body="News: {{1}} {{2}} {{3}} Bye.")
    sandbox.twilio.configure(inbound_url=f"{address}/twilio/inbound")
    connected.write(
        content_sid=TEMPLATE, public_url=address, listen=f"127.0.0.1:{free_port}"
    )
    connected.file.chmod(0o600)
    return connected


@pytest.fixture
def running(ready):
    """The application, up, and Telegram as it leaves it."""
    process = ready.process("run")
    assert "harkara.app up" in process.stderr.readline()
    yield process
    process.kill()
    process.communicate(timeout=PATIENCE)


def found(desk, *, status=0):
    """Return findings by level, and the whole text."""
    result = desk.run("check", "--json")
    assert result.exit_code == status, result.output
    report = json.loads(result.stdout)
    assert report["ok"] is (status == 0)
    by_level: dict[str, list[str]] = {level.value: [] for level in Level}
    for each in report["findings"]:
        by_level[each["level"]].append(f"{each['topic']}: {each['what']}")
        if each["topic"] != "settings":  # whose sentences hold their mends
            assert bool(each["mend"]) is (each["level"] in {"problem", "warning"})
    return by_level


@pytest.mark.parametrize("how", [(), ("--json",)], ids=["text", "json"])
def test_no_password_in_an_address_is_shown(ready, how):
    ready.write(public_url="https://desk:a-password@desk.example")
    result = ready.run("check", *how)

    assert result.exit_code == 1
    assert "HARKARA_PUBLIC_URL must hold no user" in " ".join(result.output.split())
    assert "a-password" not in result.output


def only(desk, level, *, status=0):
    """Return the one finding of that level."""
    (one,) = found(desk, status=status)[level]
    return one


def test_all_is_well_while_it_runs(ready, running):
    all_is = found(ready)
    assert all_is["problem"] == []
    assert all_is["warning"] == [
        "address: HARKARA_PUBLIC_URL is not https: what readers write travels openly"
    ]
    assert sorted(each.partition(":")[0] for each in all_is["well"]) == [
        *("address", "clock", "database", "disk", "settings", "telegram"),
        *("template", "webhook", "webhook", "whatsapp", "whatsapp"),
    ]
    assert running.poll() is None


def test_all_is_well_while_it_does_not_run_and_nothing_is_changed(ready, sandbox):
    def files():
        return {
            each.name: (each.stat().st_mtime_ns, each.stat().st_size)
            for each in ready.folder.iterdir()
        }

    before = files()
    all_is = found(ready)
    assert all_is["problem"] == []
    assert any("harkara run is not up" in each for each in all_is["well"])
    assert files() == before
    assert {record["method"] for record in sandbox.log.calls()} == {
        *("getMe", "getWebhookInfo", "Accounts.fetch", "Senders.list"),
        "Content.fetch",
    }


def test_what_a_person_reads(ready, sandbox):
    ready.write(bot_token=f"{sandbox.bot_token}-not")
    ready.file.chmod(0o644)
    result = ready.run("check")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "✗ telegram  Telegram does not accept HARKARA_BOT_TOKEN"
    assert lines[1].startswith("            → copy it again from @BotFather, or send")
    assert lines[2].startswith("! settings  others on this machine may open")
    assert lines[-1] == "1 problem, 2 warnings, 2 notes, 9 well."
    assert max(map(len, lines)) <= 88
    assert sandbox.bot_token not in result.output
    assert "\x1b" not in result.output


def test_every_mark_is_counted_and_explained(ready, sandbox):
    sandbox.world.privacy = False
    lines = ready.ok("check").splitlines()
    marks = [each[0] for each in lines[:-2] if each[0] != " "]
    page = (Path(__file__).parents[2] / "docs/how-to/bot-token.md").read_text("utf-8")
    explained = re.findall(r"\(`(.)`\)", page)
    assert set(marks) <= set(explained)
    assert explained == [sign for sign, _ in SIGNS.values()]
    many = [int(each) for each in re.findall(r"\d+", lines[-1])]
    assert many == [marks.count(each) for each in explained]
    assert many[2] > 0


def test_settings_that_cannot_work_are_all_told_and_the_rest_is_looked_at(ready):
    ready.write(concurrency="many", content_sid="AB1", colour="red")
    problems = found(ready, status=1)["problem"]
    assert len(problems) == 3
    assert all(each.startswith("settings: ") for each in problems)
    assert "telegram: the token is accepted" in str(found(ready, status=1)["well"])


def test_a_settings_file_that_is_none(bare):
    bare.file.write_text("[", encoding="utf-8")
    assert only(bare, "problem", status=1).startswith("settings: ")


def test_no_channel_at_all_is_one_problem_with_both_ways_out(desk, free_port):
    desk.write(listen=f"127.0.0.1:{free_port}")
    result = desk.run("check")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "✗ settings  no channel is set up"
    assert lines[1].lstrip().startswith("→ for Telegram ")
    mend = " ".join(result.stdout.partition("→")[2].partition("✓")[0].split())
    for name in ("BOT_TOKEN", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN"):
        assert f"HARKARA_{name}" in mend
    assert lines[-1].startswith("1 problem, ")


def test_an_address_that_another_program_has(ready, free_port):
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port))
        other.listen()
        assert only(ready, "problem", status=1) == (
            f"listen: HARKARA_LISTEN: 127.0.0.1:{free_port} cannot be opened "
            "(Address already in use)"
        )
    well = found(ready)["well"]
    assert any(each.startswith(f"listen: 127.0.0.1:{free_port} can") for each in well)


@pytest.mark.parametrize("host", ["", "0.0.0.0"])  # noqa: S104 - bound, never served
def test_an_address_that_is_free_in_every_spelling(ready, free_port, host):
    ready.write(listen=f"{host}:{free_port}")
    assert not [each for each in found(ready)["problem"] if "listen" in each]


def test_an_address_that_is_not_of_this_machine(ready, free_port):
    ready.write(listen=f"192.0.2.1:{free_port}")
    assert "listen: HARKARA_LISTEN: 192.0.2.1:" in only(ready, "problem", status=1)


def test_providers_that_cannot_be_reached(ready, sandbox):
    ready.write(telegram_api="http://127.0.0.1:9", twilio_api="http://127.0.0.1:9")
    problems = found(ready, status=1)["problem"]
    assert problems == [
        "telegram: Telegram cannot be reached (nobody answers)",
        "whatsapp: Twilio cannot be reached (nobody answers)",
    ]


def test_no_question_waits_for_long(ready, sandbox, monkeypatch):
    short = timedelta(seconds=0.3)
    patience = Patience(connect=short, read=short, total=short)
    monkeypatch.setattr("bot.transports.asking.PATIENCE", patience)
    sandbox.faults.hang(times=None)
    problems = found(ready, status=1)["problem"]
    assert problems == [
        "telegram: Telegram cannot be reached (no answer in time)",
        "whatsapp: Twilio cannot be reached (no answer in time)",
    ]


# --- Telegram ---------------------------------------------------------------------


def test_a_bot_that_may_not_join_and_reads_all(ready, sandbox):
    sandbox.world.joins_groups = False
    sandbox.world.privacy = False
    all_is = found(ready)
    assert "telegram: the bot may not be added to groups" in all_is["warning"]
    assert any("is shown everything" in each for each in all_is["note"])


def test_a_webhook_that_somebody_else_has_set(ready, sandbox):
    other = "http://127.0.0.1:9/s3cret"
    sandbox.world.updates.url = other
    sandbox.world.updates.last_error = (int(sandbox.clock()), "Connection refused")
    text = str(found(ready)["warning"])
    assert "Telegram calls http://127.0.0.1:9 and is not to be polled" in text
    assert "could not deliver lately: “Connection refused”" in text
    assert "s3cret" not in text


def test_a_webhook_taken_away_while_it_runs_by_webhook(ready, sandbox):
    ready.settings["telegram_webhook"] = True
    ready.write()
    assert any("will tell Telegram" in each for each in found(ready)["note"])
    process = ready.process("run")
    try:
        begun = process.stderr.readline() + process.stderr.readline()
        assert "harkara.app up" in begun
        assert "the webhook is set" in begun
        assert found(ready)["problem"] == []
        sandbox.world.updates.url = ""
        assert only(ready, "problem", status=1) == (
            "webhook: Telegram has not been told to call us"
        )
    finally:
        process.kill()
        process.communicate(timeout=PATIENCE)


def enrol(desk, chat, title, *more):
    evidence = ("--evidence", "by telephone")
    desk.ok("group", "enrol", "valley", chat, *evidence, "--title", title, *more)


def test_rights_in_every_enrolled_chat(ready, sandbox):
    world = sandbox.world
    keeper = world.person("Keeper")
    fine = world.group("Neighbours", [], [keeper], with_bot=True)
    muted = world.group("Traders", [], [keeper], with_bot=True)
    quiet = world.group("Elders", [], [keeper], with_bot=True)
    channel = world.channel("Headlines", [keeper])
    ready.ok("audience", "create", "valley")
    for chat in (fine, muted, quiet):
        enrol(ready, chat.id, chat.title)
    enrol(ready, channel.id, channel.title, "--channel")
    enrol(ready, "-4711", "Nowhere")
    quiet.muted = True
    asyncio.run(world.forbid_sending(muted))
    all_is = found(ready, status=1)
    assert sorted(all_is["problem"]) == [
        "rights: the bot is not in “Headlines”",
        "rights: the bot is not in “Nowhere”",
        "rights: the bot may not write in “Elders”",
        "rights: the bot may not write in “Traders”",
    ]
    assert "rights: the bot may write in 1 enrolled chat" in all_is["well"]


# --- WhatsApp ---------------------------------------------------------------------


def test_a_wrong_auth_token(ready):
    ready.write(twilio_auth_token="another")
    assert only(ready, "problem", status=1) == (
        "whatsapp: Twilio does not accept the account SID and auth token"
    )


@pytest.mark.parametrize("status", ["suspended", "closed"])
def test_an_account_that_is_not_active(ready, sandbox, status):
    sandbox.twilio.account_status = status
    told = only(ready, "problem", status=1)
    assert told == f"whatsapp: the Twilio account is {status}"


def test_a_trial_account_and_a_sender_that_waits(ready, sandbox):
    sandbox.twilio.account_type = "Trial"
    sandbox.twilio.sender_status = "PENDING_VERIFICATION"
    sandbox.twilio.configure(inbound_url="http://127.0.0.1:9/other")
    all_is = found(ready, status=1)
    assert all_is["problem"] == [
        "whatsapp: the WhatsApp sender is pending_verification"
    ]
    text = str(all_is["warning"])
    assert "trial account" in text
    assert "Twilio calls another address" in text


def test_a_number_that_is_no_sender(ready):
    ready.write(whatsapp_number="+14155550199")
    assert any("is not among" in each for each in found(ready)["warning"])


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("{{1}} {{2}} {{3}} x", "rejected", "the template is rejected: “too vague”"),
        ("{{1}} {{2}} {{3}} x", "paused", "the template is paused"),
        ("{{1}} {{2}} x", "approved", "the template lacks {{3}}"),
    ],
)
def test_a_template_that_cannot_serve(ready, sandbox, body, status, words):
    template = sandbox.add_template(sid=TEMPLATE, body=body, status=status)
    if status == "rejected":
        template.rejection = "too vague"
    assert words in only(ready, "problem", status=1)


def test_a_template_that_is_not_there(ready, sandbox):
    ready.write(content_sid="HX9")
    assert "there is no template" in only(ready, "problem", status=1)


def test_readers_whose_window_is_closed_without_a_template(ready):
    ready.ok("audience", "create", "valley")
    for place in range(3):
        number = f"+9230012345{place:02d}"
        ready.ok("reader", "import", "valley", number, "--evidence", "a form")
    with sqlite3.connect(ready.folder / "harkara.db") as file:
        hour_ago = (datetime.now(UTC) - timedelta(hours=1)).isoformat(" ")[:26]
        file.execute(
            "UPDATE recipient SET last_inbound_at = ? WHERE id = 1", (hour_ago,)
        )
    file.close()
    assert (
        "window: of 3 WhatsApp readers, 1 wrote within a day and get text, 2 get "
        in (str(found(ready)["well"]))
    )
    ready.settings.pop("content_sid")
    ready.write()
    assert any(
        "2 of 3 WhatsApp readers have not written" in each
        for each in found(ready)["warning"]
    )


def test_an_address_that_leads_elsewhere(ready, running, sandbox):
    ready.write(public_url=sandbox.page_url)
    assert any(
        "at HARKARA_PUBLIC_URL there is something else" in each
        for each in found(ready)["warning"]
    )


# --- this machine -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("behind", "level", "words"),
    [
        (timedelta(days=1), Level.PROBLEM, "the clock is 24 h 0 min behind"),
        (
            -timedelta(days=1, seconds=40),
            Level.PROBLEM,
            "the clock is 24 h 0 min ahead of",
        ),
        (timedelta(seconds=70), Level.WARNING, "behind"),
    ],
)
def test_a_clock_that_is_wrong_is_named(ready, sandbox, behind, level, words):
    """A clock set back a day, as its owner reads of it."""
    clock = FakeClock(datetime.now(UTC) - behind)
    found = asyncio.run(look(ready.file, clock=clock))
    (told,) = [each for each in found if each.topic == "clock"]
    assert told.level is level
    assert words in told.what
    assert "NTP" in told.mend


def test_without_a_database(connected):
    (connected.folder / "harkara.db").unlink()
    assert "there is no database at" in only(connected, "problem", status=1)


def test_a_damaged_database(ready):
    """Damage in the middle, which nobody meets until that page is read."""
    path = ready.folder / "harkara.db"
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 // 4096 * 4096
    content[middle : middle + 4096] = b"\xa5" * 4096
    path.write_bytes(content)
    assert "the database is damaged: " in only(ready, "problem", status=1)


def test_a_database_of_which_little_is_left(ready):
    path = ready.folder / "harkara.db"
    content = path.read_bytes()
    path.write_bytes(content[: 3 * 4096])
    assert "the database file is damaged" in only(ready, "problem", status=1)


def test_a_file_that_is_no_database(ready):
    (ready.folder / "harkara.db").write_bytes(b"a letter to nobody" * 100)
    assert "not a Harkara database" in only(ready, "problem", status=1)


def test_a_database_of_a_newer_version_and_rights_that_are_too_wide(ready):
    path = ready.folder / "harkara.db"
    path.chmod(0o644)
    with sqlite3.connect(path) as file:
        file.execute("UPDATE alembic_version SET version_num = '9999'")
    file.close()
    all_is = found(ready, status=1)
    assert "newer than this program" in all_is["problem"][0]
    assert any("numbers and messages" in each for each in all_is["warning"])


def test_a_key_that_is_lost_another_s_or_read_by_others(ready):
    key = ready.folder / "harkara.db.key"
    right = key.read_text()
    key.chmod(0o644)
    warned = found(ready)["warning"]
    assert any("others on this machine may read the key" in each for each in warned)
    key.write_text("A" * 43 + "=")
    key.chmod(0o600)
    assert "is not the key of" in only(ready, "problem", status=1)
    key.unlink()
    assert "without it no phone number can be read" in only(ready, "problem", status=1)
    assert not key.exists(), "check makes nothing"
    ready.write(encryption_key=right.strip())
    assert not found(ready)["problem"]


def test_a_database_that_somebody_keeps_locked(ready, monkeypatch):
    monkeypatch.setattr("storage.inspection.WAIT_FOR", 0.1)
    file = sqlite3.connect(ready.folder / "harkara.db", isolation_level=None)
    file.execute("BEGIN IMMEDIATE")
    try:
        told = only(ready, "problem", status=1)
    finally:
        file.close()
    assert "another program has kept the database locked" in told
