"""Datelines: where and when a report was filed, before its first sentence.

“Islamabad- ”, “NEW DELHI, Jan 3 (Reuters) — ”, “SRINAGAR:”, “اسلام آباد:”,
“नई दिल्ली, 3 जनवरी (भाषा)।”. A dateline is a place of a few words, perhaps with a
date and an agency, closed by a dash or a colon. What may be a person who speaks, or
an editor's label (“Correction:”), stays.
"""

from __future__ import annotations

import regex

from .cleaning import has_words

_AGENCY = r"\((?P<agency>[^()\n]{1,40})\)"
MONTH = r"(?i:(?:Jan|Feb|Mar|Apr|May|June?|July?|Aug|Sept?|Oct|Nov|Dec)[a-z]{0,7}\.?)"
_DATE = (
    rf"(?:{MONTH} \d{{1,2}}(?:st|nd|rd|th)?|\d{{1,2}}(?:st|nd|rd|th)? {MONTH}"
    r"|(?:Mon|Tues?|Wed|Wednes|Thu|Thurs|Fri|Sat|Satur|Sun)(?:day)?)"
    r"(?:,? \d{4})?"
)
_DASH = r"(?:--|[-–—−])"
_UPPER = r"\p{Lu}[\p{Lu}\p{M}.'’-]+"
_TITLE = r"\p{Lu}[\p{L}\p{M}.'’]+(?:-\p{L}[\p{L}\p{M}]+)*"

_LATIN = regex.compile(
    rf"(?P<place>(?P<upper>{_UPPER}(?:[ /]{_UPPER}){{0,3}})"
    rf"|{_TITLE}(?:[ /]{_TITLE}){{0,2}})"
    rf"(?P<region>(?:, (?!{_DATE}){_TITLE}(?: {_TITLE}){{0,2}}){{0,2}})"
    rf"(?: \(\p{{Lu}}[\p{{L}} ]{{1,20}}\)(?=,? {_DATE}))?"
    rf"(?P<date>(?:,? ?| \| ){_DATE})?"
    rf"(?:,? ?{_AGENCY})?"
    rf"(?:(?P<dash> ?{_DASH}(?: |(?<=—)|$))|(?P<colon> ?[:|](?: |$|(?=\p{{Lu}}))))"
)
_UPPER_ALONE = regex.compile(
    rf"{_UPPER}(?:[ /]{_UPPER}){{0,3}},? {_DATE}(?: ?{_AGENCY})?$"
)
_AGENCY_ALONE = regex.compile(rf"{_AGENCY} ?{_DASH} ")
_LABELS = regex.compile(
    r"(?:Corrections?|Clarification|Updated?|Breaking|Exclusive|Watch|Opinion|Analysis"
    r"|Editorial|Explain(?:ed|er)|Notes?|Fact|Question|Answer|Live|Videos?|Photos?"
    r"|Warning|Disclaimer|Interview|Review|Profile|Comment|Obituary|Read|Also)\b",
    regex.IGNORECASE,
)
_ONE_PLACE = regex.compile(
    r"\S+|(?:New|Old|North|South|East|West|Port|Saint|St\.?|San|Santa|Los|Las|Abu|Tel"
    r"|Kuala|Addis|Dera|Navi|Buenos|Rio|Sri|Hong|Ho|Cape|Fort|Mount|Lower|Upper)\b.*"
    r"|\S+ (?:City|D\.?C\.?)"
)
_NEXT = regex.compile(r"[\"'“‘«(\[]*[\p{Lu}\p{Nd}]")

