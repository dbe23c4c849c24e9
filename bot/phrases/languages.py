"""Which words name a language, by the registry that babel carries."""

from __future__ import annotations

import re

from babel import Locale
from babel.core import get_global

from .catalogue import primary

_TAG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{1,8})*")
#: A tag that names no language: “not determined”.
_NONE = "und"


def is_language(tag: str) -> bool:
    """Whether *tag* is a BCP 47 tag of a language that there is, as ``ur`` or ``scl``.

    Where a language has a code of two letters, the one of three is none.
    """
    if not _TAG.fullmatch(tag):
        return False
    code = primary(tag)
    if len(code) > len(get_global("language_aliases").get(code, code)):
        return False
    known = code in get_global("likely_subtags") or code in get_global(
        "language_aliases"
    )
    return known and code != _NONE


def nearest(words: str) -> str:
    """Return the tag that *words* may have meant, as ``ur`` of Urdu; else nothing."""
    wanted = words.strip().lower()
    alias = get_global("language_aliases").get(primary(words), "")
    if is_language(alias):
        return str(alias)
    for tag, name in Locale("en").languages.items():
        if name.lower() == wanted and is_language(tag):
            return str(tag)
    return ""
