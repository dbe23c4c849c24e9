"""Telegram's HTML: links that live, words that stay words."""

from __future__ import annotations

import pytest

from bot.domain.articles import Draft
from bot.domain.digests import Digest, Story
from bot.domain.recipients import Channel
from bot.formatter import JoinLine, compose, render
from bot.formatter.links import is_link
from tests.formatter.telegram_html import Refused, parse

WJ = "\u2060"


def sent(text="It rained.", *, link="", own=frozenset(), headline="Rain", join=None):
    digest = Digest(stories=(Story(headline=headline, sentences=(text,), link=link),))
    (message,) = render(digest, Channel.TELEGRAM, own=own, join=join)
    return message.text


GOOD_LINKS = [
    "https://kashmirobserver.net/2023/01/a_b-c/?x=1&y=2#top",
    "http://example.com",
    "HTTPS://EXAMPLE.COM/A",
    "https://example.com:8080/a",
    "https://xn--mgbai9azgqp6j.example/a",
    "https://مثال.پاکستان/خبر",
    "https://example.com/a|b/{c}/~d/(e)",
    "https://example.com/?q=\"quoted\"&r='s'",
    "https://1.2.3.4/a",
    "https://example.com./a",
]
ODD_LINKS = [
    "/2023/01/story",
    "//example.com/a",
    "example.com/a",
    "javascript:alert(1)",
    "mailto:desk@example.com",
    "ftp://example.com/a",
    "tg://user?id=1",
    "https://localhost/a",
    "https:///a",
    "https://user:pw@example.com/a",
    "https://example.com/a b",
    "https://exam\u202eple.com/a",
    "https://example.com/a\x00b",
    "https://example.com/<b>",
    "https://example.com\\@evil.example",
    "https://example..com",
    "https://example.com:port/",
    "https://[::1/a",
    "https://-example.com/",
]


@pytest.mark.parametrize("link", GOOD_LINKS)
def test_a_good_link_is_an_anchor(link):
    assert is_link(link)
    parsed = parse(sent(link=link))
    assert parsed.links == [(link, link)]
    assert parsed.text.endswith(f"\n\n{link}")


@pytest.mark.parametrize("link", ODD_LINKS)
def test_an_odd_link_is_text(link):
    assert not is_link(link)
    digest = compose(Draft(text="It rained today.", link=link))
    assert digest.notes[-1].code == "link-not-a-link"
    (message,) = render(digest, Channel.TELEGRAM)
    parsed = parse(message.text)
    assert parsed.links == []
    shown = parsed.text.replace(WJ, "").split("\n\n")[-1]
    assert link.replace("\u202e", "").replace("\x00", "").endswith(shown)


def test_a_long_link_shows_its_host():
    link = "https://www.example.com/" + "a" * 200
    assert parse(sent(link=link)).links == [("example.com", link)]


def test_a_link_too_long_for_telegram_is_left_out():
    link = "https://example.com/" + "a" * 2_100
    digest = compose(Draft(text="It rained today.", link=link))
    assert digest.stories[0].link == ""
    assert digest.notes[-1].code == "link-dropped"


def test_a_link_too_long_for_whatsapp_is_left_out_there():
    link = "https://example.com/" + "a" * 1_700
    digest = compose(Draft(text="It rained today.", link=link))
    assert digest.notes[-1].code == "link-long"
    assert parse(render(digest, Channel.TELEGRAM)[0].text).links[0][1] == link
    assert "https" not in render(digest, Channel.WHATSAPP)[0].text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ask @KashmirDesk now", f"Ask @{WJ}KashmirDesk now"),
        ("the #Budget2023 row", f"the #{WJ}Budget2023 row"),
        ("the #بجٹ row", f"the #{WJ}بجٹ row"),
        ("send /start to it", f"send /{WJ}start to it"),
        ("(/start)", f"(/{WJ}start)"),
        ("shares of $TCS fell", f"shares of ${WJ}TCS fell"),
        ("see example.com today", f"see example.{WJ}com today"),
        ("see www.example.co.uk.", f"see www.{WJ}example.{WJ}co.{WJ}uk."),
        ("write to a@example.com", f"write to a@{WJ}example.{WJ}com"),
        ("open tg://resolve now", f"open tg://{WJ}resolve now"),
        ("at 127.0.0.1 now", f"at 127.{WJ}0.{WJ}0.{WJ}1 now"),
        ("खबर.भारत पर", f"खबर.{WJ}भारत पर"),
        ("km/h and/or 24/7, 3.12 p.m., Rs 4.2 crore, $15, #, @ /", None),
        ("The U.S. e.g. Mr. Dar... No.5", None),
        ("1.2.3 and 1.2.3.4.5", None),
        ("Rs.4.2 crore, $4.2bn, $1bn, US$5m, v2.0, 10.30am, 4.30pm.Now", None),
        ("M.K.Stalin left.He, P.V.Rao, B.Tech, U.S.-led, i.e.this, No.of", None),
        ("the #1 team, C# and 2/3 of it, either/or, 5 @ Rs 10", None),
        ("Node.js and readme.txt", None),
        ("said.in and WWW.SITE.COM", f"said.{WJ}in and WWW.{WJ}SITE.{WJ}COM"),
        ("1a.tg://resolve", f"1a.tg://{WJ}resolve"),
        ("😀.com", f"😀.{WJ}com"),
        ("see https://other.example/a_b?x=1#c@d/e now", None),
        ("(see HTTP://other.example/a). Then", None),
        ("https://other.example/خبر۔ پھر", f"https://other.example/خبر{WJ}۔ پھر"),
        ("https://localhost/a", f"https://{WJ}localhost/a"),
        ("https://other.exam…", f"https://{WJ}other.exam…"),
        ("xhttps://other.example", f"xhttps://{WJ}other.{WJ}example"),
    ],
)
def test_what_telegram_would_act_upon_is_made_harmless(text, shown):
    assert parse(sent(text)).text.split("\n\n")[-1] == (shown or text)


