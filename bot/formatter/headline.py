"""A headline for a story that came without one: its first sentence's own words.

In English the words that only set the scene (“In a statement on Monday, …”) are
passed over, and the headline begins with the subject and holds its verb. What is
longer than a headline ends at a clause, else before a preposition, else at a word. In
other languages, whose grammar is not analysed, it is the first sentence from its
beginning, ended at a clause or a word.
"""

from __future__ import annotations

import regex

from .cleaning import has_words
from .shortening import shorten
from .verbs import first_verb, is_verb

LONGEST = 110  #: UTF-16 units of a headline we make
_ENGLISH = ("", "en", "en-", "en_")  #: what is not declared is taken for English
_LONGEST_WITH_LATE_VERB = 220  # a long subject is better than no verb
_LONGEST_WHOLE = 180  # where no verb is found, or it stands last
_SHORTEST_CUT = 35  # characters: less says too little
_WORDS_AFTER_VERB = 2
_SEARCHED = 600  # characters of the first sentence that are looked at

_OPENER = regex.compile(
    r"[\"'“‘]?(?:(?:in|on|at(?! least| most)|after|before|during|despite|while"
    r"|although|though|as|amid|amidst|with|without|following|since|for|by|under|when|if|until|till|upon"
    r"|once"
    r"|because|unlike|like|besides|beyond|from|to|over|within|across|among|between"
    r"|against|according|based|given|faced|accused|asked|led|backed|hit|citing|pending"
    r"|owing|due|thanks|contrary|earlier|later|meanwhile|however|moreover|separately"
    r"|elsewhere|finally|instead|still|yet|yesterday|today|tomorrow|now|then|also"
    r"|inside|outside|near|behind|ahead|even|soon|reportedly|apparently|clearly|notably"
    r"|through|of|late on|early on"
    r"|(?:just|shortly|soon|immediately|long) (?:after|before)"
    r"|(?:widely )?(?:stung|buoyed|born|founded|built|known|dubbed|billed|armed|dressed"
    r"|located|situated|nestled|encouraged|angered|alarmed|shocked|worried|undeterred"
    r"|unfazed|caught|driven|forced|inspired|frustrated|surrounded|flanked|regarded"
    r"|described|hailed|touted|set|aged|perched|buried|torn|moved|bolstered|emboldened)"
    r" (?:by|with|in|at|on|from|for|as|to|between|\d))\b"
    r"|(?:last|this|next|late|early) (?:week|month|year|night|morning|evening"
    r"|spring|summer|autumn|winter|\w+day)\b"
    r"|(?:\w+ ){0,4}(?:minutes?|hours?|days?|weeks?|months?|years?|decades?)"
    r" (?:after|before|ago|later|since|earlier|into)\b"
    r"|(?!(?:Beijing|Nanjing|King|Ruling|Opening|Leading|Mining|Evening|Morning|Housing"
    r"|Building|Nothing|Something|Everything|Boeing|Sterling|Spring|Sting|Wing)\b)"
    r"\p{Lu}\p{Ll}+ing\b)",
    regex.IGNORECASE,
)
_NO_SUBJECT = regex.compile(
    r"(?:which|who|whom|whose|where|when|while|and|or|but|nor|including|such|as|to|in|on"
    r"|at(?! least| most)|of|for|from|with|by|that|especially|particularly|mainly"
    r"|mostly"
    r"|along|together|among|after|before|during|amid|near|killing|leaving|saying)\b|\d{4}\b"
    r"|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*\.? \d"
    r"|\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)",
)
_CLAUSE = regex.compile(r"(?:[,;،؛、，]|:(?!\S))(?=\s)| ?[–—](?=\s)")
_CONJUNCTION = regex.compile(
    r" (?=(?:after|as|while|when|because|which|who|where|amid|following|saying|before"
    r"|although|since|unless|but)\b)"
)
_PREPOSITION = regex.compile(
    r"(?<! late| early) (?=(?:(?:late|early) on|in|on|at|from|for|with|during|over"
    r"|into|against|by|under|near|through"
    r"|across|between|until|starting|including|despite)\b)"
)
_PARTICIPLE = regex.compile(
    r"(?<! (?:is|are|was|were|be|been|of|by|for|in|on|from|with|the|a|an|and|or|to"
    r"|began|kept|keep|started|stop|stopped|before|after|while))"
    r" (?=\p{Ll}{3,}ing\b)"
)
_FINAL = regex.compile(r"[\s.۔।॥。,;:،؛–—-]+$")
_ABBREVIATED = regex.compile(r"(?:^|[\s.(])\p{L}\.$")
_VERB_FINAL = regex.compile(r"\p{Script=Devanagari}|[ٹڈڑںہھےگچپک]")
_FINITE = regex.compile(
    r"(?<!\p{L})(?:ہے|ہیں|ہوں|تھا|تھے|تھی|تھیں|گا|گے|گی|گیا|گئے|گئی|گئیں|کیا|کہا|دیا|لیا"
    r"|ہوا|ہوئے|ہوئی|دی|لی|دیے|لیے|بتایا|رہا|رہے|رہی|آیا|آئے|آئی|پایا|سکا|چکا|چکے|چکی"
    r"|है|हैं|हूं|था|थे|थी|थीं|गा|गे|गी|गया|गए|गई|गईं|किया|कहा|दिया|लिया|हुआ|हुए|हुई|दी|ली"
    r"|दिए|लिए|बताया|रहा|रहे|रही|आया|आए|आई|\p{L}[\p{L}\p{M}]*(?:एगा|एगी|ेगा|ेगी|ेंगे|ेंगी|गा|گا|گی|گے))"
    r"[\s”’‘\"]*$"
)
_ARABIC_OPENER = regex.compile(
    r"(?:و?(?:في|بعد|قبل|خلال|وفقا|وفقًا|بحسب|حسب|أثناء|على|عقب|مع|منذ|رغم|من|إثر|وسط|بينما|عندما))\s"
)
_ATTRIBUTION = regex.compile(
    r"(?:\S+ ){1,4}(?:said|says|told \w+|added|reported|announced|noted)(?: on \w+)?\W*"
)
_ASIDE = regex.compile(r"[\w'’]+, [^,]{3,60}, ")
_OPENED = regex.compile(r"[“«(\[]")
_CLOSED = regex.compile(r"[”»)\]]")


