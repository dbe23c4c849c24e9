"""What WhatsApp would make of a text, judged more severely than WhatsApp does."""

from __future__ import annotations

import re

ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)
INSIDE_A_WORD = re.compile(r"(?<=[A-Za-z0-9])_(?=[A-Za-z0-9])")
MARKERS = re.compile(r"[*_~`]")
BOLD_LINE = re.compile(r"\*[^\s*_~`](?:[^*_~`\n]*[^\s*_~`])?\*")
LIST_OR_QUOTE = re.compile(r"\s*(?:>|[-*] |\d+\. )")


def bold_lines(text: str) -> list[str]:
    """Return the lines shown bold; any other markup is an error."""
    found = []
    for line in text.split("\n"):
        assert not LIST_OR_QUOTE.match(line), line
        judged = INSIDE_A_WORD.sub("", ADDRESS.sub("", line))
        if BOLD_LINE.fullmatch(judged):
            found.append(line[1:-1])
        else:
            assert not MARKERS.search(judged), line
    return found
