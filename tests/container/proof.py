"""The proof that the Dockerfile's image runs: built and run without an engine.

``.ci/container`` starts it, as root on Linux, in a mount namespace of its own. The last
stage is started as an engine would start it under compose.yaml: its own user, no
privilege, its files read-only but for /data and /tmp, the first process of its process
namespace, and a network that holds nothing but the sandbox.
"""

from __future__ import annotations

import argparse
import ctypes
import fcntl
import json
import os
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from tests.container.building import (
    Builder,
    inside,
    make_base,
    mounted,
    run,
    say,
    size,
)
from tests.container.dockerfile import Image, parse
from tests.container.following import Reader

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]

#: Seconds until it must be well, and until it must have ended.
WELL_WITHIN = 60
ENDED_WITHIN = 10

CLONE_NEWNET = 0x40000000
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1

MEBIBYTE = 1 << 20

STORY = "The bridge at Zaina Kadal is open again, the city said on Thursday.\n"

#: Prints the names of what is installed beside the interpreter that runs it.
INSTALLED = (
    "import importlib.metadata as m;"
    "print(*{d.name.lower().replace('_', '-') for d in m.distributions()})"
)


def check(holds: object, what: str) -> None:
    """Say what has been seen to hold, or end."""
    if not holds:
        sys.exit(f".ci/container: not so: {what}")
    say(f"ok: {what}")


def private_network() -> None:
    """Leave every network; only a loopback of our own is there from now on."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        asked = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack_from("16xH", ioctl(any_socket, SIOCGIFFLAGS, asked))
        ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def ioctl(device: socket.socket, number: int, given: bytes) -> bytes:
    """Call ioctl with a structure; return it as it came back."""
    answer = fcntl.ioctl(device, number, given)
    return bytes(answer)


@contextmanager
def sandbox() -> Iterator[dict[str, str]]:
    """Run the pretend providers; yield the settings that lead there."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bot.sandbox"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        told = json.loads(process.stdout.readline())
        yield {
            "HARKARA_BOT_TOKEN": told["bot_token"],
            "HARKARA_TELEGRAM_API": told["telegram_url"],
            "HARKARA_TWILIO_API": told["twilio_url"],
            "HARKARA_TWILIO_ACCOUNT_SID": told["account_sid"],
            "HARKARA_TWILIO_AUTH_TOKEN": told["auth_token"],
            "HARKARA_WHATSAPP_NUMBER": told["whatsapp_number"],
            "HARKARA_PUBLIC_URL": "https://desk.example",
        }
    finally:
        process.terminate()
        process.wait()


class Container:
    """An image's files, made ready to run programs in as the image's user."""

    def __init__(self, image: Image, root: Path) -> None:
        self._image = image
        self._root = root

    @property
    def environ(self) -> dict[str, str]:
        """The image's environment."""
        return dict(self._image.environ)

    def words(self, *command: str) -> list[str]:
        """Return what runs *command* in it, without any privilege."""
        user, _, group = self._image.user.partition(":")
        return [
            shutil.which("chroot") or "/usr/sbin/chroot",
            str(self._root),
            "/usr/bin/setpriv",
            f"--reuid={user}",
            f"--regid={group}",
            "--clear-groups",
            "--inh-caps=-all",
            "--bounding-set=-all",
            "--no-new-privs",
            "/usr/bin/env",
            "-C",
            self._image.folder,
            *command,
        ]

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in it, as ``docker exec`` would."""
        return subprocess.run(  # noqa: S603 - our own image's commands
            self.words(*command),
            env=dict(self._image.environ),
            capture_output=True,
            text=True,
            timeout=WELL_WITHIN,
            check=False,
        )

    def well(self) -> bool:
        """Ask the image's own health check."""
        return self.run(*self._image.health).returncode == 0

    @contextmanager
    def started(self, log: Path) -> Iterator[Life]:
        """Start the image's command as process 1, its output in *log*."""
        proc = inside(self._root, "/proc")
        unshare = shutil.which("unshare") or "/usr/bin/unshare"
        own = ["--pid", "--fork", "--kill-child", f"--mount-proc={proc}"]
        with (
            log.open("w") as output,
            subprocess.Popen(  # noqa: S603 - our own image's command
                [unshare, *own, *self.words(*self._image.command)],
                env=dict(self._image.environ),
                stdout=output,
                stderr=subprocess.STDOUT,
            ) as process,
        ):
            try:
                yield Life(process, log)
            finally:
                process.kill()


