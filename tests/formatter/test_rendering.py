"""Digests of one story and of many, shortened and packed."""

from __future__ import annotations

import pytest

from bot.domain.digests import Digest, Story
from bot.domain.errors import NothingToSend
from bot.domain.messages import utf16_length
from bot.domain.recipients import Channel
from bot.formatter import (
    BlockTooLong,
    FormatterError,
    NothingToSay,
    render,
    template_variables,
)
from bot.formatter.packing import Size, pack
from bot.formatter.shortening import shorten

STORY = Story(
    headline="Bell stolen",
    sentences=("Two men were held.", "The bell is old."),
    link="https://example.com/a",
)


def test_a_round_up_gives_headline_lead_and_link_of_each():
    other = Story(headline="Rain", sentences=("It rained.",))
    digest = Digest(stories=(STORY, other), heading="Morning briefing")
    (message,) = render(digest, None)
    assert message.text.split("\n\n") == [
        "Morning briefing",
        "Bell stolen\nTwo men were held.\nhttps://example.com/a",
        "Rain\nIt rained.",
    ]


def test_a_round_up_is_packed_into_few_messages():
    digest = Digest(stories=(STORY,) * 100)
    messages = render(digest, Channel.WHATSAPP)
    assert len(messages) == 4
    assert sum(message.text.count("*Bell stolen*") for message in messages) == 100


def test_a_story_without_words_is_passed_over():
    silent = Story(headline="…", sentences=("—", ""), link="https://example.com/b")
    (message,) = render(Digest(stories=(silent, STORY), heading="*"), None)
    assert "/b" not in message.text
    assert message.text.startswith("Bell stolen")


@pytest.mark.parametrize("make", [render, lambda digest, _: template_variables(digest)])
@pytest.mark.parametrize("stories", [(), (Story(headline="…", sentences=()),)])
def test_without_words_there_is_nothing_to_say(make, stories):
    with pytest.raises(NothingToSay, match="give it") as caught:
        make(Digest(stories=stories), Channel.TELEGRAM)
    assert isinstance(caught.value, NothingToSend | FormatterError | ValueError)


def test_a_long_headline_leaves_room_for_the_lead():
    story = Story(headline="head " * 500, sentences=("lead " * 500,))
    (message,) = render(Digest(stories=(story, story)), Channel.WHATSAPP, limit=400)[:1]
    headline, lead = message.text.split("\n")
    assert headline.endswith("head…*")
    assert lead.endswith("lead…")
    assert utf16_length(message.text) > 380


def test_a_caption_is_shorter():
    story = Story(headline="Bell", sentences=("word " * 500,), link="https://a.bc/")
    first, *rest = render(Digest(stories=(story,)), Channel.TELEGRAM, limit=1_024)
    assert first.length <= first.limit == 1_024
    assert all(message.length <= 1_024 for message in rest)


def test_a_story_without_a_headline_begins_with_its_lead():
    (message,) = render(
        Digest(stories=(Story(headline="", sentences=("Hail.",)),)), None
    )
    assert message.text == "Hail."


def test_a_limit_is_never_raised():
    assert (
        render(Digest(stories=(STORY,)), Channel.WHATSAPP, limit=9_999)[0].limit
        == 1_600
    )


def test_a_limit_too_small_for_anything():
    with pytest.raises(ValueError, match="64 at least"):
        render(Digest(stories=(STORY,)), None, limit=63)


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("It rained.", 10, "It rained."),
        ("It rained. It poured.", 15, "It rained.…"),
        ("It rained and it poured.", 15, "It rained and…"),
        ("It rained, then it poured.", 12, "It rained…"),
        ("abcdefghij", 5, "abcd…"),
        ("😀😀😀a", 5, "a"),
        ("a😀😀😀", 4, "a😀…"),
        ("a😀😀😀", 3, "a…"),
        ("ae\u0301e\u0301e\u0301", 5, "ae\u0301…"),
        ("a👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 14, "a👨‍👩‍👧‍👦…"),
        ("a👨‍👩‍👧‍👦👨‍👩‍👧‍👦", 13, "a👨‍👩‍👧‍👦…"),
        ("a👨‍👩‍👧‍👦", 12, "a👨‍👩‍👧‍👦"),
        ("a👨‍👩‍👧‍👦", 9, "a…"),
        ("a" + "\u0301" * 9, 5, "a\u0301\u0301\u0301…"),
        ("See https://example.com/a/b/c/d/e/f", 20, "See…"),
        ("https://example.com/a/b/c/d/e/f", 20, "https://example.com…"),
        ("\u2067ab cd ef\u2069", 7, "ab cd…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
        ("", 0, ""),
    ],
)
def test_shortening(text, limit, short):
    assert shorten(text, limit) == short


def test_a_block_is_never_cut():
    with pytest.raises(BlockTooLong, match="shorten the article"):
        pack(["ab"], measure=lambda block: Size(len(block)), limit=Size(1))


@pytest.mark.parametrize(
    ("limit", "messages"),
    [
        (Size(3, 99, 99), [["a"], ["b"]]),
        (Size(99, 3, 99), [["a"], ["b"]]),
        (Size(99, 99, 1), [["a"], ["b"]]),
        (Size(4, 4, 2), [["a", "b"]]),
    ],
)
def test_every_limit_counts(limit, messages):
    assert pack(["a", "b"], measure=lambda _: Size(1, 1, 1), limit=limit) == messages


def test_template_variables_of_a_story():
    assert template_variables(Digest(stories=(STORY,))) == (
        ("1", "Bell stolen"),
        ("2", "Two men were held. The bell is old."),
        ("3", "https://example.com/a"),
    )


def test_template_variables_are_never_empty():
    assert template_variables(
        Digest(stories=(Story(headline="Rain", sentences=()),))
    ) == (
        ("1", "Rain"),
        ("2", "Rain"),
        ("3", "—"),
    )
    only_text = Digest(stories=(Story(headline="", sentences=("It\nrained.",)),))
    assert template_variables(only_text)[0] == ("1", "It rained.")


def test_template_variables_of_a_round_up():
    rain = Story(headline="", sentences=("It rained.",))
    assert template_variables(Digest(stories=(STORY, rain)))[:2] == (
        ("1", "Bell stolen"),
        ("2", "It rained."),
    )
    assert template_variables(Digest(stories=(STORY, rain), heading="Today"))[:2] == (
        ("1", "Today"),
        ("2", "Bell stolen • It rained."),
    )


def test_a_template_has_no_room_for_a_long_link():
    story = Story(headline="Rain", sentences=(), link="https://a.bc/" + "a" * 500)
    assert template_variables(Digest(stories=(story,)))[2] == ("3", "—")


def test_words_that_begin_late_are_whole():
    story = Story(headline="", sentences=("😀" * 61 + "<br/>",))
    (message,) = render(Digest(stories=(story,)), None, limit=64)
    assert message.text == "br/>"
