"""The story the newsroom gave us, from the pasted page to the chat."""

# ruff: noqa: E501, ISC004 — a page as it was pasted

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain.articles import Draft
from bot.domain.recipients import Channel
from bot.formatter import JoinLine, compose, render, template_variables
from tests.formatter.telegram_html import parse
from tests.formatter.whatsapp_marks import bold_lines

PAGE = Path(__file__).parents[1] / "data" / "pakistan-ttp-border.txt"
LINK = "https://kashmirobserver.net/2023/01/05/pakistan_ttp/?a=1&b=2"
JOIN = JoinLine("Join our WhatsApp group", "https://wa.me/14155550100?text=JOIN%20A")

HEADLINE = (
    "The Minister of Defense of Pakistan, Khawaja Asif, issued a harsh statement"
    " against the Taliban"
)
SENTENCES = (
    "In a statement to local media on 2 January, the Minister of Defense of Pakistan,"
    " Khawaja Asif, issued a harsh statement against the Taliban, blaming the leadership"
    " for failing to uphold promises on border security and stability.",
    "Asif accused the leadership of the Islamic Emirate of Afghanistan (IEA) of"
    " harboring Pakistan-designated terrorist groups on its soil, which resulted in the"
    " deterioration of stability in the country.",
    "The remarks are in reference to Tehrik-e-Taliban Pakistan (TTP), a militant group"
    " with close ties to the Taliban.",
    "“We have been requesting the Taliban ever since they returned to power to stop the"
    " TTP from plotting terrorist activities in Pakistan,” Asif noted.",
)
TAIL = [
    "Follow this link to join our WhatsApp group: Join Now",
    "Be Part of Quality Journalism |",
    "Quality journalism takes a lot of time, money and hard work to produce and despite"
    " all the hardships we still do it. Our reporters and editors are working overtime"
    " in Kashmir and beyond to cover what you care about, break big stories, and expose"
    " injustices that can change lives. Today more people are reading Kashmir Observer"
    " than ever, but only a handful are paying while advertising revenues are falling"
    " fast. |",
    "ACT NOW |",
    "MONTHLY | Rs 100 | |",
    "YEARLY | Rs 1000 | |",
    "LIFETIME | Rs 10000 | |",
]


@pytest.fixture
def page():
    return PAGE.read_text("utf-8")


@pytest.fixture
def digest(page):
    return compose(Draft(text=page, link=LINK, language="en"))


def test_the_digest(digest):
    (story,) = digest.stories
    assert story.headline == HEADLINE
    assert story.sentences == SENTENCES
    assert story.link == LINK
    assert [note.code for note in digest.notes] == [
        "furniture-removed",
        "headline-made",
    ]


def test_the_note_names_all_that_was_removed(digest):
    note = digest.notes[0].text
    assert "7 paragraphs" in note
    for line in TAIL:
        assert line[:40] in note


def test_telegram(digest):
    (message,) = render(digest, Channel.TELEGRAM, join=JOIN)
    parsed = parse(message.text)
    assert parsed.text.split("\n\n") == [HEADLINE, *SENTENCES, LINK, JOIN.words]
    assert parsed.bold == [HEADLINE]
    assert parsed.links == [(LINK, LINK), (JOIN.words, JOIN.link)]
    assert (message.markup, message.limit) == ("HTML", 4_096)


def test_whatsapp(digest):
    (message,) = render(digest, Channel.WHATSAPP, join=JOIN)
    *blocks, last = message.text.split("\n\n")
    assert blocks == [f"*{HEADLINE}*", *SENTENCES, LINK]
    assert last == f"{JOIN.words}\n{JOIN.link}"
    assert bold_lines(message.text) == [HEADLINE]
    assert (message.markup, message.limit) == (None, 1_600)


def test_plain(digest):
    (message,) = render(digest, None)
    assert message.text.split("\n\n") == [HEADLINE, *SENTENCES, LINK]


def test_template(digest):
    variables = dict(template_variables(digest))
    assert variables["1"] == HEADLINE
    assert variables["2"].startswith(SENTENCES[0])
    assert variables["3"] == LINK


@pytest.mark.parametrize(
    "change",
    [
        lambda tail: [line.replace("|", "").strip() for line in tail],
        lambda tail: [*reversed(tail)],
        lambda tail: [tail[1], tail[2], *tail[3:], tail[0]],
        lambda tail: [*tail, "", "", " | ", ""],
        lambda tail: ["\n\n".join(tail)],
        lambda tail: tail[:1],
        lambda tail: [line.lower() for line in tail],
        lambda tail: ["ACT NOW", "MONTHLY", "Rs 100", "YEARLY", "Rs 1000", tail[2]],
    ],
)
def test_the_tail_goes_however_it_is_arranged(page, change):
    story = page.strip().split("\n")[: -len(TAIL)]
    arranged = compose(Draft(text="\n".join([*story, *change(TAIL)])))
    assert arranged.stories == compose(Draft(text="\n".join(story))).stories
    assert arranged.notes[0].code == "furniture-removed"


def test_the_storys_last_sentence_stays(page):
    """It speaks of dollars and of what “we” stand ready for."""
    last = page.strip().split("\n")[: -len(TAIL)][-1]
    assert "stand ready to assist" in last
    assert last in " ".join(
        compose(Draft(text=f"A headline.\n{last}")).stories[0].sentences
    )
