"""What is made of the facts, as tables: the level, and the words a person acts on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.checks.findings import Finding, Level, Reach, counted, in_order
from bot.checks.machine import (
    DatabaseFacts,
    FileFacts,
    judge_clock,
    judge_database,
    judge_file,
    judge_settings,
)
from bot.checks.telegram import (
    BotFacts,
    ChatFacts,
    Right,
    WebhookFacts,
    judge_bot,
    judge_rights,
    judge_webhook,
)
from bot.checks.whatsapp import (
    AccountFacts,
    AddressFacts,
    SenderFacts,
    TemplateFacts,
    judge_account,
    judge_address,
    judge_sender,
    judge_template,
    judge_windows,
)
from bot.ports import Windows
from tests.fakes import DAWN

PROBLEM, WARNING, NOTE, WELL = Level
ALLOWED = ("message", "callback_query")
OURS = "https://desk.example/telegram/webhook"


def levels(found: list[Finding]) -> list[Level]:
    for each in found:
        assert bool(each.mend) is (each.level in {PROBLEM, WARNING}), each
    return [each.level for each in found]


def test_the_gravest_come_first_and_otherwise_as_they_came():
    found = [Finding(level, "t", str(n)) for n, level in enumerate([*Level] * 2)]
    found = in_order(reversed(found))
    assert [each.level for each in found] == sorted([*Level] * 2, key=[*Level].index)
    assert [each.what for each in found] == ["4", "0", "5", "1", "6", "2", "7", "3"]


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 chats"), (1, "1 chat"), (1200, "1,200 chats")]
)
def test_numbers_and_their_nouns(number, said):
    assert counted(number, "chat") == said


# --- telegram ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reach", "words"),
    [
        (Reach.REFUSED, "does not accept HARKARA_BOT_TOKEN"),
        (Reach.UNREACHABLE, "cannot be reached (nobody answers)"),
        (Reach.ODD, "answers oddly (nobody answers)"),
    ],
)
def test_a_bot_that_is_not_answered(reach, words):
    found = judge_bot(BotFacts(reach=reach, why="nobody answers"))
    assert levels(found) == [PROBLEM]
    assert words in found[0].what


@pytest.mark.parametrize(
    ("joins", "reads", "expected"),
    [
        (True, False, [WELL]),
        (False, False, [WELL, WARNING]),
        (True, True, [WELL, NOTE]),
    ],
)
def test_a_bot_that_is(joins, reads, expected):
    facts = BotFacts(
        reach=Reach.ANSWERED,
        username="desk_bot",
        can_join_groups=joins,
        reads_everything=reads,
    )
    found = judge_bot(facts)
    assert levels(found) == expected
    assert "@desk_bot" in found[0].what


OTHER = "https://other.example:8443/secret/path"


@pytest.mark.parametrize(
    ("url", "wanted", "running", "level", "words"),
    [
        ("", "", True, WELL, "is polled"),
        ("", "", False, WELL, "is polled"),
        (OURS, OURS, True, WELL, "Telegram calls https://desk.example"),
        ("", OURS, True, PROBLEM, "has not been told"),
        ("", OURS, False, NOTE, "harkara run will tell"),
        (OTHER, "", True, PROBLEM, "calls https://other.example:8443 and is not"),
        (OTHER, "", False, WARNING, "calls https://other.example:8443 and is not"),
        (OTHER, OURS, True, PROBLEM, "instead of https://desk.example"),
        (OTHER, OURS, False, WARNING, "instead of https://desk.example"),
        ("http://[", "", False, WARNING, "another address"),
    ],
)
def test_how_updates_come(url, wanted, running, level, words):
    facts = WebhookFacts(url=url)
    found = judge_webhook(
        facts, wanted=wanted, allowed=ALLOWED, running=running, now=DAWN
    )
    assert levels(found) == [level]
    assert words in found[0].what
    assert "secret" not in str(found)


@pytest.mark.parametrize(
    ("facts", "running", "words"),
    [
        (
            {"error": "Connection refused", "error_at": DAWN},
            True,
            "“Connection refused”",
        ),
        ({"pending": 101}, False, "101 updates wait"),
        ({"allowed": ("message",)}, True, "not asked for callback_query"),
    ],
)
def test_trouble_with_the_webhook(facts, running, words):
    found = judge_webhook(
        WebhookFacts(url=OURS, **facts),
        wanted=OURS,
        allowed=ALLOWED,
        running=running,
        now=DAWN + timedelta(minutes=59),
    )
    assert levels(found) == [WELL, WARNING]
    assert words in found[1].what


@pytest.mark.parametrize(
    ("facts", "running"),
    [
        ({"error": "x", "error_at": DAWN - timedelta(minutes=2)}, True),  # long ago
        ({"pending": 100}, True),
        ({"allowed": ("message",)}, False),  # asked for when it starts
        ({"allowed": None}, True),
        ({"allowed": (*ALLOWED, "poll")}, True),
    ],
)
def test_no_trouble_with_the_webhook(facts, running):
    found = judge_webhook(
        WebhookFacts(url=OURS, **facts),
        wanted=OURS,
        allowed=ALLOWED,
        running=running,
        now=DAWN + timedelta(minutes=59),
    )
    assert levels(found) == [WELL]


def test_a_webhook_that_nobody_speaks_of():
    found = judge_webhook(None, wanted="", allowed=ALLOWED, running=True, now=DAWN)
    assert levels(found) == [WARNING]


@pytest.mark.parametrize(
    ("right", "suspended", "level", "words"),
    [
        (Right.MAY_SEND, False, WELL, "may write in 1 enrolled chat"),
        (Right.MUTED, False, PROBLEM, "may not write in “Traders”"),
        (Right.MUTED, True, WARNING, "“Traders”; its messages wait"),
        (Right.NOT_POSTING, False, PROBLEM, "may not post in “Traders”"),
        (Right.OUTSIDE, False, PROBLEM, "is not in “Traders”"),
        (Right.UNKNOWN, False, WARNING, "did not say"),
    ],
)
def test_rights(right, suspended, level, words):
    chat = ChatFacts(chat="-5", title="Traders", right=right, suspended=suspended)
    found = judge_rights([chat])
    assert levels(found) == [level]
    assert words in found[0].what


def test_a_chat_without_a_title_is_named_by_its_number_and_the_rest_is_counted():
    found = judge_rights(
        [ChatFacts(chat="-5", title="", right=Right.OUTSIDE)], left_out=7
    )
    assert levels(found) == [PROBLEM, NOTE]
    assert "“-5”" in found[0].what
    assert found[0].mend.endswith("harkara group remove -5")
    assert "7 more chats" in found[1].what
    assert judge_rights([]) == []


def test_a_title_cannot_write_on_the_terminal():
    title = "a\x1b[2Jb\u202e\nc"
    chat = ChatFacts(chat="-5", title=title, right=Right.MUTED)
    [found] = judge_rights([chat])
    assert not {"\x1b", "\u202e", "\n"} & set(found.what)


# --- whatsapp ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "expected", "words"),
    [
        ({"reach": Reach.REFUSED}, [PROBLEM], "does not accept"),
        ({"reach": Reach.UNREACHABLE, "why": "x"}, [PROBLEM], "cannot be reached (x)"),
        ({"reach": Reach.ODD, "why": "HTTP 503"}, [PROBLEM], "oddly (HTTP 503)"),
        ({"status": "suspended"}, [PROBLEM], "is suspended"),
        ({"status": "closed"}, [PROBLEM], "is closed"),
        ({"status": ""}, [PROBLEM], "no known state"),
        ({"status": "active"}, [WELL], "accepts"),
        ({"status": "active", "trial": True}, [WELL, WARNING], "accepts"),
    ],
)
def test_the_account(facts, expected, words):
    found = judge_account(AccountFacts(**{"reach": Reach.ANSWERED, **facts}))
    assert levels(found) == expected
    assert words in found[0].what


INBOUND = "https://desk.example/twilio/inbound"


@pytest.mark.parametrize(
    ("facts", "expected", "words"),
    [
        ({"reach": Reach.ODD}, [NOTE], "does not say"),
        ({}, [WARNING], "not among"),
        (
            {"listed": True, "status": "ONLINE", "inbound": INBOUND},
            [WELL, WELL],
            "is online",
        ),
        (
            {"listed": True, "status": "ONLINE:UPDATING", "inbound": INBOUND},
            [WELL, WELL],
            "is online",
        ),
        (
            {"listed": True, "status": "OFFLINE", "inbound": INBOUND},
            [PROBLEM, WELL],
            "is offline",
        ),
        ({"listed": True, "status": "ONLINE"}, [WELL, WARNING], "is online"),
        (
            {"listed": True, "status": "ONLINE", "inbound": "https://x.example/s3cret"},
            [WELL, WARNING],
            "is online",
        ),
    ],
)
def test_the_sender(facts, expected, words):
    found = judge_sender(
        SenderFacts(**{"reach": Reach.ANSWERED, **facts}), wanted=INBOUND
    )
    assert levels(found) == expected
    assert words in found[0].what
    assert "s3cret" not in str(found)
    if found[-1].level is WARNING and facts:
        assert INBOUND in found[-1].mend


ALL = frozenset("123")


@pytest.mark.parametrize(
    ("facts", "expected", "words"),
    [
        ({"reach": Reach.UNREACHABLE}, [WARNING], "did not say"),
        ({}, [PROBLEM], "no template HARKARA_CONTENT_SID"),
        ({"approval": "approved"}, [WELL], "is approved"),
        ({"approval": "pending"}, [WARNING], "is pending; until"),
        ({"approval": "received"}, [WARNING], "is received; until"),
        ({"approval": "unsubmitted"}, [PROBLEM], "is unsubmitted"),
        (
            {"approval": "rejected", "rejection": "too\nvague"},
            [PROBLEM],
            "rejected: “too vague”",
        ),
        ({"approval": "paused"}, [PROBLEM], "is paused"),
        ({"approval": "disabled"}, [PROBLEM], "is disabled"),
        ({"approval": ""}, [WARNING], "unknown approval"),
        ({"approval": "approved", "variables": frozenset("12")}, [WELL, PROBLEM], ""),
        ({"approval": "approved", "variables": frozenset("1234")}, [WELL, PROBLEM], ""),
    ],
)
def test_the_template(facts, expected, words):
    exists = "approval" in facts
    facts = {"reach": Reach.ANSWERED, "exists": exists, "variables": ALL, **facts}
    found = judge_template(TemplateFacts(**facts))
    assert levels(found) == expected
    assert words in found[0].what


def test_the_template_s_variables_are_named():
    facts = TemplateFacts(
        reach=Reach.ANSWERED,
        exists=True,
        approval="approved",
        variables=frozenset({"1", "name"}),
    )
    _, lacks, extra = judge_template(facts)
    assert "lacks {{2}}, {{3}}" in lacks.what
    assert "{{name}}" in extra.what


@pytest.mark.parametrize(
    ("is_open", "closed", "template", "level", "words"),
    [
        (0, 0, False, NOTE, "nobody"),
        (3, 0, False, WELL, "of 3 WhatsApp readers, 3 wrote within a day"),
        (1, 2, True, WELL, "2 get the template"),
        (1, 2, False, WARNING, "2 of 3 WhatsApp readers have not written"),
    ],
)
def test_windows(is_open, closed, template, level, words):
    found = judge_windows(Windows(open=is_open, closed=closed), template=template)
    assert levels(found) == [level]
    assert words in found[0].what


@pytest.mark.parametrize(
    ("facts", "https", "running", "expected", "words"),
    [
        ({"ours": True}, True, True, [WELL], "leads here"),
        ({"ours": True}, False, True, [WARNING, WELL], "not https"),
        ({}, True, False, [NOTE], "once harkara run is up"),
        ({"why": "HTTP 404"}, True, True, [WARNING], "something else: HTTP 404"),
        (
            {"reach": Reach.UNREACHABLE, "why": "nobody answers"},
            True,
            True,
            [WARNING],
            "there is nobody answers",
        ),
        (
            {"reach": Reach.UNREACHABLE, "bad_certificate": True},
            True,
            False,
            [PROBLEM],
            "certificate",
        ),
    ],
)
def test_our_own_address(facts, https, running, expected, words):
    found = judge_address(
        AddressFacts(**{"reach": Reach.ANSWERED, **facts}), https=https, running=running
    )
    assert levels(found) == expected
    assert words in found[0].what


# --- this machine -----------------------------------------------------------------


def test_settings_are_passed_on_with_their_mends():
    problem = "HARKARA_BOT_TOKEN is missing: send /newbot"
    assert judge_settings([problem]) == [Finding(PROBLEM, "settings", problem)]
    parted = judge_settings(["tokn is no setting; did you mean bot_token?"])
    assert parted == [
        Finding(PROBLEM, "settings", "tokn is no setting", "did you mean bot_token?")
    ]
    assert levels(judge_settings([])) == [WELL]


@pytest.mark.parametrize(
    ("mode", "secrets", "expected"),
    [
        (0o600, True, []),
        (0o400, True, []),
        (0o640, True, [WARNING]),
        (0o604, True, [WARNING]),
        (0o644, False, []),
    ],
)
def test_the_settings_file(mode, secrets, expected):
    found = judge_file(FileFacts(path="harkara.toml", mode=mode, secrets=secrets))
    assert levels(found) == expected
    assert all(each.mend == "chmod 600 harkara.toml" for each in found)


@pytest.mark.parametrize(
    ("seconds", "level", "words"),
    [
        (0, WELL, "agrees with Telegram and Twilio's"),
        (30, WELL, "agrees"),
        (31, WARNING, "31 s behind Telegram's"),
        (-120, WARNING, "2 min 0 s ahead of Telegram's"),
        (121, PROBLEM, "2 min 1 s behind"),
        (86_400, PROBLEM, "24 h 0 min behind Telegram's"),
        (-86_400, PROBLEM, "24 h 0 min ahead of"),
    ],
)
def test_the_clock(seconds, level, words):
    found = judge_clock(
        {"Telegram": timedelta(seconds=seconds), "Twilio": timedelta(0)}
    )
    assert levels(found) == [level]
    assert words in found[0].what
    assert judge_clock({}) == []


SOUND = DatabaseFacts(
    path="/d/harkara.db",
    free=5_000_000_000,
    revision="0002",
    revisions=("0001", "0002"),
)


@pytest.mark.parametrize(
    ("change", "expected", "words"),
    [
        ({}, [WELL, WELL], "harkara run is not up"),
        ({"running": True}, [WELL, WELL], "harkara run is working on it"),
        ({"exists": False}, [WELL, PROBLEM], "there is no database at /d/harkara.db"),
        ({"free": 999_999_999}, [WARNING, WELL], "1000.0 MB are free"),
        ({"free": 199_999_999}, [PROBLEM, WELL], "200.0 MB are free"),
        ({"free": None}, [WELL], "sound"),
        ({"mode": 0o644}, [WELL, WARNING, WELL], "others on this machine"),
        ({"problem": "it is damaged; put a backup"}, [WELL, PROBLEM], "it is damaged"),
        ({"revision": ""}, [WELL, PROBLEM], "no tables yet"),
        ({"revision": "0001"}, [WELL, PROBLEM], "revision 0001, not at 0002"),
        ({"revision": "0003"}, [WELL, PROBLEM], "newer than this program (0002)"),
        ({"damage": ("row 7 is missing",)}, [WELL, PROBLEM], "row 7 is missing"),
        ({"damage": None}, [WELL, NOTE, WELL], "too large"),
        ({"unwritable": "it may only be read; x"}, [WELL, PROBLEM], "only be read"),
        ({"log": 300_000_000}, [WELL, WARNING, WELL], "300.0 MB"),
    ],
)
def test_the_database(change, expected, words):
    found = judge_database(replace(SOUND, **change))
    assert levels(found) == expected
    assert any(words in each.what for each in found)
