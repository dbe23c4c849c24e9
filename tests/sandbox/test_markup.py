"""The HTML parse mode, against the rules of Telegram's own parser."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.sandbox.markup import MarkupError, checked_link, parse, utf16


def shown(source: str) -> tuple[str, list[tuple[str, int, int]]]:
    parsed = parse(source, "html")
    return parsed.text, [(e["type"], e["offset"], e["length"]) for e in parsed.entities]


@pytest.mark.parametrize(
    ("source", "text", "entities"),
    [
        ("<b>a</b><strong>b</strong>", "ab", [("bold", 0, 1), ("bold", 1, 1)]),
        ("<I>a</i>", "a", [("italic", 0, 1)]),
        ("<em>a</em> <ins>b</ins>", "a b", [("italic", 0, 1), ("underline", 2, 1)]),
        (
            "<s>a</s><strike>b</strike>",
            "ab",
            [("strikethrough", 0, 1)] * 1 + [("strikethrough", 1, 1)],
        ),
        ("<tg-spoiler>a</tg-spoiler>", "a", [("spoiler", 0, 1)]),
        ('<span class="tg-spoiler">a</span>', "a", [("spoiler", 0, 1)]),
        (
            "<blockquote expandable>a</blockquote>",
            "a",
            [("expandable_blockquote", 0, 1)],
        ),
        ("<b><i>x</i></b>", "x", [("italic", 0, 1), ("bold", 0, 1)]),
        ("<b>a</>", "a", [("bold", 0, 1)]),
        (
            "<b>x <code>y</code> z</b>",
            "x y z",
            [("bold", 0, 2), ("code", 2, 1), ("bold", 3, 2)],
        ),
        (
            "<blockquote>a<blockquote>b</blockquote></blockquote>",
            "ab",
            [("blockquote", 0, 2)],
        ),
        ("😀<b>x</b>", "😀x", [("bold", 2, 1)]),
        ("&lt;&gt;&amp;&quot;&#39;&#x41;", "<>&\"'A", []),
        ("&nbsp;&mdash;&apos;", "&nbsp;&mdash;&apos;", []),
        ("&copy &amp", "&copy &", []),
        ("  <b> a </b>  ", "a", [("bold", 0, 1)]),
        ("a\tb\u2028c\u202ed\u200fe\u2067f", "a bcd\u200fe\u2067f", []),
        ("<b></b>x", "x", []),
    ],
)
def test_what_is_accepted(source, text, entities):
    parsed, found = shown(source)

    assert parsed == text
    assert sorted(found) == sorted(entities)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        ("<p>x</p>", 'Unsupported start tag "p" at byte offset 0'),
        ("é<br>", 'Unsupported start tag "br" at byte offset 2'),
        ("خبر <ul>", 'Unsupported start tag "ul" at byte offset 7'),
        ("<!-- x -->", 'Unsupported start tag "!--" at byte offset 0'),
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("</b>", "Unexpected end tag at byte offset 0"),
        (
            "<b>x</i>",
            'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"',
        ),
        ("<b", "Unclosed start tag at byte offset 0"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<a href=x/y>", "Unexpected end of name token at byte offset 8"),
        (
            "<a href>x</a>",
            (
                'Expected equal sign in declaration of an attribute of the tag "a" '
                "at byte offset 0"
            ),
        ),
        ("<b/>", 'Unsupported start tag "b/" at byte offset 0'),
        ('<a ="x">', 'Empty attribute name in the tag "a" at byte offset 0'),
        (
            '<span class="x">y</span>',
            'Tag "span" must have class "tg-spoiler" at byte offset 0',
        ),
    ],
)
def test_what_is_refused(source, error):
    with pytest.raises(MarkupError) as caught:
        parse(source, "html")

    assert str(caught.value) == f"can't parse entities: {error}"


def test_raw_markup_beyond_32_768_bytes_is_refused_before_parsing():
    with pytest.raises(MarkupError, match="text is too long"):
        parse("<b></b>" * 4682, "html")
    assert parse("x" * 32_768).text == "x" * 32_768


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://dawn.com/news", "https://dawn.com/news"),
        ("dawn.com", "http://dawn.com/"),
        ("/news", ""),
        ("news.html", "http://news.html/"),
        ("javascript:alert(1)", ""),
        ("http://localhost/x", ""),
        ("ftp://dawn.com/x", ""),
        ("tg://resolve?domain=x", "tg://resolve?domain=x"),
        ("http://exa mple.org", ""),
        ("http://[broken", ""),
    ],
)
def test_which_links_survive(url, kept):
    assert checked_link(url) == kept


def test_a_dropped_link_leaves_its_text_and_is_remembered():
    parsed = parse('<a href="/relative">read</a>', "html")

    assert parsed.text == "read"
    assert parsed.entities == ()
    assert parsed.dropped_links == ("/relative",)


def test_a_user_link_becomes_a_mention():
    entity = parse('<a href="tg://user?id=42">Ayesha</a>', "html").entities[0]

    assert entity["type"] == "text_mention"
    assert entity["user"]["id"] == 42


def test_code_in_pre_names_its_language():
    source = '<pre><code class="language-python">x</code></pre>'

    assert parse(source, "html").entities == (
        {"type": "pre", "offset": 0, "length": 1, "language": "python"},
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("see @harkara_news now", ["mention"]),
        ("mail a@b.org", ["email"]),
        ("#flood and #سیلاب", ["hashtag", "hashtag"]),
        ("#123", []),
        ("/start now", ["bot_command"]),
        ("and/or", []),
        ("$USD", ["cashtag"]),
        ("$usd", []),
        ("dawn.com", ["url"]),
        ("https://a.example.zz/x.", ["url"]),
        ("end.Next sentence", []),
        ("3.14", []),
    ],
)
def test_what_telegram_finds_by_itself(text, found):
    assert [entity["type"] for entity in parse(text).entities] == found


def test_nothing_is_found_inside_code_or_links():
    source = '<code>@nobody #x</code> <a href="https://a.org/">dawn.com</a>'

    assert [e["type"] for e in parse(source, "html").entities] == ["code", "text_link"]


TAGS = "<b> </b> <i> </i> <code> </code> <a/href='https://a.org/x'> </a> <blockquote>"
LETTERS = "&lt; &amp &#128512; < > / خبر 😀 news \u2028 \t \n"
PIECES = st.lists(
    st.sampled_from([*TAGS.split(" "), *LETTERS.split(" "), " ", "</blockquote>"]).map(
        lambda piece: piece.replace("a/href", "a href")
    ),
    max_size=30,
)


@given(PIECES)
def test_whatever_comes_is_parsed_or_refused_with_entities_in_range(pieces):
    try:
        parsed = parse("".join(pieces), "html")
    except MarkupError:
        return
    for entity in parsed.entities:
        assert entity["offset"] >= 0
        assert entity["length"] > 0
        assert entity["offset"] + entity["length"] <= utf16(parsed.text)


@given(st.text())
def test_escaped_text_comes_back_as_plain_text_does(text):
    escaped = html.escape(text, quote=False)

    assert parse(escaped, "html").text == parse(text).text
