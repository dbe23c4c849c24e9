"""``harkara health``: ask the running application how it is."""

from __future__ import annotations

import http.client
import json
from typing import Any

import typer

from bot.cli.common import DEFAULT_CONFIG, ConfigFile
from bot.domain.errors import ConfigError

#: Seconds to wait for an answer: longer than the application waits for its database.
PATIENCE = 8.0
#: What is no reason to start again.
WELL = frozenset({"up", "starting"})
#: Addresses that mean every interface, and the one by which we reach ourselves.
_OURSELVES = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - read, not bound


def health(config: ConfigFile = DEFAULT_CONFIG) -> None:
    """Say in one line how the running application is; 0 if well, else 1.

    Made for a container's health check: it asks at the address of the settings.
    """
    from bot.config import load  # slow: the settings' library

    try:
        settings = load(config, channels=False)
    except ConfigError as error:
        _say(f"down: {str(error).splitlines()[0]}", well=False)
    host, port = settings.listen_address
    try:
        facts = _ask(_OURSELVES.get(host, host), port)
    except (OSError, http.client.HTTPException, ValueError) as error:
        why = getattr(error, "strerror", None) or type(error).__name__
        _say(
            f"down: nothing of ours answers at {settings.listen} ({why}); "
            "start harkara run, or look at its log",
            well=False,
        )
    _say(_line(facts), well=facts["status"] in WELL)


def _ask(host: str, port: int) -> dict[str, Any]:
    """Fetch the facts.

    Raises:
        OSError, http.client.HTTPException, ValueError: There are none.
    """
    connection = http.client.HTTPConnection(host, port, timeout=PATIENCE)
    try:
        connection.request("GET", "/health")
        facts = json.loads(connection.getresponse().read(65_536))
    finally:
        connection.close()
    if not isinstance(facts, dict) or "status" not in facts:
        raise ValueError("that is not ours")
    return facts


def _line(facts: dict[str, Any]) -> str:
    if facts["status"] != "up":
        return f"{facts['status']}: {facts.get('reason', 'it does not say why')}"
    senders = [f"{name} {state}" for name, state in facts.get("senders", {}).items()]
    inbox = f"inbox {facts.get('inbox', 0)} waiting"
    oldest = facts.get("oldest_waiting_seconds")
    if oldest is not None:
        inbox += f", the oldest for {oldest:g} s"
    return ", ".join(["up: database ok", *senders, inbox])


def _say(line: str, *, well: bool) -> None:
    typer.echo(line, err=not well)
    raise typer.Exit(0 if well else 1)
