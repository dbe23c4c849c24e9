"""Every setting."""

from __future__ import annotations

from pydantic import SecretStr

from bot.config import Settings


def table() -> str:
    """Every setting as the reference shows it."""
    rows = ["| setting | default | what it is |", "|---|---|---|"]
    for name, field in Settings.model_fields.items():
        value = field.default
        if isinstance(value, SecretStr):
            value = value.get_secret_value()
        if isinstance(value, tuple):
            value = " ".join(value)
        if isinstance(value, bool):
            value = str(value).lower()
        shown = f"`{value}`" if value != "" else "–"
        rows.append(f"| `{name}` | {shown} | {field.description} |")
    return "\n".join(rows)
