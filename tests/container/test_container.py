"""What the container's files promise; that they work, `.ci/container` proves."""

from __future__ import annotations

import math
import os
import platform
import re
import stat
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from typer.main import get_command

from bot.app import CALLS_WITHIN
from bot.cli.ending import LAST_WORDS, WITHIN
from bot.cli.root import app
from bot.config import PREFIX, Settings
from handlers import health
from handlers.telegram.webhook import PATH
from handlers.whatsapp.hooks import INBOUND_PATH, STATUS_PATH
from tests.container.building import BASE, BASE_IMAGE, distrust, make_base
from tests.container.dockerfile import Ignored, NotUnderstood, context, parse
from tests.container.following import PAGE as PAGE_FILE
from tests.container.following import NotFollowed, Reader

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
STAGES = parse(DOCKERFILE.read_text(encoding="utf-8"))
IMAGE = STAGES[-1].image(BASE_IMAGE)
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
DESK: dict[str, Any] = COMPOSE["services"]["desk"]
PAGE = PAGE_FILE.read_text(encoding="utf-8")


def copied() -> set[str]:
    """Every path of the repository that a stage copies."""
    return {
        source
        for stage in STAGES
        for each in stage.instructions
        if each.name == "COPY" and "from" not in each.flags
        for source in each.words[:-1]
    }


# --- The Dockerfile ------------------------------------------------------------------


@pytest.mark.skipif(
    (sys.platform, platform.machine()) != ("linux", "x86_64"),
    reason="hadolint comes as a program for Linux on x86_64 only",
)
def test_hadolint_has_nothing_to_say():
    hadolint = Path(sys.executable).with_name("hadolint")
    result = subprocess.run(  # noqa: S603 - a program of our own environment
        [str(hadolint), str(DOCKERFILE)], capture_output=True, text=True, check=False
    )
    assert (result.returncode, result.stdout) == (0, "")


def test_every_stage_stands_on_the_same_python_that_the_project_allows():
    (base,) = {stage.base for stage in STAGES}
    named = BASE.fullmatch(base)
    assert named is not None
    assert named["python"] in SpecifierSet(PROJECT["project"]["requires-python"])


def test_the_version_is_the_project_s():
    version = PROJECT["project"]["version"]
    assert IMAGE.labels["org.opencontainers.image.version"] == version
    assert DESK["image"] == f"harkara:{version}"


def test_it_runs_as_a_numbered_user_without_rights():
    user, _, group = IMAGE.user.partition(":")
    assert int(user) >= 1000
    assert int(group) >= 1000


def test_every_setting_that_it_makes_is_one():
    names = {name for name in IMAGE.environ if name.startswith(PREFIX)}
    assert names
    assert names <= {PREFIX + name.upper() for name in Settings.model_fields}


def test_it_keeps_the_database_in_its_volume_and_listens_on_its_port():
    (volume,) = IMAGE.volumes
    assert Path(IMAGE.environ["HARKARA_DATABASE"]).is_relative_to(volume)
    assert IMAGE.environ["HARKARA_LISTEN"] == f"0.0.0.0:{IMAGE.ports[0]}"
    assert IMAGE.folder == volume


@pytest.mark.parametrize("words", [IMAGE.command, IMAGE.health], ids=" ".join)
def test_what_it_runs_are_commands_of_ours(words: tuple[str, ...]):
    program, name, *options = words
    assert program in PROJECT["project"]["scripts"]
    root = get_command(app)
    assert isinstance(root, typer.core.TyperGroup)
    known = {text for param in root.commands[name].params for text in param.opts}
    assert set(options) <= known


def test_the_signal_is_one_that_the_application_ends_in_order_by():
    assert IMAGE.signal == "SIGTERM"
    assert IMAGE.command[0] != "/bin/sh", "a shell would not pass it on"


def test_all_that_the_package_is_made_of_is_copied():
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    project = PROJECT["project"]
    wanted = {"pyproject.toml", project["readme"], *project["license-files"], *wheel}
    assert wanted <= copied()


# --- What a build is given -----------------------------------------------------------


def test_a_build_is_given_what_is_copied_and_nothing_else():
    files = context(ROOT)
    tops = {path.parts[0] for path in files}
    assert tops == copied()
    assert not [path for path in files if path.suffix in {".pyc", ".db"}]


