"""An article → the digest of one story, and what its editor should know."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import regex

from bot.domain.digests import Digest, Note, Story
from bot.domain.messages import utf16_length

from .cleaning import beginning, clean, clean_line, has_words
from .dateline import MONTH, is_dateline, without_dateline
from .errors import NothingToSay
from .furniture import without_furniture
from .headline import make_headline
from .links import is_link, link_or_text
from .selection import CONSIDERED, select
from .sentences import split
from .shortening import shorten

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bot.domain.articles import Draft

LONGEST_TEXT = 200_000  #: characters; what comes after is not read
LONGEST_SENTENCE = 1_200  #: UTF-16 units
LONGEST_HEADLINE = 250  #: UTF-16 units
LONG_LINK = 700  #: UTF-16 units; WhatsApp shows addresses in full, within 1,600

_NAMED = 20  # paragraphs left out, in a note
_SHOWN = 60  # characters of a paragraph in a note
_LONGEST_TITLE = 140  # characters of a first line that may be the headline
_FEWEST_TITLE_WORDS = 3
_NO_WORDS = (
    "the article has no words; give it a text or a headline with at least one letter"
    " or digit"
)
_ENDS = regex.compile(r"[.!?…:،,؟۔।|;\"”»)]$")
_STOPS = regex.compile(r"[.!?…؟۔।][\"'”’»)]*$")
_BYLINE = regex.compile(
    r"(?:By|Reported by|Written by|Edited by) \p{Lu}[\p{L}.'’-]*"
    r"(?:[ ,&]+(?:and )?\p{Lu}[\p{L}.'’-]*){0,6}(?: ?[|·•–—-] ?.{0,40}\d{4}.{0,20})?$"
    r"|(?:\p{Lu}[\w.&'’-]* ){0,4}(?:(?:Staff|Our|Special|Senior|City|Own) (?:Reporter"
    r"|Correspondent)|(?:News|Web|Digital|Online|City|Sports|Monitoring) (?:Desk|Bureau"
    r"|Service|Network)|News Agency|Agencies|Press Trust of India)$"
    rf"|(?:\p{{Lu}}\p{{Ll}}+day,? )?(?:{MONTH} \d{{1,2}},?|\d{{1,2}} {MONTH},?) \d{{4}}"
    r"(?:[ ,|–—-]+\d{1,2}[:.]\d{2}.{0,12})?$"
    r"|(?:نیوز|ویب|مانیٹرنگ|سٹی|اسپورٹس) ڈیسک$|(?:سٹاف|اسٹاف) رپورٹر$"
    r"|(?:न्यूज़|न्यूज|वेब|डिजिटल) डेस्क$"
    r"|(?:Published|Updated|Posted|Last updated)(?: on| at)?:? .{0,60}\d{4}.{0,30}$"
)


def clean_draft(draft: Draft) -> Draft:
    """Return *draft* after the clean-up, furniture and all, as it is to be kept.

    Raises:
        NothingToSay: Neither text nor headline has a letter or a digit.
    """
    tidy = replace(
        draft,
        text=clean(draft.text),
        headline=clean_line(draft.headline),
        link=link_or_text(draft.link),
        language=clean_line(draft.language),
    )
    if not has_words(tidy.text) and not has_words(tidy.headline):
        raise NothingToSay(_NO_WORDS)
    return tidy


def compose(draft: Draft) -> Digest:
    """Return the digest of one story.

    The article is cleaned; furniture and dateline are left out; the lead and the
    sentences that carry the story are chosen; a headline is made where none is given.
    Every decision an editor may want to undo is a note.

    Raises:
        NothingToSay: Neither text nor headline has a letter or a digit.
    """
    notes: list[Note] = []
    language = draft.language
    headline = clean_line(draft.headline)
    headline = headline if has_words(headline) else ""
    paragraphs = _paragraphs(draft.text, notes)
    if not paragraphs and not headline:
        raise NothingToSay(_NO_WORDS)
    story = _without_furniture(paragraphs, language, notes)
    if headline:
        story = _without_repeated(headline, story)
    elif _is_title(story):
        headline, story = story[0], story[1:]
        notes.append(
            Note(
                "headline-found",
                f"No headline was given; the first line was taken: “{headline}”.",
            )
        )
    story = _begun(story)
    sentences = [
        sentence
        for paragraph in story
        for sentence in split(paragraph, language)
        if has_words(sentence)
    ]
    if len(sentences) > CONSIDERED:
        notes.append(
            Note(
                "long-text",
                f"The article has {len(sentences)} sentences; the digest is chosen"
                f" from the first {CONSIDERED}.",
            )
        )
    if not headline:
        headline = make_headline(sentences[0], language)
        notes.append(
            Note(
                "headline-made",
                "No headline was given; one was made of the first sentence:"
                f" “{headline}”.",
            )
        )
    chosen = [
        _shortened(sentence, LONGEST_SENTENCE, "sentence", language, notes)
        for sentence in select(sentences)
    ]
    if not chosen:
        notes.append(
            Note("no-text", "The article has a headline only; nothing stands below it.")
        )
    return Digest(
        stories=(
            Story(
                headline=_shortened(
                    headline, LONGEST_HEADLINE, "headline", language, notes
                ),
                sentences=tuple(chosen),
                link=_link(draft.link, notes),
                language=language,
            ),
        ),
        notes=tuple(notes),
    )


def _paragraphs(text: str, notes: list[Note]) -> list[str]:
    cleaned = clean(text)
    if len(cleaned) > LONGEST_TEXT:
        notes.append(
            Note(
                "long-text",
                f"The article has {len(cleaned):,} characters; only the first"
                f" {LONGEST_TEXT:,} were read.",
            )
        )
    lines = beginning(cleaned, LONGEST_TEXT).split("\n")
    return [line for line in lines if has_words(line)]


def _without_furniture(
    paragraphs: list[str], language: str, notes: list[Note]
) -> list[str]:
    story, removed = without_furniture(paragraphs, language)
    if paragraphs and not story:
        notes.append(
            Note(
                "only-furniture",
                "The whole text reads like page furniture; nothing was left out.",
            )
        )
        return paragraphs
    if removed:
        begun = "; ".join(f"“{shorten(line, _SHOWN)}”" for line in removed[:_NAMED])
        if len(removed) > _NAMED:
            begun += f"; and {len(removed) - _NAMED} more"
        what = "1 paragraph" if len(removed) == 1 else f"{len(removed)} paragraphs"
        notes.append(
            Note("furniture-removed", f"Left out as page furniture, {what}: {begun}")
        )
    return story


def _without_repeated(headline: str, story: list[str]) -> list[str]:
    """Return *story* without the page's own headline, read together with its text."""
    same = story and story[0].casefold().rstrip(".") == headline.casefold().rstrip(".")
    return story[1:] if same and len(story) > 1 else story


