"""What is written as JSON comes back as it was."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from bot.domain.digests import Digest, Note, Story
from bot.domain.messages import Button, ChatPicker, Template, Text
from storage.codec import (
    decode_digest,
    decode_message,
    decode_payload,
    encode_digest,
    encode_message,
    encode_payload,
)

words = st.text()
buttons = st.builds(Button, words, words, words)
texts = st.builds(
    Text,
    text=words,
    markup=st.sampled_from(["HTML", None]),
    length=st.integers(0, 10_000),
    limit=st.integers(0, 10_000),
    buttons=st.lists(st.lists(buttons, max_size=3).map(tuple), max_size=3).map(tuple),
    picker=st.none() | st.builds(ChatPicker, words, st.integers(0, 2**31 - 1)),
)
templates = st.builds(
    Template,
    content_sid=words,
    variables=st.lists(st.tuples(words, words), max_size=5).map(tuple),
)
stories = st.builds(
    Story,
    headline=words,
    sentences=st.lists(words, max_size=5).map(tuple),
    link=words,
    language=words,
)
digests = st.builds(
    Digest,
    stories=st.lists(stories, max_size=4).map(tuple),
    heading=words,
    notes=st.lists(st.builds(Note, words, words), max_size=3).map(tuple),
)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | words
anything = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3)
    ),
    max_leaves=10,
)


@given(texts | templates)
def test_messages_come_back(message):
    assert decode_message(encode_message(message)) == message


@given(digests)
def test_digests_come_back(digest):
    assert decode_digest(encode_digest(digest)) == digest


@given(st.dictionaries(words, anything))
def test_payloads_come_back(payload):
    assert decode_payload(encode_payload(payload)) == payload


def test_a_payload_may_hold_half_a_character():
    """Telegram's JSON can; it must not stop what comes after it."""
    payload = json.loads('{"text": "\\ud83d"}')

    assert decode_payload(encode_payload(payload)) == payload
    assert encode_payload(payload).isascii()


def test_messages_are_stored_as_a_person_reads_them():
    message = Text(text="آج کی خبر", length=9, limit=4096)

    assert "آج کی خبر" in encode_message(message)
