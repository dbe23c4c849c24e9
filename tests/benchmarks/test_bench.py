from __future__ import annotations

import os
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from json import loads
from pathlib import Path
from typing import Any

import pytest

from benchmarks.server import Server, compiled

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(
    not (shutil.which("cc") or shutil.which("gcc") or os.environ.get("CI")),
    reason="the server of the measurement wants a C compiler",
)


@pytest.fixture(scope="module")
def binary(tmp_path_factory):
    return compiled(tmp_path_factory.mktemp("server"), tls=False)


def post(url: str) -> tuple[int, dict[str, Any]]:
    request = urllib.request.Request(url, data=b"{}", method="POST")  # noqa: S310 - ours
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:  # noqa: S310 - ours
            return answer.status, loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, loads(error.read())


def test_the_server_answers_as_the_providers_do_each_time_with_another_number(binary):
    with Server(binary) as server:
        telegram = [post(f"{server.base}/botT/sendMessage") for _ in range(2)]
        twilio = [
            post(f"{server.base}/2010-04-01/Accounts/AC1/Messages.json")
            for _ in range(2)
        ]
        stats = server.stats(worst=True)

    assert [status for status, _ in telegram + twilio] == [200, 200, 201, 201]
    assert len({answer["result"]["message_id"] for _, answer in telegram}) == 2
    assert {len(answer["sid"]) for _, answer in twilio} == {34}
    assert len({answer["sid"] for _, answer in twilio}) == 2
    assert (stats.accepted, stats.refused, stats.odd) == (4, 0, 0)
    assert stats.worst_second == 4


@pytest.mark.parametrize("delay", [0, 20])
def test_a_strict_window_refuses_what_is_too_much_for_any_second(binary, delay):
    with Server(binary, limit=3, delay_ms=delay) as server:
        answers = [post(f"{server.base}/botT/sendMessage") for _ in range(5)]
        stats = server.stats(worst=True)

    assert [status for status, _ in answers] == [200, 200, 200, 429, 429]
    assert answers[-1][1]["parameters"] == {"retry_after": 1}
    assert (stats.accepted, stats.refused, stats.worst_second) == (3, 2, 3)


def test_ours_is_measured_from_the_editors_word_to_the_last_row():
    asked = ["telegram", "--only", "ours", "--rounds", "1", "--messages", "50"]
    ended = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "benchmarks", *asked],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert "NOT VERIFIED" not in ended.stdout
