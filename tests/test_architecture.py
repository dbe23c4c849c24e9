"""The layers hold: by contract for imports, by syntax tree for what is no import."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = [
    path
    for folder in ("bot", "handlers", "storage")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if "migrations/versions" not in path.as_posix()
]


LINT = """
import sys
from importlinter.cli import lint_imports_command
sys.argv = ["lint-imports", "--no-logo", "--no-cache"]
lint_imports_command()
"""


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    """Check the contracts of *folder*'s pyproject.toml on *folder*'s code."""
    return subprocess.run(  # noqa: S603 - our own interpreter and program
        [
            sys.executable,
            "-c",
            LINT,
        ],
        cwd=folder,
        env={"PYTHONPATH": str(folder), "PATH": "", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A copy of the code, to plant mistakes in."""
    for path in OURS:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    return tmp_path


def test_the_import_contracts_are_kept(copy: Path) -> None:
    result = lint_imports(copy)

    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    ("module", "line"),
    [
        ("bot/domain/pacing.py", "import bot.ports"),
        ("bot/domain/pacing.py", "import sqlalchemy"),
        ("bot/broadcaster.py", "import telegram"),
        ("bot/broadcaster.py", "import storage"),
        ("handlers/inbox.py", "import storage"),
        ("handlers/inbox.py", "import sqlmodel"),
        ("storage/database.py", "import bot.transports.telegram"),
        ("bot/sandbox/world.py", "import bot.domain.recipients"),
        ("bot/app.py", "import bot.sandbox"),
        ("bot/pump.py", "import bot.config"),
        ("bot/notices.py", "import bot.pump"),
    ],
)
def test_a_forbidden_import_breaks_a_contract(
    copy: Path, module: str, line: str
) -> None:
    """Contracts that cannot fail protect nothing."""
    path = copy / module
    path.write_text(path.read_text(encoding="utf-8") + f"\n{line}\n", encoding="utf-8")

    result = lint_imports(copy)

    assert result.returncode == 1, result.stdout + result.stderr
    assert "BROKEN" in result.stdout


def imported(tree: ast.AST) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize(
    "path", sorted((ROOT / "bot" / "domain").rglob("*.py")), ids=lambda path: path.stem
)
def test_the_domain_stands_on_the_standard_library_alone(path: Path) -> None:
    names = imported(ast.parse(path.read_text(encoding="utf-8")))
    tops = {
        name.partition(".")[0] for name in names if not name.startswith("bot.domain")
    }

    assert tops <= sys.stdlib_module_names


@pytest.mark.parametrize(
    "path", OURS, ids=lambda path: path.relative_to(ROOT).as_posix()
)
def test_an_import_inside_a_function_says_why(path: Path) -> None:
    """It is for what is slow or optional only, and its line says so."""
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    for function in ast.walk(ast.parse(text)):
        if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        inside = [
            node
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        ]
        if inside:
            first = inside[0]
            reasons = "\n".join(lines[first.lineno - 2 : first.end_lineno])
            assert "# slow" in reasons or "# optional" in reasons, (
                f"{path}:{first.lineno}"
            )


def test_rows_do_not_leave_storage() -> None:
    """No public method of storage names a table's class in what it returns."""
    rows = {
        node.name
        for path in OURS
        if path.is_relative_to(ROOT / "storage")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
        and any(keyword.arg == "table" for keyword in node.keywords)
    }
    assert rows, "storage has tables"
    for path in OURS:
        if path.is_relative_to(ROOT / "storage" / "tables"):
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        inside = path.is_relative_to(ROOT / "storage")
        for node in ast.walk(tree):
            if not inside and isinstance(node, ast.ImportFrom):
                assert not {alias.name for alias in node.names} & rows, path
            if (
                inside
                and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
                and not node.name.startswith("_")
                and node.returns is not None
            ):
                names = {
                    each.id
                    for each in ast.walk(node.returns)
                    if isinstance(each, ast.Name)
                }
                assert not names & rows, f"{path}:{node.lineno}"
