"""Digest → messages each channel can carry. Pure: no clock, no network, no files."""

from __future__ import annotations

from .cleaning import clean, clean_line
from .composing import clean_draft, compose
from .document import JoinLine
from .errors import BlockTooLong, FormatterError, NothingToSay
from .rendering import render
from .templates import template_variables

__all__ = [
    "BlockTooLong",
    "FormatterError",
    "JoinLine",
    "NothingToSay",
    "clean",
    "clean_draft",
    "clean_line",
    "compose",
    "render",
    "template_variables",
]
