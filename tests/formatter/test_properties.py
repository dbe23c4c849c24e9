"""What holds for every article there can be.

Each property is tried with the profile of conftest.py: 100 examples at a desk, 1,050
on every push (set CI), so that the twenty together make 21,000. HARKARA_EXAMPLES wins
over both.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from itertools import pairwise
from unicodedata import category

import pytest
from hypothesis import Phase, assume, given, is_hypothesis_test, reject, settings
from hypothesis import strategies as st

from bot.domain.articles import Draft
from bot.domain.digests import Digest
from bot.domain.messages import Text, utf16_length
from bot.domain.recipients import Channel
from bot.formatter import (
    NothingToSay,
    clean,
    clean_draft,
    clean_line,
    compose,
    render,
    template_variables,
)
from bot.formatter.cleaning import has_words
from bot.formatter.document import cleaned
from bot.formatter.packing import GAP, Size, pack
from bot.formatter.sentences import split
from bot.formatter.shortening import ELLIPSIS, shorten
from bot.formatter.whatsapp import LOOK_ALIKES
from tests.formatter.strategies import (
    articles,
    digests,
    drafts,
    headlines,
    joins,
    languages,
    links,
    texts,
)
from tests.formatter.telegram_html import parse
from tests.formatter.whatsapp_marks import bold_lines

profile = settings.get_profile("formatter")

# The clean-up's own insertions and replacements (steps 9 to 11), undone.
_INSERTED = dict.fromkeys([0x2060, 0x200F, 0x2066, 0x2067, 0x2068, 0x2069])
_REPLACED = {ord(alike): sign for sign, alike in LOOK_ALIKES.items()}
_WORDS = ("Join our WhatsApp group", "ہمارے گروپ میں شامل ہوں")


#: An address in full is the newsroom's own doing.
ADDRESS = re.compile(
    r"(?<![a-z0-9+-])https?://[^\s<>\"«»\u2000-\u206f]+", re.IGNORECASE
)
WORDS = {"Lu", "Ll", "Lt", "Lm", "Lo", "Nd", "Nl", "No", "Cn"}


def said(text):
    """Return the newsroom's words in *text*, for comparison."""
    return " ".join(text.translate(_INSERTED).translate(_REPLACED).split())


def source_of(draft):
    return said(f"{clean(draft.headline)}\n{clean(draft.text)}")


def composed(draft):
    try:
        return compose(draft)
    except NothingToSay:
        reject()


def rendered(digest, channel, **how):
    try:
        return render(digest, channel, **how)
    except NothingToSay:
        reject()


def shown(messages):
    return [
        parse(message.text).text if message.markup else message.text
        for message in messages
    ]


def assert_fits(messages: tuple[Text, ...], most: int):
    assert messages
    for message, text in zip(messages, shown(messages), strict=True):
        assert message.length == utf16_length(text) <= message.limit <= most
        assert text == text.strip()
        # letters newer than this Python's tables are unassigned to it
        said_something = any(category(sign)[:2] in WORDS for sign in text)
        assert said_something or "://" in text


def assert_lead_is_kept(digest: Digest, messages):
    story = cleaned(digest.stories[0])
    assume(story.sentences)
    lead = said(story.sentences[0])
    whole = "\n\n".join(shown(messages))
    blocks = list(filter(None, map(said, re.split(r"\n+", whole))))
    begun = [block.removesuffix(ELLIPSIS) for block in blocks if block.endswith("…")]
    # whole, or a beginning of it, or its words where it begins without any
    assert (
        lead in blocks
        or any(part and part in lead for part in begun)
        or any(lead.endswith(block) for block in blocks)
    )


def assert_spans(draft, digest, messages):
    source = source_of(draft)
    link = said(digest.stories[0].link)
    for block in "\n\n".join(shown(messages)).split("\n\n"):
        words = said(block)
        if words == link or block.split("\n")[0] in _WORDS or "://" in words:
            continue
        if words == "kashmir.example":
            continue  # a long link shows its host
        bare = words.strip("*").removesuffix(ELLIPSIS).strip()
        assert any(
            part in source
            for part in (words, words.removesuffix(ELLIPSIS), bare, bare[1:])
        )
    for sentence in digest.stories[0].sentences:
        assert said(sentence).removesuffix(ELLIPSIS) in source


# 1
@profile
@given(articles)
def test_cleaning_twice_changes_nothing(text):
    assert clean(clean(text)) == clean(text)
    assert clean_line(clean_line(text)) == clean_line(text)


