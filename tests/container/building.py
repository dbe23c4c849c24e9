"""Carrying a Dockerfile's steps out without a container engine, as root on Linux.

A stage is a folder. What the base image would hold comes from Debian's own packages:
the same release of Debian and of Python as the image's name says.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.container.dockerfile import (
    Image,
    Instruction,
    NotUnderstood,
    Stage,
    context,
    parse,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

BASE = re.compile(r"python:(?P<python>\d+\.\d+)-slim-(?P<debian>[a-z]+)")

#: What the official image says before anything is added to it.
BASE_IMAGE = Image(
    environ={"PATH": "/usr/local/bin:/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"}
)

DEVICES = ("null", "zero", "full", "random", "urandom")

#: How this machine reaches its registries; building needs it, an image never holds it.
_REACHING = re.compile(
    r"(?i)(?:https?|no|all)_proxy|SSL_CERT_(?:FILE|DIR)|REQUESTS_CA_BUNDLE|PIP_.*"
)


def run(
    *words: str | Path, environ: Mapping[str, str] | None = None, told: bool = False
) -> str:
    """Run a program of this machine; return its output, or let it be seen."""
    result = subprocess.run(  # noqa: S603 - our own words and the Dockerfile's
        [str(word) for word in words],
        env=environ,
        check=True,
        text=True,
        stdout=None if told else subprocess.PIPE,
    )
    return result.stdout or ""


def debian_mirror() -> str:
    """Return the address that this machine's apt takes Debian's packages from."""
    found = run(
        "apt-get",
        "indextargets",
        "--format",
        "$(REPO_URI)",
        "Created-By: Packages",
        "Origin: Debian",
    ).split()
    if not found:
        raise NotUnderstood("apt knows no mirror of Debian: name one with --mirror")
    return found[0]


def make_base(name: str, folder: Path, *, mirror: str) -> None:
    """Fill *folder* with what the image *name* stands for, unless it is filled."""
    wanted = BASE.fullmatch(name)
    if wanted is None:
        raise NotUnderstood(f"FROM {name}: only {BASE.pattern} is known here")
    if os.path.lexists(folder) and (why := distrust(folder.lstat())):
        raise NotUnderstood(f"--base {folder} {why}: name a folder under /var/cache")
    if not (folder / "usr/bin/python3").exists():
        run(
            "debootstrap",
            "--variant=minbase",
            "--include=python3,python3-pip,python3-venv,ca-certificates",
            wanted["debian"],
            folder,
            mirror or debian_mirror(),
        )
    shutil.rmtree(folder / "var/cache/apt/archives", ignore_errors=True)
    python = folder / "usr/local/bin/python"
    if not python.is_symlink():
        python.symlink_to("/usr/bin/python3")
    found = run("chroot", folder, "/usr/bin/python3", "--version")
    if f" {wanted['python']}." not in found:
        raise NotUnderstood(f"FROM {name}: its Debian has {found.strip()}")


def distrust(found: os.stat_result) -> str:
    """Say why what is there is not to be run as root; nothing where it may be."""
    if not stat.S_ISDIR(found.st_mode):
        return "is no folder"
    if found.st_uid != 0:
        return "is not root's own"
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return "may be written to by others than root"
    return ""


class Builder:
    """Carries out the steps of every stage.

    Args:
        source: The folder that is built.
        place: Where the stages' folders are made.
        base: A folder that `make_base` has filled.
    """

    def __init__(self, source: Path, place: Path, base: Path) -> None:
        self._source = source
        self._place = place
        self._base = base
        self._built: dict[str, Path] = {}
        self._registries = Registries()

    def build(self, text: str) -> tuple[Image, Path]:
        """Build every stage; return what the last one is, and its folder."""
        image, root = BASE_IMAGE, self._base
        for number, stage in enumerate(parse(text)):
            root = self._place / f"stage-{number}"
            image = self._stage(stage, root)
            self._built[stage.name or str(number)] = root
        return image, root

    def _stage(self, stage: Stage, root: Path) -> Image:
        run("cp", "--archive", "--reflink=auto", self._base, root)
        image = BASE_IMAGE
        for instruction in stage.instructions:
            say(f"{instruction.name} {instruction.value[:70]}")
            image = image.after(instruction)
            match instruction.name:
                case "WORKDIR":
                    inside(root, image.folder).mkdir(parents=True, exist_ok=True)
                case "COPY":
                    self._copy(instruction, root, image.folder)
                case "RUN":
                    self._run(instruction, root, image)
        return image

    def _copy(self, instruction: Instruction, root: Path, folder: str) -> None:
        if instruction.flags.keys() - {"from"}:
            raise NotUnderstood(f"line {instruction.line}: {dict(instruction.flags)}")
        *sources, target = instruction.words
        to = inside(root, str(Path(folder, target)))
        many = target.endswith("/") or len(sources) > 1
        if stage := instruction.flags.get("from"):
            for source in sources:
                if to.exists():
                    raise NotUnderstood(f"line {instruction.line}: {target} is there")
                to.parent.mkdir(parents=True, exist_ok=True)
                run("cp", "--archive", inside(self._built[stage], source), to)
            return
        files = context(self._source)
        for source in sources:
            found = [each for each in files if each.is_relative_to(source)]
            if not found:
                raise NotUnderstood(f"line {instruction.line}: there is no {source}")
            for each in found:
                rest = each.relative_to(source)
                place = to / rest if rest.name else to / each.name if many else to
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(self._source / each, place)

    def _run(self, instruction: Instruction, root: Path, image: Image) -> None:
        if instruction.flags or image.user != BASE_IMAGE.user:
            raise NotUnderstood(f"line {instruction.line}: RUN, but as root and plain")
        with mounted(root), self._registries.reachable(root):
            run(
                shutil.which("chroot") or "/usr/sbin/chroot",
                root,
                "/usr/bin/env",
                "-C",
                image.folder,
                *instruction.words,
                environ={**self._registries.environ, **image.environ},
                told=True,
            )


class Registries:
    """How this machine reaches its package registries, lent to a step of a build."""

    def __init__(self) -> None:
        """Ask the environment and pip's own settings."""
        self.environ = {
            name: value
            for name, value in os.environ.items()
            if _REACHING.fullmatch(name)
        }
        for line in run(sys.executable, "-m", "pip", "config", "list").splitlines():
            name, _, value = line.partition("=")
            if name.startswith("global."):
                option = name.removeprefix("global.").replace("-", "_").upper()
                self.environ.setdefault(f"PIP_{option}", value.strip("'\""))
        words = " ".join(self.environ.values()).split()
        # An index in files links to packages beside it, so its folder is wanted too.
        self._paths = {
            Path("/etc/resolv.conf"),
            Path("/etc/hosts"),
            *(Path(word) for word in words if word.startswith("/")),
            *(Path(word[7:]).parent for word in words if word.startswith("file:///")),
        }

    @contextmanager
    def reachable(self, root: Path) -> Iterator[None]:
        """Let the files that the settings name be seen in *root*, read-only."""
        done: list[Path] = []
        try:
            for path in sorted(self._paths):
                if not path.exists():
                    continue
                place = inside(root, str(path))
                if path.is_dir():
                    place.mkdir(parents=True, exist_ok=True)
                elif not place.exists():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    place.touch()
                bind(path.resolve(), place)
                done.append(place)
            yield
        finally:
            for place in reversed(done):
                run("umount", place)


