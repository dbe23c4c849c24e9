"""The command line, loaded once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.documents.pages import ROOT
from tests.documents.warm import client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="session")
def commands(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with the command ``harkara`` in it, for the path."""
    folder = tmp_path_factory.mktemp("bin")
    path = folder / "socket"
    server = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.documents.warm", str(path)],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PTB_TIMEDELTA": "1"},
    )
    try:
        deadline = time.monotonic() + 60
        while not path.exists():
            assert server.poll() is None, "it has ended"
            assert time.monotonic() < deadline
            time.sleep(0.05)
        client(folder, path)
        yield folder
    finally:
        server.kill()
        server.wait()
