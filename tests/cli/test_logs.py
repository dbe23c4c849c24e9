"""Log lines: ours, with their extras; the libraries' not at all."""

from __future__ import annotations

import logging
import re

import pytest

from bot import logs

LIBRARIES = ("telegram", "httpx", "httpcore", "twilio", "aiohttp")


@pytest.fixture(autouse=True)
def as_before():
    """Leave the process's logging as it was."""
    ours = logging.getLogger("harkara")
    before = (list(ours.handlers), ours.level, ours.propagate)
    levels = {name: logging.getLogger(name).level for name in LIBRARIES}
    yield
    ours.handlers[:], ours.propagate = before[0], before[2]
    ours.setLevel(before[1])
    for name, level in levels.items():
        logging.getLogger(name).setLevel(level)


def test_a_line_is_a_sentence_and_what_was_given_with_it(capsys):
    logs.set_up("info")
    extra = {"state": "accepted", "delivery": 7, "empty": "", "none": None, "zero": 0}
    logging.getLogger("harkara.pump").info("a delivery", extra=extra)
    line = capsys.readouterr().err
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO harkara\.pump a delivery "
        r"delivery=7 state=accepted zero=0\n",
        line,
    )


def test_an_extra_of_any_kind_is_shown(capsys, ear):
    logs.set_up("info")
    logging.getLogger("harkara.x").info("seen", extra={"ids": [1, 2], "by": {"a": 1}})
    assert capsys.readouterr().err.endswith("seen by={'a': 1} ids=[1, 2]\n")
    assert len(ear.take()) == 2, "nothing of ours logs such things"


def test_the_level_is_kept_and_setting_up_twice_doubles_nothing(capsys):
    logs.set_up("warning")
    logs.set_up("warning")
    logging.getLogger("harkara.app").info("quiet")
    logging.getLogger("harkara.app").warning("loud")
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("name", [*LIBRARIES, "aiohttp.access", "telegram.ext.x"])
def test_libraries_stay_silent_even_at_debug(capsys, name):
    logs.set_up("debug")
    logger = logging.getLogger(name)
    logger.debug("operation %s", "('+923001234567',)")
    logger.error("POST https://api.telegram.org/bot123:secret/sendMessage")
    assert not capsys.readouterr().err
    assert not logger.isEnabledFor(logging.ERROR)
