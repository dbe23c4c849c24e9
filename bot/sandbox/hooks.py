"""What whoever starts the sandbox adds to it, from the application's side."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

#: What the page is told where nobody started an application, or it is not known.
NO_APPLICATION: dict[str, Any] = {
    "state": "none",
    "starts": 0,
    "down_for": None,
    "recovered_in": None,
    "doubtful": None,
}
NO_DELIVERIES: dict[str, Any] = {"broadcast": None, "rows": [], "not_sent": []}


@dataclass(slots=True)
class Hooks:
    """Only what is given is offered; all of it may be given later, too.

    Each may raise ValueError, in words for the visitor.
    """

    #: ``{"broadcast": {…} | None, "rows": […], "not_sent": […]}``
    deliveries: Callable[[], Awaitable[dict[str, Any]]] | None = None
    #: ``state`` (``starting``, ``up``, ``down``, ``none``) and ``starts``; each of the
    #: rest may be None: ``down_for``, ``recovered_in`` (seconds), ``doubtful`` (calls).
    application: Callable[[], dict[str, Any]] | None = None
    #: Takes the next article in; returns at least its ``title``.
    publish: Callable[[], Awaitable[dict[str, Any]]] | None = None
    #: Ends the application's process as a crash would.
    kill: Callable[[], Awaitable[None]] | None = None
    #: Ways in: ``label``, ``url`` and ``kind`` (``start``, ``startgroup``, ``wa``).
    links: list[dict[str, str]] = field(default_factory=list)
    #: Why a visitor may do nothing yet; empty as soon as they may.
    closed: str = ""

    @property
    def can(self) -> list[str]:
        """Return what a visitor may ask for that only a hook can do."""
        return [name for name in ("kill", "publish") if getattr(self, name) is not None]