class Life:
    """A started container."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self._process = process
        self._log = log

    def wait_until_well(self, container: Container) -> float:
        """Wait for the health check; return the seconds it took."""
        begun = time.monotonic()
        while not container.well():
            if self._process.poll() is not None:
                sys.exit(f".ci/container: it ended:\n{self._log.read_text()}")
            if time.monotonic() - begun > WELL_WITHIN:
                sys.exit(f".ci/container: never well:\n{self._log.read_text()}")
            time.sleep(0.2)
        return time.monotonic() - begun

    @property
    def first(self) -> int:
        """The number of the container's process 1 on this machine."""
        shown = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return int(shown.read_text().split()[0])

    def facts(self) -> dict[str, str]:
        """Return what the kernel says about process 1."""
        lines = Path(f"/proc/{self.first}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def stop(self, name: str) -> tuple[int, float]:
        """Send the image's signal; return the status and the seconds it took."""
        begun = time.monotonic()
        os.kill(self.first, signal.Signals[name])
        return self._process.wait(ENDED_WITHIN), time.monotonic() - begun


def prove(image: Image, root: Path, place: Path) -> None:
    """Start what was built and look at it from all sides."""
    data, log = place / "data", place / "log"
    owned = inside(root, image.folder).stat()
    data.mkdir(mode=owned.st_mode & 0o777)
    os.chown(data, owned.st_uid, owned.st_gid)  # a new volume is as the image has it
    private_network()
    with ExitStack() as stack:
        settings = stack.enter_context(sandbox())
        run("mount", "--bind", root, root)
        stack.callback(run, "umount", root)
        (volume,) = image.volumes
        stack.enter_context(mounted(root, **{volume.lstrip("/"): data}))
        run("mount", "-o", "remount,bind,ro", root)
        container = Container(
            replace(image, environ={**image.environ, **settings}), root
        )
        packages(container)
        check(not container.well(), "the health check fails before the start")
        with container.started(log) as life:
            taken = life.wait_until_well(container)
            check(life.facts(), f"the health check is green after {taken:.1f} s")
            enclosed(container, life, image)
            kept(data, owned.st_uid)
            desk = place / "desk"
            desk.mkdir()
            reader = Reader(desk, container.words(), container.environ)
            (desk / "story.txt").write_text(STORY, encoding="utf-8")
            check(reader.follow("audience create"), "the page's commands beside it")
            check(
                reader.follow("health").startswith("up"), "and its look at the health"
            )
            copied(container, reader, desk, data)
            stopped(life, image, log)
        with container.started(log) as life:
            taken = life.wait_until_well(container)
            shown = container.run("harkara", "audience", "list").stdout
            check("later" in shown, f"a new one on the same volume: {taken:.1f} s")
            stopped(life, image, log)
        restored(reader, desk, data)
        kept(data, owned.st_uid)
        with container.started(log) as life:
            taken = life.wait_until_well(container)
            shown = container.run("harkara", "audience", "list").stdout
            check("valley" in shown, f"a new one on the copy: {taken:.1f} s")
            check("later" not in shown, "it knows what was there at that time")
            stopped(life, image, log)
        check(not reader.left, f"the page is followed whole {reader.left or ''}")


def packages(container: Container) -> None:
    """What runs is in the image, and nothing that only builds or tests."""
    locked = {
        line.split("==")[0]
        for line in (ROOT / "requirements-run.lock").read_text().splitlines()
        if "==" in line
    }
    found = set(container.run("python", "-c", INSTALLED).stdout.split())
    found = {name.replace(".", "-") for name in found}
    check("harkara" in found, f"{len(found)} packages are installed")
    extra = found - locked - {"harkara"}
    check(not extra, f"only what runs is installed {sorted(extra) or ''}".rstrip())


def enclosed(container: Container, life: Life, image: Image) -> None:
    """Nothing but /data and /tmp can be written, and nobody has a privilege."""
    facts = life.facts()
    user = image.user.partition(":")[0]
    check(int(user), "it is not root")
    check(facts["NSpid"].split()[-1] == "1", "it is process 1")
    check(set(facts["Uid"].split()) == {user}, f"it runs as {user}")
    check(int(facts["CapBnd"], 16) == 0, "it has no capability and can get none")
    for folder in ("/", "/etc", "/opt/harkara", "/usr", "/var", "/home"):
        tried = container.run("touch", f"{folder}/written")
        check("Read-only" in tried.stderr, f"{folder} cannot be written")
    for folder in ("/data", "/tmp"):  # noqa: S108 - of the container
        tried = container.run("touch", f"{folder}/written")
        check(tried.returncode == 0, f"{folder} can")


def kept(data: Path, user: int) -> None:
    """Everything that is kept is in the volume, and is its owner's alone."""
    (data / "written").unlink(missing_ok=True)
    files = sorted(data.iterdir())
    check(data / "harkara.db" in files, " ".join(file.name for file in files))
    for file in files:
        found = file.stat()
        shown = f"{file.name} is readable by its owner alone"
        check(found.st_uid == user and not found.st_mode & 0o077, shown)


def copied(container: Container, reader: Reader, desk: Path, data: Path) -> None:
    """The page's copies are made while it works, and lie outside the volume."""
    reader.follow("VACUUM INTO")
    (copy,) = desk.glob("harkara-*.db")
    with closing(sqlite3.connect(copy)) as database:
        names = database.execute("SELECT name FROM audience").fetchall()
        (articles,) = database.execute("SELECT count(*) FROM article").fetchone()
    check(names == [("valley",)], "a copy of the database is made while it works")
    check(articles == 1, "it holds the article that came by standard input")
    check(not (data / "copy.db").exists(), "none is left in the volume")
    key = desk / "harkara.key"
    check(key.read_bytes() == (data / "harkara.db.key").read_bytes(), "so is the key")
    check(not key.stat().st_mode & 0o077, "which is its owner's alone")
    made = container.run("harkara", "audience", "create", "later")
    check(made.returncode == 0, "something is made after the copy")


def restored(reader: Reader, desk: Path, data: Path) -> None:
    """On an empty volume the page's commands put key and copy back."""
    for file in data.iterdir():
        file.unlink()
    (copy,) = desk.glob("harkara-*.db")
    copy.rename(desk / "harkara-2026-01-31.db")  # as the page calls it
    reader.follow("< harkara.key")
    reader.follow("< harkara-2026-01-31.db")
    check((data / "harkara.db").exists(), "key and copy are put back")


def stopped(life: Life, image: Image, log: Path) -> None:
    """It ends in order when asked."""
    status, taken = life.stop(image.signal)
    check(status == 0, f"{image.signal}: status {status} after {taken:.1f} s")
    check("drained" in log.read_text().splitlines()[-1], "its last line says drained")


def main() -> None:
    """Build, prove, and print the figures."""
    parser = argparse.ArgumentParser(prog=".ci/container", description=__doc__)
    parser.add_argument("--base", type=Path, help="keep the base's files here")
    parser.add_argument("--mirror", default="", help="where Debian's packages are")
    options = parser.parse_args()
    begun = time.monotonic()
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory(prefix="harkara-image-") as folder:
        place = Path(folder)
        place.chmod(0o755)  # the image's user has to reach its files
        base = (options.base or place / "base").resolve()
        for name in {stage.base for stage in parse(text)}:
            say(f"FROM {name}")
            make_base(name, base, mirror=options.mirror)
        based = time.monotonic()
        image, root = Builder(ROOT, place, base).build(text)
        built = time.monotonic()
        prove(image, root, place)
        ours = size(inside(root, "/opt/harkara"))
        say(f"installed: {ours / MEBIBYTE:.0f} MiB in /opt/harkara")
        say(f"the base stands in with {size(base) / MEBIBYTE:.0f} MiB")
        ended = time.monotonic()
        say(
            f"base {based - begun:.0f} s, build {built - based:.0f} s, "
            f"proof {ended - built:.0f} s"
        )


if __name__ == "__main__":
    main()
