"""Words that do something when a reader writes nothing else."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum
from typing import NamedTuple

from handlers.answers import visible


class Wish(StrEnum):
    """What a reader wants."""

    STOP = "stop"
    START = "start"
    HELP = "help"
    LATEST = "latest"
    PRIVACY = "privacy"


class Said(NamedTuple):
    """A wish, and the word that follows it."""

    wish: Wish
    argument: str


#: The English ones are the carriers' (platform-facts §3.11); as people write them,
#: `_plain` makes one spelling of several.
_WORDS = {
    Wish.STOP: (
        "stop stopall unsubscribe end quit revoke optout cancel "
        "روکیں روکو روک بند ختم منسوخ رکو اسٹاپ "
        "रोकें रोको बंद बन्द समाप्त रद्द स्टॉप "
        "إيقاف ايقاف أوقف توقف الغاء إلغاء قف ستوب"
    ),
    Wish.START: ("start unstop yes شروع اسٹارٹ ہاں शुरू शुरु स्टार्ट हाँ ابدأ ابدا بدء نعم"),
    Wish.HELP: "help info مدد معلومات मदद सहायता जानकारी مساعدة",
    Wish.LATEST: "latest news تازہ خبریں خبر ताज़ा ख़बरें ख़बर समाचार أخبار الأخبار جديد",
    Wish.PRIVACY: "privacy رازداری गोपनीयता निजता الخصوصية خصوصية",
}
#: Two words that are as clear as one.
_PHRASES = {
    "opt out": Wish.STOP,
    "stop all": Wish.STOP,
    "بند کریں": Wish.STOP,
    "بند کرو": Wish.STOP,
    "बंद करें": Wish.STOP,
    "बंद करो": Wish.STOP,
    "إلغاء الاشتراك": Wish.STOP,
}
_ARGUED = frozenset({Wish.LATEST})  # may be followed by a number
#: Arabic's vowel signs and lengthening stroke, and Hindi's dot: written or left out.
_MARKS = frozenset(map(chr, range(0x064B, 0x0660))) | {"\u0670", "\u0640", "\u093c"}
#: Letters that Arabic and Urdu keyboards write differently.
_LETTERS = str.maketrans({"ي": "ی", "ى": "ی", "ك": "ک", "ة": "ه", "ہ": "ه"})  # noqa: RUF001 - the scripts of our readers


def _plain(text: str) -> str:
    """Return *text* folded: case, marks, punctuation and letter variants apart."""
    folded = unicodedata.normalize("NFKD", visible(text)).casefold()
    kept = "".join(
        " " if unicodedata.category(each)[0] in "PSZC" else each
        for each in folded
        if each not in _MARKS
    )
    return re.sub(r"\s+", " ", kept).strip().translate(_LETTERS)


_MEANT = {
    _plain(word): wish for wish, words in _WORDS.items() for word in words.split()
}
_MEANT |= {_plain(phrase): wish for phrase, wish in _PHRASES.items()}


def wish_in(text: str) -> Said | None:
    """Read what a message asks for, if it is one of the words and nothing else."""
    plain = _plain(text[:200])
    if wish := _MEANT.get(plain):
        return Said(wish, "")
    word, _, rest = plain.partition(" ")
    wish = _MEANT.get(word)
    if wish in _ARGUED and rest.isdecimal():
        return Said(wish, rest)
    return None


def asks_to_join(text: str) -> bool:
    """Whether a message says that it is about joining."""
    return "join" in _plain(text[:200]).split()


def looks_like_code(text: str) -> bool:
    """Whether a message that may hold a code is clearly meant as one.

    Ordinary words have a code's letters and length: THURSDAY does. A digit tells.
    """
    return len(text.split()) == 1 and any(each.isdecimal() for each in text)
