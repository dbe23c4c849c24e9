"""Articles no newsroom would write, and all that a web page can hold."""

from __future__ import annotations

from hypothesis import strategies as st

from bot.domain.articles import Draft
from bot.domain.digests import Digest, Story
from bot.formatter import JoinLine

OWN_LINK = "https://www.kashmir.example/2023/01/a_b-c/?x=1&y=*2*"

_PIECES_OF_PAGES = """
<b> </b> <br/> <a href="x"> &amp; &nbsp; &#65; & < > " ' *bold* _it_ ~no~ ` ``` * _ > -
@name #tag /start $CASH example.com www.example.org/a?b a.b.co t.me/x 1.1.1.1 http://x
https://evil.example/a_b?x=1&y=<2> javascript:alert(1) mailto:a@b.com tg://x a@b.com
Police said. the minister, told “We will not bow,” he Rs. 1.5 U.S. Dr. Khan 3.12 No. 5
“ ” ( ) [ « » | | - — – : ; , . ! ? … ؟ ۔ । ، ؛ وزیر نے کہا۔ پولیس کے مطابق واٹس ایپ
पुलिस ने कहा। ग्रुप में قالت الشرطة إن مجموعة واتساب SRINAGAR: Islamabad- ACT NOW |
👨‍👩‍👧‍👦 🏳️‍🌈 🇵🇰 👍🏽 #️⃣ e\u0301 क्षि 가 𝒜 ａ ß ŉ
"""
_PIECES = _PIECES_OF_PAGES.split()
_ODD = [
    "\u202e", "\u202a", "\u2066", "\u2067", "\u2069", "\u200f", "\u200b", "\u2060",
    "\ufeff", "\x00", "\x07", "\x1b[31m", "\ud800", "\udfff", "\ufffe", "\U0001ffff",
    "\u2028", "\u2029", "\x85", "\t", "\r\n", "\r", "\n", "\n\n", "\n- ", "\n> ",
    "\n1. ", "\u00a0", "\u3000", "\u0301" * 40, "Join our WhatsApp group", "\n\n\n",
]  # fmt: skip

_any_text = st.text(st.characters(), max_size=12)
_piece = st.one_of(st.sampled_from(_PIECES), st.sampled_from(_ODD), _any_text)
_long = st.builds(
    lambda piece, times: piece * times,
    st.one_of(
        st.sampled_from(["a", "😀", "e\u0301", "ab ", "Ab. ", "&", "&<", "((((", "\n"]),
        st.sampled_from(["پاک ", "है। ", "x.y", "@a ", "\u0301", "👨‍👩‍👧‍👦", "_", "*"]),
    ),
    st.sampled_from([1, 7, 30, 60, 61, 110, 250, 400, 800, 1_601, 4_097]),
)

texts = st.builds(
    str.join,
    st.sampled_from([" ", " ", "", "\n"]),
    st.lists(_piece, max_size=20),
)
long_texts = st.builds(
    lambda before, long, after: f"{before}{long}{after}", texts, _long, texts
)
articles = st.one_of(texts, texts, texts, texts, texts, long_texts)
headlines = st.one_of(st.just(""), texts, st.sampled_from(["A headline", "*_~`*"]))
links = st.one_of(
    st.just(""),
    st.just(OWN_LINK),
    st.sampled_from(
        ["/relative", "javascript:alert(1)", "https://dotless/x", "mailto:a@b.com"]
    ),
    st.builds("https://kashmir.example/{}".format, st.text(max_size=20)),
    st.integers(1, 3_000).map(
        lambda length: "https://kashmir.example/" + "x&" * length
    ),
)
languages = st.sampled_from(["", "en", "ur", "hi", "ar", "ks", "de"])
drafts = st.builds(
    Draft, text=articles, headline=headlines, link=links, language=languages
)
stories = st.builds(
    Story,
    headline=headlines,
    sentences=st.lists(articles, max_size=3).map(tuple),
    link=links,
    language=languages,
)
digests = st.builds(
    Digest,
    stories=st.lists(stories, min_size=1, max_size=3).map(tuple),
    heading=headlines,
)
joins = st.one_of(
    st.none(),
    st.builds(
        JoinLine,
        words=st.sampled_from(["Join our WhatsApp group", "ہمارے گروپ میں شامل ہوں"]),
        link=st.sampled_from(["https://wa.me/921234567?text=JOIN%20a_b", "odd link"]),
    ),
)