@pytest.mark.parametrize(
    ("path", "out"),
    [
        (".env", True),
        (".git/config", True),
        (".venv/bin/python", True),
        ("harkara.toml", True),
        ("harkara.db", True),
        ("tests/conftest.py", True),
        ("bot/__pycache__/app.cpython-313.pyc", True),
        ("bot/app.py", False),
        ("bot/phrases/locale/ur/LC_MESSAGES/harkara.po", False),
        ("pyproject.toml", False),
    ],
)
def test_no_secret_and_no_litter_goes_into_a_build(path: str, *, out: bool):
    ignored = Ignored((ROOT / ".dockerignore").read_text(encoding="utf-8"))
    assert (path in ignored) is out


# --- The locks -----------------------------------------------------------------------


def locked(name: str) -> dict[str, tuple[str, ...]]:
    """Every package of a lock, with its version and hashes."""
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        package, *hashes = (part.strip() for part in line.split("--hash="))
        if hashes:
            title, _, version = package.partition("==")
            found[title] = (version.split()[0], *hashes)  # without its marker
    return found


@pytest.mark.parametrize("name", ["requirements-run.lock", "requirements-build.lock"])
def test_what_is_installed_in_it_is_what_was_tested(name: str):
    part = locked(name)
    assert part
    assert part.items() <= locked("requirements.lock").items()


def test_the_lock_for_running_has_what_runs_and_not_what_tests():
    names = set(locked("requirements-run.lock"))
    groups = PROJECT["dependency-groups"]
    runs = {
        canonicalize_name(Requirement(each).name)
        for each in PROJECT["project"]["dependencies"]
    }
    tests = {
        canonicalize_name(Requirement(each).name)
        for each in (*groups["build"], *groups["dev"])
        if isinstance(each, str)
    }
    assert runs <= names
    assert not tests & names


# --- compose.yaml --------------------------------------------------------------------


def test_it_can_write_to_its_volume_and_to_memory_and_nowhere_else():
    assert DESK["read_only"] is True
    assert DESK["tmpfs"] == ["/tmp"]  # noqa: S108 - of the container
    (volume,) = DESK["volumes"]
    name, target = volume.split(":")
    assert (target,) == IMAGE.volumes
    assert name in COMPOSE["volumes"]


def test_it_has_no_privilege_and_can_get_none():
    assert DESK["cap_drop"] == ["ALL"]
    assert DESK["security_opt"] == ["no-new-privileges:true"]
    raised = {"privileged", "cap_add", "devices", "network_mode", "pid", "user"}
    assert not raised & DESK.keys()


def test_only_this_machine_reaches_it():
    (port,) = DESK["ports"]
    assert port == f"127.0.0.1:{IMAGE.ports[0]}:{IMAGE.ports[0]}"


def test_secrets_come_from_a_file_that_is_never_committed():
    assert DESK["env_file"] == ".env"
    assert "environment" not in DESK
    assert ".env" in (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()


def test_the_example_of_that_file_names_settings_and_holds_none():
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    found = dict(re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE))
    assert "HARKARA_BOT_TOKEN" in found
    assert found.keys() <= {PREFIX + name.upper() for name in Settings.model_fields}
    assert not any(found.values())


def test_it_is_started_again():
    assert DESK["restart"] == "unless-stopped"
    assert DESK["init"] is True
    assert "healthcheck" not in DESK, "the image has its own"


def test_it_is_killed_only_after_it_would_have_ended_by_itself():
    grace = int(DESK["stop_grace_period"].removesuffix("s"))
    ended = WITHIN + LAST_WORDS
    assert CALLS_WITHIN < ended < grace
    _, _, told = PAGE.partition("The old one is told to stop, ")
    seconds = [int(each) for each in re.findall(r"(\d+) seconds", told)]
    assert seconds == [CALLS_WITHIN, math.ceil(ended), grace]


# --- The page ------------------------------------------------------------------------


CALLED = {PATH, INBOUND_PATH, STATUS_PATH, health.PATH}


@pytest.mark.parametrize("path", sorted(CALLED))
def test_the_page_lets_every_caller_through_both_proxies(path: str):
    caddy = re.search(r"^\s*@desk path (.*)$", PAGE, re.MULTILINE)
    nginx = re.search(r"^\s*location ~ (\S+) \{$", PAGE, re.MULTILINE)
    assert caddy is not None
    assert set(caddy[1].split()) == CALLED
    assert nginx is not None
    assert re.search(nginx[1], path)
    assert not re.search(nginx[1], f"{path}/more")


