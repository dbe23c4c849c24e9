"""The reference says what the code does."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from bot import phrases
from bot.cli import common, demo, formatting
from bot.cli.root import app
from bot.domain.recipients import Kind
from bot.replies import QUOTAS
from docs import generate
from docs.from_code import cli, messages, states
from handlers.answers import MOST_STORIES
from handlers.whatsapp.keywords import Wish

ROOT = Path(__file__).parent.parent.parent
REFERENCE = ROOT / "docs" / "reference"
HANDLERS = ROOT / "handlers" / "telegram"


@pytest.mark.parametrize("page", generate.pages(), ids=lambda page: page.name)
def test_what_follows_from_the_code_is_as_the_code_has_it(page: Path):
    text = page.read_text(encoding="utf-8")

    assert generate.renewed(text) == text, "make docs"


def test_every_part_that_can_be_made_is_in_a_page():
    whole = "".join(page.read_text(encoding="utf-8") for page in generate.pages())

    assert {found["name"] for found in generate.BLOCK.finditer(whole)} == set(
        generate.BLOCKS
    )


def page(name: str) -> str:
    return (REFERENCE / f"{name}.md").read_text(encoding="utf-8")


def test_no_command_is_left_out():
    shown = re.findall(r"^### (harkara .+)$", page("cli"), re.MULTILINE)

    assert len(shown) == len(set(shown))
    assert {name.split()[1] for name in shown} == {
        *(each.name for each in app.registered_commands),
        *(each.name for each in app.registered_groups),
    }
    assert shown == [" ".join(path) for path, _ in cli.found()]


def test_the_exit_statuses_are_those_of_the_program():
    shown = set(map(int, re.findall(r"^\| (\d+) \|", page("cli"), re.MULTILINE)))

    assert shown == {0, common.REFUSED, common.WRONG, demo.INTERRUPTED, demo.TERMINATED}
    assert formatting._USAGE == common.WRONG


# --- what people write ------------------------------------------------------------


def section(text: str, heading: str) -> str:
    """Return what stands under *heading*."""
    found = re.search(
        rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    assert found, heading
    return found[1]


def shown_in(heading: str) -> set[str]:
    """Return the commands that the tables under a heading begin with."""
    text = section(page("commands"), heading)
    return set(re.findall(r"^\| `/(\w+)", text, re.MULTILINE))


def method(file: str, name: str) -> ast.AST:
    tree = ast.parse((HANDLERS / file).read_text(encoding="utf-8"))
    return next(
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.AsyncFunctionDef) and node.name == name
    )


def matched(file: str, name: str) -> set[str]:
    """Return the words that a method's ``case`` lines know."""
    return {
        node.value.value
        for node in ast.walk(method(file, name))
        if isinstance(node, ast.MatchValue)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    }


def keys(file: str, name: str) -> set[str]:
    """Return the words that a method's table knows."""
    table = next(
        node for node in ast.walk(method(file, name)) if isinstance(node, ast.Dict)
    )
    return {str(each.value) for each in table.keys if isinstance(each, ast.Constant)}


def test_every_command_of_readers_is_explained():
    answered = matched("commands.py", "private")

    assert answered, "the handlers have been rewritten: read them anew"
    assert shown_in("Readers, in Telegram's private chat") == answered | {"start"}


def test_every_command_of_groups_is_explained():
    answered = matched("commands.py", "group")

    assert answered, "the handlers have been rewritten: read them anew"
    assert shown_in("Groups") == answered | {"start"}


def test_every_command_of_editors_is_explained():
    answered = keys("editors.py", "run")

    assert answered, "the handlers have been rewritten: read them anew"
    assert shown_in("Editors, in Telegram's private chat") == answered | {"start"}


def test_every_button_is_named_as_it_is_labelled():
    text = section(page("commands"), "Editors, in Telegram's private chat")
    for label in (
        phrases.confirm_label,
        phrases.cancel_label,
        phrases.sent_label,
        phrases.repeat_label,
    ):
        assert f"| {label('en')} |" in text


def test_the_numbers_among_the_commands_are_the_program_s():
    text = page("commands")
    reader, group = QUOTAS[Kind.READER], QUOTAS[Kind.GROUP]

    assert f"at most {reader.messages} messages a minute" in text
    assert reader.within.total_seconds() == 60
    assert (
        f"one group {group.messages} in {group.within.total_seconds():.0f} seconds"
        in text
    )
    assert MOST_STORIES == 5
    assert "five at most" in text


def test_every_wish_of_whatsapp_readers_has_its_words():
    for wish in Wish:
        row = rf"^\| {wish.value} \| `"
        assert re.search(row, states.whatsapp_words(), re.MULTILINE)


# --- what the how-to pages quote ---------------------------------------------------


@pytest.fixture(scope="module")
def said() -> str:
    """Every text in the source."""
    return "\n".join(
        " ".join(node.value.split())
        for _, tree in messages._sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )


def quoted(name: str) -> list[str]:
    """Return what a how-to page says that the program says."""
    text = (ROOT / "docs" / "how-to" / name).read_text(encoding="utf-8")
    flat = re.sub(r"\n +", " ", text)
    return [
        *re.findall(r"^### \"(.+)\"$", text, re.MULTILINE),
        *re.findall(r"the log says \*([^*]+)\*", flat),
        *re.findall(r"^\| \*([^*]+)\* \|", text, re.MULTILINE),
        *re.findall(
            r"^\| ([^|`*]+) \| (?:copy|it is|another|make a|an older|free|\[put)",
            text,
            re.MULTILINE,
        ),
    ]


@pytest.mark.parametrize(("name", "least"), [("troubles.md", 13), ("groups.md", 3)])
def test_what_the_program_is_said_to_say_it_says(name: str, least: int, said: str):
    found = quoted(name)

    assert len(found) >= least, found
    for quotation in found:
        for piece in re.split(
            r"…|harkara\.db|, run harkara database upgrade", quotation
        ):
            assert piece.strip(" ;,") in said, quotation


# --- states and messages ----------------------------------------------------------


def test_a_member_without_a_meaning_is_found():
    with pytest.raises(LookupError, match=r"Wish\.STOP"):
        states.meanings(Wish)


def test_messages_of_every_family_are_gathered():
    rows = messages._rows()

    assert {family for family, _, _ in rows} == {
        "settings",
        "database",
        "what was asked",
        "the application",
        "files",
    }
    assert any("did you mean" in text for _, text, _ in rows)
