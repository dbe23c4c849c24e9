"""Messages, digests and what came in, to JSON and back.

Each shape is spelled out, so that what is stored does not change when a class does.
"""

from __future__ import annotations

import json
from typing import Any

from bot.domain.digests import Digest, Note, Story
from bot.domain.messages import Button, ChatPicker, OutboundMessage, Template, Text


def encode_message(message: OutboundMessage) -> str:
    """Write a finished message."""
    if isinstance(message, Template):
        return _dump(
            {
                "template": message.content_sid,
                "variables": [list(pair) for pair in message.variables],
            }
        )
    shape: dict[str, Any] = {
        "text": message.text,
        "markup": message.markup,
        "length": message.length,
        "limit": message.limit,
    }
    if message.buttons:
        shape["buttons"] = [
            [[each.label, each.data, each.url] for each in row]
            for row in message.buttons
        ]
    if message.picker is not None:
        shape["picker"] = [message.picker.label, message.picker.request_id]
    return _dump(shape)


def decode_message(stored: str) -> OutboundMessage:
    """Read what `encode_message` wrote."""
    shape = json.loads(stored)
    if "template" in shape:
        return Template(
            content_sid=shape["template"],
            variables=tuple((name, value) for name, value in shape["variables"]),
        )
    picker = shape.get("picker")
    return Text(
        text=shape["text"],
        markup=shape["markup"],
        length=shape["length"],
        limit=shape["limit"],
        buttons=tuple(
            tuple(Button(label, data, url) for label, data, url in row)
            for row in shape.get("buttons", ())
        ),
        picker=ChatPicker(picker[0], picker[1]) if picker else None,
    )


def encode_digest(digest: Digest) -> str:
    """Write a digest."""
    return _dump(
        {
            "heading": digest.heading,
            "stories": [
                {
                    "headline": story.headline,
                    "sentences": list(story.sentences),
                    "link": story.link,
                    "language": story.language,
                }
                for story in digest.stories
            ],
            "notes": [[note.code, note.text] for note in digest.notes],
        }
    )


def decode_digest(stored: str) -> Digest:
    """Read what `encode_digest` wrote."""
    shape = json.loads(stored)
    return Digest(
        heading=shape["heading"],
        stories=tuple(
            Story(
                headline=story["headline"],
                sentences=tuple(story["sentences"]),
                link=story["link"],
                language=story["language"],
            )
            for story in shape["stories"]
        ),
        notes=tuple(Note(code, text) for code, text in shape["notes"]),
    )


def encode_payload(payload: dict[str, Any]) -> str:
    """Write what came in, half characters included: it is not ours to judge."""
    return json.dumps(payload, separators=(",", ":"))


def decode_payload(stored: str) -> dict[str, Any]:
    """Read what `encode_payload` wrote."""
    payload: dict[str, Any] = json.loads(stored)
    return payload


def _dump(shape: dict[str, Any]) -> str:
    return json.dumps(shape, ensure_ascii=False, separators=(",", ":"))
