"""Commands that call a provider, and how they end when it cannot be called."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import re

import pytest

from bot.domain.deliveries import State
from storage import SqliteDatabase

GROUP = ("group", "enrol", "valley", "-1001", "--evidence", "by telephone")


@pytest.fixture
def ready(connected):
    """Both providers, an audience with one reader and one group, an article."""
    connected.ok("audience", "create", "valley", "--title", "The Valley")
    connected.ok("audience", "create", "city")
    connected.ok(*GROUP, "--title", "Neighbours")
    connected.ok(
        *("reader", "import", "valley", "+923001234567"), "--evidence", "a form"
    )
    connected.ok("article", "add", "-", "--title", "Rain", stdin="It rained all day.")
    return connected


def test_an_invitation_is_shown_once_and_its_editor_listed(connected, sandbox):
    told = connected.ok("editor", "invite", "Meera")
    address = told.splitlines()[1]
    shape = rf"https://t\.me/{sandbox.bot_username}\?start=editor-[\w-]{{43}}"
    assert re.fullmatch(shape, address)
    assert "three days" in told
    assert "Meera" not in connected.ok("editor", "list"), "not before it is used"


def test_links(ready, sandbox):
    reader = ready.ok("link", "create", "valley", "--label", "under article 7")
    number, telegram, whatsapp = reader.splitlines()
    assert number == "link 1"
    start = re.escape(f"https://t.me/{sandbox.bot_username}?start=")
    assert re.fullmatch(start + r"[\w-]{43}", telegram)
    assert re.fullmatch(r"https://wa\.me/14155550100\?text=JOIN%20\w{8}", whatsapp)

    group = ready.ok("link", "create", "valley", "--for", "group").splitlines()
    assert "?startgroup=" in group[1]
    assert len(group) == 2, "a group has no WhatsApp address"
    channel = ready.ok("link", "create", "valley", "--for", "channel", "--hours", "2")
    assert "?start=" in channel
    ready.ok("link", "create", "valley", "--max-uses", "5")
    assert ready.ok("link", "revoke", "4") == "link 4 works no more\n"
    listed = [line.split() for line in ready.ok("link", "list").splitlines()[1:]]
    assert [each[0] for each in listed] == ["4", "3", "2", "1"]
    assert listed[0][1:] == ["valley", "reader", "0/5", "no"]
    assert listed[1][1:] == ["valley", "telegram_channel", "0/1", "yes"]
    assert listed[3][1:] == ["valley", "reader", "0", "yes", "under", "article", "7"]


def test_links_that_cannot_be(ready):
    assert "harkara audience list" in ready.refused("link", "create", "nowhere")
    for hours in ("0", "-1", "1e12"):
        ready.refused("link", "create", "valley", "--hours", hours, status=2)
    ready.refused("link", "create", "valley", "--max-uses", "0", status=2)
    ready.refused("link", "create", "valley", "--for", "friends", status=2)


def test_groups_and_editors_need_telegram(ready):
    for name in ("bot_token", "telegram_api"):
        ready.settings.pop(name)
    ready.write()
    assert "wa.me" in ready.ok("link", "create", "valley")
    for words in (("link", "create", "valley", "--for", "group"), ("editor", "invite")):
        extra = ("Meera",) if words[0] == "editor" else ()
        told = ready.refused(*words, *extra, status=2)
        assert "set HARKARA_BOT_TOKEN" in told


def test_a_broadcast_from_plan_to_stop(ready, sandbox):
    plan = ready.ok("broadcast", "plan", "--audience", "valley", "--lane", "breaking")
    assert "It rained all day." in plan
    assert "telegram 1/1" in plan
    assert "note: The story has no link" in plan
    assert "broadcast 1: 2 recipients, 2 messages." in plan
    assert "harkara broadcast confirm 1" in plan

    out, err = ready.process("broadcast", "confirm", "1").communicate(timeout=30)
    assert out == "broadcast 1 confirmed\n"
    assert err == "No Harkara is running here: `harkara run` sends it.\n"
    again = ready.ok("broadcast", "confirm", "1")
    assert again == "broadcast 1 was confirmed before; nothing changed\n"

    shown = json.loads(ready.ok("broadcast", "show", "1", "--json"))
    assert (shown["id"], shown["state"]) == (1, "running")
    assert shown["counts"] == {"queued": 2}
    assert {each["channel"] for each in shown["deliveries"]} == {"telegram", "whatsapp"}
    assert "running" in ready.ok("broadcast", "show", "1").splitlines()[0]

    stopped = ready.ok("broadcast", "stop", "1")
    assert stopped == "broadcast 1 stopped; 2 messages were not sent\n"
    assert "is cancelled" in ready.refused("broadcast", "stop", "1")
    assert "is cancelled" in ready.refused("broadcast", "resume", "1")
    report = ready.ok("broadcast", "show", "1")
    assert report.count("skipped") == 3
    assert "Neighbours" in report
    listed = ready.ok("broadcast", "list").splitlines()[1].split()
    assert listed[:5] == ["1", "cancelled", "breaking", "2", "0"]
    (first,) = json.loads(ready.ok("broadcast", "list", "--json"))
    assert first["counts"] == {"skipped": 2}
    assert not sandbox.log.sends()


def test_a_plan_that_cannot_be(ready):
    assert "nobody is enrolled in city" in ready.refused(
        "broadcast", "plan", "--audience", "city"
    )
    assert "there is no article 9" in ready.refused("broadcast", "plan", "9")
    assert "harkara audience list" in ready.refused(
        "broadcast", "plan", "--audience", "nowhere"
    )
    told = ready.refused("broadcast", "confirm", "1")
    assert "there is no broadcast 1" in told, "nothing was left of them"


def test_doubt_is_settled_by_decision(ready):
    ready.ok("broadcast", "plan", "--audience", "valley")
    ready.run("broadcast", "confirm", "1")

    async def crash() -> None:
        """Leave both calls without an answer."""
        path = ready.folder / "harkara.db"
        async with (
            await SqliteDatabase.open(path, exclusive=True) as database,
            database.transaction() as tx,
        ):
            from dataclasses import replace

            from bot.domain.broadcasts import BroadcastId

            lines = await tx.deliveries.report(BroadcastId(1))
            await tx.deliveries.save(
                [replace(line.delivery, state=State.DOUBTFUL) for line in lines], []
            )

    asyncio.run(crash())
    assert "doubtful" in ready.ok("broadcast", "show", "1")
    decide = ("broadcast", "decide", "1")
    assert ready.ok(*decide, "--sent", "--delivery", "1") == "1 delivery settled\n"
    again = ("--repeat", "--delivery", "2")
    assert ready.ok(*decide, *again) == "1 delivery settled\n"
    assert ready.ok(*decide, *again) == "0 deliveries settled\n"
    shown = json.loads(ready.ok("broadcast", "show", "1", "--json"))
    assert shown["counts"] == {"accepted": 1, "queued": 1}
    ready.refused(*decide, status=2)


def test_a_wrong_token_is_named_with_its_mend(ready, sandbox):
    ready.write(bot_token=f"{sandbox.bot_token}-not")
    told = ready.refused("link", "create", "valley", status=2)
    assert told == (
        "harkara: Telegram does not accept HARKARA_BOT_TOKEN: copy it again from "
        "@BotFather, or send /token there for a new one\n"
    )


def test_without_telegram_what_needs_it_says_so_and_the_rest_works(ready):
    ready.ok("broadcast", "plan", "--audience", "valley")
    ready.write(telegram_api="http://127.0.0.1:9")
    told = ready.refused("broadcast", "plan", status=2)
    assert told == (
        "harkara: Telegram cannot be reached; is this machine on the network?\n"
    )
    ready.ok("broadcast", "confirm", "1")
    assert "1 stopped" in ready.ok("broadcast", "stop", "1"), "whatever the network"
    ready.ok("audience", "list")
    ready.ok("link", "list")


def test_a_broadcast_is_undone_held_and_sent_again(ready, sandbox):
    ready.ok("broadcast", "plan", "--audience", "valley", "--expires", "2")
    confirmed = ready.ok("broadcast", "confirm", "1")
    assert confirmed.startswith("broadcast 1 confirmed; it goes out in 10 seconds")
    assert "harkara broadcast undo 1" in confirmed
    assert "waiting" in ready.ok("broadcast", "show", "1").splitlines()[0]
    assert (
        ready.ok("broadcast", "undo", "1") == "broadcast 1 undone; nothing was sent\n"
    )
    assert "cannot be undone" in ready.refused("broadcast", "undo", "1")

    ready.ok("broadcast", "plan", "--audience", "valley", "--lane", "breaking")
    assert ready.ok("broadcast", "confirm", "2") == "broadcast 2 confirmed\n"
    assert ready.ok("broadcast", "pause", "2") == "broadcast 2 paused\n"
    assert ready.ok("broadcast", "resume", "2") == "broadcast 2 goes on\n"
    assert "failed that could be mended" in ready.refused("broadcast", "retry", "2")

    told = ready.refused("broadcast", "plan", "--audience", "valley")
    assert "went to this audience before: broadcast 2" in told
    assert "--again" in told
    ready.ok("broadcast", "plan", "--audience", "valley", "--again", "--stars", "50")

    assert "wait for its end" in ready.refused("broadcast", "again", "2")
    ready.ok("broadcast", "stop", "2")
    planned = ready.ok("broadcast", "again", "2")
    assert "broadcast 4: 2 recipients, 2 messages." in planned
    assert not sandbox.log.sends()


def test_who_did_not_get_it_and_why_for_another_program(ready):
    ready.ok("broadcast", "plan", "--audience", "valley", "--lane", "breaking")
    ready.ok("broadcast", "confirm", "1")
    assert ready.ok("broadcast", "report", "1", "--not-reached").count("\n") == 1
    ready.ok("broadcast", "stop", "1")

    rows = list(csv.DictReader(io.StringIO(ready.ok("broadcast", "report", "1"))))
    assert [(row["state"], row["why"]) for row in rows] == [("skipped", "stopped")] * 2
    assert "Neighbours" in {row["title"] for row in rows}
    command = ("broadcast", "report", "1", "--not-reached", "--format", "json")
    found = json.loads(ready.ok(*command))
    assert [each["reason"] for each in found] == ["stopped", "stopped"]
    assert "+92" not in json.dumps(found), "a reader is a number of ours, never theirs"
    assert json.loads(ready.ok(*command)) == found
    assert "csv or json" in ready.refused("broadcast", "report", "1", "--format", "xml")
    assert "no broadcast 9" in ready.refused("broadcast", "report", "9")