# 2
@profile
@given(articles)
def test_what_is_cleaned_holds_nothing_a_channel_would_strip(text):
    for line in clean(text).split("\n"):
        assert not re.search("[\u200b\u2060\ufeff\u202a-\u202e\u2028\u2029\t]", line)
        assert all(category(sign) not in {"Cc", "Cs"} for sign in line)
        assert "  " not in line
        assert line == line.strip(" ")
        depth = 0
        for sign in line:
            depth += (sign in "\u2066\u2067\u2068") - (sign == "\u2069")
            assert depth >= 0
        assert depth == 0


# 3
@profile
@given(drafts, joins)
def test_telegram_parses_and_fits(draft, join):
    assert_fits(rendered(composed(draft), Channel.TELEGRAM, join=join), 4_096)


# 4
@profile
@given(digests, joins)
def test_telegram_parses_and_fits_for_several_stories(digest, join):
    assert_fits(rendered(digest, Channel.TELEGRAM, join=join), 4_096)


# 5
@profile
@given(articles, headlines, languages)
def test_telegram_finds_nothing_to_act_upon(text, headline, language):
    """No mention, tag, command, cash tag or domain but the newsroom's own."""
    draft = Draft(text=text, headline=headline, language=language)
    for message in rendered(composed(draft), Channel.TELEGRAM):
        plain = parse(message.text).unlinked
        for address in ADDRESS.findall(plain):
            host = re.split(r"[/?#]", address)[2]
            assert "." in host
            assert "@" not in host
        plain = ADDRESS.sub(" ", plain)
        assert not re.search(r"@\w", plain)
        for tag in re.findall(r"#(\w+)", plain):
            assert not any(category(sign)[0] == "L" for sign in tag)
        assert not re.search(r"(?<![\w/<>])/[A-Za-z0-9_]", plain)
        assert not re.search(r"(?<![\w$])\$[A-Z]{1,8}(?![\w$])", plain)
        assert not re.search(r"[\w-]\.(?:com|org|net|me|co|example)(?!\w)", plain)
        assert not re.search("[a-z]://[^\\s\u2060]", plain, re.IGNORECASE)
        assert not re.search(r"(?<![\d.])\d+\.\d+\.\d+\.\d+(?![\d.])", plain)


# 6
@profile
@given(drafts)
def test_telegram_keeps_the_lead(draft):
    digest = composed(draft)
    assert_lead_is_kept(digest, render(digest, Channel.TELEGRAM))


# 7
@profile
@given(drafts, joins)
def test_telegram_says_the_newsrooms_own_words(draft, join):
    digest = composed(draft)
    assert_spans(draft, digest, render(digest, Channel.TELEGRAM, join=join))


# 8
@profile
@given(drafts, joins)
def test_whatsapp_fits(draft, join):
    assert_fits(rendered(composed(draft), Channel.WHATSAPP, join=join), 1_600)


# 9
@profile
@given(digests, joins)
def test_whatsapp_fits_for_several_stories(digest, join):
    assert_fits(rendered(digest, Channel.WHATSAPP, join=join), 1_600)


# 10
@profile
@given(digests, joins)
def test_whatsapp_markers_are_balanced_and_bounded(digest, join):
    for message in rendered(digest, Channel.WHATSAPP, join=join):
        bold_lines(message.text)


# 11
@profile
@given(drafts)
def test_whatsapp_keeps_the_lead(draft):
    digest = composed(draft)
    assert_lead_is_kept(digest, render(digest, Channel.WHATSAPP))


# 12
@profile
@given(drafts, joins)
def test_whatsapp_says_the_newsrooms_own_words(draft, join):
    digest = composed(draft)
    assert_spans(draft, digest, render(digest, Channel.WHATSAPP, join=join))


# 13
@profile
@given(digests, joins, st.sampled_from([*Channel, None]), st.integers(64, 1_100))
def test_a_lower_limit_holds(digest, join, channel, limit):
    messages = rendered(digest, channel, join=join, limit=limit)
    assert_fits(messages, limit)
    assert_lead_is_kept(
        Digest(
            stories=tuple(
                story
                for story in digest.stories
                if cleaned(story).sentences or cleaned(story).headline
            )
        ),
        messages,
    )


# 14
@profile
@given(drafts, joins, st.sampled_from([*Channel, None]))
def test_the_same_article_gives_the_same_bytes(draft, join, channel):
    first = render(composed(draft), channel, join=join)
    assert first == render(compose(draft), channel, join=join)


# 15
@profile
@given(digests)
def test_template_variables_are_what_meta_takes(digest):
    try:
        variables = template_variables(digest)
    except NothingToSay:
        reject()
    assert [name for name, _ in variables] == ["1", "2", "3"]
    values = [value for _, value in variables]
    assert sum(map(utf16_length, values)) <= 900
    for value in values:
        assert value.strip() == value != ""
        assert not re.search(r"[\n\t\r\u2028]| {2}", value)


