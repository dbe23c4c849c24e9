"""The stories that come with the demo: each can be sent, and they never run out."""

from __future__ import annotations

import pytest

from bot.cli.newswire import STORIES, draft
from bot.domain.recipients import Channel
from bot.formatter import compose, render


@pytest.mark.parametrize("number", range(len(STORIES)))
def test_every_story_becomes_one_message_in_its_own_language(number):
    digest = compose(draft(number))
    (story,) = digest.stories
    assert story.headline == STORIES[number].headline
    assert story.language == STORIES[number].language
    assert len(story.sentences) >= 2
    assert "newsletter" not in " ".join(story.sentences)
    for channel in Channel:
        assert len(render(digest, channel)) == 1


def test_after_the_last_the_first_comes_again_as_a_new_one():
    rounds = [draft(number) for number in range(2 * len(STORIES))]
    assert len({each.link for each in rounds}) == len(rounds)
    assert rounds[len(STORIES)].headline == f"{STORIES[0].headline} (2)"
    assert {each.language for each in rounds} == {"en", "ur", "hi", "ar"}