@pytest.mark.parametrize(
    ("text", "active"),
    [
        ("see kashmirobserver.net/a.b/@c #tag", "kashmirobserver.net/a.b/@c"),
        ("see https://m.kashmirobserver.net:8080/x?y=/z now", None),
        ("see WWW.KashmirObserver.NET.", None),
        ("ask @KashmirDesk,", None),
        ("the #KO50 story", None),
    ],
)
def test_what_is_the_newsrooms_own_stays_active(text, active):
    own = frozenset({"kashmirobserver.net", "@kashmirdesk", "#ko50"})
    assert (active or text) in parse(sent(text, own=own)).text


@pytest.mark.parametrize(
    "text",
    [
        "notkashmirobserver.net",
        "kashmirobserver.net.evil.example",
        "https://kashmirobserver.net@evil.example/",
        "https://kashmirobserver.net:pw@evil.example/",
        "a@kashmirobserver.net",
        "x-kashmirobserver.net",
        "@kashmirdesk2",
    ],
)
def test_what_only_resembles_it_does_not(text):
    own = frozenset({"kashmirobserver.net", "@kashmirdesk"})
    assert WJ in parse(sent(text, own=own)).text


def test_the_host_of_the_storys_link_is_the_newsrooms():
    text = "Write at desk.kashmirobserver.net today"
    link = "https://www.kashmirobserver.net/a"
    assert text in parse(sent(text, link=link)).text


def test_markup_in_an_article_is_text():
    text = '<a href="https://x.example">5 < 6 && "7" > &nbsp;</a>'
    parsed = parse(sent(text, headline="<b>B</b>"))
    assert parsed.text.replace(WJ, "") == f"<b>B</b>\n\n{text}"
    assert parsed.links == []


def test_the_join_line():
    join = JoinLine("Join <us>", "https://wa.me/1?text=a&b")
    assert parse(sent(join=join)).links == [("Join <us>", "https://wa.me/1?text=a&b")]
    odd = parse(sent(join=JoinLine("Join us", "wa.me/1")))
    assert odd.links == []
    assert odd.text.endswith(f"Join us\nwa.{WJ}me/1")
    assert "Join" not in sent(join=JoinLine("…", "https://wa.me/1"))


def test_an_urdu_line_that_begins_in_english_is_laid_out_from_the_right():
    urdu = "BBC کے مطابق شہر کی سب سے پرانی لائبریری کھلی رہے گی۔"
    parsed = parse(sent(urdu, headline="شہر کی لائبریری", link="https://example.com/"))
    assert parsed.text.split("\n\n") == [
        "شہر کی لائبریری",
        "\u200f" + urdu,
        "https://example.com/",
    ]


def test_all_bytes_of_markup_fit():
    """Ampersands take five bytes and quotation marks in an address six."""
    link = "https://example.com/" + '"' * 2_028
    story = Story(headline="a" + "&" * 3_000, sentences=("a" + "&" * 5_000,), link=link)
    for message in render(Digest(stories=(story, story)), Channel.TELEGRAM):
        parse(message.text)
        assert message.length == 4_096


def test_no_more_than_a_hundred_entities_in_a_message():
    story = Story(headline="A", sentences=(), link="https://a.bc")
    messages = render(Digest(stories=(story,) * 120), Channel.TELEGRAM)
    assert len(messages) == 3
    for message in messages:
        parse(message.text)


@pytest.mark.parametrize(
    "markup",
    [
        "",
        " a",
        "a & b",
        "&nbsp;",
        "<p>a</p>",
        "<b>a",
        "a</b>",
        "<b>a<i>b</b></i>",
        "<b><b>a</b></b>",
        "<b> </b>a",
        "<",
        '<a href="/a">a</a>',
        '<a href="javascript:alert(1)">a</a>',
        '<a href="https://dotless/a">a</a>',
        '<a href="https://a.bc/?a&b">a</a>',
        '<a href="https://a.bc"><a href="https://a.bc">a</a></a>',
        "a\u202eb",
        "a\tb",
        "<b>a</b> " * 101 + "a",
        "a" * 32_769,
    ],
)
def test_the_reader_is_strict(markup):
    """What the properties trust refuses what it should."""
    with pytest.raises(Refused):
        parse(markup)


def test_the_reader_reads():
    parsed = parse('<b>a</b> &lt;&#65;&#x42; <a href="https://a.bc/?a&amp;b">c</a>')
    assert parsed.text == "a <AB c"
    assert parsed.links == [("c", "https://a.bc/?a&b")]
