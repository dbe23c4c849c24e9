"""What the documents promise is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from bot.cli.root import app

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])


def commands(group: typer.core.TyperGroup, before: str = "") -> set[str]:
    """Every command's whole name."""
    names = set()
    for name, command in group.commands.items():
        whole = f"{before}{name}"
        if isinstance(command, typer.core.TyperGroup):
            names |= commands(command, f"{whole} ")
        else:
            names.add(whole)
    return names


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_that_a_page_names_exists(page: Path):
    root = get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    known = commands(root)
    text = page.read_text(encoding="utf-8")
    named = re.findall(r"(?:^\s*\$ |`)harkara ((?:[a-z]+ ?){1,2})", text, re.MULTILINE)

    for words in named:
        first, *rest = words.split()
        assert first in known or " ".join([first, *rest[:1]]) in known, words


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_inside_the_repository_leads_somewhere(page: Path):
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))

    for link in links:
        assert (page.parent / link).exists(), link


def anchors(page: Path) -> set[str]:
    """What a page's headings are called in an address, as forges make it."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {
        re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings
    }


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_heading_finds_it(page: Path):
    text = page.read_text(encoding="utf-8")

    for link, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", text):
        there = (page.parent / link).resolve() if link else page
        assert anchor in anchors(there), f"{link}#{anchor}"


def test_the_two_commands_are_the_first_of_the_readme():
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    shown = [line for line in lines if line.startswith("make ")]

    assert [line.split("#")[0].strip() for line in shown[:2]] == [
        "make demo",
        "make test",
    ]