_WORD = r"[\p{L}\p{M}]+"
_OTHER = regex.compile(
    rf"(?P<place>{_WORD}(?:[ /]{_WORD}){{0,2}})"
    rf"(?P<date>[,،] ?\p{{Nd}}{{1,2}} {_WORD}(?: \p{{Nd}}{{4}})?"
    rf"|[,،] (?:{_WORD} )?(?:संवाददाता|ब्यूरो|डेस्क|نمائندہ|رپورٹر|ڈیسک))?"
    rf"(?: ?{_AGENCY})?"
    rf"(?P<close> ?[:：|؍]| ?//?| ?{_DASH}(?= |$)|[۔।])?(?: |$)"
)
_NOT_LATIN = regex.compile(r"[\p{Script=Arabic}\p{Script=Devanagari}]")
_DESK = regex.compile(
    r"ڈیسک|نیوز|رپورٹر|نمائندہ|نامہ ?نگار|ایجنسی|ایجنسیاں|بیورو|آن ?لائن|سٹاف|اسٹاف"
    r"|مانیٹرنگ|رائٹرز"
    r"|اے پی|اے ایف پی|یو این آئی|پی ٹی آئی|وكالات|وكالة|رويترز|أ ف ب|واس|الأناضول"
    r"|भाषा|पीटीआई|एएनआई|एजेंसी|ब्यूरो|संवाददाता|डेस्क|वार्ता|रॉयटर्स|एपी|एएफपी"
)
_TWO_WORDS = regex.compile(r"नई |نئی |نیو ")  # New Delhi, New York
_FEWEST_WORDS_AFTER = 4


def without_dateline(paragraph: str) -> str:
    """Return *paragraph* without the dateline it begins with, if it does."""
    if _NOT_LATIN.match(paragraph):
        end = _end_in_other_scripts(paragraph)
    else:
        end = _end_in_latin(paragraph)
    rest = paragraph[end:].lstrip()
    return rest if has_words(rest) or not end else paragraph


def is_dateline(paragraph: str) -> bool:
    """Whether *paragraph* is a dateline and nothing else, on a line of its own."""
    end = (
        _end_in_other_scripts(paragraph, alone=True)
        if _NOT_LATIN.match(paragraph)
        else _end_in_latin(paragraph, alone=True)
    )
    return end == len(paragraph) > 0


def _end_in_latin(paragraph: str, *, alone: bool = False) -> int:
    if found := _AGENCY_ALONE.match(paragraph):
        return found.end()
    if alone and (found := _UPPER_ALONE.match(paragraph)):
        return found.end()
    found = _LATIN.match(paragraph)
    if found is None or _LABELS.match(paragraph):
        return 0
    sure = bool(found["date"] or found["agency"])
    if alone:
        return found.end() if sure or found["upper"] else 0
    rest = paragraph[found.end() :]
    if len(rest.split(maxsplit=_FEWEST_WORDS_AFTER)) < _FEWEST_WORDS_AFTER:
        return 0
    # not “Imran Khan: …”, nor “Kashmir - the old region - …”
    speaks = found["colon"] and not _ONE_PLACE.fullmatch(found["place"])
    certain = sure or found["upper"] or (not speaks and _NEXT.match(rest))
    return found.end() if certain else 0


def _end_in_other_scripts(paragraph: str, *, alone: bool = False) -> int:
    found = _OTHER.match(paragraph)
    if found is None:
        return 0
    agency = found["agency"] or ""
    sure = bool(found["date"]) or _DESK.search(agency) is not None
    close = (found["close"] or "").strip()
    if alone:
        return found.end() if close in {":", "："} or (close and sure) else 0
    if not close and not (agency and sure):
        return 0  # a bracket that explains a name is no dateline
    if close in {"۔", "।"} and not sure and _is_phrase(found["place"]):
        return 0  # a short sentence
    rest = paragraph[found.end() :]
    if len(rest.split(maxsplit=_FEWEST_WORDS_AFTER)) < _FEWEST_WORDS_AFTER:
        return 0
    return found.end()


def _is_phrase(place: str) -> bool:
    """Whether *place*, before a full stop, is more likely the words of a sentence."""
    return " " in _TWO_WORDS.sub("", place, count=1)
