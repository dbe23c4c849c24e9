"""Which words name a language."""

from __future__ import annotations

import pytest

from bot.phrases.catalogue import TRANSLATED
from bot.phrases.languages import is_language, nearest

#: Kashmiri, Shina, Balti, Burushaski, Khowar, Gojri, Dogri, Pahari-Pothwari, Punjabi.
OF_THE_VALLEYS = ("ks", "scl", "bft", "bsk", "khw", "gju", "doi", "phr", "pnb", "pa")


@pytest.mark.parametrize(
    "tag",
    ["en", *TRANSLATED, *OF_THE_VALLEYS, "ur-PK", "ks-Deva", "pa_Arab_PK", "EN", "zh"],
)
def test_a_language(tag):
    assert is_language(tag)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("xx", ""),
        ("und", ""),
        ("zz", ""),
        ("qaa", ""),
        ("e", ""),
        ("", ""),
        ("ur-", ""),
        ("ur PK", ""),
        ("urd", "ur"),
        ("hin", "hi"),
        ("urdu", "ur"),
        ("Kashmiri", "ks"),
        ("english", "en"),
        ("und_PK", ""),
        ("en\n", ""),
    ],
)
def test_what_is_none_with_the_nearest(words, meant):
    assert not is_language(words)
    assert nearest(words) == meant
