"""The catalogues are complete, faithful to their placeholders, and short enough."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import bot.phrases
from bot.phrases import catalogue

HERE = Path(bot.phrases.__file__).parent
PLACEHOLDER = re.compile(r"\{\w+\}")


def said() -> set[str | tuple[str, ...]]:
    """Every sentence that stands in the code."""
    return {
        message if isinstance(message, str) else tuple(message)
        for _, _, message, _, _ in extract_from_dir(str(HERE))
    }


def read(language: str):
    with catalogue.path(language).open("rb") as source:
        return read_po(source, locale=language, abort_invalid=True)


@pytest.fixture(scope="module", params=catalogue.TRANSLATED)
def entries(request):
    found = [each for each in read(request.param) if each.id]
    return {each.id: each for each in found}


def test_every_catalogue_on_disk_is_known():
    on_disk = {each.parent.parent.name for each in HERE.rglob("*.po")}

    assert on_disk == set(catalogue.TRANSLATED)


def test_every_sentence_is_in_every_catalogue_and_nothing_else(entries):
    assert set(entries) == said()


def test_nothing_is_untranslated_or_fuzzy(entries):
    for entry in entries.values():
        forms = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        assert all(form.strip() for form in forms), entry.id
        assert not entry.fuzzy, entry.id


def test_placeholders_are_those_of_the_english(entries):
    for entry in entries.values():
        given = entry.id if isinstance(entry.id, tuple) else (entry.id,)
        forms = entry.string if isinstance(entry.string, tuple) else (entry.string,)
        wanted = [sorted(PLACEHOLDER.findall(each)) for each in given]
        for form in forms:
            assert sorted(PLACEHOLDER.findall(form)) == wanted[-1], entry.id


@pytest.mark.parametrize(("language", "forms"), [("ur", 2), ("hi", 2), ("ar", 6)])
def test_every_plural_form_is_there(language, forms):
    catalogues = read(language)

    assert catalogues.num_plurals == forms
    for entry in catalogues:
        if isinstance(entry.id, tuple):
            assert len(entry.string) == forms, entry.id


def test_plural_forms_follow_the_number():
    arabic = catalogue.words("ar")
    shown = {
        count: arabic.ngettext("{count} recipient", "{count} recipients", count)
        for count in (1, 2, 5, 11, 100)
    }

    assert shown == {
        1: "مستلم واحد ({count})",
        2: "مستلمان ({count})",
        5: "{count} مستلمين",
        11: "{count} مستلمًا",
        100: "{count} مستلم",
    }
