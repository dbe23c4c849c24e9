"""Every phrase, in every language, with values as long as they come."""

from __future__ import annotations

import inspect
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import phrases
from bot.domain import errors
from bot.domain.broadcasts import (
    Broadcast,
    BroadcastId,
    BroadcastState,
    ChannelPlan,
    Coverage,
    Lane,
)
from bot.domain.corrections import Outcome
from bot.domain.deliveries import State
from bot.domain.digests import DigestId, Note
from bot.domain.keeping import Keeping
from bot.domain.messages import utf16_length
from bot.domain.recipients import AudienceId, Channel
from bot.phrases.catalogue import TRANSLATED, inert, name, one_line

LANGUAGES = ("en", *TRANSLATED)
LONG = "𝔏 ا" * 200
NOW = datetime(2026, 11, 22, tzinfo=UTC)
BROADCAST = Broadcast(
    id=BroadcastId(10**15),
    digest=DigestId(1),
    lane=Lane.REGULAR,
    state=BroadcastState.RUNNING,
    planned_by="editor:1",
    planned_at=NOW,
    expires_at=NOW + timedelta(days=1),
)
_KEPT = ("updates", "deliveries", "consents")
#: What each parameter may be; several values where the sentence differs.
VALUES: dict[str, list[Any]] = {
    "channel": ["telegram", "whatsapp"],
    "new": [True, False],
    "repeat": [True, False],
    "audience": [LONG],
    "audiences": [[LONG] * 20],
    "title": [LONG, ""],
    "username": ["x" * 32],
    "editor": [LONG],
    "code": [LONG, ""],
    "before": [[10**15] * 20],
    "broadcast": [10**15],
    "number": [10**15],
    "count": [0, 1, 2, 5, 11, 100, 10**9],
    "spared": [0, 1, 2, 5, 11, 100, 10**9],
    "error": [
        errors.LinkUnknown(),
        errors.LinkExpired(),
        errors.LinkSpent(),
        errors.LinkRevoked(),
        errors.WrongPlace("reader"),
        errors.WrongPlace("group"),
        errors.WrongPlace("telegram_channel"),
        errors.NotAllowed(LONG),
        errors.Unknown(LONG),
        errors.Unknown(f"there is no broadcast {LONG}; harkara lists them"),
        errors.Unknown(f"there is no article {LONG}"),
        errors.Unknown(f"there is no audience named {LONG!r}; harkara lists them"),
        errors.NothingToSend(LONG),
        errors.TooLate(LONG),
        errors.SentBefore([10**15] * 20),
        errors.Refusal(LONG),
        errors.Refusal(),
    ],
    "note": [Note("no-link", LONG), Note("never-heard-of", LONG)],
    "keeping": [
        Keeping(**dict.fromkeys(_KEPT, timedelta(days=days)))
        for days in (0, 1, 2, 3, 11, 100, 365, 730, 1095, 4015, 36499)
    ],
    "contact": ["desk@news.example", LONG, ""],
    "explanation": [LONG],
    "changed": [10**15],
    "counts": [Counter(dict.fromkeys(Outcome, 10**9)), Counter()],
    "notes": [[Note("never-heard-of", LONG)] * 20, []],
    "channels": [
        [
            ChannelPlan(
                channel=channel,
                audience=AudienceId(1),
                recipients=10**9,
                messages=10**9,
            )
            for channel in Channel
            for _ in range(5)
        ]
    ],
    "coverage": [Coverage(states=Counter(dict.fromkeys(State, 10**9)))],
}
SPOKEN = [each for each in phrases.__all__ if each != "speaks"]


def every_way(phrase, language):
    """Call *phrase* with every value of every parameter."""
    function = getattr(phrases, phrase)
    names = [each for each in inspect.signature(function).parameters][1:]  # noqa: C416 - a list, to be sliced
    values = dict(VALUES)
    if phrase == "status":
        values["broadcast"] = [
            Broadcast(
                **{
                    **{slot: getattr(BROADCAST, slot) for slot in BROADCAST.__slots__},
                    "state": state,
                }
            )
            for state in BroadcastState
        ]
    widest = max(len(values[each]) for each in names) if names else 1
    for place in range(widest):
        chosen = {each: values[each][place % len(values[each])] for each in names}
        if phrase == "join_words":
            yield function(language, chosen["channel"])
        else:
            yield function(language, **chosen)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("phrase", SPOKEN)
def test_every_phrase_fits_one_message_on_any_channel(phrase, language):
    for text in every_way(phrase, language):
        assert text.strip()
        assert utf16_length(text) < 1600
        assert "{" not in text


@pytest.mark.parametrize("phrase", SPOKEN)
def test_every_phrase_is_translated(phrase):
    english = set(every_way(phrase, "en"))
    for language in TRANSLATED:
        assert english.isdisjoint(
            each for each in every_way(phrase, language) if phrase != "lint"
        ), language


