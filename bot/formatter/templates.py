"""What fills an approved WhatsApp template, where free text is not allowed.

Three variables: 1 the headline, 2 the lead and as many sentences as fit, 3 the link.
Meta takes no line breaks, no tabs and no runs of blanks in them, and none may be
empty; a missing link is an em dash, which says “none” in every script.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.domain.messages import utf16_length

from .cleaning import beginning, clean_line, has_words
from .document import cleaned
from .errors import NothingToSay
from .links import is_link
from .shortening import shorten
from .whatsapp import WhatsApp

if TYPE_CHECKING:
    from bot.domain.digests import Digest

TOTAL = 900  #: UTF-16 units; the template's own words share 1,024 with them
NONE = "—"

_HEADLINE = 250
_LINK = 450
_BETWEEN_STORIES = " • "


def template_variables(digest: Digest) -> tuple[tuple[str, str], ...]:
    """Return what fills the digest template, in its order.

    Raises:
        NothingToSay: The digest has no words.
    """
    stories = [cleaned(story) for story in digest.stories]
    stories = [story for story in stories if story.headline or story.sentences]
    if not stories:
        raise NothingToSay(
            "this digest has no words; give it a story with a headline or a sentence"
        )
    first = stories[0]
    language = first.language
    link = first.link
    if not is_link(link) or utf16_length(link) > _LINK:
        link = NONE
    heading = clean_line(digest.heading)
    if len(stories) > 1:
        titles = [story.headline or story.sentences[0] for story in stories]
        title = heading if has_words(heading) else titles.pop(0)
        body = _BETWEEN_STORIES.join(titles)
    else:
        title = first.headline or first.sentences[0]
        body = " ".join(first.sentences) or title
    headline = shorten(_harmless(title), _HEADLINE, language=language)
    room = TOTAL - utf16_length(headline) - utf16_length(link)
    return (
        ("1", headline),
        ("2", shorten(_harmless(body), room, language=language)),
        ("3", link),
    )


def _harmless(text: str) -> str:
    # a value stands inside the template's text, where markers would pair as well
    return WhatsApp().harmless(beginning(text, TOTAL + 1))
