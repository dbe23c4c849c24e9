"""Headlines made of first sentences: who did what, in the newsroom's words."""

# ruff: noqa: E501 — leads as they are written

from __future__ import annotations

import pytest

from bot.domain.articles import Draft
from bot.formatter import compose
from bot.formatter.headline import make_headline

LEADS = [
    (
        "In a statement to local media on 2 January, the Minister of Defense of Pakistan, Khawaja Asif, issued a harsh statement against the Taliban, blaming the leadership for failing to uphold promises on border security and stability.",
        "The Minister of Defense of Pakistan, Khawaja Asif, issued a harsh statement against the Taliban",
    ),
    (
        "On Monday, January 2, the minister said the border would stay closed.",
        "The minister said the border would stay closed",
    ),
    (
        "According to officials, at least 12 people were killed when a bus plunged into a gorge in Doda district on Wednesday morning.",
        "At least 12 people were killed when a bus plunged into a gorge in Doda district on Wednesday morning",
    ),
    (
        "After weeks of protests, the government on Monday agreed to withdraw the bill.",
        "The government on Monday agreed to withdraw the bill",
    ),
    (
        "While addressing a rally in Lahore, former prime minister Imran Khan said that his party would march on the capital next week unless elections were called.",
        "Former prime minister Imran Khan said that his party would march on the capital next week",
    ),
    (
        "Speaking to reporters in Geneva, Finance Minister Ishaq Dar said Pakistan would meet all its obligations.",
        "Finance Minister Ishaq Dar said Pakistan would meet all its obligations",
    ),
    ("In Lahore, Punjab, police arrested two men.", "Police arrested two men"),
    (
        "In Lahore, Khawaja Asif, the defence minister, said talks had failed.",
        "Khawaja Asif, the defence minister, said talks had failed",
    ),
    (
        "In Lahore, Khawaja Asif, who leads the ministry, said talks had failed.",
        "Khawaja Asif, who leads the ministry, said talks had failed",
    ),
    (
        "In a major breakthrough, police on Sunday arrested three men, two women and a driver for running a fake job racket that had cheated hundreds of young people across four states.",
        "Police on Sunday arrested three men, two women and a driver",
    ),
    (
        "For the first time in a decade, India and Pakistan exchanged lists of prisoners held in each other’s jails through diplomatic channels.",
        "India and Pakistan exchanged lists of prisoners held in each other’s jails through diplomatic channels",
    ),
    (
        "Two days after the attack, police named a 34-year-old man as the main suspect.",
        "Police named a 34-year-old man as the main suspect",
    ),
    (
        "At least 40 people were killed and dozens injured on Friday when a suicide bomber struck a mosque in the northwestern city of Peshawar during prayers, officials said.",
        "At least 40 people were killed and dozens injured on Friday",
    ),
    (
        "The Supreme Court on Tuesday dismissed a batch of petitions challenging the government’s 2016 decision to scrap high-value banknotes overnight.",
        "The Supreme Court on Tuesday dismissed a batch of petitions",
    ),
    ("Police arrested two men.", "Police arrested two men"),
    (
        "Beijing said on Monday it would reopen its borders.",
        "Beijing said on Monday it would reopen its borders",
    ),
    (
        "Amid rising tensions, the US, which has troops in the region, urged both sides to show restraint, a spokesman told reporters in Washington at the end of a long day of talks.",
        "The US, which has troops in the region, urged both sides to show restraint",
    ),
    (
        "“We will not bow to pressure,” President Volodymyr Zelensky told the nation in a televised address late on Saturday, hours after Russian missiles struck the capital, killing nine.",
        "“We will not bow to pressure,” President Volodymyr Zelensky told the nation in a televised address",
    ),
    (
        "Faced with mounting losses, the airline cancelled 200 flights on Thursday.",
        "The airline cancelled 200 flights on Thursday",
    ),
    (
        "When the river burst its banks last week, Ali Ahmed lost everything he owned.",
        "Ali Ahmed lost everything he owned",
    ),
    (
        "A 23-year-old student from Kupwara district who had gone missing from his hostel in Delhi last month was found dead in a canal on the outskirts of the city on Friday evening.",
        "A 23-year-old student from Kupwara district who had gone missing from his hostel in Delhi last month was found dead",
    ),
    (
        "Last week, a court in Islamabad issued a warrant.",
        "A court in Islamabad issued a warrant",
    ),
    (
        "At dawn the guns fell silent, witnesses said.",
        "At dawn the guns fell silent, witnesses said",
    ),
    (
        "Once a bustling market, the old city of Aleppo lies in ruins.",
        "The old city of Aleppo lies in ruins",
    ),
    ("Despite everything.", "Despite everything"),
    ("He met officials of the U.S.", "He met officials of the U.S."),
    ("Will Kabul give in?", "Will Kabul give in?"),
]


