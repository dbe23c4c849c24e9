"""Finite verbs as English news writes them: enough to find who does what."""

from __future__ import annotations

import regex

_AUXILIARIES = (
    "is are was were has have had will would can could may might must should did does"
    " do isn't aren't wasn't weren't hasn't haven't hadn't won't wouldn't can't"
    " couldn't didn't doesn't don't"
)
_PAST = (
    "said told gave took made met won lost fell rose held left began became went came"
    " found shot set sent saw spoke wrote struck sought led fled kept brought"
    " bought built caught chose drew drove fought got grew heard hit hurt knew laid lay"
    " let meant paid put quit ran read rang sank sat shook shut sold spent split spread"
    " stood stole swore swept taught thought threw understood woke withdrew broke cut"
    " dealt dug ate flew forgot forbade froze hid hung overcame overthrew bore bound"
    " burst cast clung crept felt underwent upheld undertook oversaw forgave blew slid"
    " beat bet bid slept slew sang sprang swam vowed"
)
_PRESENT = (
    "says tells calls vows urges warns seeks plans wants faces kills arrests announces"
    " claims denies rejects accuses blames backs slams condemns demands approves bans"
    " launches opens closes wins loses falls rises hits meets visits remains becomes"
    " makes takes gives gets goes comes begins starts ends continues expects hopes"
    " appears seems shows finds believes fears threatens signs orders agrees asks"
    " needs leads holds lies stands runs include includes say tell call vow urge warn"
    " seek want fear believe remain agree demand"
)
_NO_PAST = (
    "hundred red indeed need speed seed feed breed deed greed bed shed sacred wicked"
    " naked armed unnamed unidentified masked suspected renowned beloved kindred hatred"
    " moped steed exceed proceed succeed embed"
)
_BEFORE_A_NOUN = (
    "a an the of by two three four five six seven eight nine ten some many several its"
    " his her their our my this that these those as being been be"
)
_VERBS = frozenset(f"{_AUXILIARIES} {_PAST} {_PRESENT}".split())
_NOT_PAST = frozenset(_NO_PAST.split())
_DETERMINERS = frozenset(_BEFORE_A_NOUN.split())
_REGULAR = regex.compile(r"[a-z]{2,}[a-z'-]*ed")
_WORD = regex.compile(r"[\p{L}\p{N}][\p{L}\p{N}'’-]*+")
_RELATIVE = regex.compile(r"who|which|that|whose|whom|where")
_PARTICIPLE = regex.compile(
    r"\w+ by\b|(?:based|known|named|dubbed|called|located|backed|led|aged|held|set|made"
    r"|built|born|found|seen|identified|described|accused|convicted|charged|wanted)"
    r" (?:only )?(?:of|in|on|at|as|after|for|to|with|from|near)\b"
)


def first_verb(text: str) -> int | None:
    """Return where the first finite verb of *text* begins, or None.

    The verb of a relative clause counts only where no other follows.
    """
    fallback = None
    before = relative = ""
    after_verb = False
    for found in _WORD.finditer(text):
        word = found[0].replace("’", "'")
        verb = found.start() > 0 and _can_be_verb(word, before)
        if verb and not relative and not after_verb:
            return found.start()
        if verb and relative:
            fallback = found.start() if fallback is None else fallback
            relative = ""
        elif _RELATIVE.fullmatch(word):
            relative = word
        after_verb = verb  # “had been”, “was shot”: one verb in two words
        before = word if text[found.end() : found.end() + 1] == " " else ""
    return fallback


def is_verb(text: str) -> bool:
    """Whether the first word of *text* is a finite verb, so that no subject stands."""
    found = _WORD.match(text)
    return (
        found is not None
        and _can_be_verb(found[0].replace("’", "'"), "")
        and not _PARTICIPLE.match(text)
    )


def _can_be_verb(word: str, before: str) -> bool:
    if before in _DETERMINERS:
        return False
    if word in _VERBS:
        return True
    return _REGULAR.fullmatch(word) is not None and word not in _NOT_PAST
