"""Every command, argument and option, with what the program's own help says of it."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any

from typer.main import get_command

from bot.cli.root import app
from docs.from_code.markdown import code, table

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Stands under every command that reads the settings; said once instead.
_EVERYWHERE = "config"
#: Bounds that only keep a number within the tables; nobody needs to read them.
_HUGE = 2**31


def commands() -> str:
    """Return a section for each command, in the order of the program's help."""
    return "\n\n".join(_section(path, command) for path, command in found())


def found(
    group: Any = None, path: tuple[str, ...] = ("harkara",)
) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Return every command with the words that call it."""
    group = get_command(app) if group is None else group
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from found(command, (*path, name))
        else:
            yield (*path, name), command


def _section(path: tuple[str, ...], command: Any) -> str:
    parameters = [each for each in command.params if each.name != _EVERYWHERE]
    usage = [*path, *(_usage(each) for each in parameters)]
    parts = [
        f"### {' '.join(path)}",
        code(" ".join(filter(None, usage))),
        "\n\n".join(" ".join(each.split()) for each in command.help.split("\n\n")),
    ]
    if parameters:
        rows = [(_name(each), _meaning(each)) for each in parameters]
        parts.append(table(("", "what it is"), rows))
    return "\n\n".join(parts)


def _usage(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        name = parameter.name.rstrip("_").upper()
        return name if parameter.required else f"[{name}]"
    if parameter.required:
        return _spelt(parameter)
    return ""


def _spelt(parameter: Any) -> str:
    """Return an option with the value that it takes."""
    flags = "|".join([*parameter.opts, *parameter.secondary_opts])
    if parameter.is_flag:
        return flags
    return f"{flags} {parameter.name.rstrip('_').upper()}"


def _name(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return code(parameter.name.rstrip("_").upper())
    flags = [*parameter.opts, *parameter.secondary_opts]
    return ", ".join(map(code, flags))


def _meaning(parameter: Any) -> str:
    words = [" ".join(parameter.help.split())]
    kind = parameter.type_descriptor.annotation
    if isinstance(kind, type) and issubclass(kind, Enum):
        choices = ", ".join(code(each.value) for each in kind)
        words.append(f"One of {choices}.")
    low, high = parameter.min, parameter.max
    if low is not None and high is not None and high < _HUGE:
        words.append(f"From {low} to {high:,}.")
    elif low is not None:
        words.append(f"At least {low}.")
    if parameter.param_type_name == "option" and parameter.required:
        words.append("**Required.**")
    elif not getattr(parameter, "is_flag", False) and parameter.default not in (
        None,
        "",
    ):
        default = parameter.default
        value = default.value if isinstance(default, Enum) else default
        words.append(f"Default: {code(value)}.")
    return " ".join(words)