# 16
@profile
@given(articles, languages)
def test_sentences_are_the_paragraph(text, language):
    line = clean_line(text)
    sentences = split(line, language)
    assert "".join("".join(sentences).split()) == "".join(line.split())
    at = 0
    for sentence in sentences:
        at = line.index(sentence, at) + len(sentence)


# 17
@profile
@given(articles, st.integers(0, 300), languages)
def test_what_is_shortened_fits_and_is_a_beginning(text, limit, language):
    line = clean_line(text)
    short = shorten(line, limit, language=language)
    assert utf16_length(short) <= limit
    assert has_words(short) or not has_words(line) or limit <= 2
    if short == line:
        return
    bare = re.compile("[\u2066-\u2069]")
    kept = bare.sub("", short.removesuffix(ELLIPSIS))
    whole = bare.sub("", line)
    before = whole[: whole.index(kept)]
    assert not has_words(before)
    assert short.endswith(ELLIPSIS) or whole.endswith(kept) or not limit


def packing_holds(blocks, limit, *, measure=utf16_length, gap=2):
    """Nothing is lost, reordered or too long, emoji included."""
    packed = pack(
        blocks,
        measure=lambda block: Size(measure(block)),
        limit=Size(limit),
        gap=Size(gap),
    )
    messages = [GAP.join(group) for group in packed]
    assert GAP.join(messages) == GAP.join(blocks)
    assert all(utf16_length(message) <= limit for message in messages)
    pairs = pairwise(packed)
    assert all(
        utf16_length(GAP.join([*one, other[0]])) > limit for one, other in pairs
    ), "few messages"


blocks_and_limits = (
    st.lists(st.text(min_size=1, max_size=50)),
    st.integers(min_value=100, max_value=400),
)


# 18
@profile
@given(*blocks_and_limits)
def test_packing_keeps_every_block_and_fits_every_message(blocks, limit):
    packing_holds(blocks, limit)


# 19
@profile
@given(texts, headlines, links)
def test_words_are_never_lost_altogether(text, headline, link):
    """Nothing to say exactly where there is neither a letter nor a digit."""
    draft = Draft(text=text, headline=headline, link=link)
    words = any(
        category(sign)[0] in "LN" and category(sign) != "No"
        for sign in clean(f"{headline} {text}")
    )
    try:
        digest = compose(draft)
    except NothingToSay:
        assert not words
    else:
        for channel in (*Channel, None):
            assert "".join(shown(render(digest, channel))).strip()


# 20
@profile
@given(drafts)
def test_what_is_kept_gives_the_same_digest(draft):
    try:
        tidy = clean_draft(draft)
    except NothingToSay:
        with pytest.raises(NothingToSay):
            compose(draft)
        return
    assert clean_draft(tidy) == tidy
    assert compose(tidy).stories == compose(draft).stories


def test_the_properties_together_try_twenty_thousand_examples():
    """On every push: twenty properties times 1,050."""
    tried = settings.get_profile("formatter-ci").max_examples
    properties = [each for each in globals().values() if is_hypothesis_test(each)]
    assert len(properties) * tried >= 20_000


def test_a_separator_forgotten_in_the_length_is_found():
    """Planted: blocks fit one by one, and the blank lines between them do not."""

    @settings(profile, max_examples=1_000, database=None, phases=[Phase.generate])
    @given(*blocks_and_limits)
    def broken(blocks, limit):
        packing_holds(blocks, limit, gap=0)

    with pytest.raises(AssertionError):
        broken()


def test_a_length_in_code_points_is_found():
    """Planted: an emoji is counted once, and Telegram counts it twice."""

    @settings(profile, max_examples=1_000, database=None, phases=[Phase.generate])
    @given(*blocks_and_limits)
    def broken(blocks, limit):
        packing_holds(blocks, limit, measure=len)

    with pytest.raises(AssertionError):
        broken()


def test_the_same_bytes_in_another_process():
    """Nothing hangs on the order of a set or on this process's hashes."""
    program = (
        "import sys; from pathlib import Path\n"
        "from bot.domain.articles import Draft\n"
        "from bot.formatter import compose, render\n"
        "from bot.domain.recipients import Channel\n"
        "text = Path('tests/data/pakistan-ttp-border.txt').read_text('utf-8')\n"
        "digest = compose(Draft(text=text, link='https://kashmir.example/a'))\n"
        "own = frozenset({'a.example', 'b.example', '@c', '#d'})\n"
        "for channel in Channel:\n"
        "    for message in render(digest, channel, own=own):\n"
        "        sys.stdout.buffer.write(repr(message).encode())\n"
    )
    outputs = {
        subprocess.run(  # noqa: S603 — this very Python
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2", "3")
    }
    assert len(outputs) == 1