@pytest.mark.parametrize(("lead", "headline"), LEADS)
def test_english(lead, headline):
    assert make_headline(lead, "en") == headline
    assert headline[1:] in lead
    assert len(headline) <= 150


@pytest.mark.parametrize(
    ("lead", "language", "headline"),
    [
        (
            "شہر کی سب سے پرانی لائبریری پیر سے رات دس بجے تک کھلی رہے گی۔",
            "ur",
            "شہر کی سب سے پرانی لائبریری پیر سے رات دس بجے تک کھلی رہے گی",
        ),
        (
            "شہر کی سب سے پرانی عوامی لائبریری پیر سے رات دس بجے تک کھلی رہے گی، محکمہ ثقافت نے جمعرات کو اعلان کیا، اور بتایا کہ عملہ بڑھا دیا گیا ہے۔",
            "ur",
            "شہر کی سب سے پرانی عوامی لائبریری پیر سے رات دس بجے تک کھلی رہے گی، محکمہ ثقافت نے جمعرات کو اعلان کیا",
        ),
        (
            "सरकार ने सोमवार को नई योजना की घोषणा की।",
            "hi",
            "सरकार ने सोमवार को नई योजना की घोषणा की",
        ),
        (
            "أعلنت الحكومة يوم الاثنين خطة جديدة.",
            "ar",
            "أعلنت الحكومة يوم الاثنين خطة جديدة",
        ),
        (
            "In Berlin, am Montag, sprach der Kanzler.",
            "de",
            "In Berlin, am Montag, sprach der Kanzler",
        ),
    ],
)
def test_other_languages_begin_at_the_beginning(lead, language, headline):
    assert make_headline(lead, language) == headline


def test_without_a_clause_it_is_cut_at_a_word():
    lead = "सरकार ने " * 40
    made = make_headline(lead.strip(), "hi")
    assert made.endswith("…")
    assert len(made) <= 110


def test_a_quotation_is_not_cut_open():
    lead = f"«{'слово ' * 10}, {'слово ' * 20}, конец»"
    assert make_headline(lead, "ru").endswith("…")


@pytest.mark.parametrize(
    "lead",
    [
        f"The {'very ' * 40}old bridge collapsed, officials said.",
        f"The minister said {'very ' * 40}little.",
        f"In {'very ' * 40}short, the minister said little.",
        "Word " * 50,
    ],
)
def test_even_a_hopeless_lead_has_a_headline(lead):
    made = make_headline(lead.strip(), "en")
    assert 0 < len(made) <= 150


def test_a_given_headline_is_used_as_it_is():
    digest = compose(Draft(text="Police arrested two men.", headline=" Two  held. "))
    assert digest.stories[0].headline == "Two held."
    assert not digest.notes


def test_the_editor_is_told_of_a_made_one():
    (note,) = compose(Draft(text="Police arrested two men. It rained.")).notes
    assert note.code == "headline-made"
    assert "Police arrested two men" in note.text


def test_a_first_line_that_is_a_headline_is_taken():
    text = "Two held over theft of bell\nBy Aamir Khan\nSRINAGAR:\nPolice arrested two men."
    digest = compose(Draft(text=text))
    assert digest.stories[0].headline == "Two held over theft of bell"
    assert digest.stories[0].sentences == ("Police arrested two men.",)
    assert [note.code for note in digest.notes] == ["headline-found"]


def test_a_headline_repeated_on_the_page_is_said_once():
    text = "Two held over theft\n\nPolice arrested two men."
    digest = compose(Draft(text=text, headline="Two Held Over Theft"))
    assert digest.stories[0].sentences == ("Police arrested two men.",)
