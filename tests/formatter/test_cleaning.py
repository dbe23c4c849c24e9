"""The clean-up, step by step as its page lists them."""

from __future__ import annotations

import pytest

from bot.domain.articles import Draft
from bot.formatter import NothingToSay, clean, clean_draft, clean_line, compose
from bot.formatter.cleaning import runs_from_the_right, turned

WRAPPED = (
    "Police on Monday arrested two men over the theft of a bronze\n"
    "bell that had hung in the old court of the city since 1911,\n"
    "the registrar said."
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\r\nb\rc\vd\fe\x1cf\x85g\u2028h\u2029i", "a\nb\nc\nd\ne\nf\ng\nh\ni"),
        ("a\x00b\x07c\x1bd\x7fe\x9ff\x1fg", "abcdefg"),
        ("a\ud800b\udfffc", "abc"),
        ("a\ufdd0b\ufffec\U0001ffffd", "abcd"),
        ("a\u202ab\u202ec\u206ad\u00ade\u200bf\u2060g\ufeffh\ufffci", "abcdefghi"),
        ("a\u2067b\u2069c", "a\u2067b\u2069c"),
        ("a\u2069b\u2067c", "abc"),
        ("\u2066a\u2068b\u2069", "a\u2068b\u2069"),
        ("a \u2066 b", "a b"),
        ("a\u2067b\nc\u2069d", "ab\ncd"),
        ("a\u200fb\u200ec\u061cd", "a\u200fb\u200ec\u061cd"),
        ("می\u200cخواهم क\u094d\u200dष", "می\u200cخواهم क\u094d\u200dष"),
        ("e" + "\u0301" * 31, "e" + "\u0301" * 30),
        ("e\u0301 \u00e9", "e\u0301 \u00e9"),
        ("a\t b\u00a0\u2003c\u3000d", "a b c d"),
        (" a \n b ", "a\nb"),
        ("\n\na\n\n\n\nb\n", "a\n\nb"),
        ("a\n \nb", "a\n\nb"),
        (WRAPPED, WRAPPED.replace("\n", " ")),
        ("A short line\nand another\nand one more", None),
        ("\n".join(["Every one of these lines is a whole sentence of it."] * 4), None),
        ("", ""),
    ],
)
def test_clean(text, expected):
    assert clean(text) == (text if expected is None else expected)


def test_a_line_is_one_line():
    assert clean_line(" a\nb\u2067\n\nc\u2069 ") == "a b c"


@pytest.mark.parametrize(
    ("text", "right"),
    [("بارش ہوئی BBC", True), ("BBC News بارش", False), ("שלום", True), ("12", False)],
)
def test_direction(text, right):
    assert runs_from_the_right(text) is right


@pytest.mark.parametrize(
    ("line", "expected"),
    [("BBC بارش", "\u200fBBC بارش"), ("«بارش» BBC", "«بارش» BBC"), ("12", "12")],
)
def test_turning(line, expected):
    assert turned(line) == expected


def test_a_draft_is_kept_clean_with_its_furniture():
    draft = Draft(
        text="It\train\u202eed.\r\nJoin Now",
        headline=" Rain ",
        link=" https://example.com/a ",
        language="en\n",
    )
    assert clean_draft(draft) == Draft(
        text="It rained.\nJoin Now",
        headline="Rain",
        link="https://example.com/a",
        language="en",
    )


@pytest.mark.parametrize("text", ["", " \n", "…", "😀", "\u200b", "\ud800", "*_~"])
@pytest.mark.parametrize("make", [compose, clean_draft])
def test_without_words_there_is_nothing_to_say(make, text):
    with pytest.raises(NothingToSay, match="give it a text or a headline"):
        make(Draft(text=text, headline=text, link="https://example.com/"))
