"""``harkara format``: what is printed, and what is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from bot.cli.formatting import LARGEST_FILE, format_

SAMPLE = Path(__file__).parents[1] / "data" / "pakistan-ttp-border.txt"

app = typer.Typer(pretty_exceptions_enable=False)
app.command("format")(format_)


def run(*arguments, stdin=None):
    return CliRunner().invoke(app, [*map(str, arguments)], input=stdin)


@pytest.fixture
def article(tmp_path):
    def write(content):
        path = tmp_path / "article.txt"
        path.write_bytes(content)
        return path

    return write


def test_the_message_is_printed_exactly_and_notes_apart():
    result = run(SAMPLE, "--link", "https://example.com/?a=1&b=2")
    assert result.exit_code == 0
    assert result.stdout.startswith("<b>The Minister of Defense of Pakistan")
    assert "&amp;b=2" in result.stdout
    assert "furniture" not in result.stdout
    assert result.stderr.count("note: ") == 2


@pytest.mark.parametrize(
    ("channel", "beginning", "mode", "limit"),
    [
        ("telegram", "<b>Rain</b>", "HTML", 4_096),
        ("whatsapp", "*Rain*", None, 1_600),
        ("plain", "Rain\n", None, 4_096),
    ],
)
def test_json(article, channel, beginning, mode, limit):
    path = article("بارش ہوئی۔ It rained [bold]a lot.".encode())
    result = run(path, "--title", "Rain", "--channel", channel, "--json")
    answer = json.loads(result.stdout)
    (message,) = answer["messages"]
    assert message["text"].startswith(beginning)
    assert "بارش ہوئی۔" in result.stdout
    assert "[bold]a lot." in message["text"]
    assert (message["parse_mode"], message["limit"]) == (mode, limit)
    assert message["length"] > 0
    assert answer["notes"] == []


def test_the_join_line_is_in_the_readers_language(article):
    path = article(b"It rained today.")
    for channel in ("telegram", "whatsapp", "plain"):
        result = run(path, "--join-link", "https://wa.me/1", "--channel", channel)
        assert result.exit_code == 0, result.stderr
        assert "https://wa.me/1" in result.stdout
    telegram = run(path, "--join-link", "https://t.me/b?start=x", "--channel", "plain")
    assert "Telegram" in telegram.stdout
    urdu = run(path, "--join-link", "https://wa.me/1", "--language", "ur")
    english = run(path, "--join-link", "https://wa.me/1", "--language", "en")
    assert urdu.stdout != english.stdout


def test_several_messages_are_told_apart(article):
    path = article(b"It rained. " + b"a" * 1_150 + b".")
    title = "Rain " * 49
    result = run(path, "--title", title, "--channel", "whatsapp", "--json")
    assert len(json.loads(result.stdout)["messages"]) == 1
    link = "https://example.com/" + "b" * 1_400
    result = run(path, "--title", title, "--channel", "whatsapp", "--link", link)
    assert "\n\n--- 2/2 ---\n\nhttps://example.com/bbb" in result.stdout


@pytest.mark.parametrize(
    "content",
    [
        "It rained: بارش.".encode(),
        "It rained: بارش.".encode("utf-8-sig"),
        "It rained: بارش.".encode("utf-16"),
        b"\xfe\xff" + "It rained: بارش.".encode("utf-16-be"),
    ],
)
def test_encodings(article, content):
    assert "It rained: بارش." in run(article(content)).stdout


def test_standard_input():
    assert "It rained" in run("-", stdin="It rained today.").stdout


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; put the article's text into it"),
        (b" \n\t\n", "is empty; put the article's text into it"),
        (b"... *** ...", "has no words; give it a text"),
        (b"It rained\x00 today.", "is a binary file; give plain text"),
        (b"\x89PNG\r\n\x1a\n\xff", "is not UTF-8 text; save it as UTF-8"),
        (b"\xff\xfeA", "is not UTF-8 text; save it as UTF-8"),
        ("Ä".encode("latin-1"), "is not UTF-8 text; save it as UTF-8"),
        (b"a" * (LARGEST_FILE + 1), "is larger than 10 MB"),
    ],
)
def test_what_cannot_be_read_is_refused(article, content, reason):
    result = run(article(content))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert reason in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_files_that_are_none(tmp_path):
    for file, reason in (
        (tmp_path, "is a directory; name one text file"),
        (tmp_path / "none.txt", "there is no file"),
        (tmp_path / ("a" * 300), "cannot be read (File name too long)"),
        ("a\0b", "cannot be read"),
        (SAMPLE / "below", "cannot be read (Not a directory)"),
    ):
        result = run(file)
        assert result.exit_code == 2
        assert reason in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_utf8_whatever_the_locale():
    program = "import typer; from bot.cli.formatting import format_; typer.run(format_)"
    result = subprocess.run(  # noqa: S603 — this very Python
        [sys.executable, "-c", program, "-", "--channel", "plain"],
        input="بارش ہوئی۔".encode(),
        env={**os.environ, "LC_ALL": "C", "PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert "بارش ہوئی۔" in result.stdout.decode()
    assert "بارش ہوئی" in result.stderr.decode()


def test_what_cannot_be_written_is_said(article):
    path = article(b"It rained today.")
    program = "import typer; from bot.cli.formatting import format_; typer.run(format_)"
    with Path("/dev/full").open("wb") as full:
        result = subprocess.run(  # noqa: S603 — this very Python
            [sys.executable, "-c", program, str(path), "--title", "Rain"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert result.returncode == 2
    assert result.stderr.startswith(b"harkara: the output cannot be written")
    assert len(result.stderr.splitlines()) == 1


def test_a_closed_standard_input_is_said():
    program = (
        "import sys, typer; from bot.cli.formatting import format_\n"
        "sys.stdin = None\n"
        "typer.run(format_)"
    )
    result = subprocess.run(  # noqa: S603 — this very Python
        [sys.executable, "-c", program, "-"], capture_output=True, check=False
    )
    assert result.returncode == 2
    assert result.stderr == b"harkara: standard input is closed; name a file.\n"
