"""Settings: read from two places, and every problem reported in one run."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.config import Settings, load
from bot.domain.errors import ConfigError
from bot.domain.servers import EXAMPLE
from bot.wanted import UNKNOWN, wanted

TOKEN = "123456:ABC-never-to-be-seen-anywhere"
WHATSAPP = {
    "HARKARA_TWILIO_ACCOUNT_SID": "AC1",
    "HARKARA_TWILIO_AUTH_TOKEN": "another-secret",
    "HARKARA_WHATSAPP_NUMBER": "+14155550100",
    "HARKARA_PUBLIC_URL": "https://desk.example",
}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "harkara.toml"


def problems(file, environ=None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(file, environ or {})
    return str(caught.value).splitlines()


def test_the_environment_wins_over_the_file_and_an_empty_variable_is_none(file):
    file.write_text(
        f'bot_token = "{TOKEN}"\nconcurrency = 3\naudiences = ["a", "b"]\n'
        'listen = "0.0.0.0:80"\n'
    )
    settings = load(
        file,
        {
            "HARKARA_CONCURRENCY": "5",
            "HARKARA_LISTEN": "",
            "HARKARA_OWN": "example.com, @news",
            "CONCURRENCY": "9",
        },
    )
    assert settings.bot_token.get_secret_value() == TOKEN
    assert settings.concurrency == 5
    assert settings.listen_address == ("0.0.0.0", 80)  # noqa: S104 - nothing listens
    assert settings.audiences == ("a", "b")
    assert settings.own == ("example.com", "@news")
    assert (settings.telegram, settings.whatsapp) == (True, False)


def test_without_a_file_the_environment_is_enough(file):
    settings = load(file, WHATSAPP)
    assert (settings.telegram, settings.whatsapp) == (False, True)


def test_no_channel_at_all_is_told_with_both_ways_out(file):
    (told,) = problems(file)
    assert told.startswith("no channel is set up; ")
    assert re.findall(r"HARKARA_\w+", told) == [
        *("HARKARA_BOT_TOKEN", "HARKARA_TWILIO_ACCOUNT_SID"),
        "HARKARA_TWILIO_AUTH_TOKEN",
    ]
    assert load(file, {}, channels=False).database == Path("harkara.db")


def test_all_problems_are_told_together_each_under_its_name(file):
    file.write_text('concurrency = 0\nwhen_in_doubt = "guess"\ncolour = "red"\n')
    told = problems(
        file,
        {
            "HARKARA_BOT_TOKEN": "nonsense",
            "HARKARA_WHATSAPP_NUMBER": "0300 1234567",
            "HARKARA_TELEGRAM_API": "ftp://x",
            "HARKARA_LISTEN": "nowhere",
            "HARKARA_KEEP_HOURS": "-1",
            "HARKARA_CONTENT_SID": "AB1",
        },
    )
    assert {each.split()[0].rstrip(":") for each in told} == {
        "HARKARA_CONCURRENCY",
        "HARKARA_WHEN_IN_DOUBT",
        "colour",
        "HARKARA_BOT_TOKEN",
        "HARKARA_WHATSAPP_NUMBER",
        "HARKARA_TWILIO_ACCOUNT_SID",
        "HARKARA_TWILIO_AUTH_TOKEN",
        "HARKARA_PUBLIC_URL",
        "HARKARA_TELEGRAM_API",
        "HARKARA_LISTEN",
        "HARKARA_KEEP_HOURS",
        "HARKARA_CONTENT_SID",
    }


@pytest.mark.parametrize("missing", WHATSAPP)
def test_each_missing_part_of_whatsapp_is_named(file, missing):
    (told,) = problems(file, {k: v for k, v in WHATSAPP.items() if k != missing})
    assert told.startswith(f"{missing} is missing: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HARKARA_WHATSAPP_NUMBER", "14155550100"),
        ("HARKARA_WHATSAPP_NUMBER", "+1 415 555 0100"),
        ("HARKARA_PUBLIC_URL", "desk.example"),
        ("HARKARA_LISTEN", "127.0.0.1:70000"),
        ("HARKARA_LISTEN", "127.0.0.1:"),
    ],
)
def test_a_value_that_cannot_work_is_told_before_anything_starts(file, name, value):
    (told,) = problems(file, {**WHATSAPP, name: value})
    assert told.startswith(name)


WEBHOOK = {
    "HARKARA_BOT_TOKEN": TOKEN,
    "HARKARA_TELEGRAM_WEBHOOK": "true",
    "HARKARA_PUBLIC_URL": "https://desk.example",
}


def test_a_webhook_for_telegram_asks_for_nothing_of_twilio_s(file):
    settings = load(file, WEBHOOK)
    assert (settings.telegram, settings.whatsapp) == (True, False)
    assert settings.telegram_webhook
    assert not load(file, {"HARKARA_BOT_TOKEN": TOKEN}).telegram_webhook


@pytest.mark.parametrize("missing", ["HARKARA_BOT_TOKEN", "HARKARA_PUBLIC_URL"])
def test_what_a_webhook_for_telegram_lacks_is_named(file, missing):
    (told,) = problems(file, {k: v for k, v in WEBHOOK.items() if k != missing})
    assert told.startswith(f"{missing} is missing: ")


def test_an_address_that_both_providers_lack_is_named_once(file):
    given = {**WHATSAPP, **WEBHOOK, "HARKARA_PUBLIC_URL": ""}
    (told,) = problems(file, given)
    assert told.startswith("HARKARA_PUBLIC_URL is missing: ")
    assert told.endswith("Twilio and Telegram")


@pytest.mark.parametrize(
    "url",
    [
        "http://desk.example",
        "https://desk.example:8080",
        "https://desk.example:port",
        "https://[desk.example",
        "desk.example",
    ],
)
def test_an_address_that_telegram_would_not_call_is_told(file, url):
    (told,) = problems(file, {**WEBHOOK, "HARKARA_PUBLIC_URL": url})
    assert told.startswith("HARKARA_PUBLIC_URL must be ")


@pytest.mark.parametrize("given", [WHATSAPP, WEBHOOK], ids=["whatsapp", "telegram"])
@pytest.mark.parametrize("user", ["desk:a-password", "a-password", "a-password:", ""])
def test_an_address_holds_no_password_for_it_is_shown(file, given, user):
    url = f"https://{user}@desk.example"
    (told,) = problems(file, {**given, "HARKARA_PUBLIC_URL": url})
    assert told.startswith("HARKARA_PUBLIC_URL must hold no user and no password")
    assert "a-password" not in told


def test_a_sandbox_may_call_any_address(file):
    settings = load(
        file,
        {
            **WEBHOOK,
            "HARKARA_PUBLIC_URL": "http://127.0.0.1:8080",
            "HARKARA_TELEGRAM_API": "http://127.0.0.1:8081",
        },
    )
    assert settings.telegram_webhook


def test_a_key_that_is_none_of_ours_is_told_with_the_nearest(file):
    file.write_text(f'bot_tokn = "{TOKEN}"\n')
    told = problems(file)
    assert told[0] == "bot_tokn is no setting; did you mean bot_token?"
    file.write_text('zzz = "1"\n')
    (only,) = problems(file, WHATSAPP)
    assert only.startswith("zzz is no setting; there are bot_token, ")


def test_a_file_that_cannot_be_read_is_named(file, tmp_path):
    file.write_text("bot_token = \n")
    (told,) = problems(file)
    assert told.startswith(f"{file} cannot be read: ")
    (told,) = problems(tmp_path)
    assert (
        told == f"{tmp_path} cannot be read (Is a directory); check its name and rights"
    )


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("bot_token = 123456:ABC-secret\n", "line 1"),
        ('log = "info"\nhunter2-secret\n', "line 2"),
        ('log = "secret\n', "line 1"),
        ("own = [", "the last line"),
    ],
)
def test_a_line_that_is_not_understood_is_named_with_what_one_looks_like(
    file, content, line
):
    file.write_text(content)
    (told,) = problems(file)
    assert told == (
        f"{file} cannot be read: {line} is not understood; a line is written as name = "
        '"value", where a number, true and false stand without quotes'
    )


def test_a_name_that_stands_twice_is_told_with_its_line(file):
    file.write_text('log = "info"\ntimeout = 3\nlog = "debug"\n')
    (told,) = problems(file)
    assert told.endswith("line 3 sets a name for the second time; keep one of the two")


def test_a_file_in_another_encoding(file):
    file.write_bytes('contact = "Jos\xe9"'.encode("latin-1"))
    assert problems(file) == [f"{file} is not UTF-8 text; save it as UTF-8"]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ('concurrency = "many"', "CONCURRENCY must be a whole number"),
        ("concurrency = 2.5", "CONCURRENCY must be a whole number"),
        ("concurrency = 0", "CONCURRENCY must be 1 or more"),
        ("concurrency = 501", "CONCURRENCY must be 500 or less"),
        ('keep_hours = "long"', "KEEP_HOURS must be a number"),
        ("keep_hours = 0", "KEEP_HOURS must be more than 0"),
        ("keep_hours = 241", "KEEP_HOURS must be 240 or less"),
        ('telegram_webhook = "maybe"', "TELEGRAM_WEBHOOK must be true or false"),
        ('when_in_doubt = "guess"', "WHEN_IN_DOUBT must be 'ask' or 'repeat'"),
        ("timezone = 5", 'TIMEZONE must be text in quotes: "…"'),
        ("database = 5", 'DATABASE must be text in quotes: "…"'),
        (
            'database = "postgresql://desk:pa#ss@host/news"',
            (
                f"DATABASE must be a file, or an address like {EXAMPLE} with every "
                "special character of the password written as %40"
            ),
        ),
        ("own = 5", 'OWN must be a list of texts: ["…", "…"]'),
        ("own = [5, 6]", 'OWN must be a list of texts: ["…", "…"]'),
    ],
)
def test_a_value_of_another_kind_is_told_in_plain_words(file, line, told):
    file.write_text(line)
    assert problems(file, WHATSAPP) == [f"HARKARA_{told}"]


ODD = ("many", -1, 10**30, 2.5, float("nan"), True, None, [5], {"a": 1}, object())


@pytest.mark.parametrize("name", Settings.model_fields)
def test_of_no_setting_do_the_library_s_own_words_reach_a_person(name):
    said = []
    for odd in (*ODD, "x" * 1000, date(2026, 1, 1)):
        try:
            Settings.model_validate({name: odd})
        except ValidationError as error:
            said += [wanted(each) for each in error.errors()]
    assert said
    assert UNKNOWN not in said


def test_secrets_are_shown_by_nothing(file):
    settings = load(file, {"HARKARA_BOT_TOKEN": TOKEN, **WHATSAPP})
    shown = f"{settings!r} {settings} {settings.model_dump()}"
    shown += settings.model_dump_json()
    for secret in (TOKEN, "another-secret"):
        assert secret not in shown
    told = problems(file, {"HARKARA_BOT_TOKEN": "123:short-secret"})
    assert "short-secret" not in " ".join(told)
    file.write_text("bot_token = 12345678\n")
    assert "12345678" not in " ".join(problems(file))


def test_every_setting_is_described():
    for name, field in Settings.model_fields.items():
        assert field.description, name


def test_the_key_is_given_in_one_way_only_and_must_be_one(file):
    key = "A" * 43 + "="
    assert load(file, {"HARKARA_ENCRYPTION_KEY": key, **WHATSAPP}).key_path is None
    named = load(file, {"HARKARA_KEY_FILE": "/run/secrets/key", **WHATSAPP})
    assert str(named.key_path) == "/run/secrets/key"
    both = {"HARKARA_ENCRYPTION_KEY": key, "HARKARA_KEY_FILE": "/run/secrets/key"}
    [told] = problems(file, {**both, **WHATSAPP})
    assert told.endswith("set one of the two")
    [told] = problems(file, {"HARKARA_ENCRYPTION_KEY": "hunter2", **WHATSAPP})
    assert "is no key: make one with" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("Asia/Karachee", "did you mean Asia/Karachi?"),
        ("asia/karachi", "did you mean Asia/Karachi?"),
        ("Karachi", "did you mean Asia/Karachi?"),
        ("new delhi", "write it as Asia/Karachi"),
        ("new york", "did you mean America/New_York?"),
        ("../UTC", "did you mean"),
        ("Asia", "did you mean"),
        ("\x00", "write it as Asia/Karachi"),
    ],
)
def test_a_time_zone_that_is_none_is_told_with_the_nearest(file, wrong, near):
    (told,) = problems(file, {**WHATSAPP, "HARKARA_TIMEZONE": wrong})
    assert told.startswith(f"HARKARA_TIMEZONE: {wrong!r} is no time zone; ")
    assert near in told
    settings = load(file, {**WHATSAPP, "HARKARA_TIMEZONE": "Asia/Kolkata"})
    assert str(settings.zone) == "Asia/Kolkata"