def bind(source: Path, place: Path) -> None:
    """Show *source* at *place*, read-only."""
    run("mount", "--bind", source, place)
    run("mount", "-o", "remount,bind,ro", place)


@contextmanager
def mounted(root: Path, **volumes: Path) -> Iterator[None]:
    """Give *root* what every container has: devices, processes, a ``/tmp``.

    Args:
        root: The folder.
        volumes: Folders of this machine, by their name in the container.
    """
    mounts: list[list[str | Path]] = [
        ["-t", "tmpfs", "-o", "mode=0755,nosuid", "tmpfs", inside(root, "/dev")],
        ["-t", "proc", "proc", inside(root, "/proc")],
        ["-t", "tmpfs", "-o", "mode=1777", "tmpfs", inside(root, "/tmp")],  # noqa: S108 - of the container
    ]
    for name, here in volumes.items():
        mounts.append(["--bind", here, root / name])
    done: list[Path] = []
    try:
        for words in mounts:
            run("mount", *words)
            done.append(Path(words[-1]))
        for name in DEVICES:
            place = inside(root, f"/dev/{name}")
            place.touch()
            run("mount", "--bind", f"/dev/{name}", place)
            done.append(place)
        yield
    finally:
        for place in reversed(done):
            run("umount", place)


def inside(root: Path, path: str) -> Path:
    """Return where *path* of a container is on this machine."""
    return root / path.lstrip("/")


def size(*paths: Path) -> int:
    """Return what the folders take on disk, in bytes."""
    told = run("du", "--summarize", "--total", "--block-size=1", *paths)
    return int(told.splitlines()[-1].split()[0])


def say(text: str) -> None:
    """Tell whoever watches how far it is."""
    sys.stdout.write(f"-- {text}\n")
    sys.stdout.flush()