def test_the_page_tells_who_calls_each_path():
    assert set(re.findall(r"^\| `(/\S+)` \|", PAGE, re.MULTILINE)) == CALLED


def test_the_page_s_commands_reach_the_container(tmp_path: Path):
    (tmp_path / "story.txt").touch()
    reader = Reader(tmp_path, ["/bin/echo", "in it:"], {"LANG": "C"})
    before = len(reader.left)

    said = reader.follow("audience create").splitlines()

    assert said == [
        "in it: harkara audience create valley --title Kashmir Watch --language en",
        "in it: harkara editor invite Meera",
        "in it: harkara article add -",
    ]
    assert len(reader.left) == before - 4
    with pytest.raises(NotFollowed, match="0 blocks"):
        reader.follow("audience create")


def test_a_command_of_the_page_that_fails_is_told(tmp_path: Path):
    reader = Reader(tmp_path, ["/bin/false"], {})
    with pytest.raises(NotFollowed, match="status 1"):
        reader.follow("audience create")


# --- The reader of Dockerfiles -------------------------------------------------------


def test_lines_are_joined_and_flags_and_variables_understood():
    first, last = parse(
        "FROM python:3.13-slim-trixie AS build\n"
        "RUN one \\\n"
        "# between\n"
        " && two\n"
        "FROM python:3.13-slim-trixie\n"
        'ENV HERE=/x "THERE=a b"\n'
        "ENV PATH=$HERE/bin:${PATH}\n"
        "COPY --from=build /one /two\n"
        'HEALTHCHECK --interval=1s CMD ["is", "well"]\n'
        "CMD as it is\n"
    )
    assert first.name == "build"
    assert first.instructions[0].words == ["/bin/sh", "-c", "one && two"]
    assert first.instructions[0].line == 2
    image = last.image(BASE_IMAGE)
    assert image.environ["THERE"] == "a b"
    assert image.environ["PATH"].startswith("/x/bin:/usr/local/bin:")
    assert last.instructions[2].flags == {"from": "build"}
    assert image.health == ("is", "well")
    assert image.command == ("/bin/sh", "-c", "as it is")


@pytest.mark.parametrize(
    "text",
    ["RUN before\n", "FROM a\nADD b c\n", "FROM a\nRUN b \\\n", "FROM a LIKE b\n"],
)
def test_what_it_does_not_understand_is_an_error(text: str):
    with pytest.raises(NotUnderstood):
        [stage.image(BASE_IMAGE) for stage in parse(text)]


@pytest.mark.parametrize(
    ("rules", "path", "out"),
    [
        ("*.md", "README.md", True),
        ("*.md", "docs/a.md", False),
        ("**/*.md", "docs/a.md", True),
        ("**/*.md", "a.md", True),
        ("docs", "docs/a.md", True),
        ("docs\n!docs/a.md", "docs/a.md", False),
        ("!docs/a.md\ndocs", "docs/a.md", True),
        ("# docs", "docs/a.md", False),
        ("do?s/", "docs/a.md", True),
    ],
)
def test_the_last_rule_that_matches_decides(rules: str, path: str, *, out: bool):
    assert (path in Ignored(rules)) is out


# --- The folder that stands for the base image ---------------------------------------


@pytest.mark.parametrize(
    ("mode", "owner", "said"),
    [
        (stat.S_IFDIR | 0o755, 0, ""),
        (stat.S_IFDIR | 0o700, 0, ""),
        (stat.S_IFDIR | 0o755, 1000, "is not root's own"),
        (stat.S_IFDIR | 0o775, 0, "may be written to by others than root"),
        (stat.S_IFDIR | 0o1777, 0, "may be written to by others than root"),
        (stat.S_IFLNK | 0o777, 0, "is no folder"),
        (stat.S_IFREG | 0o755, 0, "is no folder"),
    ],
)
def test_what_others_may_fill_is_not_run_as_root(mode, owner, said):
    found = os.stat_result((mode, 0, 0, 1, owner, 0, 0, 0, 0, 0))
    assert distrust(found) == said


def test_a_base_that_somebody_else_may_have_filled_is_refused(tmp_path):
    folder = tmp_path / "base"
    folder.mkdir()
    folder.chmod(0o777)
    link = tmp_path / "link"
    link.symlink_to(folder)
    for each in (folder, link):
        with pytest.raises(NotUnderstood, match="name a folder under /var/cache"):
            make_base(STAGES[0].base, each, mirror="http://127.0.0.1:9")
    assert list(folder.iterdir()) == []
