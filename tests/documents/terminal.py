"""Types what a page shows, and compares what comes with what the page says."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from tests.documents.pages import ROOT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.documents.pages import Block

#: Seconds for what comes by itself, a message that arrives, a program that starts.
PATIENCE = 60.0
GAP = "…"
#: As the pages show them.
SHOWN_PORT = 8700


def free_ports(count: int) -> int:
    """Return the first of *count* neighbouring ports that nobody has."""
    for first in range(20_000 + os.getpid() % 997 * 40, 64_000, count):
        taken = []
        try:
            for port in range(first, first + count):
                probe = socket.socket()
                taken.append(probe)
                probe.bind(("127.0.0.1", port))
        except OSError:
            continue
        finally:
            for probe in taken:
                probe.close()
        return first
    raise AssertionError("no port is free")


def pattern(shown: str) -> re.Pattern[str]:
    """Return what an output must look like: … stands for anything."""
    pieces = map(re.escape, shown.strip().split(GAP))
    return re.compile(".*?".join(pieces), re.DOTALL)


def source(folder: Path, commands: Path) -> Path:
    """Make a folder as `make demo` leaves the source's, as far as pages speak of it."""
    (folder / ".venv").mkdir(parents=True)
    (folder / ".venv" / "bin").symlink_to(commands)
    (folder / "bot").symlink_to(ROOT / "bot")
    return folder


def bare_path() -> str:
    """Return this machine's path without the folders that hold a ``harkara``."""
    folders = os.environ["PATH"].split(os.pathsep)
    return os.pathsep.join(
        folder for folder in folders if not (Path(folder) / "harkara").exists()
    )


class Terminal:
    """A folder, a shell in it, and others beside it in which programs stay up.

    Args:
        folder: Commands run there, until one changes to another folder.
        commands: Where ``harkara`` is; none for a reader who has yet to arrange that.
        settings: Values to put in the place of a page's, by name.
        extra: Settings that no page speaks of: where the sandbox is.
    """

    def __init__(
        self,
        folder: Path,
        commands: Path | None = None,
        *,
        settings: Mapping[str, str] | None = None,
        extra: Mapping[str, str] | None = None,
        port: int | None = None,
    ) -> None:
        self.folder = folder
        self.port = free_ports(4) if port is None else port
        self._logs = folder.parent
        self._settings = dict(settings or {})
        self._extra = dict(extra or {})
        self._seen = ""
        self._programs: list[tuple[str, subprocess.Popen[bytes], Path]] = []
        self._opening: list[str] = []
        home = folder.parent / "home"
        home.mkdir(exist_ok=True)
        self._path = f"{commands}:{bare_path()}" if commands else bare_path()
        self._environ = {
            "PATH": self._path,
            "HOME": str(home),
            "HARKARA_SANDBOX_PORT": str(self.port),
            "PTB_TIMEDELTA": "1",
            "LANG": "C.UTF-8",
        }

    def __enter__(self) -> Self:
        """Open it."""
        return self

    def __exit__(self, *exception: object) -> None:
        """End whatever is still up, the last first."""
        while self._programs:
            self._end()

    def follow(self, block: Block) -> None:
        """Do what a block asks for."""
        if block.skipped:
            return
        if block.file:
            (self.folder / block.file).write_text(block.body, encoding="utf-8")
        elif block.language == "toml":
            self._write_settings(block.body)
        elif block.language == "console":
            for command, shown in block.commands:
                if block.elsewhere:
                    self.start(command, shown, again=block.again)
                else:
                    self.type(command, shown)
                if block.everywhere:
                    self._opening.append(command)

    def type(self, command: str, shown: str = GAP) -> str:
        """Run a command to its end; its output must be as shown."""
        command, expected = self._filled_in(command), pattern(self._here(shown))
        state = self._logs / "state"
        remembering = f'trap \'printf "%s\\n" "$PATH" "$PWD" > {state}\' EXIT'
        deadline = time.monotonic() + PATIENCE
        while True:
            done = subprocess.run(  # noqa: S603 - our own pages
                ["/bin/sh", "-c", f"{remembering}\n{command}"],
                cwd=self.folder,
                env={**self._environ, "PATH": self._path},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                timeout=PATIENCE,
                check=False,
            )
            output = done.stdout.decode()
            assert done.returncode == 0, f"{command}\n{output}"
            # What a command only shows may still be on its way.
            waits = re.search(r" (show|list|count|health|check|coverage)\b", command)
            if expected.fullmatch(output.strip()):
                break
            over = not waits or time.monotonic() > deadline
            assert not over, f"{command}\n{output}\n--- the page shows\n{shown}"
            time.sleep(0.3)
        self._seen += output
        self._path, folder = state.read_text(encoding="utf-8").splitlines()
        self.folder = Path(folder)
        return output

    def start(self, command: str, shown: str = "", *, again: bool = False) -> None:
        """Start what stays up; return once it has printed what is shown."""
        if again:
            self._end()
        log = self._logs / f"{self.folder.name}-{time.monotonic_ns()}.log"
        lines = [*self._opening, f"exec {command}"]
        with log.open("wb") as output:
            program = subprocess.Popen(  # noqa: S603 - our own pages
                ["/bin/sh", "-c", "\n".join(lines)],
                cwd=self.folder,
                env=self._environ,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
            )
        self._programs.append((command, program, log))
        expected = pattern(self._here(shown))
        deadline = time.monotonic() + PATIENCE
        while not expected.match(log.read_text(encoding="utf-8").strip()):
            said = log.read_text(encoding="utf-8")
            assert program.poll() is None, f"{command} ended\n{said}"
            assert time.monotonic() < deadline, f"{command}\n{said}"
            time.sleep(0.1)

    def _end(self) -> None:
        command, program, log = self._programs.pop()
        program.send_signal(signal.SIGTERM)
        try:
            status = program.wait(30)
        except subprocess.TimeoutExpired:
            program.kill()
            raise
        assert status == 0, f"{command}\n{log.read_text(encoding='utf-8')}"

    def _filled_in(self, command: str) -> str:
        """Put in what the reader copies out of an earlier output."""

        def copied(gap: re.Match[str]) -> str:
            found = re.findall(rf"{re.escape(gap[1])}[^\s\"]+", self._seen)
            assert found, f"nothing to copy for {gap[0]}"
            return str(found[-1])

        return re.sub(rf"([^\s\"]+){GAP}", copied, command)

    def _here(self, shown: str) -> str:
        """Return what a page shows with the ports of this test."""
        return re.sub(
            r"(127\.0\.0\.1:)(870\d)",
            lambda found: f"{found[1]}{self.port + int(found[2]) - SHOWN_PORT}",
            shown,
        )

    def _write_settings(self, text: str) -> None:
        """Add a page's settings to the file, with values that open something here."""
        file = self.folder / "harkara.toml"
        before = tomllib.loads(file.read_text("utf-8")) if file.exists() else {}
        given: dict[str, Any] = tomllib.loads(text)
        values = {**self._extra, **before}
        values |= {name: self._settings.get(name, given[name]) for name in given}
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in values.items()]
        file.write_text("".join(lines), encoding="utf-8")
