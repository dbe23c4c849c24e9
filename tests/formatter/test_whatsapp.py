"""WhatsApp's markup: what is bold was meant, what was not is harmless."""

from __future__ import annotations

import pytest

from bot.domain.digests import Digest, Story
from bot.domain.recipients import Channel
from bot.formatter import JoinLine, render
from tests.formatter.whatsapp_marks import bold_lines

WJ = "\u2060"


def sent(text="It rained.", *, headline="Rain", link="", join=None):
    digest = Digest(stories=(Story(headline=headline, sentences=(text,), link=link),))
    (message,) = render(digest, Channel.WHATSAPP, join=join)
    return message.text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a *b* c", "a ∗b∗ c"),
        ("a _b_ c", "a ˍbˍ c"),
        ("a ~b~ c", "a ∼b∼ c"),
        ("a `b` ```c```", "a ˋbˋ ˋˋˋcˋˋˋ"),
        ("the file a_b_c of @user_name", "the file a_b_c of @user_name"),
        ("see https://example.com/_a_/*b*~c", "see https://example.com/_a_/*b*~c"),
        ("> he said", f"{WJ}> he said"),
        (">he said", f"{WJ}>he said"),
        ("- he said", f"{WJ}- he said"),
        ("-5 degrees", "-5 degrees"),
        ("* he said", "∗ he said"),
        ("1. The court", f"{WJ}1. The court"),
        ("12) The court", f"{WJ}12) The court"),
        ("1.5 crore", "1.5 crore"),
        ("2023 was dry", "2023 was dry"),
    ],
)
def test_literal_markers_are_harmless(text, shown):
    assert sent(text) == f"*Rain*\n\n{shown}"


def test_the_headline_is_bold():
    assert bold_lines(sent(headline="Rain *again*")) == ["Rain ∗again∗"]


def test_a_headline_with_an_address_is_not():
    """The closing marker would become part of the address."""
    assert bold_lines(sent(headline="See https://example.com/")) == []


@pytest.mark.parametrize("link", ["https://example.com/a_b_c*d*", "https://a.bc/~x/"])
def test_the_link_is_whole_and_on_a_line_of_its_own(link):
    assert link in sent(link=link).split("\n")


def test_the_join_line():
    join = JoinLine("Join us", "https://wa.me/1?text=JOIN%20a_b")
    assert sent(join=join).endswith("\n\nJoin us\nhttps://wa.me/1?text=JOIN%20a_b")


def test_an_odd_link_is_text():
    assert sent(link="*a*").endswith("\n\n∗a∗")


def test_a_join_line_too_long_is_left_out():
    join = JoinLine("Join us", "https://wa.me/" + "a" * 1_600)
    assert "Join" not in sent(join=join)
