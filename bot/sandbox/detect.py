"""What Telegram turns into links, mentions and commands by itself."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_GENERIC = (
    "com org net info biz edu gov mil int news io ai app dev blog press media live "
    "online site tech xyz me tv co fm link page world today report africa asia aero "
    "agency club cloud digital email global group health help law life press pro "
    "radio shop show social store team tel top travel video wiki work"
)
_COUNTRIES = (
    "ac ad ae af ag al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn "
    "bo br bs bt bw by bz ca cc cd cf cg ch ci ck cl cm cn cr cu cv cw cx cy cz de dj "
    "dk dm do dz ec ee eg er es et eu fi fj fk fo fr ga gb gd ge gf gg gh gi gl gm gn "
    "gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in iq ir is it je jm jo jp "
    "ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md mg mh "
    "mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu "
    "nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se "
    "sg sh si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to "
    "tr tt tw tz ua ug uk us uy uz va vc ve vg vi vn vu wf ws ye yt za zm zw"
)
_ENDINGS = frozenset(f"{_GENERIC} {_COUNTRIES}".split())

_URL = re.compile(
    r"(?<![\w@.\-/])(?:(?P<scheme>https?)://)?"
    r"(?P<host>(?:[\w](?:[\w-]{0,61}[\w])?\.)+(?P<end>[^\W\d_]{2,24}|xn--[\w-]+))"
    r"(?::\d{1,5})?(?P<path>[/?#][^\s<>\"»«“”]*)?",
    re.IGNORECASE,
)
_EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.)+[a-zA-Z]{2,24}\b")
_MENTION = re.compile(r"(?<![\w/@.])@([a-zA-Z0-9_]{3,32})(?!\w)")
_HASHTAG = re.compile(
    r"(?<![\w\u200c])#(?=[\w\u200c·]*[^\W\d_])([\w\u200c·]{1,256})(?![\w\u200c#])"
)
_CASHTAG = re.compile(r"(?<![\w$])\$([A-Z]{1,8})(?![\w$])")
_COMMAND = re.compile(
    r"(?<![\w/<>])/([a-zA-Z0-9_]{1,64}(?:@[a-zA-Z0-9_]{3,32})?)(?![\w/<>])"
)


def detect(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield ``(kind, start, end)`` in code points, never overlapping."""
    taken: list[tuple[int, int]] = []
    for kind, start, end in _found(text):
        if all(end <= a or start >= b for a, b in taken):
            taken.append((start, end))
            yield kind, start, end


def _found(text: str) -> Iterator[tuple[str, int, int]]:
    if "@" in text:
        for found in _EMAIL.finditer(text):
            yield "email", found.start(), found.end()
    if "." in text:
        yield from _urls(text)
    for sign, kind, pattern in (
        ("@", "mention", _MENTION),
        ("#", "hashtag", _HASHTAG),
        ("$", "cashtag", _CASHTAG),
        ("/", "bot_command", _COMMAND),
    ):
        if sign in text:
            for found in pattern.finditer(text):
                yield kind, found.start(), found.end()


def _urls(text: str) -> Iterator[tuple[str, int, int]]:
    for found in _URL.finditer(text):
        ending = found["end"].lower()
        if not found["scheme"] and ending not in _ENDINGS and ending.isascii():
            continue
        if not ending.isascii() and not found["scheme"]:
            continue
        end = found.end()
        while text[end - 1] in ".,;:!?'\"()[]{}…" and end > found.start():
            if text[end - 1] == ")" and "(" in text[found.start() : end]:
                break
            end -= 1
        yield "url", found.start(), end