def make_headline(sentence: str, language: str = "") -> str:
    """Return a headline made of *sentence*: a span of it, save for the first capital.

    Where even a clause is too long, it ends in “…”.
    """
    first = sentence[:_SEARCHED]
    made = _english(first) if language.lower()[:3] in _ENGLISH else _any(first)
    capital = made[:1].upper()
    return capital + made[1:] if len(capital) == 1 else made


def _english(sentence: str) -> str:
    clause = sentence[_main_clause(sentence) :]
    whole = _without_stop(clause)
    if len(whole) <= LONGEST:
        return whole
    verb = _main_verb(clause)
    if verb is None:
        return whole if len(whole) <= _LONGEST_WHOLE else _any(clause)
    if aside := _ASIDE.match(clause, verb):  # “was, according to police, beaten”
        verb = aside.end()
    earliest = max(_SHORTEST_CUT, _after_words(clause, verb, _WORDS_AFTER_VERB))
    cuts = [
        [
            found.start()
            for found in boundary.finditer(clause, earliest)
            if _is_closed(clause[: found.start()])
        ]
        for boundary in (_CLAUSE, _CONJUNCTION, _PREPOSITION, _PARTICIPLE)
    ]
    for places in cuts:
        if fitting := [place for place in places if place <= LONGEST]:
            return _without_stop(clause[: fitting[-1]])
    later = min((place for places in cuts for place in places), default=len(clause))
    if later <= _LONGEST_WITH_LATE_VERB:
        return _without_stop(clause[:later])
    return shorten(whole, LONGEST)


def _any(sentence: str) -> str:
    whole = _without_stop(sentence)
    if len(whole) <= LONGEST:
        return whole
    cuts = [
        found.start()
        for found in _CLAUSE.finditer(whole, _SHORTEST_CUT)
        if _is_closed(whole[: found.start()])
    ]
    longest = LONGEST
    if _VERB_FINAL.search(whole):  # a clause ends with its verb, or is none
        cuts = [cut for cut in cuts if _FINITE.search(whole, max(0, cut - 12), cut)]
        longest = _LONGEST_WHOLE
        if not any(cut <= LONGEST for cut in cuts) and len(whole) <= longest:
            return whole
    elif _ARABIC_OPENER.match(whole):
        cuts = cuts[1:]
    for limit in (LONGEST, longest):
        if fitting := [cut for cut in cuts if cut <= limit]:
            return _without_stop(whole[: fitting[-1]])
    return shorten(whole, LONGEST)


def _main_clause(sentence: str) -> int:
    """Return where the main clause of an English *sentence* begins."""
    if not _OPENER.match(sentence):
        return 0
    rest = 0
    for place, (start, part, following) in enumerate(_parts(sentence)):
        if not place or _NO_SUBJECT.match(part) or is_verb(part):
            continue
        if _ATTRIBUTION.fullmatch(part):
            break  # “At dawn the guns fell silent, witnesses said”
        if first_verb(part) is not None or _is_apposed(following):
            return start
        if not rest and (" " in part or part[:1].islower()):
            rest = start  # a capital alone is where: “In Lahore, Punjab, …”
    # no verb we know; what will be cut must not be cut to the opening words alone
    return rest if len(sentence) > LONGEST else 0


def _main_verb(clause: str) -> int | None:
    """Return where the verb that belongs to the subject of *clause* begins."""
    for place, (start, part, _) in enumerate(_parts(clause)):
        verb = first_verb(part)
        if place == 0 and verb is not None:
            return verb
        if place and is_verb(part):
            return start
    return first_verb(clause)


def _parts(sentence: str) -> list[tuple[int, str, list[str]]]:
    """Return what stands between commas: where, the words, and the next two parts."""
    starts = [0] + [
        found.end() + 1
        for found in _CLAUSE.finditer(sentence)
        if _is_closed(sentence[: found.start()])
    ]
    parts = [
        sentence[start:end].strip(" ,")
        for start, end in zip(starts, [*starts[1:], len(sentence)], strict=True)
    ]
    return [
        (start, part, parts[place + 1 : place + 3])
        for place, (start, part) in enumerate(zip(starts, parts, strict=True))
    ]


def _is_apposed(following: list[str]) -> bool:
    """Whether a noun before *following* is its subject: “X, the minister, said”."""
    if not following:
        return False
    if is_verb(following[0]) or regex.match(r"(?:who|which|whose)\b", following[0]):
        return True
    return len(following) > 1 and is_verb(following[1])


def _after_words(text: str, start: int, count: int) -> int:
    """Return the offset after *count* words that follow the word at *start*."""
    found = regex.compile(rf"\S+(?: \S+){{{count}}}").match(text, start)
    return found.end() if found else len(text)


def _without_stop(text: str) -> str:
    """Return *text* without its final full stop, which a headline does not have."""
    if _ABBREVIATED.search(text):
        return text
    stripped = _FINAL.sub("", text)
    return stripped if has_words(stripped) else text


def _is_closed(text: str) -> bool:
    """Whether no quotation or bracket stands open at the end of *text*."""
    return (
        len(_OPENED.findall(text)) == len(_CLOSED.findall(text))
        and text.count('"') % 2 == 0
    )
