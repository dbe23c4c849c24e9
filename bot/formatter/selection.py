"""Which sentences carry a story: the lead, and those nearest to all the others.

Every word weighs by how few sentences use it (inverse document frequency); a sentence
weighs by its likeness to all the others together (the product with their sum, at the
cost of one pass) and a little more the earlier it stands, as news is written.
"""

from __future__ import annotations

from collections import Counter
from math import fsum, log, sqrt
from typing import TYPE_CHECKING

import regex

from bot.domain.messages import utf16_length

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOM = 700  #: UTF-16 units of sentences a story is given
CONSIDERED = 400  #: sentences; what comes later is background

_WORD = regex.compile(r"\w+")
_ALREADY_SAID = 0.5  # cosine
_LEANS = regex.compile(  # on the sentence before it, which may not be chosen
    r"[\"“‘]?(?:He|She|It|They|His|Her|Its|Their|This|These|That|Those|But|And|However"
    r"|Also|Meanwhile|Moreover|Both|Such|Then|The (?:council|group|latter|two|pair))\b"
)
_LEANING = 0.75
_FADING = 0.05  # per sentence


def select(sentences: Sequence[str], room: int = ROOM) -> tuple[str, ...]:
    """Return the lead and the sentences that carry the story with it, in order.

    Args:
        sentences: Of the whole story, in its order. The first is the lead, and is
            kept whatever its length.
        room: UTF-16 units the sentences may take together.
    """
    sentences = sentences[:CONSIDERED]
    words = [Counter(_WORD.findall(sentence.casefold())) for sentence in sentences]
    used_in = Counter(word for counts in words for word in counts)
    vectors = [
        _unit({w: n * log((len(words) + 1) / used_in[w]) for w, n in counts.items()})
        for counts in words
    ]
    whole: Counter[str] = Counter()
    for vector in vectors:
        whole.update(vector)
    centrality = [
        _product(vector, whole)
        * (_LEANING if _LEANS.match(sentence) else 1)
        / (1 + _FADING * place)
        for place, (vector, sentence) in enumerate(zip(vectors, sentences, strict=True))
    ]
    chosen = [0] if sentences else []
    left = room - sum(utf16_length(sentences[i]) for i in chosen)
    for i in sorted(range(1, len(sentences)), key=lambda i: (-centrality[i], i)):
        length = utf16_length(sentences[i])
        if length <= left and all(
            _product(vectors[i], vectors[j]) < _ALREADY_SAID for j in chosen
        ):
            chosen.append(i)
            left -= length
    return tuple(sentences[i] for i in sorted(chosen))


def _unit(vector: dict[str, float]) -> dict[str, float]:
    length = sqrt(fsum(weight * weight for weight in vector.values())) or 1
    return {word: weight / length for word, weight in vector.items()}


def _product(one: dict[str, float], other: dict[str, float] | Counter[str]) -> float:
    return fsum(weight * other.get(word, 0) for word, weight in one.items())