def _begun(story: list[str]) -> list[str]:
    """Return *story* from its first words: no byline, no dateline."""
    while len(story) > 1 and (_BYLINE.match(story[0]) or is_dateline(story[0])):
        story = story[1:]
    return [without_dateline(story[0]), *story[1:]] if story else story


def _is_title(story: Sequence[str]) -> bool:
    """Whether the first line of *story* is its headline: short, and no sentence."""
    return (
        len(story) > 1
        and not is_dateline(story[0])
        and not _BYLINE.match(story[0])
        and len(story[0]) <= _LONGEST_TITLE
        and not _ENDS.search(story[0])
        and len(story[0].split()) >= _FEWEST_TITLE_WORDS
        and any(_STOPS.search(paragraph) for paragraph in story[1:])
    )


def _shortened(
    text: str, limit: int, what: str, language: str, notes: list[Note]
) -> str:
    short = shorten(text, limit, language=language)
    if short != text:
        notes.append(
            Note(
                f"{what}-shortened",
                f"A {what} of {utf16_length(text):,} characters was shortened:"
                f" “{shorten(text, _SHOWN)}”",
            )
        )
    return short


def _link(link: str, notes: list[Note]) -> str:
    """Return *link* as it will be shown, noting what keeps it from being one."""
    link = link.strip()
    if not link or (is_link(link) and utf16_length(link) <= LONG_LINK):
        return link
    if is_link(link):
        notes.append(
            Note(
                "link-long",
                f"The link has {utf16_length(link):,} characters and is left out where"
                " it must be shown in full (WhatsApp); give a shorter one.",
            )
        )
        return link
    shown = link_or_text(link)
    if utf16_length(shown) > LONG_LINK:
        notes.append(
            Note(
                "link-dropped",
                f"The link has {utf16_length(link):,} characters, too many for any"
                " channel, and was left out; give a shorter one.",
            )
        )
        return ""
    notes.append(
        Note(
            "link-not-a-link",
            f"“{shorten(shown, _SHOWN)}” is no absolute http or https address and is"
            " shown as text; give one that begins with https://.",
        )
    )
    return shown