def test_every_refusal_class_has_words_of_its_own():
    classes = [
        each
        for each in vars(errors).values()
        if isinstance(each, type) and issubclass(each, errors.Refusal)
    ]

    said = {each: phrases.refusal("en", error=each()) for each in classes}

    assert len(set(said.values())) == len(said)


@pytest.mark.parametrize(
    ("language", "speaks"),
    [
        ("en", True),
        ("en-GB", True),
        ("ur", True),
        ("ur-PK", True),
        ("UR_pk", True),
        ("ar", True),
        ("hi-Latn-IN", True),
        ("", False),
        ("de", False),
        ("../../etc", False),
    ],
)
def test_speaks(language, speaks):
    assert phrases.speaks(language) is speaks


def test_join_words_in_four_languages():
    assert phrases.join_words("", "whatsapp") == "Join our WhatsApp group"
    assert phrases.join_words("en", "telegram") == "Join us on Telegram"
    assert phrases.join_words("ur-PK", "whatsapp") == "ہمارے واٹس ایپ گروپ میں شامل ہوں"
    assert phrases.join_words("hi", "telegram") == "टेलीग्राम पर हमसे जुड़ें"


def test_a_name_of_another_direction_is_isolated():
    assert name("کشمیر", "en") == "\u2068کشمیر\u2069"
    assert name("Kashmir", "ur") == "\u2068Kashmir\u2069"
    assert name("کشمیر", "ur") == "کشمیر"
    assert name("Kashmir", "en") == "Kashmir"


@given(st.text())
def test_a_name_is_one_line_and_closes_what_it_opens(text):
    for language in ("en", "ur"):
        shown = name(text, language)
        assert len(shown.splitlines()) <= 1
        assert shown.count("\u2068") == shown.count("\u2069") <= 1
        assert len(shown) <= 102
        assert "\u202e" not in shown


@pytest.mark.parametrize(
    "text", ["/stop", "@durov", "#tag", "$BTC", "evil.example", "http://a.b", "a@b.c"]
)
def test_what_would_be_live_is_inert_and_looks_the_same(text):
    shown = inert(text)

    assert re.search(r"[/@#$](?!\u2060)|\.(?!\u2060)", shown) is None
    assert shown.replace("\u2060", "") == text
    assert name(text, "en") == shown


def test_sentences_are_left_alone():
    text = "It rose by 3 percent. Then it fell…"
    assert inert(text) == text


@given(st.text())
def test_one_line_has_no_controls_and_no_turns(text):
    shown = one_line(text + "\n\u202e\u2068\x1b[2J" + text)

    assert len(shown.splitlines()) <= 1
    assert not set(shown) & set("\u202e\u2068\u2069\x1b\n\t")


def test_a_chat_is_given_no_shell_hints():
    for text in (
        "there is no broadcast 7; harkara broadcast list shows the newest",
        "there is no join link 7; harkara link list shows all",
    ):
        assert "harkara" not in phrases.refusal("en", error=errors.Unknown(text))


@pytest.mark.parametrize(
    ("channel", "carried"),
    [("telegram", "Telegram carries the"), ("whatsapp", "WhatsApp and Twilio carry ")],
)
def test_the_verb_agrees_with_who_carries(channel, carried):
    text = phrases.privacy("en", channel=channel, keeping=Keeping(), contact="")
    assert carried in text


def test_privacy_says_how_long_in_every_language_as_it_is_set():
    days = timedelta(days=1)
    keeping = Keeping(updates=0 * days, deliveries=45 * days, consents=730 * days)
    for language in LANGUAGES:
        text = phrases.privacy(
            language, channel="whatsapp", keeping=keeping, contact="desk@news.example"
        )
        assert "45" in text
        assert "30" in text, "what could not be handled waits for somebody"
        assert "730" not in text, "two years are called so"
        assert text.splitlines()[-1].count("desk@news.example") == 1
        silent = phrases.privacy(
            language, channel="whatsapp", keeping=keeping, contact=""
        )
        assert silent == text.rsplit("\n", 1)[0]
    english = phrases.privacy("en", channel="telegram", keeping=keeping, contact="")
    assert (
        "what you write here: not kept; what could not be handled: 30 days" in english
    )
    assert "after you leave: 2 years" in english
    assert "what became of them: 45 days" in english


def test_a_channel_without_a_name_is_called_so():
    for new in (True, False):
        text = phrases.welcome_channel("en", title="", audience="Valley", new=new)
        assert "(without a name)" in text


def test_whatsapp_commands_have_no_slash():
    whatsapp = phrases.help_reader("en", channel="whatsapp")

    assert "STOP" in whatsapp
    assert "/" not in whatsapp
    assert "/stop" in phrases.help_reader("en", channel="telegram")
