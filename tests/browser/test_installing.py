"""``make test`` sees to a browser, or says in one line what to install."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / ".ci" / "browser"


def ask(path: str, browser: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - our own script
        ["/bin/sh", str(SCRIPT)],
        env={"PATH": path, "HARKARA_CHROMIUM": browser},
        capture_output=True,
        text=True,
        check=False,
    )


def test_where_nothing_can_be_installed_it_says_what_to_install(tmp_path: Path):
    for tool in ("id", "ls"):  # and no apt-get
        found = shutil.which(tool)
        assert found is not None
        (tmp_path / tool).symlink_to(found)
    answer = ask(str(tmp_path), "no-such-browser")
    assert answer.returncode == 0, "the other tests go on"
    assert answer.stdout == ""
    assert answer.stderr.startswith("For the browser tests, install: chromium")
    assert answer.stderr.count("\n") == 1
