"""What an editor is told, what is chosen, and what it costs."""

from __future__ import annotations

import time

import pytest

from bot.domain.articles import Draft
from bot.domain.recipients import Channel
from bot.formatter import compose, render, template_variables
from bot.formatter.selection import select


def codes(digest):
    return [note.code for note in digest.notes]


def test_a_headline_alone_makes_a_message():
    digest = compose(Draft(text="", headline="Bell stolen", link="https://a.bc/"))
    assert codes(digest) == ["no-text"]
    assert render(digest, None)[0].text == "Bell stolen\n\nhttps://a.bc/"


def test_the_editor_is_told_what_was_shortened():
    digest = compose(Draft(text="word " * 400, headline="head " * 100))
    assert codes(digest) == ["sentence-shortened", "headline-shortened"]
    assert digest.stories[0].sentences[0].endswith("word…")


def test_the_editor_is_told_what_was_not_read():
    assert "long-text" in codes(compose(Draft(text="It rained. " * 500)))
    digest = compose(Draft(text="It rained in the old city again.\n\n" * 7_000))
    assert codes(digest).count("long-text") == 2


def test_the_words_may_come_late():
    digest = compose(Draft(text="(" * 300_000 + "It rained."))
    assert digest.stories[0].sentences == ("It rained.",)


def test_lines_without_words_are_left_out():
    digest = compose(Draft(text="It rained.\n* * *\n…\nIt poured. …"))
    assert digest.stories[0].sentences == ("It rained.", "It poured.")


def test_the_lead_is_first_whatever_its_length():
    lead = "The lead is a very long sentence of the kind" + " that goes on" * 80 + "."
    assert select([lead, "It rained."]) == (lead,)


def test_what_is_like_the_rest_is_chosen_and_what_repeats_is_not():
    sentences = [
        "The river Jhelum flooded the old city of Srinagar on Monday.",
        "My aunt likes tea.",
        "The flooded Jhelum river swept through Srinagar and the old city bridges.",
        "On Monday the river Jhelum flooded the old city of Srinagar.",
        "Bridges over the river were closed as Srinagar schools flooded.",
    ]
    assert select(sentences, room=210) == (sentences[0], sentences[2], sentences[4])


def test_nothing_is_chosen_from_nothing():
    assert select([]) == ()


PATHOLOGICAL = {
    "one word": "a" * 5_000_000,
    "short sentences": "The cat sat. " * 100_000,
    "brackets": "(" * 1_000_000 + "a",
    "quotation marks": "“" * 500_000 + "a",
    "line ends": "a" + "\n" * 1_000_000 + "b",
    "combining marks": "a" + "\u0301" * 1_000_000,
    "joiners": "👨\u200d" * 300_000 + "a",
    "isolates": "\u2066" * 1_000_000 + "a",
    "pipes": "a |" * 300_000,
    "stops": ". " * 500_000 + "a",
    "domains": "a." * 500_000,
    "datelines": "NEW DELHI, " * 100_000,
    "openings": "In a, " * 200_000,
    "furniture": "Join our group now\n" * 50_000,
    "signs": "@" * 400_000 + "a",
    "slashes": "/" * 500_000 + "a",
    "addresses": "http://a." * 100_000,
    "wrapped": ("x" * 50 + "\n") * 50_000,
    "verbs": "wanted " * 300_000,
    "list": "1." * 300_000,
    "urdu": "وزیر نے کہا۔" * 100_000,
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_no_text_takes_long(name):
    """Seconds, not minutes: the bound is loose because the machine may be busy."""
    started = time.process_time()
    digest = compose(Draft(text=PATHOLOGICAL[name]))
    for channel in (*Channel, None):
        assert render(digest, channel)
    assert template_variables(digest)
    assert time.process_time() - started < 5
