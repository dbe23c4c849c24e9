"""Every example in the documents is run, or its page says why not."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.chaos import harness, test_kill, test_term
from tests.container.following import PAGE
from tests.documents.pages import PAGES, ROOT, blocks
from tests.documents.terminal import Terminal, free_ports, pattern, source

if TYPE_CHECKING:
    from collections.abc import Iterator

DOCS = ROOT / "docs"

#: Followed one after the other, as a newcomer does who has accounts.
NEWCOMER = [
    ROOT / "README.md",
    DOCS / "how-to" / "bot-token.md",
    DOCS / "how-to" / "whatsapp.md",
]
#: Each followed at a desk that is up and has readers.
AT_WORK = [
    DOCS / "how-to" / name
    for name in (
        "broadcast.md",
        "corrections.md",
        "cms.md",
        "groups.md",
        "troubles.md",
    )
]
#: Followed by tests/container/proof.py, which says what it has left out.
ELSEWHERE = {PAGE}
FOLLOWED = {*NEWCOMER, *AT_WORK, DOCS / "tutorial.md"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_example_is_run_or_says_why_not(page: Path):
    for block in blocks(page) if page not in ELSEWHERE else []:
        if block.language == "console" and not block.skipped:
            assert page in FOLLOWED, block.body
            assert block.commands
        if block.skipped:
            assert len(block.mark.removeprefix("not run: ").split()) > 2, "the reason"


def test_the_tutorial_goes_as_it_says(tmp_path: Path, commands: Path):
    with Terminal(source(tmp_path / "source", commands)) as terminal:
        for block in blocks(DOCS / "tutorial.md"):
            terminal.follow(block)

        assert (tmp_path / "home" / "first-digest" / "harkara.db").exists()


@pytest.fixture
def providers(tmp_path: Path, commands: Path) -> Iterator[Terminal]:
    """A sandbox in the place of both providers; its terminal is not the reader's."""
    folder = tmp_path / "providers"
    folder.mkdir()
    with Terminal(folder, commands) as terminal:
        terminal.start("harkara sandbox start", "…Ctrl-C ends it…")
        yield terminal


def settings(providers: Terminal) -> dict[str, str]:
    return tomllib.loads(providers.type("harkara sandbox settings"))


def test_readme_and_how_to_pages_lead_to_a_green_check(
    tmp_path: Path, commands: Path, providers: Terminal
):
    values = settings(providers)
    where = {name: values.pop(name) for name in ("telegram_api", "twilio_api")}
    with Terminal(
        source(tmp_path / "source", commands),
        settings=values,
        extra=where,
        port=providers.port,
    ) as terminal:
        # The README sends the reader to the pages, and asks at its end if all is well.
        readme, *how_to = map(blocks, NEWCOMER)
        questions = [each for each in readme if "harkara check" in each.body]
        assert len(questions) == 1
        steps = [each for each in readme if each not in questions]
        for block in [*steps, *itertools.chain(*how_to), *questions]:
            terminal.follow(block)

        report = terminal.type("harkara check")

    assert "✓ template" in report
    assert "✗" not in report
    assert terminal.folder == tmp_path / "home" / "desk"
    assert tomllib.loads(terminal.type("cat harkara.toml")).keys() == (
        values.keys() | where.keys()
    )


@pytest.fixture
def at_work(tmp_path: Path, commands: Path, providers: Terminal) -> Iterator[Terminal]:
    """A desk that is up, with a group and readers on both platforms."""
    folder = tmp_path / "desk"
    folder.mkdir()
    story = next(b.body for b in blocks(DOCS / "tutorial.md") if b.file == "story.txt")
    (folder / "story.txt").write_text(story, encoding="utf-8")
    with Terminal(folder, commands, port=providers.port) as terminal:
        terminal.type("harkara sandbox settings > harkara.toml", "")
        terminal.type("harkara database upgrade")
        terminal.start("harkara run", "… up senders=2")
        yield terminal


@pytest.mark.parametrize("page", AT_WORK, ids=lambda page: page.name)
def test_how_to_pages_go_as_they_say(page: Path, at_work: Terminal):
    if page.name in {"broadcast.md", "corrections.md"}:
        readers(at_work)
    for block in blocks(page):
        if block.language != "toml":
            at_work.follow(block)


