"""Every command that needs no provider: what it does, and what it refuses."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.cli.reports import why
from bot.domain.deliveries import BroadcastId, Delivery, DeliveryId, Failure, State
from bot.domain.errors import FailureKind
from bot.domain.recipients import AudienceId, Channel, Kind, RecipientId, SenderId
from bot.ports import DeliveryLine
from storage import revisions
from storage.sealing import new_key

NUMBER = "+923001234567"


def test_the_database_is_made_once_and_then_up_to_date(bare):
    made = bare.ok("database", "upgrade")
    assert f"new → {revisions()[-1]}" in made
    assert "harkara.db.key: a new key. Keep a copy" in made
    again = bare.ok("database", "upgrade")
    assert f"up to date ({revisions()[-1]})" in again
    assert "a new key" not in again
    assert (bare.folder / "harkara.db").stat().st_mode & 0o077 == 0


def test_the_key_may_be_a_setting_and_must_be_the_same_again(bare):
    bare.write(encryption_key=new_key())
    assert "a new key" not in bare.ok("database", "upgrade")
    assert not (bare.folder / "harkara.db.key").exists()
    bare.ok("audience", "create", "valley")
    bare.write(encryption_key=new_key())
    assert "is not the key of" in bare.refused("audience", "list")
    bare.write(encryption_key="", key_file=str(bare.folder / "lost"))
    assert "is not at" in bare.refused("audience", "list")


def test_without_a_database_the_mend_is_named(bare):
    assert "run harkara database upgrade" in bare.refused("audience", "list")


def test_audiences(desk):
    made = desk.ok("audience", "create", "Valley", "--title", "The Valley")
    assert made == "audience valley: The Valley\n"
    desk.ok("audience", "create", "urdu_news-1", "--language", "ur")
    lines = desk.ok("audience", "list").splitlines()
    assert lines[0].split() == ["NAME", "TITLE", "LANGUAGE", "ENROLLED"]
    assert [line.split()[0] for line in lines[1:]] == ["urdu_news-1", "valley"]
    assert lines[2].split() == ["valley", "The", "Valley", "en", "0"]


@pytest.mark.parametrize("name", ["two words", "", "news!", "a/b", "ab\n"])
def test_a_bad_name_is_refused_with_the_rule(desk, name):
    told = desk.refused("audience", "create", name)
    assert "use letters, digits, - and _ only" in told
    assert told.count("\n") == 1


def test_a_taken_name_is_refused_whatever_its_case(desk):
    desk.ok("audience", "create", "valley")
    assert "there is an audience named" in desk.refused("audience", "create", "VALLEY")


def test_groups_by_hand(desk):
    desk.ok("audience", "create", "valley")
    chat = ("valley", "-1001234567890", "--evidence", "Tariq asked by telephone")
    first = desk.ok("group", "enrol", *chat, "--title", "Neighbours")
    assert first == "group 1 enrolled in valley\n"
    assert desk.ok("group", "enrol", *chat) == "group 1 already in valley\n"
    channel = ("valley", "-1009", "--channel", "--evidence", "letter of 2 November")
    desk.ok("group", "enrol", *channel, "--title", "Headlines")
    listed = desk.ok("group", "list", "valley")
    assert [line.split() for line in listed.splitlines()] == [
        ["ID", "KIND", "STANDING", "TITLE"],
        ["1", "group", "active", "Neighbours"],
        ["2", "telegram_channel", "active", "Headlines"],
    ]
    assert desk.ok("group", "remove", "-1001234567890") == "taken out of: valley\n"
    assert "none" in desk.ok("group", "remove", "-1001234567890")
    assert "Neighbours" not in desk.ok("group", "list", "valley")


def test_a_group_s_title_keeps_to_its_line(desk):
    desk.ok("audience", "create", "valley")
    chat = ("valley", "-1009", "--evidence", "letter of 2 November")
    desk.ok("group", "enrol", *chat, "--title", "One\nTwo\u202e\x1b[2J three")
    listed = desk.ok("group", "list", "valley")
    assert listed.splitlines()[1].endswith("active    One Two[2J three")
    assert len(listed.splitlines()) == 2


def test_a_failure_is_shown_with_the_provider_s_code():
    failed = Delivery(
        id=DeliveryId(1),
        broadcast=BroadcastId(1),
        audience=AudienceId(1),
        recipient=RecipientId(1),
        sender=SenderId(1),
        part=1,
        state=State.FAILED,
        due_at=datetime(2026, 11, 22, tzinfo=UTC),
        failure=Failure(kind=FailureKind.CAPPED, code="63049"),
    )
    line = DeliveryLine(
        delivery=failed,
        title="",
        kind=Kind.READER,
        channel=Channel.WHATSAPP,
        provider_id="",
    )
    assert why(line) == "capped (63049)"
    assert why(replace(line, delivery=replace(failed, failure=None, reason="x"))) == "x"


def test_a_group_needs_a_negative_id_a_known_audience_and_evidence(desk):
    enrol = ("group", "enrol")
    told = desk.refused(*enrol, "valley", "42", "--evidence", "yes")
    assert "a group's id is negative" in told
    told = desk.refused(*enrol, "nowhere", "-42", "--evidence", "yes")
    assert "harkara audience list shows all" in told
    desk.ok("audience", "create", "valley")
    told = desk.refused(*enrol, "valley", "-42", "--evidence", "  ")
    assert "consent without evidence is none" in told
    desk.refused(*enrol, "valley", "-42", status=2)


def test_readers_are_imported_with_evidence_counted_and_removed(desk):
    desk.ok("audience", "create", "valley")
    evidence = ("--evidence", "ticked 'news by WhatsApp', form of 2 November")
    first = desk.ok("reader", "import", "valley", f" {NUMBER} ", *evidence)
    assert first == "reader 1 enrolled in valley\n"
    assert "already in" in desk.ok("reader", "import", "valley", NUMBER, *evidence)
    count = desk.ok("reader", "count", "valley")
    assert count.splitlines()[1].split() == ["whatsapp", "active", "1"]
    assert NUMBER not in count
    assert desk.ok("reader", "remove", NUMBER) == "taken out of: valley\n"
    assert "none" in desk.ok("reader", "remove", NUMBER)
    assert len(desk.ok("reader", "count", "valley").splitlines()) == 1


@pytest.mark.parametrize(
    "number", ["03001234567", "+92 300 1234567", "923001234567", "+0123456789", "x"]
)
def test_a_number_that_cannot_be_one_is_refused_with_an_example(desk, number):
    desk.ok("audience", "create", "valley")
    told = desk.refused("reader", "import", "valley", number, "--evidence", "form")
    assert "country code" in told
    assert "as +923001234567" in told


def test_consent_without_evidence_is_none(desk):
    desk.ok("audience", "create", "valley")
    told = desk.refused("reader", "import", "valley", NUMBER, "--evidence", "")
    assert "consent without evidence is none" in told
    desk.refused("reader", "import", "valley", NUMBER, status=2)


def test_articles(desk):
    (desk.folder / "story.txt").write_text("It rained.\nAll day.", encoding="utf-8")
    added = desk.ok("article", "add", "story.txt", "--link", "https://x.example/1")
    assert added == "article 1, version 1\n"
    again = desk.ok("article", "add", "story.txt", "--link", "https://x.example/1")
    assert again == "article 1, version 1\n"
    edited = desk.ok(
        "article", "add", "-", "--link", "https://x.example/1", stdin="It snowed."
    )
    assert edited == "article 1, version 2\n"
    desk.ok("article", "add", "-", "--title", "بارش", stdin="بارش ہوئی۔")
    lines = desk.ok("article", "list").splitlines()
    assert [line.split()[:2] for line in lines[1:]] == [["2", "1"], ["1", "2"]]
    assert lines[1].endswith("بارش")
    assert lines[2].endswith("It snowed.")
    assert len(desk.ok("article", "list", "--limit", "1").splitlines()) == 2
    assert "harkara: there is no file nowhere.txt" in desk.refused(
        "article", "add", "nowhere.txt", status=2
    )


def test_lists_of_nothing_are_their_headings(desk):
    for noun in ("audience", "editor", "link", "article", "broadcast"):
        assert len(desk.ok(noun, "list").splitlines()) == 1
    assert len(desk.ok("broadcast", "show").splitlines()) == 1
    assert json.loads(desk.ok("broadcast", "list", "--json")) == []
    assert json.loads(desk.ok("broadcast", "show", "--json")) == []


@pytest.mark.parametrize("verb", ["confirm", "show", "stop", "resume", "decide"])
def test_a_broadcast_that_is_not_there(desk, verb):
    extra = ("--sent",) if verb == "decide" else ()
    told = desk.refused("broadcast", verb, "99", *extra)
    assert told == (
        "harkara: there is no broadcast 99; harkara broadcast list shows the newest\n"
    )


@pytest.mark.parametrize(
    "words",
    [
        ("broadcast", "show"),
        ("broadcast", "stop"),
        ("link", "revoke"),
        ("broadcast", "plan"),
    ],
)
def test_a_number_beyond_all_numbers_is_a_mistake_and_no_crash(desk, words):
    told = desk.refused(*words, "99999999999999999999", status=2)
    assert "9223372036854775807" in told


def test_a_link_that_is_not_there(desk):
    told = desk.refused("link", "revoke", "99")
    assert "there is no join link 99; harkara link list shows all" in told


def test_what_needs_a_provider_says_which_setting_is_missing(desk):
    for words in (
        ("link", "create", "valley"),
        ("editor", "invite", "Meera"),
        ("broadcast", "plan"),
    ):
        told = desk.refused(*words, status=2)
        assert "no channel is set up; for Telegram open @BotFather" in told
        assert "HARKARA_TWILIO_ACCOUNT_SID" in told


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ("group", "enrol", "valley", "abc", "--evidence", "x"),
            "must be a whole number: Telegram's id of the chat, as -1001234.",
        ),
        (("link", "create", "valley", "--max-uses", "two"), "must be a whole number"),
        (("link", "create", "valley", "--max-uses", "0"), "must be 1 or more"),
        (("link", "create", "valley", "--hours", "day"), "must be a number"),
        (("article", "list", "--limit", "1001"), "must be 1000 or less"),
        (
            ("format", "x", "--channel", "signal"),
            "'signal' is not one of 'telegram', 'whatsapp', 'plain'.",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_in_plain_words(bare, words, told):
    said = " ".join(bare.refused(*words, status=2).replace("│", " ").split())
    assert told in said
    if words[0] != "group":
        assert f"Invalid value for '{words[-2]}': {told}" in said
    assert "Input should" not in said


@pytest.mark.parametrize(
    "words",
    [
        ("audience", "create", "valley"),
        ("article", "add", "-"),
        ("reader", "import", "valley", NUMBER, "--evidence", "a letter"),
        ("format", "-"),
    ],
)
def test_a_language_that_is_none(desk, words):
    told = desk.refused(*words, "--language", "xx", status=2)
    assert "xx is no language; write it as BCP 47 does: en, ur, ks" in told
    told = desk.refused(*words, "--language", "Urdu", status=2)
    assert "Urdu is no language; did you mean ur?" in told
    assert len(desk.ok("audience", "list").splitlines()) == 1


def test_an_audience_in_a_language_that_we_do_not_speak(desk):
    made = desk.run("audience", "create", "valley", "--language", "ks")
    assert made.exit_code == 0
    assert made.stderr == (
        "note: what Harkara itself says is English there: it has no ks, only en, ar, "
        "hi, ur\n"
    )
    assert not desk.run("audience", "create", "city", "--language", "ur-PK").stderr


def test_a_lane_that_is_none(desk):
    told = desk.refused("broadcast", "plan", "--lane", "fast")
    assert "write breaking, regular or round-up" in told


def test_the_settings_file_can_be_named(desk, monkeypatch):
    desk.file.rename(desk.folder / "mine.toml")
    desk.ok("audience", "create", "valley", "--config", "mine.toml")
    monkeypatch.setenv("HARKARA_CONFIG", "mine.toml")
    assert "valley" in desk.ok("audience", "list")


def test_whoever_asks_is_forgotten(desk):
    desk.ok("audience", "create", "valley")
    desk.ok("reader", "import", "valley", NUMBER, "--evidence", "a letter")
    assert desk.ok("reader", "forget", NUMBER) == "forgotten\n"
    for address in (NUMBER, "123456"):
        told = desk.ok("reader", "forget", address)
        assert "nobody is known there" in told
        assert "nobody else can enrol them" in told
    told = desk.refused("reader", "import", "valley", NUMBER, "--evidence", "again")
    assert "asked to be forgotten" in told
    assert "country code" in desk.refused("reader", "forget", "0300 1234", status=2)


def test_a_number_may_be_written_in_other_digits(desk):
    desk.ok("audience", "create", "valley")
    letter = ("--evidence", "a letter")
    desk.ok("reader", "import", "valley", "+٩٢٣٠٠١١١٢٢٢٣", *letter)
    told = desk.ok("reader", "import", "valley", "+923001112223", *letter)
    assert "already in" in told
    assert "valley" in desk.ok("reader", "remove", "+९२३००१११२२२३")
    assert desk.ok("reader", "forget", "+۹۲۳۰۰۱۱۱۲۲۲۳") == "forgotten\n"
    assert "nobody" in desk.ok("reader", "forget", "٥٥٥٠٠٠١١١٢")
    desk.refused("reader", "import", "valley", "+923001112223", *letter)