def readers(desk: Terminal) -> None:
    """Let a group, and a reader on either platform, join an audience."""
    desk.type('harkara audience create valley --title "Kashmir Watch"')
    desk.type("harkara link create valley --for group")
    desk.type(
        'harkara sandbox follow Bilal "https://t.me/…" --into "Srinagar Neighbours"'
    )
    desk.type("harkara link create valley")
    desk.type('harkara sandbox follow Ayesha "https://t.me/…"')
    desk.type('harkara sandbox follow Rehana "https://wa.me/…"')
    desk.type("harkara audience list", "NAME …\nvalley  Kashmir Watch  en        3")


def test_what_a_folder_holds_is_taken_in_or_stays_and_is_told(at_work: Terminal):
    (script,) = (b for b in blocks(DOCS / "how-to" / "cms.md") if b.file)
    at_work.follow(script)
    inbox, taken = at_work.folder / "inbox", at_work.folder / "taken"
    inbox.mkdir()
    taken.mkdir()
    whole = "https://news.example.org/1\n\nThe bridge at Zaina Kadal is open again.\n"
    (inbox / "a-empty.txt").touch()
    (inbox / "b-whole.txt").write_text(whole, encoding="utf-8")
    (inbox / "c-half").write_text(whole, encoding="utf-8")
    (inbox / "d-link.txt").symlink_to(at_work.folder / "harkara.toml")
    asked = f"cd / && sh {at_work.folder / script.file}"

    at_work.type(
        f"({asked}; echo status $?)",
        "harkara: …take-in.sh: inbox/a-empty.txt was refused\n"
        "article 1, version 1\nstatus 1",
    )
    assert [file.name for file in taken.iterdir()] == ["b-whole.txt"]
    assert {file.name for file in inbox.iterdir()} == {
        "a-empty.txt",
        "c-half",
        "d-link.txt",
    }

    (inbox / "a-empty.txt").unlink()
    at_work.type(f"({asked}; echo status $?)", "status 0")
    (taken / "b-whole.txt").rename(inbox / "b-whole.txt")
    at_work.type(
        f"(PATH=/usr/bin:/bin; {asked}; echo status $?)",
        "…harkara: not found\ntake-in.sh: inbox/b-whole.txt was refused\nstatus 1",
    )


# --- what else a page promises ------------------------------------------------------


@pytest.mark.parametrize(
    "page", [p for p in PAGES if DOCS in p.parents], ids=lambda page: page.name
)
def test_every_page_says_which_kind_it_is(page: Path):
    if page.parent.name == "decisions" and page.name != "README.md":
        return  # their list says it for them
    text = page.read_text(encoding="utf-8")
    kind = re.match(
        r"# .+\n\n\*(Tutorial|How-to|Reference|Explanation)\b[^*]*\.\*", text
    )

    assert kind, text[:80]
    folder = {
        "how-to": "How-to",
        "reference": "Reference",
        "explanation": "Explanation",
    }
    assert kind[1] == folder.get(page.parent.name, kind[1])


def test_the_list_of_documents_is_whole():
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    listed = {(DOCS / link).resolve() for link in re.findall(r"\]\(([^)#:]+)\)", index)}
    parts = [page for page in PAGES if page.parent.name == "decisions"]

    assert {page for page in PAGES if DOCS in page.parents} - {
        *(page for page in parts if page.name != "README.md"),
        DOCS / "README.md",
    } <= listed


def test_the_figures_of_the_guarantees_are_the_tests_own():
    text = (DOCS / "explanation" / "delivery-guarantees.md").read_text(encoding="utf-8")

    assert (
        f"Killed {test_kill.KILLS} times in the middle of a broadcast to "
        f"{harness.RECIPIENTS:,} recipients, with {harness.CONCURRENCY} calls at a time"
    ) in text
    assert f"no kill left more than {harness.CONCURRENCY} in doubt" in text
    assert f"Told to stop {test_term.STOPS} times" in text


# --- the instrument itself --------------------------------------------------------


@pytest.mark.parametrize(
    ("shown", "output", "fits"),
    [
        ("link 1\n", "link 1", True),
        ("link …", "link 1\nhttps://t.me/x", True),
        ("link 1", "link 1\nhttps://t.me/x", False),
        ("", "anything", False),
        ("…\nlast", "first\nlast", True),
        ("a (b)", "a (b)", True),
    ],
)
def test_outputs_are_compared_whole(shown: str, output: str, fits: bool):  # noqa: FBT001 - a column of the table
    assert bool(pattern(shown).fullmatch(output)) is fits


def test_an_output_that_differs_is_found(tmp_path: Path, commands: Path):
    with (
        Terminal(tmp_path, commands) as terminal,
        pytest.raises(AssertionError, match="shows"),
    ):
        terminal.type("echo one", "two")


def test_ports_that_are_free_are_neighbours():
    assert free_ports(4) + 3 < 65_536
